//! One cluster: connect, make sure that what it shows is everything, then its tables one after the other.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lookback_schemas::TableSpec;
use lookback_schemas::ledger::RunKind;
use lookback_schemas::time::SECOND;
use rand::Rng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error_span, info};

use super::group_commit::GroupCommit;
use super::liveness::Liveness;
use super::report::{TableOutcome, TableReport};
use super::slot::Slot;
use super::table::{Pending, Start};
use super::{ClusterJob, Exporter, Work};
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Access, Session};
use crate::watermarks::Watermark;
use crate::window::micros;

/// How often rows are computed again because somebody else committed first.
const CONFLICT_ATTEMPTS: u32 = 5;
/// Time-outs in a row after which a cluster counts as gone.
const MAX_TIMEOUTS: u32 = 2;

/// A connection that is known to show everything.
pub(super) struct Connected {
    pub(super) session: Box<dyn Session>,
    pub(super) cluster_id: String,
}

/// The work on one cluster.
pub(super) struct ClusterRun {
    pub(super) exporter: Arc<Exporter>,
    /// Its number in the run.
    pub(super) number: usize,
    pub(super) liveness: Arc<Liveness>,
    pub(super) job: ClusterJob,
    pub(super) run_id: String,
    pub(super) commits: HashMap<String, GroupCommit>,
    pub(super) cancel: CancellationToken,
    /// Its place among those that work.
    pub(super) slot: Slot,
    /// The watermarks as this run left them, by `cluster_id` and table.
    pub(super) left: Mutex<HashMap<(String, String), Watermark>>,
}

impl ClusterRun {
    /// Everything that there is to do, as reports.
    pub(super) async fn work(self, work: Work) -> Vec<TableReport> {
        let reports = self.tables(work).await;
        for report in &reports {
            if let TableOutcome::Failed(e) = &report.outcome {
                // The caller has the report and tells the user; this is for those who read logs.
                info!(cluster = %report.cluster, table = %report.table, run = %self.run_id, "failed: {e}");
            }
        }
        reports
    }

    async fn tables(&self, work: Work) -> Vec<TableReport> {
        let started = self.exporter.clock.now();
        let mut connection = match self.retrying(|| self.connect()).await {
            Ok(connected) => Some(connected),
            Err(e) => {
                self.absent_except(&HashSet::new()).await;
                return vec![self.failed("", "", started, e)];
            }
        };
        self.alive();
        let mut reports = Vec::new();
        let mut pending: Vec<Pending> = Vec::new();
        let mut timeouts = 0;
        let tables: Vec<_> = self.job.tables.iter().filter(|t| self.commits.contains_key(&t.name)).collect();
        if matches!(work, Work::Export { .. }) {
            for &&spec in &tables {
                if timeouts >= MAX_TIMEOUTS {
                    let gone = Error::new(
                        ErrorKind::Timeout,
                        format!("cluster '{}': not tried, it stopped answering", self.job.name),
                    );
                    reports.push(self.failed("", &spec.name, self.exporter.clock.now(), gone));
                    continue;
                }
                let span = error_span!("table", table = %spec.name);
                match self.one(&mut connection, spec, &mut timeouts).instrument(span).await {
                    Ok(Start::Pending(table)) => pending.push(*table),
                    Ok(Start::Ended(report)) | Err(report) => {
                        self.exporter.progress.ended(&report);
                        reports.push(*report);
                    }
                }
                self.alive();
            }
        }
        self.absent_except(&pending.iter().map(|p| p.spec.name.as_str()).collect()).await;
        // Nothing is left to do but to wait for the others.
        self.slot.give();
        for table in pending {
            let span = error_span!("table", table = %table.spec.name);
            let report = self.finish(&mut connection, table, &mut timeouts).instrument(span).await;
            self.exporter.progress.ended(&report);
            reports.push(report);
        }
        if matches!(work, Work::Sweep | Work::Export { sweep: true }) {
            self.slot.take().await;
            for &&spec in &tables {
                if timeouts < MAX_TIMEOUTS && !self.cancel.is_cancelled() {
                    reports.extend(self.sweeps(&mut connection, spec, &mut timeouts).await);
                }
            }
        }
        reports
    }

