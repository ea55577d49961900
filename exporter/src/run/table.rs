//! One table of one cluster: lease, plan, read, commit, watermark.

use std::sync::Arc;

use arrow::datatypes::Field;
use lookback_schemas::TableSpec;
use lookback_schemas::ledger::{Outcome, RunKind};
use lookback_schemas::names::app_id;
use lookback_schemas::time::{HOUR, rfc3339};
use tracing::{info, warn};

use super::cluster::{ClusterRun, Connected};
use super::group_commit::Ticket;
use super::read::{ReadResult, Target, read_window};
use super::report::{TableOutcome, TableReport};
use crate::error::{Error, ErrorKind, Result};
use crate::lake::present::bounded_slices;
use crate::lake::writer::{WrittenFile, remove_files};
use crate::lake::{CommitOutcome, CommitUnit, LakeTable, Snapshot};
use crate::source::{Session, SourceColumn, Window};
use crate::watermarks::{Grant, Lease, Watermark};
use crate::window::{Known, Margins, Refusal, gap, gap_suspected, last_due, micros, plan};

/// Rows of the lake compared with a read at once; what they take in memory is this times about 30 bytes.
pub(super) const MAX_PRESENT_ROWS: u64 = 1_000_000;
/// How far a quiet table's transaction in the log may lag behind its watermark, so that what is read again stays bounded.
const MAX_TXN_LAG: i64 = 6 * HOUR;

/// What starting a table gave.
pub(super) enum Start {
    /// Read; its commit is under way with those of other clusters.
    Pending(Box<Pending>),
    /// Nothing more to do.
    Ended(Box<TableReport>),
}

/// A table whose last window waits for its commit.
pub(super) struct Pending {
    pub(super) spec: &'static TableSpec,
    pub(super) cluster_id: String,
    pub(super) report: TableReport,
    table: Arc<LakeTable>,
    ticket: Ticket,
    files: Vec<WrittenFile>,
    before: Option<Watermark>,
    after: Watermark,
    lease: Lease,
}

impl ClusterRun {
    /// Everything up to the commit of the last window.
    /// `report` keeps what was committed when a later slice fails, also over retries.
    pub(super) async fn start_table(
        &self,
        connected: &mut Connected,
        spec: &'static TableSpec,
        report: &mut TableReport,
    ) -> Result<Start> {
        let exporter = &self.exporter;
        let started = exporter.clock.now();
        let cluster_id = connected.cluster_id.clone();
        report.cluster_id.clone_from(&cluster_id);
        let expires = started.saturating_add(micros(exporter.settings.lease));
        let Some(grant) =
            exporter.watermarks.acquire(&cluster_id, &spec.name, &exporter.holder, started, expires).await?
        else {
            info!(cluster = %self.job.name, table = %spec.name, "another run holds the lease");
            report.outcome = TableOutcome::LeaseHeld;
            return Ok(Start::Ended(Box::new(taken(report))));
        };
        self.alive();
        let lease = grant.lease.clone();
        match self.read_table(connected, spec, report, grant).await {
            Ok(Some(pending)) => Ok(Start::Pending(Box::new(pending))),
            Ok(None) => {
                self.release(&cluster_id, spec, &lease).await;
                Ok(Start::Ended(Box::new(taken(report))))
            }
            Err(e) => {
                self.release(&cluster_id, spec, &lease).await;
                Err(e)
            }
        }
    }

