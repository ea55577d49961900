//! The story of one cluster's encryption: which way it was encrypted when, what happened, who did it, and what ran meanwhile.
//!
//! A cluster is its namespace: it keeps its story through renames. A name that several incarnations had, after a restore or a
//! new cluster of the old name, gives several stories, one after the other.
//!
//! What was only observed has two times: it was not yet so at the first, and so at the second.

mod assemble;
mod facts;
mod json;
mod work;

use lookback_schemas::names::cluster_name;

use super::rows::{Row, rows_of};
use super::run::KEPT_BYTES;
use crate::dialect::rewrite::text_literal;
use crate::error::{ErrorKind, QueryError};
use crate::names;
use crate::session::Session;

/// When something began to be so, or ceased to be: between two looks (microseconds since 1970-01-01, UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Between {
    /// The last look before it; `None` if there was none.
    pub after: Option<i64>,
    /// The first look that saw it; `None` if none has yet.
    pub by: Option<i64>,
}

/// The stories of a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// What was asked for.
    pub cluster: String,
    /// The moment of asking.
    pub as_of: i64,
    /// Only what reaches into this time is told.
    pub window: (i64, i64),
    /// One story per incarnation, the oldest first.
    pub incarnations: Vec<Incarnation>,
}

/// The story of one incarnation.
#[derive(Debug, Clone, PartialEq)]
pub struct Incarnation {
    /// What stays the same through renames.
    pub namespace_arn: String,
    /// Its account.
    pub account_id: String,
    /// Its region.
    pub region: String,
    /// When AWS says that it was created.
    pub created: Option<i64>,
    /// When it was gone; `None` if it is still there.
    pub gone: Option<Between>,
    /// The names that it had, and since when.
    pub names: Vec<(String, Between)>,
    /// How it was encrypted, and what ran meanwhile.
    pub segments: Vec<Segment>,
    /// What happened.
    pub entries: Vec<Entry>,
}

/// Time in which a cluster was encrypted in one way.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Whether it was; `None` if that was not known.
    pub encrypted: Option<bool>,
    /// How, such as `kms_cmk`.
    pub encryption_type: String,
    /// Under which key.
    pub kms_key_arn: Option<String>,
    /// When it began.
    pub began: Between,
    /// When it ended: not before the first, and by the second.
    pub ended: Between,
    /// What the logs show inside; `None` if the lake has no logs of the cluster.
    pub work: Option<Work>,
}

/// What ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Queries that started.
    pub queries: i64,
    /// Connections that were authenticated.
    pub connections: i64,
    /// Those of them without TLS.
    pub plaintext: i64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When; of what was observed, when it was seen.
    pub time: i64,
    /// When it was not yet so; `None` for what was logged.
    pub after: Option<i64>,
    /// The class of the event, or `observed`.
    pub class: String,
    /// What, for people.
    pub what: String,
    /// Who; empty if that is not known.
    pub who: String,
    /// Whether it failed.
    pub failed: bool,
    /// How often, where the same happened again within an hour.
    pub times: u32,
}

/// The class of what was only observed.
pub const OBSERVED: &str = "observed";

/// Tells the story of a cluster, given by its name or namespace ARN, as far as it reaches into a window.
///
/// # Errors
/// [`ErrorKind::Parameter`] with near names if no cluster ever had that name, or what reading the lake gives.
pub async fn timeline(
    session: &Session,
    cluster: &str,
    as_of: i64,
    window: (i64, i64),
) -> Result<Timeline, QueryError> {
    let tables: Vec<&str> = lookback_schemas::encryption::TABLES.iter().map(|table| table.name).collect();
    let session = session.with_as_of(Some(as_of)).pinned(&tables).await?;
    let asked_often = session.prepare("SELECT * FROM cluster_encryption_intervals; SELECT * FROM encryption_facts")?;
    let session = session.keeping(&asked_often, KEPT_BYTES).await?.session().clone();
    let name = if cluster.starts_with("arn:") { cluster } else { cluster_name(cluster) };
    let own = intervals(&session, &["cluster_identifier", "cluster_namespace_arn"], &[name.to_owned()]).await?;
    if own.is_empty() {
        return Err(unknown(&session, name).await?);
    }
    let arns = distinct(&own, "cluster_namespace_arn");
    let whole = intervals(&session, &["cluster_namespace_arn"], &arns).await?;
    // Whoever else had one of the names: what the logs have under it is not this cluster's then.
    let others = intervals(&session, &["cluster_identifier"], &distinct(&whole, "cluster_identifier")).await?;
    let mut incarnations = assemble::incarnations(&whole);
    for incarnation in &mut incarnations {
        facts::add(&session, incarnation).await?;
    }
    work::add(&session, &mut incarnations, &others, as_of).await?;
    incarnations.iter_mut().for_each(|incarnation| incarnation.within(window));
    Ok(Timeline { cluster: cluster.to_owned(), as_of, window, incarnations })
}

/// Intervals of clusters of which one of the columns has one of the values, by cluster and time.
async fn intervals(session: &Session, columns: &[&str], values: &[String]) -> Result<Vec<Row>, QueryError> {
    let list = values.iter().map(|value| text_literal(value.clone()).to_string()).collect::<Vec<_>>().join(", ");
    let conditions: Vec<String> = columns.iter().map(|column| format!("{column} IN ({list})")).collect();
    let sql = format!(
        "SELECT * FROM cluster_encryption_intervals WHERE {} ORDER BY cluster_namespace_arn, start_hi",
        conditions.join(" OR ")
    );
    rows_of(session, &sql).await
}

fn distinct(rows: &[Row], column: &str) -> Vec<String> {
    let mut values: Vec<String> = rows.iter().map(|row| row.text(column)).filter(|text| !text.is_empty()).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Why there is no story.
async fn unknown(session: &Session, name: &str) -> Result<QueryError, QueryError> {
    let sql = "SELECT DISTINCT cluster_identifier FROM cluster_encryption_intervals ORDER BY 1";
    let known = distinct(&rows_of(session, sql).await?, "cluster_identifier");
    if known.is_empty() {
        let message = "nothing was ever collected about clusters: let the collectors run, and ask again";
        return Ok(QueryError::new(ErrorKind::Read, message));
    }
    let near = names::nearest(name, known.iter().map(String::as_str), 3);
    let hint = match near.is_empty() {
        true => format!("there are {}", known.iter().take(20).cloned().collect::<Vec<_>>().join(", ")),
        false => format!("did you mean {}?", names::quoted(&near)),
    };
    Ok(QueryError::new(ErrorKind::Parameter, format!("no cluster ever had the name '{name}'; {hint}")))
}

impl Incarnation {
    /// Leaves out what does not reach into a window.
    fn within(&mut self, (from, to): (i64, i64)) {
        self.entries.retain(|entry| entry.time >= from && entry.after.unwrap_or(entry.time) < to);
        self.segments.retain(|segment| {
            segment.began.by.is_none_or(|began| began < to) && segment.ended.by.is_none_or(|ended| ended > from)
        });
    }

    /// The name that it had last.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names.last().map_or("", |(name, _)| name)
    }
}
