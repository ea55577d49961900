//! Compaction: the files of a closed day become one sorted file per cluster. A day is closed when both of its sweeps are done.
//!
//! The rows stay the same, so the commit changes no data; readers see either the old files or the new one. Rows that were read
//! with different column lists stay in different files, because they are compared over different columns. Every file is sorted
//! as it is written, so a day that is one file already has nothing to gain.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use lookback_schemas::TableSpec;
use lookback_schemas::layout::{FileKind, data_file};
use lookback_schemas::ledger::{Outcome, RunKind};
use lookback_schemas::time::{DAY, day_start};
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::merge::{Merge, union};
use crate::error::{Error, ErrorKind, Result, lake};
use crate::lake::present::source_columns;
use crate::lake::properties::properties;
use crate::lake::stats::FileStats;
use crate::lake::writer::{Origin, WrittenFile, remove_files};
use crate::lake::{CommitOutcome, CommitUnit, DataFile, LakeTable, Snapshot, reader};
use crate::ledger::LedgerRow;
use crate::run::Exporter;
use crate::source::Window;

/// Rows of all inputs that are in memory at once.
const ROWS_IN_MEMORY: usize = 65_536;

/// What compaction did.
#[derive(Debug, Default)]
pub struct CompactReport {
    /// (cluster, day) pairs rewritten.
    pub days: u64,
    /// Files that were replaced.
    pub files_before: u64,
    /// Files that replaced them.
    pub files_after: u64,
    /// Rows rewritten.
    pub rows: u64,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
    /// Days that could not be rewritten, and why. They stay as they were.
    pub failures: Vec<(String, Error)>,
}

/// Compacts every closed day of the tables.
///
/// # Errors
/// If the lake or the watermarks cannot be read at all; failures of single days are in the report.
pub async fn compact(
    exporter: &Exporter,
    tables: &[&'static TableSpec],
    cancel: &CancellationToken,
) -> Result<CompactReport> {
    let run_id = Uuid::now_v7().to_string();
    let mut report = CompactReport::default();
    let mut ledger = Vec::new();
    for spec in tables {
        let Some(table) = exporter.lake_table(&spec.name).await? else { continue };
        let snapshot = table.refresh().await?;
        for cluster_id in snapshot.clusters() {
            let Some(watermark) = exporter.watermarks.get(cluster_id, &spec.name).await? else { continue };
            let mut days: BTreeMap<i32, Vec<&DataFile>> = BTreeMap::new();
            for file in snapshot.files(cluster_id).iter().filter(|f| watermark.swept_twice.is_some_and(|s| f.day <= s))
            {
                days.entry(file.day).or_default().push(file);
            }
            for (day, files) in days.into_iter().filter(|(_, files)| files.len() > 1) {
                if cancel.is_cancelled() {
                    return Ok(report);
                }
                let started = exporter.clock.now();
                let one = Day { exporter, table: &table, snapshot: &snapshot, spec, cluster_id, run_id: &run_id, day };
                match one.compact(&files).await {
                    Ok(None) => {}
                    Ok(Some(written)) => {
                        let rows: u64 = written.iter().map(|f| f.rows).sum();
                        let bytes: u64 = written.iter().map(|f| f.size).sum();
                        report.days += 1;
                        report.files_before += files.len() as u64;
                        report.files_after += written.len() as u64;
                        report.rows += rows;
                        report.bytes_before += files.iter().map(|f| f.size).sum::<u64>();
                        report.bytes_after += bytes;
                        ledger.push(one.ledger_row(started, written.len() as u64, rows, bytes));
                    }
                    Err(e) => report
                        .failures
                        .push((format!("{}/{cluster_id}/{}", spec.name, lookback_schemas::time::day_name(day)), e)),
                }
            }
        }
    }
    exporter.record(&ledger).await?;
    Ok(report)
}

/// One day of one cluster in one table.
struct Day<'a> {
    exporter: &'a Exporter,
    table: &'a Arc<LakeTable>,
    snapshot: &'a Arc<Snapshot>,
    spec: &'static TableSpec,
    cluster_id: &'a str,
    run_id: &'a str,
    day: i32,
}

