//! The run ledger: one row per run of one (cluster, table), kept in the lake as [`LEDGER_TABLE`](crate::names::LEDGER_TABLE).
//! Coverage and its gaps are read from here, and can be questioned in SQL like any log.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use std::fmt;
use std::sync::Arc;

use crate::names::CLUSTER_ID;

/// What a run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunKind {
    /// An incremental read.
    Export,
    /// The re-read of a whole day.
    Sweep,
    /// The replacement of a day's files by one sorted file.
    Compact,
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Export => "export",
            Self::Sweep => "sweep",
            Self::Compact => "compact",
        })
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The window was read completely and is committed.
    Ok,
    /// As `Ok`, and a hole before it was recorded: the source no longer held part of what was not yet covered.
    Gap,
    /// Nothing was committed, coverage did not move.
    Failed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Gap => "gap",
            Self::Failed => "failed",
        })
    }
}

/// The ledger's columns without its partition column `log_date` (the day of `started_at`). Times are UTC; `window_from` is inclusive, `window_to` exclusive.
///
/// | column | meaning |
/// |---|---|
/// | `cluster_id` | the cluster, by incarnation |
/// | `run_id` | one id for all rows of one command |
/// | `table_name`, `kind` | what was read, and why |
/// | `window_from`, `window_to` | the window of the source that was read |
/// | `covered_until` | coverage after the run |
/// | `gap_from`, `gap_to` | a hole recorded by this run |
/// | `rows_read`, `rows_new`, `rows_present` | rows the source gave, rows added, rows that the lake already had |
/// | `rows_rewritten` | rows of a compaction |
/// | `files`, `bytes` | data files written, and their size |
/// | `started_at`, `duration_ms` | by the exporter's clock |
/// | `outcome`, `error` | see [`Outcome`]; the error's text without secrets |
#[must_use]
pub fn schema() -> Arc<Schema> {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let field = |name: &str, t: DataType| Field::new(name, t, true);
    Arc::new(Schema::new(vec![
        field(CLUSTER_ID, DataType::Utf8),
        field("run_id", DataType::Utf8),
        field("table_name", DataType::Utf8),
        field("kind", DataType::Utf8),
        field("window_from", time()),
        field("window_to", time()),
        field("covered_until", time()),
        field("gap_from", time()),
        field("gap_to", time()),
        field("rows_read", DataType::Int64),
        field("rows_new", DataType::Int64),
        field("rows_present", DataType::Int64),
        field("rows_rewritten", DataType::Int64),
        field("files", DataType::Int64),
        field("bytes", DataType::Int64),
        field("started_at", time()),
        field("duration_ms", DataType::Int64),
        field("outcome", DataType::Utf8),
        field("error", DataType::Utf8),
    ]))
}

/// The columns of [`CLUSTERS_TABLE`](crate::names::CLUSTERS_TABLE) without its partition column `log_date` (the day of
/// `first_seen`): one row per incarnation.
#[must_use]
pub fn clusters_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new(CLUSTER_ID, DataType::Utf8, true),
        Field::new("cluster_name", DataType::Utf8, true),
        Field::new("incarnation", DataType::Utf8, true),
        Field::new("ordinal", DataType::Int64, true),
        Field::new("first_seen", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
    ]))
}