    /// A step is completed: shared commits may wait for the next one.
    pub(super) fn alive(&self) {
        self.liveness.sign(self.number, Instant::now());
    }

    /// Tells the shared commits that nothing else will come.
    async fn absent_except(&self, offered: &HashSet<&str>) {
        for spec in self.job.tables.iter().filter(|t| !offered.contains(t.name.as_str())) {
            if let Some(commit) = self.commits.get(&spec.name) {
                commit.absent(self.number).await;
            }
        }
    }

    /// Starts one table, with retries and within its time.
    async fn one(
        &self,
        connection: &mut Option<Connected>,
        spec: &'static TableSpec,
        timeouts: &mut u32,
    ) -> std::result::Result<Start, Box<TableReport>> {
        let started = self.exporter.clock.now();
        self.exporter.progress.started(&self.job.name, &spec.name);
        let mut report = TableReport::new(&self.job.name, "", &spec.name, RunKind::Export, started);
        let mut attempt = 0;
        loop {
            let result = self.once(connection, timeouts, async |connected: &mut Connected| {
                self.start_table(connected, spec, &mut report).await
            });
            match result.await {
                Ok(start) => return Ok(start),
                Err(e) if e.is_transient() && attempt < self.exporter.settings.retries && *timeouts < MAX_TIMEOUTS => {
                    info!(cluster = %self.job.name, table = %spec.name, attempt, "trying again: {e}");
                    self.pause(attempt).await;
                    attempt += 1;
                }
                Err(e) => {
                    if matches!(e.kind(), ErrorKind::Timeout | ErrorKind::Cancelled) && !report.cluster_id.is_empty() {
                        self.give_back(&report.cluster_id, spec).await;
                    }
                    report.duration_ms = (self.exporter.clock.now() - started) / 1_000;
                    report.outcome = TableOutcome::Failed(e);
                    return Err(Box::new(report));
                }
            }
        }
    }

