//! Sweeps: whole days read again at D+1 and D+2, inside retention, so that completeness does not hang on the overlap. What only
//! a sweep finds is added and counted.

use lookback_schemas::TableSpec;
use lookback_schemas::ledger::RunKind;
use lookback_schemas::names::app_id;
use lookback_schemas::time::{DAY, day_of, day_start};
use tracing::{Instrument, error_span, info};

use super::cluster::{ClusterRun, Connected};
use super::read::{Target, read_window};
use super::report::{TableOutcome, TableReport};
use super::table::{MAX_PRESENT_ROWS, reconcile};
use crate::error::{Error, ErrorKind, Result};
use crate::lake::present::bounded_slices;
use crate::lake::writer::remove_files;
use crate::lake::{CommitOutcome, CommitUnit};
use crate::source::Window;
use crate::watermarks::{Grant, Watermark};
use crate::window::{micros, sweep_due};

/// The longest that any system table is kept: no sweep reaches further back.
const MAX_RETENTION_DAYS: i32 = 8;
/// How often a slice is read again because somebody else committed first.
const CONFLICT_ATTEMPTS: u32 = 5;

/// The days to sweep, each once: the second sweep of a day makes the first superfluous.
pub(crate) fn due(now: i64, watermark: &Watermark) -> Vec<(i32, u8)> {
    // Also days before coverage began: their rows may have surfaced after the first look.
    let first = day_of(now) - MAX_RETENTION_DAYS;
    let covered = day_of(watermark.covered_until);
    (first..covered)
        .filter_map(|day| {
            let open = |number: u8, done: Option<i32>| sweep_due(now, day, number) && done.is_none_or(|d| d < day);
            if open(2, watermark.swept_twice) {
                Some((day, 2))
            } else if open(1, watermark.swept_once) {
                Some((day, 1))
            } else {
                None
            }
        })
        .collect()
}

impl ClusterRun {
    /// Runs the sweeps of one table that are due.
    pub(super) async fn sweeps(
        &self,
        connection: &mut Option<Connected>,
        spec: &'static TableSpec,
        timeouts: &mut u32,
    ) -> Vec<TableReport> {
        let mut reports = Vec::new();
        let mut cluster_id = String::new();
        loop {
            let started = self.exporter.clock.now();
            let result = self.once(connection, timeouts, async |connected: &mut Connected| {
                cluster_id.clone_from(&connected.cluster_id);
                self.next_sweep(connected, spec).await
            });
            match result.instrument(error_span!("table", table = %spec.name)).await {
                Ok(None) => return reports,
                Ok(Some(report)) => {
                    self.exporter.progress.ended(&report);
                    let go_on = matches!(report.outcome, TableOutcome::Done);
                    reports.push(report);
                    if !go_on {
                        return reports;
                    }
                }
                Err(e) => {
                    if matches!(e.kind(), ErrorKind::Timeout | ErrorKind::Cancelled) && !cluster_id.is_empty() {
                        self.give_back(&cluster_id, spec).await;
                    }
                    let mut failed = self.failed(&cluster_id, &spec.name, started, e);
                    failed.kind = RunKind::Sweep;
                    reports.push(failed);
                    return reports;
                }
            }
        }
    }

    /// Sweeps the earliest day that is due, if there is one.
    async fn next_sweep(&self, connected: &mut Connected, spec: &'static TableSpec) -> Result<Option<TableReport>> {
        let exporter = &self.exporter;
        let cluster_id = connected.cluster_id.clone();
        let known = match self.remembered(&cluster_id, spec) {
            // Another run may have gone further since. What is due then is its own work, or the next run's.
            Some(known) => Some(known),
            None => exporter.watermarks.get(&cluster_id, &spec.name).await?,
        };
        let Some(known) = known else { return Ok(None) };
        let now = connected.session.clock().await?;
        if due(now, &known).is_empty() {
            return Ok(None);
        }
        let started = exporter.clock.now();
        let mut report = TableReport::new(&self.job.name, &cluster_id, &spec.name, RunKind::Sweep, started);
        let expires = started.saturating_add(micros(exporter.settings.lease));
        let Some(Grant { lease, watermark }) =
            exporter.watermarks.acquire(&cluster_id, &spec.name, &exporter.holder, started, expires).await?
        else {
            report.outcome = TableOutcome::LeaseHeld;
            return Ok(Some(report));
        };
        // Decided under the lease: another run may have swept since.
        let due = watermark.and_then(|w| Some((w, *due(now, &w).first()?)));
        let Some((watermark, (day, number))) = due else {
            self.release(&cluster_id, spec, &lease).await;
            return Ok(None);
        };
        let swept = self.sweep_day(connected, spec, day, &mut report).await;
        if swept.is_ok() {
            let after = Watermark {
                swept_once: watermark.swept_once.max(Some(day)),
                swept_twice: if number == 2 { watermark.swept_twice.max(Some(day)) } else { watermark.swept_twice },
                ..watermark
            };
            report.covered_until = Some(watermark.covered_until);
            self.advance(&cluster_id, spec, Some(watermark), after, Some(&lease)).await?;
        } else {
            self.release(&cluster_id, spec, &lease).await;
        }
        swept?;
        report.duration_ms = (exporter.clock.now() - started) / 1_000;
        if report.rows_new > 0 {
            info!(cluster = %self.job.name, table = %spec.name, rows = report.rows_new, sweep = number, "rows that only the sweep found");
        }
        Ok(Some(report))
    }

