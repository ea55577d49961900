//! Compaction of what collections and runs leave behind: the record of encryption, and the run ledger. Each collection and each run
//! adds a small file to today; a day that is over for long enough becomes one.
//!
//! These tables have no sweeps, and what happened long ago may still be found out. So a day counts as closed when it is over
//! since a whole day; what comes later is a file of its own, and is merged by the next compaction.

use std::collections::BTreeMap;

use lookback_schemas::encryption;
use lookback_schemas::names::LEDGER_TABLE;
use lookback_schemas::time::{day_name, day_of};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::compact::CompactReport;
use super::merge::Order;
use super::rewrite::Rewrite;
use crate::error::Result;
use crate::lake::DataFile;
use crate::run::Exporter;

/// Whole days that have to lie between a day and today.
const DAYS_BETWEEN: i32 = 1;

/// Compacts every closed day of the record of encryption and of the run ledger. The run ledger says nothing of it: no cluster was
/// read, and it would grow by what makes it smaller.
///
/// # Errors
/// If the lake cannot be read at all; failures of single days are in the report.
pub async fn compact_own(exporter: &Exporter, cancel: &CancellationToken) -> Result<CompactReport> {
    let run_id = Uuid::now_v7().to_string();
    let mut report = CompactReport::default();
    let last_closed = day_of(exporter.clock.now()) - DAYS_BETWEEN - 1;
    let record = encryption::TABLES.into_iter().map(|table| (table.name, Order::Time(table.time_column)));
    for (name, order) in record.chain([(LEDGER_TABLE, Order::Roughly("started_at"))]) {
        let Some(table) = exporter.lake_table(name).await? else { continue };
        let snapshot = table.refresh().await?;
        for owner in snapshot.clusters() {
            let mut days: BTreeMap<i32, Vec<&DataFile>> = BTreeMap::new();
            for file in snapshot.files(owner).iter().filter(|file| file.day <= last_closed) {
                days.entry(file.day).or_default().push(file);
            }
            for (day, files) in days.into_iter().filter(|(_, files)| files.len() > 1) {
                if cancel.is_cancelled() {
                    return Ok(report);
                }
                let one = Rewrite { exporter, table: &table, snapshot: &snapshot, order, owner, run_id: &run_id, day };
                match one.compact(&files).await {
                    Ok(None) => {}
                    Ok(Some(written)) => report.add(&files, &written),
                    Err(e) => {
                        let owner = if owner.is_empty() { String::new() } else { format!("{owner}/") };
                        report.failures.push((format!("{name}/{owner}{}", day_name(day)), e));
                    }
                }
            }
        }
    }
    Ok(report)
}