    /// Runs something on the connection, opened again if it broke, within the time for one table. A connection with an
    /// unfinished answer on it is dropped.
    pub(super) async fn once<T>(
        &self,
        connection: &mut Option<Connected>,
        timeouts: &mut u32,
        run: impl AsyncFnOnce(&mut Connected) -> Result<T>,
    ) -> Result<T> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "stopped on request"));
        }
        let mut connected = match connection.take().filter(|c| c.session.is_usable()) {
            Some(connected) => connected,
            None => self.connect().await?,
        };
        let limit = self.exporter.settings.timeout;
        let ended = {
            let work = tokio::time::timeout(limit, run(&mut connected));
            tokio::select! {
                ended = work => ended,
                () = self.cancel.cancelled() => Ok(Err(Error::new(ErrorKind::Cancelled, "stopped on request"))),
            }
        };
        let error = match ended {
            Ok(Ok(value)) => {
                *timeouts = 0;
                *connection = Some(connected);
                return Ok(value);
            }
            Ok(Err(e)) => e,
            Err(_) => {
                let message = format!("not done within {} s", limit.as_secs_f32());
                Error::new(ErrorKind::Timeout, message)
                    .advise("raise `export.timeout`, or find out what holds the cluster up")
            }
        };
        *timeouts = if error.kind() == ErrorKind::Timeout { *timeouts + 1 } else { 0 };
        let unfinished =
            matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Connect | ErrorKind::Lake | ErrorKind::Cancelled);
        if !unfinished && connected.session.is_usable() {
            *connection = Some(connected);
        }
        Err(error)
    }

    /// Waits for a table's commit, and computes its rows again as long as somebody else is faster.
    async fn finish(
        &self,
        connection: &mut Option<Connected>,
        mut pending: Pending,
        timeouts: &mut u32,
    ) -> TableReport {
        let mut attempt = 1;
        loop {
            let (spec, lost) = match self.settle(pending).await {
                Ok(report) => return *report,
                Err(again) => *again,
            };
            // Only before the next read: what has been offered may be committed, so it has to be waited for.
            if attempt == CONFLICT_ATTEMPTS {
                let e = Error::new(
                    ErrorKind::Conflict,
                    format!("cluster '{}': {}: others were faster {CONFLICT_ATTEMPTS} times", self.job.name, spec.name),
                )
                .advise("another exporter is at work on the same tables; run one of them");
                return self.failed(&lost.cluster_id, &spec.name, lost.started_at, e);
            }
            self.slot.take().await;
            let started = self.one(connection, spec, timeouts).await;
            self.slot.give();
            match started {
                Ok(Start::Pending(next)) => pending = *next,
                Ok(Start::Ended(ended)) => return *ended,
                Err(failed) => return *failed,
            }
            attempt += 1;
        }
    }

    /// Connects and makes sure of three things: the user sees everything, the clock can be true, and which incarnation it is.
    async fn connect(&self) -> Result<Connected> {
        let name = &self.job.name;
        let exporter = &self.exporter;
        let mut session = self.job.source.connect().await?;
        let facts = session.facts().await?;
        check_access(name, &facts.access)?;
        check_clock(name, session.clock().await?, exporter.clock.now(), exporter.settings.max_clock_skew)?;
        let cluster_id = exporter.cluster_id(name, facts.incarnation.as_deref()).await?;
        Ok(Connected { session, cluster_id })
    }

    async fn retrying<T, F: Future<Output = Result<T>>>(&self, attempt: impl Fn() -> F) -> Result<T> {
        let mut number = 0;
        loop {
            // A cluster that was not reached yet leaves nothing behind.
            let tried = tokio::select! {
                biased;
                () = self.cancel.cancelled() => Err(Error::new(ErrorKind::Cancelled, "stopped on request")),
                tried = attempt() => tried,
            };
            match tried {
                Err(e)
                    if e.is_transient() && number < self.exporter.settings.retries && !self.cancel.is_cancelled() =>
                {
                    info!(cluster = %self.job.name, attempt = number, "trying again: {e}");
                    self.pause(number).await;
                    number += 1;
                }
                result => return result,
            }
        }
    }

    /// Waits before a retry: doubling, half of it by chance, so that many exporters do not come back at the same moment.
    async fn pause(&self, attempt: u32) {
        let base = self.exporter.settings.retry_delay.saturating_mul(1 << attempt.min(6)).min(Duration::from_secs(60));
        let wait = base / 2 + base.mul_f64(rand::rng().random_range(0.0..0.5));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.cancel.cancelled() => {}
        }
    }

    pub(super) fn failed(&self, cluster_id: &str, table: &str, started: i64, error: Error) -> TableReport {
        let mut report = TableReport::new(&self.job.name, cluster_id, table, RunKind::Export, started);
        report.duration_ms = (self.exporter.clock.now() - started) / 1_000;
        report.outcome = TableOutcome::Failed(error);
        report
    }
}

/// Fails closed: rows that the user does not see would be missing from the record without a trace.
pub(crate) fn check_access(cluster: &str, access: &Access) -> Result<()> {
    let advice = "as a superuser: ALTER USER <user> SYSLOG ACCESS UNRESTRICTED; or GRANT ROLE sys:monitor TO <user>;";
    match access {
        Access::All(_) => Ok(()),
        Access::OwnRows => Err(Error::new(
            ErrorKind::Privilege,
            format!("cluster '{cluster}': the user sees only its own rows of the system tables; nothing was exported"),
        )
        .advise(advice)),
        Access::Unknown(why) => Err(Error::new(
            ErrorKind::Privilege,
            format!("cluster '{cluster}': whether the user sees all rows of the system tables could not be found out ({why}); nothing was exported"),
        )
        .advise(advice)),
    }
}

/// A clock that is far off would move coverage past rows that nobody has read.
pub(crate) fn check_clock(cluster: &str, server: i64, here: i64, limit: Duration) -> Result<()> {
    let skew = server - here;
    if skew.abs() <= micros(limit) {
        return Ok(());
    }
    let direction = if skew > 0 { "ahead of" } else { "behind" };
    Err(Error::new(
        ErrorKind::Clock,
        format!(
            "cluster '{cluster}': its clock is {} s {direction} this machine's; nothing was exported",
            skew.abs() / SECOND
        ),
    )
    .advise("correct whichever clock is wrong, or raise `export.max_clock_skew` if both are meant to differ"))
}
