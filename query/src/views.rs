//! Redshift's own views over its STL tables, as views over the lake: one SQL file each, in the folder `views`.
//!
//! Clusters are asked for STL tables only, because what SVL and SYS views say follows from them, and every exported copy
//! would cost the cluster another read. Here are the views that really follow, so that scripts over them run. A view has
//! the columns that Redshift documents, in its order and with its types, and then `cluster_id` and `log_date`. Ids repeat
//! in every cluster, so each join is over `cluster_id` as well.
//!
//! ```sql
//! -- shows: what one row is
//! -- source: where its definition comes from
//! -- lacks: the rows of a cluster's answer that cannot be here
//! -- differs: what a cluster would answer and this view does not
//! SELECT ...
//! ```
//!
//! A column that cannot be derived is NULL, and `differs` says so. What a view `lacks` is said as a notice to everybody who
//! reads it: SVCS views also know what ran on concurrency scaling clusters, and SYS views of queries what has no query id,
//! and no STL table does. Views of which nothing can be derived are not here.

use std::sync::OnceLock;

use lookback_schemas::names::{CLUSTER_ID, LOG_DATE};
use lookback_schemas::registry;

use crate::error::{ErrorKind, QueryError};

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/views/", $name, ".sql")))),*]
    };
}

/// The files that ship with this build, sorted.
const FILES: [(&str, &str); 31] = embedded![
    "svcs_alert_event_log",
    "svcs_explain",
    "svcs_plan_info",
    "svcs_query_summary",
    "svcs_stream_segs",
    "svcs_unload_log",
    "svl_qlog",
    "svl_query_metrics",
    "svl_query_metrics_summary",
    "svl_query_queue_info",
    "svl_query_report",
    "svl_query_summary",
    "svl_statementtext",
    "svl_vacuum_percentage",
    "sys_analyze_compression_history",
    "sys_analyze_history",
    "sys_connection_log",
    "sys_copy_replacements",
    "sys_load_detail",
    "sys_load_error_detail",
    "sys_load_history",
    "sys_mv_state",
    "sys_query_detail",
    "sys_query_explain",
    "sys_query_history",
    "sys_query_text",
    "sys_schema_quota_violations",
    "sys_session_history",
    "sys_unload_detail",
    "sys_unload_history",
    "sys_userlog",
];

/// The files of the folder `audit/views`.
const RECORD_FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/record_views.rs"));

/// A view over tables of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its name: that in Redshift, if Redshift has it.
    pub name: &'static str,
    /// What one row is.
    pub shows: String,
    /// The pages of Redshift's documentation that define it.
    pub source: String,
    /// The rows that a cluster would answer with and this view cannot have; empty if it has all.
    pub lacks: String,
    /// What a cluster would answer and this view does not; empty if there is nothing.
    pub differs: String,
    /// Its SELECT, with the header as comments.
    pub sql: &'static str,
}

/// The views that Redshift has as well, by name.
#[must_use]
pub fn list() -> &'static [View] {
    static ALL: OnceLock<Vec<View>> = OnceLock::new();
    // A test parses every file; one that does not parse would not ship.
    ALL.get_or_init(|| FILES.iter().filter_map(|(name, text)| parse(name, text).ok()).collect())
}

/// The views of the encryption record, by name: intervals between its observations, and facts that several sources tell. In
/// them, `:as_of` stands for the moment that the session is at.
#[must_use]
pub fn of_record() -> &'static [View] {
    static ALL: OnceLock<Vec<View>> = OnceLock::new();
    ALL.get_or_init(|| RECORD_FILES.iter().filter_map(|(name, text)| parse(name, text).ok()).collect())
}

/// All views of both kinds.
pub fn all() -> impl Iterator<Item = &'static View> {
    list().iter().chain(of_record())
}

/// The view of that name.
#[must_use]
pub fn get(name: &str) -> Option<&'static View> {
    all().find(|view| view.name == name)
}

/// The names of the columns of one of Redshift's views.
pub(crate) fn columns(name: &str) -> Option<Vec<String>> {
    let documented = registry().table(get(name)?.name)?.columns.iter().map(|column| column.name.clone());
    Some(documented.chain([CLUSTER_ID, LOG_DATE].map(str::to_owned)).collect())
}

/// Reads a file. The header is the comment lines before the first line of SQL; a word that comes again continues.
fn parse(name: &'static str, text: &'static str) -> Result<View, QueryError> {
    let none = String::new;
    let mut view = View { name, shows: none(), source: none(), lacks: none(), differs: none(), sql: text };
    for line in text.lines().take_while(|line| line.starts_with("--")) {
        let part = match line.trim_start_matches('-').trim().split_once(':') {
            Some(("shows", text)) => Some((&mut view.shows, text)),
            Some(("source", text)) => Some((&mut view.source, text)),
            Some(("lacks", text)) => Some((&mut view.lacks, text)),
            Some(("differs", text)) => Some((&mut view.differs, text)),
            _ => None,
        };
        let Some((part, text)) = part else { return Err(wrong(name, line)) };
        if !part.is_empty() {
            part.push(' ');
        }
        part.push_str(text.trim());
    }
    if view.shows.is_empty() || view.source.is_empty() { Err(wrong(name, "")) } else { Ok(view) }
}

fn wrong(name: &str, line: &str) -> QueryError {
    QueryError::new(ErrorKind::Internal, format!("view '{name}': the header line '{line}' is not understood"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_header() {
        let names: Vec<&str> = list().iter().map(|view| view.name).collect();
        assert_eq!(names, FILES.map(|(name, _)| name));
        assert!(names.is_sorted());
        let qlog = get("svl_qlog").map(|view| view.differs.as_str()).unwrap_or_default();
        assert!(qlog.starts_with("source_query and from_sp_call are NULL") && qlog.ends_with("stand for"), "{qlog}");
        assert_eq!(get("stl_query"), None);
        let lacks = |name| get(name).map(|view: &View| view.lacks.as_str());
        assert_eq!(lacks("svcs_explain"), Some("what ran on concurrency scaling clusters"));
        assert_eq!(lacks("svl_qlog"), Some(""));
        let of_record: Vec<&str> = of_record().iter().map(|view| view.name).collect();
        assert_eq!(of_record, RECORD_FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn a_header_that_is_not_understood_is_an_error() {
        assert!(parse("x", "-- shows: a\n-- source: b\nSELECT 1").is_ok());
        for text in [
            "SELECT 1",
            "-- shows: a\nSELECT 1",
            "-- shows: a\n-- source: b\n-- more: c\nSELECT 1",
            "-- note\nSELECT 1",
        ] {
            assert!(parse("x", text).is_err(), "{text}");
        }
    }
}