    async fn sweep_day(
        &self,
        connected: &mut Connected,
        spec: &'static TableSpec,
        day: i32,
        report: &mut TableReport,
    ) -> Result<()> {
        let exporter = &self.exporter;
        let cluster_id = connected.cluster_id.clone();
        let table = exporter.ensure_table(spec).await?;
        let columns = connected.session.columns(spec).await?;
        report.added_columns = reconcile(&self.job.name, spec, &columns, &table, &*table.snapshot().await).await?;
        let app = app_id(&cluster_id, &spec.name);
        let whole = Window { from: day_start(day), to: day_start(day) + DAY };
        report.window = Some(whole);
        let slices = bounded_slices(&*table.snapshot().await, &cluster_id, whole, MAX_PRESENT_ROWS);
        for window in slices {
            let mut done = false;
            for _ in 0..CONFLICT_ATTEMPTS {
                let snapshot = table.snapshot().await;
                let target = Target {
                    table: &table,
                    snapshot: &snapshot,
                    spec,
                    cluster: &self.job.name,
                    cluster_id: &cluster_id,
                    run_id: &self.run_id,
                    columns: &columns,
                    now: exporter.clock.now(),
                    progress: exporter.progress.as_ref(),
                    cancel: &self.cancel,
                };
                let read = read_window(connected.session.as_mut(), &target, window, None).await?;
                if !read.files.is_empty() {
                    // The same application id as the export, so that of both only one can add a row; its version stays.
                    let version = table.transaction_version(&app).await?.unwrap_or(window.from);
                    let unit = CommitUnit {
                        transaction: Some((app.clone(), version)),
                        based_on: snapshot.version,
                        actions: read.files.iter().map(|f| f.action(true)).collect(),
                        removes: Vec::new(),
                        data_change: true,
                    };
                    let committed = exporter.commit_counts().commit(&table, vec![unit]).await;
                    // After an error the files stay: if the answer was lost, they may be in the log.
                    if committed?.contains(&CommitOutcome::Conflict) {
                        remove_files(&table, &read.files).await;
                        continue;
                    }
                }
                report.rows_read += read.rows_read;
                report.rows_new += read.rows_new;
                report.rows_present += read.rows_read - read.rows_new;
                report.files += read.files.len() as u64;
                report.bytes += read.files.iter().map(|f| f.size).sum::<u64>();
                done = true;
                break;
            }
            if !done {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("cluster '{}': sweep of {}: others were faster", self.job.name, spec.name),
                )
                .transient());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use lookback_schemas::time::HOUR;

    use super::*;

    #[test]
    fn each_day_is_swept_twice_and_only_after_it_was_covered() {
        let today = 20_000;
        let noon = day_start(today) + 12 * HOUR;
        let fresh = Watermark {
            covered_from: day_start(today - 4),
            covered_until: noon,
            swept_once: Some(today - 2),
            swept_twice: Some(today - 3),
        };
        assert_eq!(due(noon, &fresh), [(today - 2, 2), (today - 1, 1)]);
        let done = Watermark { swept_once: Some(today - 1), swept_twice: Some(today - 2), ..fresh };
        assert_eq!(due(noon, &done), []);
        let behind = Watermark { covered_until: day_start(today - 1) + HOUR, ..fresh };
        assert_eq!(due(noon, &behind), [(today - 2, 2)]);
        assert_eq!(due(noon + DAY, &done), [(today - 1, 2)], "today is not covered to its end yet");
    }

    #[test]
    fn an_outage_makes_up_with_one_sweep_a_day() {
        let today = 20_000;
        let watermark = Watermark {
            covered_from: day_start(today - 20),
            covered_until: day_start(today),
            swept_once: Some(today - 20),
            swept_twice: Some(today - 20),
        };
        let days = due(day_start(today) + 2 * HOUR, &watermark);
        assert_eq!(days.first(), Some(&(today - 8, 2)));
        assert_eq!(days.last(), Some(&(today - 1, 1)));
        assert_eq!(days.len(), 8);
    }
}
