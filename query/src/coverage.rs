//! What the run ledger says about each cluster and table: until when it is covered, and where it has holes.

use arrow::array::{Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};

use crate::error::{ErrorKind, QueryError};
use crate::session::Session;

/// One row per (cluster, table); times are UTC. Compactions are left out, because they read nothing from a cluster.
pub const COVERAGE_SQL: &str = include_str!("coverage.sql");

/// One row per recorded hole, oldest first.
pub const GAPS_SQL: &str = include_str!("gaps.sql");

/// The coverage of one table of one cluster. Times are microseconds since 1970-01-01, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The cluster's incarnation.
    pub cluster_id: String,
    /// The table.
    pub table: String,
    /// Every row that became visible before this is in the lake, but for the gaps; `None` before the first complete run.
    pub covered_until: Option<i64>,
    /// When the last run started.
    pub last_run: Option<i64>,
    /// When the last export started that did not fail.
    pub last_success: Option<i64>,
    /// How the last run ended: `ok`, `gap` or `failed`.
    pub last_outcome: String,
    /// Why the last run failed.
    pub last_error: Option<String>,
    /// Runs recorded.
    pub runs: i64,
    /// Runs that failed.
    pub failed: i64,
    /// Rows added by all runs.
    pub rows_new: i64,
    /// Holes, oldest first.
    pub gaps: Vec<Gap>,
}

/// A hole: rows of this time were purged before they were read. Microseconds since 1970-01-01, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// First moment that is missing.
    pub from: i64,
    /// First moment that is not.
    pub to: i64,
}

/// Coverage of every cluster and table of the lake, by cluster and table.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn coverage(session: &Session) -> Result<Vec<Coverage>, QueryError> {
    let mut all = Vec::new();
    for batch in session.query(COVERAGE_SQL).await?.collect().await? {
        let (cluster_id, table) = (texts(&batch, "cluster_id")?, texts(&batch, "table_name")?);
        let (covered, last) = (times(&batch, "covered_until")?, times(&batch, "last_run")?);
        let success = times(&batch, "last_success")?;
        let (outcome, error) = (texts(&batch, "last_outcome")?, texts(&batch, "last_error")?);
        let (runs, failed) = (numbers(&batch, "runs")?, numbers(&batch, "failed")?);
        let new = numbers(&batch, "rows_new")?;
        for row in 0..batch.num_rows() {
            all.push(Coverage {
                cluster_id: text(&cluster_id, row).unwrap_or_default(),
                table: text(&table, row).unwrap_or_default(),
                covered_until: covered.is_valid(row).then(|| covered.value(row)),
                last_run: last.is_valid(row).then(|| last.value(row)),
                last_success: success.is_valid(row).then(|| success.value(row)),
                last_outcome: text(&outcome, row).unwrap_or_default(),
                last_error: text(&error, row),
                runs: runs.value(row),
                failed: failed.value(row),
                rows_new: new.value(row),
                gaps: Vec::new(),
            });
        }
    }
    for batch in session.query(GAPS_SQL).await?.collect().await? {
        let (cluster_id, table) = (texts(&batch, "cluster_id")?, texts(&batch, "table_name")?);
        let (from, to) = (times(&batch, "gap_from")?, times(&batch, "gap_to")?);
        for row in 0..batch.num_rows() {
            let key = (cluster_id.value(row), table.value(row));
            let found = all.iter_mut().find(|one| (one.cluster_id.as_str(), one.table.as_str()) == key);
            if let Some(coverage) = found {
                coverage.gaps.push(Gap { from: from.value(row), to: to.value(row) });
            }
        }
    }
    Ok(all)
}

pub(crate) fn text(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

pub(crate) fn texts(batch: &RecordBatch, name: &str) -> Result<StringArray, QueryError> {
    column(batch, name, &DataType::Utf8)
}

pub(crate) fn numbers(batch: &RecordBatch, name: &str) -> Result<Int64Array, QueryError> {
    column(batch, name, &DataType::Int64)
}

pub(crate) fn times(batch: &RecordBatch, name: &str) -> Result<TimestampMicrosecondArray, QueryError> {
    column(batch, name, &DataType::Timestamp(TimeUnit::Microsecond, None))
}

fn column<A: Array + Clone + 'static>(batch: &RecordBatch, name: &str, as_type: &DataType) -> Result<A, QueryError> {
    let found = batch.column_by_name(name).and_then(|column| cast(column, as_type).ok());
    found.and_then(|column| column.as_any().downcast_ref::<A>().cloned()).ok_or_else(|| {
        QueryError::new(ErrorKind::Read, format!("the run ledger has no column '{name}' of type {as_type}"))
    })
}