    async fn read_table(
        &self,
        connected: &mut Connected,
        spec: &'static TableSpec,
        report: &mut TableReport,
        grant: Grant,
    ) -> Result<Option<Pending>> {
        let exporter = &self.exporter;
        let cluster_id = connected.cluster_id.clone();
        let session = connected.session.as_mut();
        let table = exporter.ensure_table(spec).await?;
        let columns = session.columns(spec).await?;
        let mut snapshot = table.snapshot().await;
        report.added_columns = reconcile(&self.job.name, spec, &columns, &table, &snapshot).await?;
        if !report.added_columns.is_empty() {
            snapshot = table.refresh().await?;
        }
        let app = app_id(&cluster_id, &spec.name);
        let Grant { lease, watermark: mut before } = grant;
        let mut committed = table.transaction_version(&app).await?;
        let known = Known { watermark: before.map(|w| w.covered_until), committed };
        let margins = exporter.settings.margins(spec.placed_by_start());
        let now = session.clock().await?;
        let oldest = if known.covered_until().is_none() { session.oldest(spec, &columns).await? } else { None };
        let windows = plan(now, &margins, known, oldest).map_err(|Refusal::ClockBehindCoverage(by)| {
            Error::new(ErrorKind::Clock, format!("cluster '{}': its clock is {} s behind what {} is covered until; nothing was read", self.job.name, by / 1_000_000, spec.name))
                .advise("if the cluster's clock is right, an earlier run saw a wrong one; `lookback verify` shows what is missing")
        })?;
        let first_from = windows.first().map_or(now, |w| w.from);
        let covered_from = before.map_or(first_from, |w| w.covered_from);
        let mut covered = known.covered_until();
        // What a read is compared with has to fit in memory.
        let windows: Vec<Window> =
            windows.into_iter().flat_map(|w| bounded_slices(&snapshot, &cluster_id, w, MAX_PRESENT_ROWS)).collect();
        let last = windows.len().saturating_sub(1);
        for (number, window) in windows.into_iter().enumerate() {
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
            let read = read_window(session, &target, window, covered).await?;
            self.alive();
            if number == 0
                && let Some(covered) = covered
            {
                let hole = self.find_gap(session, spec, &columns, now, covered, &margins, &read).await;
                match hole {
                    Ok(None) => {}
                    Ok(Some(hole)) => {
                        // Recorded before coverage can pass it.
                        if let Err(e) = self.record_gap(&cluster_id, spec, hole).await {
                            remove_files(&table, &read.files).await;
                            return Err(e);
                        }
                        report.gap = Some(hole);
                    }
                    Err(e) => {
                        remove_files(&table, &read.files).await;
                        return Err(e);
                    }
                }
            }
            let until = covered.map_or(window.to, |c| c.max(window.to));
            let after = advanced(before, covered_from, until, now, known.committed.is_some());
            let needed = !read.files.is_empty() || committed.is_none_or(|c| until - c > MAX_TXN_LAG);
            let unit = CommitUnit {
                transaction: Some((app.clone(), committed.map_or(until, |c| c.max(until)))),
                based_on: snapshot.version,
                actions: read.files.iter().map(|f| f.action(true)).collect(),
                removes: Vec::new(),
                data_change: true,
            };
            if number == last {
                let Some(commit) = self.commits.get(&spec.name) else { return Ok(None) };
                let ticket = commit.offer(self.number, unit, needed).await;
                add(report, &read, Window { from: first_from, to: window.to }, until);
                let report = taken(report);
                let files = read.files;
                return Ok(Some(Pending { spec, cluster_id, report, table, ticket, files, before, after, lease }));
            }
            // A backlog is committed slice by slice, and the next slice is compared with what this one added.
            if needed {
                match exporter.commit_counts().commit(&table, vec![unit]).await {
                    Ok(outcomes) if outcomes.contains(&CommitOutcome::Conflict) => {
                        remove_files(&table, &read.files).await;
                        return Err(Error::new(
                            ErrorKind::Conflict,
                            format!("cluster '{}': {}: another exporter was faster", self.job.name, spec.name),
                        )
                        .transient());
                    }
                    Ok(_) => {}
                    // Its files stay: if the answer was lost, they may be in the log. If not, `maintain` removes them.
                    Err(e) => return Err(e),
                }
                committed = Some(committed.map_or(until, |c| c.max(until)));
                snapshot = table.refresh().await?;
            }
            add(report, &read, Window { from: first_from, to: window.to }, until);
            before = Some(self.advance(&cluster_id, spec, before, after, None).await?);
            covered = Some(until);
        }
        Ok(None)
    }

    #[expect(clippy::too_many_arguments, reason = "everything that bears on the decision, once")]
    async fn find_gap(
        &self,
        session: &mut dyn Session,
        spec: &TableSpec,
        columns: &[SourceColumn],
        now: i64,
        covered: i64,
        margins: &Margins,
        read: &ReadResult,
    ) -> Result<Option<Window>> {
        if !gap_suspected(now, covered, margins, &read.evidence) {
            return Ok(None);
        }
        let oldest = session.oldest(spec, columns).await?.map(|o| o.time);
        let to = now.saturating_sub(margins.settle);
        Ok(gap(now, covered, to, margins, &read.evidence, oldest))
    }