impl Day<'_> {
    /// The files that replaced the day's files; `None` if there was nothing to gain or somebody else was faster.
    async fn compact(&self, files: &[&DataFile]) -> Result<Option<Vec<WrittenFile>>> {
        let mut by_columns: BTreeMap<Vec<String>, Vec<&DataFile>> = BTreeMap::new();
        for file in files {
            let builder = reader::open(self.table, &file.path, file.size).await?;
            let columns =
                source_columns(builder.metadata(), builder.schema().fields().iter().map(|f| f.name().as_str()));
            by_columns.entry(columns).or_default().push(file);
        }
        by_columns.retain(|_, group| group.len() > 1);
        if by_columns.is_empty() {
            return Ok(None);
        }
        let mut written = Vec::new();
        let mut removes = Vec::new();
        for (number, (columns, group)) in by_columns.into_iter().enumerate() {
            match self.merge(number, columns, &group).await {
                Ok(file) => written.push(file),
                Err(e) => {
                    remove_files(self.table, &written).await;
                    return Err(e);
                }
            }
            removes.extend(group.iter().map(|f| f.path.to_string()));
        }
        let unit = CommitUnit {
            transaction: None,
            based_on: self.snapshot.version,
            actions: written.iter().map(|f| f.action(false)).collect(),
            removes,
            data_change: false,
        };
        match self.table.commit(vec![unit]).await {
            Ok(outcomes) if outcomes.contains(&CommitOutcome::Conflict) => {
                remove_files(self.table, &written).await;
                Ok(None)
            }
            Ok(_) => Ok(Some(written)),
            // The new files stay: if the answer was lost, they may be in the log. If not, vacuum removes them.
            Err(e) => Err(e),
        }
    }

    async fn merge(&self, number: usize, columns: Vec<String>, files: &[&DataFile]) -> Result<WrittenFile> {
        let batch_rows = (ROWS_IN_MEMORY / files.len().max(1)).clamp(256, 8_192);
        let mut streams = Vec::new();
        let mut schemas = Vec::new();
        let mut expected = 0;
        for file in files {
            let what = format!("reading {}/{}", self.table.name(), file.path);
            let builder = reader::open(self.table, &file.path, file.size).await?;
            expected += u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
            schemas.push(Arc::clone(builder.schema()));
            let stream = builder.with_batch_size(batch_rows).build().map_err(lake(what.clone()))?;
            streams.push(stream.map_err(move |e| lake(what.clone())(e)).boxed());
        }
        let schema = union(schemas.iter());
        let mut merge = Merge::new(self.spec, Arc::clone(&schema), streams).await?;
        let origin = Origin {
            cluster_id: self.cluster_id.to_owned(),
            run_id: self.run_id.to_owned(),
            source_columns: columns,
            time_column: self.spec.time_column().to_owned(),
        };
        let path = data_file(FileKind::Day, self.cluster_id, self.day, &Uuid::now_v7().simple().to_string(), number);
        let what = || format!("writing {}/{path}", self.table.name());
        let object = BufWriter::new(Arc::clone(self.table.store()), self.table.object(&path));
        let mut next = merge.next().await?;
        let sample = next.clone().unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&schema)));
        let properties = properties(&sample, &origin, usize::try_from(expected).unwrap_or(usize::MAX))?;
        let mut writer = AsyncArrowWriter::try_new(object, schema, Some(properties)).map_err(lake(what()))?;
        let mut stats = FileStats::default();
        let mut rows = 0;
        while let Some(batch) = next {
            stats.add(&batch);
            rows += batch.num_rows() as u64;
            writer.write(&batch).await.map_err(lake(what()))?;
            next = merge.next().await?;
        }
        writer.finish().await.map_err(lake(what()))?;
        let size = u64::try_from(writer.bytes_written()).unwrap_or(0);
        let now = self.exporter.clock.now();
        let written = stats.add_action(path.clone(), size, &origin, self.day, now);
        // The one thing that a rewrite must never do.
        if rows != expected {
            remove_files(self.table, std::slice::from_ref(&written)).await;
            return Err(Error::new(
                ErrorKind::Lake,
                format!("{}: {rows} rows where {expected} went in; the day stays as it was", what()),
            ));
        }
        Ok(written)
    }

    fn ledger_row(&self, started: i64, files: u64, rows: u64, bytes: u64) -> LedgerRow {
        LedgerRow {
            cluster_id: self.cluster_id.to_owned(),
            run_id: self.run_id.to_owned(),
            table: self.spec.name.clone(),
            kind: RunKind::Compact,
            window: Some(Window { from: day_start(self.day), to: day_start(self.day) + DAY }),
            covered_until: None,
            gap: None,
            rows_read: 0,
            rows_new: 0,
            rows_present: 0,
            rows_rewritten: rows,
            files,
            bytes,
            started_at: started,
            duration_ms: (self.exporter.clock.now() - started) / 1_000,
            outcome: Outcome::Ok,
            error: None,
        }
    }
}
