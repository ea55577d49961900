//! The run ledger, and how lookback's own tables are written and read.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::interleave_record_batch;
use deltalake::kernel::{Action, Add};
use futures::TryStreamExt;
use lookback_schemas::layout::own_file;
use lookback_schemas::ledger::{Outcome, RunKind, schema};
use lookback_schemas::names::LOG_DATE;
use lookback_schemas::time::{day_name, day_of};
use object_store::ObjectStoreExt;
use parquet::arrow::ArrowWriter;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result, lake};
use crate::lake::{CommitUnit, DataFile, LakeTable, reader};
use crate::source::Window;

/// One row of the ledger. Times are microseconds UTC.
#[derive(Debug, Clone)]
pub struct LedgerRow {
    /// The cluster, by incarnation.
    pub cluster_id: String,
    /// One id for all rows of one command.
    pub run_id: String,
    /// The table.
    pub table: String,
    /// Why it was read.
    pub kind: RunKind,
    /// What was read.
    pub window: Option<Window>,
    /// Coverage after the run.
    pub covered_until: Option<i64>,
    /// A hole recorded by this run.
    pub gap: Option<Window>,
    /// Rows that the source gave.
    pub rows_read: u64,
    /// Rows added to the lake.
    pub rows_new: u64,
    /// Rows that the lake had already.
    pub rows_present: u64,
    /// Rows of a compaction.
    pub rows_rewritten: u64,
    /// Data files written.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// By this machine's clock.
    pub started_at: i64,
    /// How long it took.
    pub duration_ms: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// The error's text.
    pub error: Option<String>,
}

/// Appends rows to the ledger's table, in one commit.
///
/// # Errors
/// [`ErrorKind::Lake`] if the ledger cannot be written.
pub async fn append(table: &LakeTable, rows: &[LedgerRow]) -> Result<()> {
    let actions = write(table, &batch(rows)?, &rows.iter().map(|r| r.started_at).collect::<Vec<_>>()).await?;
    let unit = CommitUnit { transaction: None, based_on: 0, actions, removes: Vec::new(), data_change: true };
    table.commit(vec![unit]).await.map(|_| ())
}

fn batch(rows: &[LedgerRow]) -> Result<RecordBatch> {
    let text =
        |f: &dyn Fn(&LedgerRow) -> Option<String>| Arc::new(rows.iter().map(f).collect::<StringArray>()) as ArrayRef;
    let long =
        |f: &dyn Fn(&LedgerRow) -> i64| Arc::new(rows.iter().map(|r| Some(f(r))).collect::<Int64Array>()) as ArrayRef;
    let count = |f: &dyn Fn(&LedgerRow) -> u64| long(&|r| i64::try_from(f(r)).unwrap_or(i64::MAX));
    let time = |f: &dyn Fn(&LedgerRow) -> Option<i64>| {
        Arc::new(rows.iter().map(f).collect::<TimestampMicrosecondArray>().with_timezone("UTC")) as ArrayRef
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|r| Some(r.cluster_id.clone())),
        text(&|r| Some(r.run_id.clone())),
        text(&|r| Some(r.table.clone())),
        text(&|r| Some(r.kind.to_string())),
        time(&|r| r.window.map(|w| w.from)),
        time(&|r| r.window.map(|w| w.to)),
        time(&|r| r.covered_until),
        time(&|r| r.gap.map(|w| w.from)),
        time(&|r| r.gap.map(|w| w.to)),
        count(&|r| r.rows_read),
        count(&|r| r.rows_new),
        count(&|r| r.rows_present),
        count(&|r| r.rows_rewritten),
        count(&|r| r.files),
        count(&|r| r.bytes),
        time(&|r| Some(r.started_at)),
        long(&|r| r.duration_ms),
        text(&|r| Some(r.outcome.to_string())),
        text(&|r| r.error.clone()),
    ];
    RecordBatch::try_new(schema(), columns).map_err(crate::error::lake("building the ledger's rows"))
}

/// Writes rows as one file per day, and gives the actions that add them.
pub(crate) async fn write(table: &LakeTable, batch: &RecordBatch, times: &[i64]) -> Result<Vec<Action>> {
    let what = || format!("writing {}", table.name());
    let mut days: BTreeMap<i32, Vec<(usize, usize)>> = BTreeMap::new();
    for (row, time) in times.iter().enumerate() {
        days.entry(day_of(*time)).or_default().push((0, row));
    }
    let mut actions = Vec::with_capacity(days.len());
    for (day, picks) in days {
        let rows = interleave_record_batch(&[batch], &picks).map_err(lake(what()))?;
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).map_err(lake(what()))?;
        writer.write(&rows).map_err(lake(what()))?;
        let bytes = writer.into_inner().map_err(lake(what()))?;
        let path = own_file(day, &Uuid::now_v7().simple().to_string());
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        table.store().put(&table.object(&path), bytes.into()).await.map_err(|e| {
            Error::new(ErrorKind::Lake, what()).because(e).advise("the lake must be writable and have space")
        })?;
        actions.push(Action::Add(Add {
            path,
            partition_values: [(LOG_DATE.to_owned(), Some(day_name(day)))].into_iter().collect(),
            size,
            modification_time: times.iter().max().copied().unwrap_or(0) / 1_000,
            data_change: true,
            stats: Some(format!(r#"{{"numRecords":{}}}"#, rows.num_rows())),
            ..Add::default()
        }));
    }
    Ok(actions)
}

/// All rows of one of lookback's own tables.
///
/// # Errors
/// [`ErrorKind::Lake`] if a file cannot be read.
pub async fn read(table: &LakeTable) -> Result<Vec<RecordBatch>> {
    let snapshot = table.refresh().await?;
    let mut batches = Vec::new();
    for file in snapshot.files("") {
        batches.extend(read_file(table, file).await?);
    }
    Ok(batches)
}

/// The rows of one file of one of lookback's own tables.
pub(crate) async fn read_file(table: &LakeTable, file: &DataFile) -> Result<Vec<RecordBatch>> {
    let what = || format!("reading {}/{}", table.name(), file.path);
    let stream = reader::open(table, &file.path, file.size).await?.build().map_err(lake(what()))?;
    stream.try_collect().await.map_err(lake(what()))
}
