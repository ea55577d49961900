//! Compaction of the logs: the files of a closed day become one sorted file per cluster. A day is closed when both of its sweeps
//! are done. Every file is sorted as it is written, so a day that is one file already has nothing to gain.

use std::collections::BTreeMap;

use lookback_schemas::TableSpec;
use lookback_schemas::ledger::{Outcome, RunKind};
use lookback_schemas::time::{DAY, day_name, day_start};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::merge::Order;
use super::rewrite::Rewrite;
use crate::error::{Error, Result};
use crate::lake::DataFile;
use crate::lake::writer::WrittenFile;
use crate::ledger::LedgerRow;
use crate::run::Exporter;
use crate::source::Window;

/// What compaction did.
#[derive(Debug, Default)]
pub struct CompactReport {
    /// Days of a cluster, or of an account, that were rewritten.
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

impl CompactReport {
    /// Counts a day whose files were replaced.
    pub(super) fn add(&mut self, before: &[&DataFile], after: &[WrittenFile]) {
        self.days += 1;
        self.files_before += before.len() as u64;
        self.files_after += after.len() as u64;
        self.rows += after.iter().map(|file| file.rows).sum::<u64>();
        self.bytes_before += before.iter().map(|file| file.size).sum::<u64>();
        self.bytes_after += after.iter().map(|file| file.size).sum::<u64>();
    }
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
                let one = Rewrite {
                    exporter,
                    table: &table,
                    snapshot: &snapshot,
                    order: Order::Log(spec),
                    owner: cluster_id,
                    run_id: &run_id,
                    day,
                };
                match one.compact(&files).await {
                    Ok(None) => {}
                    Ok(Some(written)) => {
                        report.add(&files, &written);
                        ledger.push(ledger_row(exporter, &one, started, &written));
                    }
                    Err(e) => report.failures.push((format!("{}/{cluster_id}/{}", spec.name, day_name(day)), e)),
                }
            }
        }
    }
    exporter.record(&ledger).await?;
    Ok(report)
}

/// What the run ledger says of a day that was compacted.
fn ledger_row(exporter: &Exporter, done: &Rewrite<'_>, started: i64, written: &[WrittenFile]) -> LedgerRow {
    LedgerRow {
        cluster_id: done.owner.to_owned(),
        run_id: done.run_id.to_owned(),
        table: done.table.name().to_owned(),
        kind: RunKind::Compact,
        window: Some(Window { from: day_start(done.day), to: day_start(done.day) + DAY }),
        covered_until: None,
        gap: None,
        rows_read: 0,
        rows_new: 0,
        rows_present: 0,
        rows_rewritten: written.iter().map(|file| file.rows).sum(),
        files: written.len() as u64,
        bytes: written.iter().map(|file| file.size).sum(),
        started_at: started,
        duration_ms: (exporter.clock.now() - started) / 1_000,
        outcome: Outcome::Ok,
        error: None,
    }
}
