//! What would stop an export, cluster by cluster, with the fix. Reads only.
//!
//! - here: one cluster, the lake, the watermarks;
//! - `account`: the AWS account: identity, key, bucket, table.

mod account;
mod bucket;
mod table;

pub use account::check_account;

use lookback_schemas::names::app_id;

use crate::error::{Error, ErrorKind};
use crate::run::{ClusterJob, Exporter, check_access, check_clock, documented_schema};
use crate::source::Session;

/// How a finding bears on an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, but somebody should know.
    Notice,
    /// Stops the export of this cluster or table.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was looked at: `connection`, `privileges`, `clock`, `tables` …
    pub what: String,
    /// How it bears on an export.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Finding {
    fn good(what: &str, text: impl Into<String>) -> Self {
        Self { what: what.to_owned(), level: Level::Good, text: text.into(), fix: None }
    }

    fn notice(what: &str, text: impl Into<String>, fix: &str) -> Self {
        Self { what: what.to_owned(), level: Level::Notice, text: text.into(), fix: Some(fix.to_owned()) }
    }

    /// A problem with a text of its own.
    pub(crate) fn wrong(what: &str, text: impl Into<String>, fix: &str) -> Self {
        Self { what: what.to_owned(), level: Level::Problem, text: text.into(), fix: Some(fix.to_owned()) }
    }

    /// A problem from an error.
    #[must_use]
    pub fn problem(what: &str, error: &Error) -> Self {
        Self {
            what: what.to_owned(),
            level: Level::Problem,
            text: error.to_string(),
            fix: error.advice().map(str::to_owned),
        }
    }
}

/// Looks at one cluster.
pub async fn check_cluster(exporter: &Exporter, job: &ClusterJob) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut session = match job.source.connect().await {
        Ok(session) => session,
        Err(e) => {
            findings.push(Finding::problem("connection", &e));
            return findings;
        }
    };
    let facts = match session.facts().await {
        Ok(facts) => facts,
        Err(e) => {
            findings.push(Finding::problem("connection", &e));
            return findings;
        }
    };
    findings.push(Finding::good("connection", facts.version.clone()));
    findings.push(if facts.encrypted {
        Finding::good("tls", "encrypted, certificate verified")
    } else {
        Finding::notice(
            "tls",
            "the connection is not encrypted, as configured",
            "remove tls = \"plaintext\" from this cluster's settings",
        )
    });
    findings.push(match check_access(&job.name, &facts.access) {
        Ok(()) => Finding::good("privileges", "rows of all users are visible"),
        Err(e) => Finding::problem("privileges", &e),
    });
    findings.push(match &facts.incarnation {
        Some(namespace) => Finding::good("incarnation", namespace.clone()),
        None => Finding::notice(
            "incarnation",
            "the server cannot say which incarnation it is: a restore under the same name would not be noticed",
            "set `incarnation` in this cluster's settings and change it after a restore",
        ),
    });
    match session.clock().await {
        Ok(server) => {
            findings.push(match check_clock(&job.name, server, exporter.now(), exporter.settings().max_clock_skew) {
                Ok(()) => Finding::good("clock", "agrees with this machine's"),
                Err(e) => Finding::problem("clock", &e),
            });
        }
        Err(e) => findings.push(Finding::problem("clock", &e)),
    }
    findings.extend(check_tables(exporter, session.as_mut(), job).await);
    findings
}

async fn check_tables(exporter: &Exporter, session: &mut dyn Session, job: &ClusterJob) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut readable = 0;
    for spec in &job.tables {
        let columns = match session.columns(spec).await {
            Ok(columns) => columns,
            Err(e) => {
                findings.push(Finding::problem(&spec.name, &e));
                if !session.is_usable() {
                    return findings;
                }
                continue;
            }
        };
        readable += 1;
        let lake_schema = match exporter.lake_table(&spec.name).await {
            Ok(Some(table)) => match table.refresh().await {
                Ok(snapshot) => snapshot.schema.as_ref().clone(),
                Err(e) => {
                    findings.push(Finding::problem(&spec.name, &e));
                    continue;
                }
            },
            Ok(None) => documented_schema(spec),
            Err(e) => {
                findings.push(Finding::problem(&spec.name, &e));
                continue;
            }
        };
        for column in columns {
            match lake_schema.field_with_name(&column.name) {
                Ok(field) if *field.data_type() != column.lake_type.arrow() => {
                    let e = Error::new(
                        ErrorKind::Schema,
                        format!(
                            "column {} is {} on the cluster and {} in the lake",
                            column.name,
                            column.lake_type.arrow(),
                            field.data_type()
                        ),
                    )
                    .advise("its type changed; the table is not exported from this cluster until the types agree");
                    findings.push(Finding::problem(&spec.name, &e));
                }
                Ok(_) => {}
                Err(_) => findings.push(Finding::notice(
                    &spec.name,
                    format!("column {} is new: it will be added to the lake", column.name),
                    "nothing to do",
                )),
            }
        }
    }
    findings.push(Finding::good("tables", format!("{readable} of {} can be read", job.tables.len())));
    findings
}

/// Looks at the lake and the watermark store.
pub async fn check_lake(exporter: &Exporter) -> Vec<Finding> {
    let mut findings = Vec::new();
    match exporter.lake().exists().await {
        Ok(true) => {}
        Ok(false) => {
            let text = format!("there is no lake at {} yet", exporter.lake().location());
            findings.push(Finding::notice("lake", text, "nothing to do: the first `lookback export` creates it"));
            return findings;
        }
        Err(e) => {
            findings.push(Finding::problem("lake", &e));
            return findings;
        }
    }
    match exporter.lake().tables().await {
        Ok(tables) => {
            findings
                .push(Finding::good("lake", format!("{} with {} tables", exporter.lake().location(), tables.len())));
        }
        Err(e) => findings.push(Finding::problem("lake", &e)),
    }
    match exporter.list_watermarks().await {
        Ok(list) => findings.push(Finding::good("watermarks", format!("{} (cluster, table) pairs", list.len()))),
        Err(e) => findings.push(Finding::problem("watermarks", &e)),
    }
    // A watermark whose lake is another one covers nothing here, and is worth a word.
    if let Ok(list) = exporter.list_watermarks().await {
        for (cluster_id, table, _) in list {
            let known = match exporter.lake_table(&table).await {
                Ok(Some(lake_table)) => {
                    lake_table.transaction_version(&app_id(&cluster_id, &table)).await.ok().flatten().is_some()
                }
                _ => false,
            };
            if !known {
                findings.push(Finding::notice(
                    "watermarks",
                    format!("{cluster_id}/{table} has a watermark, but this lake has no commit for it"),
                    "nothing to do: it is read again from the source's oldest row",
                ));
            }
        }
    }
    findings
}