    async fn record_gap(&self, cluster_id: &str, spec: &TableSpec, hole: Window) -> Result<()> {
        warn!(cluster = %self.job.name, table = %spec.name, "rows between {} and {} may have been purged before they were read", rfc3339(hole.from), rfc3339(hole.to));
        let mut report =
            TableReport::new(&self.job.name, cluster_id, &spec.name, RunKind::Export, self.exporter.clock.now());
        report.gap = Some(hole);
        let row = report.ledger_row(&self.run_id).map(|row| crate::ledger::LedgerRow { outcome: Outcome::Gap, ..row });
        self.exporter.record(&row.into_iter().collect::<Vec<_>>()).await
    }

    /// Waits for the commit and moves the watermark. A conflict gives the table back, to be read again.
    pub(super) async fn settle(
        &self,
        pending: Pending,
    ) -> std::result::Result<Box<TableReport>, Box<(&'static TableSpec, TableReport)>> {
        let Pending { spec, cluster_id, mut report, table, ticket, files, before, after, lease } = pending;
        let result = match ticket.outcome().await {
            Ok(CommitOutcome::Committed(_)) => {
                self.advance(&cluster_id, spec, before, after, Some(&lease)).await.map(|_| ())
            }
            Ok(CommitOutcome::Conflict) => {
                remove_files(&table, &files).await;
                self.release(&cluster_id, spec, &lease).await;
                return Err(Box::new((spec, report)));
            }
            // Its files stay: if the answer was lost, they may be in the log. If not, `maintain` removes them.
            Err(e) => {
                self.release(&cluster_id, spec, &lease).await;
                Err(e)
            }
        };
        report.duration_ms = (self.exporter.clock.now() - report.started_at) / 1_000;
        if let Err(e) = result {
            report.covered_until = before.map(|w| w.covered_until);
            report.outcome = TableOutcome::Failed(e);
        }
        Ok(Box::new(report))
    }
}

/// The watermark after a window. A sweep that was due before a day was first read has nothing to find.
/// Where the store was lost, nobody knows which sweeps were done: they are done again.
fn advanced(before: Option<Watermark>, covered_from: i64, covered_until: i64, now: i64, lost: bool) -> Watermark {
    match before {
        Some(w) => Watermark { covered_until: w.covered_until.max(covered_until), ..w },
        None if lost => Watermark { covered_from, covered_until, swept_once: None, swept_twice: None },
        None => Watermark {
            covered_from,
            covered_until,
            swept_once: Some(last_due(now, 1)),
            swept_twice: Some(last_due(now, 2)),
        },
    }
}

/// Adds a committed read to a report.
fn add(report: &mut TableReport, read: &ReadResult, window: Window, covered_until: i64) {
    let from = report.window.map_or(window.from, |w| w.from.min(window.from));
    report.window = Some(Window { from, to: window.to });
    report.covered_until = Some(covered_until);
    report.rows_read += read.rows_read;
    report.rows_new += read.rows_new;
    report.rows_present += read.rows_read - read.rows_new;
    report.files += read.files.len() as u64;
    report.bytes += read.files.iter().map(|f| f.size).sum::<u64>();
}

/// The report, with an empty one of the same table in its place.
fn taken(report: &mut TableReport) -> TableReport {
    let empty = TableReport::new(&report.cluster, &report.cluster_id, &report.table, report.kind, report.started_at);
    std::mem::replace(report, empty)
}

/// Fits the lake to the cluster's columns: a new one is added, a changed type stops this table.
pub(super) async fn reconcile(
    cluster: &str,
    spec: &TableSpec,
    columns: &[SourceColumn],
    table: &LakeTable,
    snapshot: &Snapshot,
) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for column in columns {
        let wanted = column.lake_type.arrow();
        match snapshot.schema.field_with_name(&column.name) {
            Ok(field) if *field.data_type() == wanted => {}
            Ok(field) => {
                return Err(Error::new(
                    ErrorKind::Schema,
                    format!(
                        "cluster '{cluster}': column {}.{} is {wanted} there and {} in the lake",
                        spec.name,
                        column.name,
                        field.data_type()
                    ),
                )
                .advise("its type changed; the table is not exported from this cluster until the types agree, nothing already kept is touched"));
            }
            Err(_) => missing.push(Field::new(&column.name, wanted, true)),
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = missing.iter().map(|f| f.name().clone()).collect();
    warn!(cluster, table = %spec.name, columns = names.join(", "), "the cluster has columns that the lake did not know; they are added");
    table.add_columns(&missing).await?;
    Ok(names)
}
