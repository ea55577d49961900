//! Exporting on a schedule, in one process that stays.
//!
//! Invariants:
//! - a tick asks for the present clusters, chooses those that are due and not at work, and starts one run for them; it waits for
//!   none of them, so that a cluster that hangs is left to its own time-outs and the next tick runs beside it;
//! - ticks that were missed (the machine was asleep, the list of clusters was slow) are one tick, as soon as it is possible;
//! - asked to stop, no work begins any more, and what is under way has so much time to come to a safe point.
//!
//! - `timetable`: when ticks are (pure).
//! - `due`: which clusters a tick is for (pure).
//! - `pulse`: what probes are told.
//! - `seams`: who knows the clusters, and who exports them.
//! - `pace`: waiting for a moment, through a seam.

mod due;
mod pace;
mod pulse;
mod seams;
#[cfg(test)]
mod tests;
mod timetable;

use std::sync::Arc;
use std::time::Duration;

use lookback_schemas::time::{DAY, SECOND};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use due::{Book, Cadence};
pub use pace::{Pace, SystemPace};
pub use pulse::Pulse;
pub use seams::{Due, Ended, Exports, Roster, Worker, by_chance};
pub use timetable::Timetable;

use crate::error::{Error, ErrorKind};
use crate::metrics::Metrics;
use crate::run::{Report, TableOutcome, TableReport};
use crate::settings::ScheduleSettings;
use crate::window::micros;

/// Where the service's own log lines come from; they are shown without asking for more.
pub const LOG_TARGET: &str = "lookback::service";
/// Longest wait for the list of clusters.
const ROSTER_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a waiting service asks again for clusters that it has never been told.
const ASK_AGAIN: i64 = 30 * SECOND;

/// The parts of a service.
pub struct Service {
    /// When ticks are.
    pub timetable: Timetable,
    /// Who knows the clusters.
    pub roster: Arc<dyn Roster>,
    /// Who exports them.
    pub worker: Arc<dyn Worker>,
    /// The clock.
    pub pace: Arc<dyn Pace>,
    /// Cadences, jitter, and the time to stop.
    pub settings: ScheduleSettings,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What probes are told.
    pub pulse: Arc<Pulse>,
    /// A number from 0 (incl.) to 1 (excl.), for jitter.
    pub chance: fn() -> f64,
}

/// How a service ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Clusters that were still at work when time was over. What they had committed stays.
    pub abandoned: Vec<String>,
}

/// A run that has ended.
struct Done {
    report: Report,
    clusters: usize,
    /// Microseconds.
    took: i64,
}

/// Why waiting ended.
enum Woken {
    Tick,
    /// The clock was set back, and another tick comes first.
    Earlier,
    Stop,
}

/// The service at work.
struct Loop<'a> {
    service: &'a Service,
    stop: &'a CancellationToken,
    book: Book,
    known: Option<Vec<Due>>,
    runs: JoinSet<Done>,
    number: u64,
    sender: mpsc::UnboundedSender<(String, u64)>,
    ended: mpsc::UnboundedReceiver<(String, u64)>,
}

impl Service {
    /// Exports until asked to stop, or until the timetable ends.
    pub async fn run(&self, stop: &CancellationToken) -> Stopped {
        let _over = Over(&self.pulse);
        let (sender, ended) = mpsc::unbounded_channel();
        let mut state = Loop {
            service: self,
            stop,
            book: Book::default(),
            known: None,
            runs: JoinSet::new(),
            number: 0,
            sender,
            ended,
        };
        state.list().await;
        while let Some(tick) = self.timetable.after(self.pace.now()) {
            let period = self.timetable.after(tick).map_or(DAY, |then| then - tick);
            let at = tick.saturating_add(self.jitter(period));
            self.pulse.expect(at, period);
            match state.wait(tick, at).await {
                Woken::Tick => state.tick().await,
                Woken::Earlier => {}
                Woken::Stop => break,
            }
        }
        self.pulse.stopping();
        state.finish().await
    }

    /// The delay of a tick, microseconds: never so long that it meets the next one.
    fn jitter(&self, period: i64) -> i64 {
        let longest = micros(self.settings.jitter).min(period / 2);
        micros(Duration::from_micros(u64::try_from(longest).unwrap_or(0)).mul_f64((self.chance)().clamp(0.0, 1.0)))
    }
}

impl Loop<'_> {
    /// Waits for a tick.
    async fn wait(&mut self, tick: i64, at: i64) -> Woken {
        loop {
            let now = self.service.pace.now();
            if now >= at {
                return Woken::Tick;
            }
            if self.service.timetable.after(now).is_some_and(|first| first < tick) {
                return Woken::Earlier;
            }
            let nap = if self.known.is_none() { at.min(now.saturating_add(ASK_AGAIN)) } else { at };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Woken::Stop,
                Some((cluster, run)) = self.ended.recv() => self.free(&cluster, run),
                Some(done) = self.runs.join_next() => self.account(done),
                () = self.service.pace.until(nap) => {
                    if self.known.is_none() {
                        self.list().await;
                    }
                }
            }
        }
    }

    /// Asks for the clusters. If nobody can say, those that were known stay.
    async fn list(&mut self) {
        let asked = tokio::time::timeout(ROSTER_TIMEOUT, self.service.roster.jobs());
        let answer = tokio::select! {
            answer = asked => answer.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Timeout, format!("no answer within {} s", ROSTER_TIMEOUT.as_secs())))
            }),
            () = self.stop.cancelled() => return,
        };
        match answer {
            Ok(known) => {
                self.service.metrics.clusters(known.iter().map(|due| &due.job));
                self.service.pulse.listed();
                self.known = Some(known);
            }
            Err(e) => {
                self.service.metrics.roster_failed();
                let advice = e.advice().map(|advice| format!(" ({advice})")).unwrap_or_default();
                warn!(target: LOG_TARGET, "the list of clusters could not be read, the last one known is used: {e}{advice}");
            }
        }
    }

    /// Starts a run for the clusters that are due.
    async fn tick(&mut self) {
        let service = self.service;
        let now = service.pace.now();
        service.metrics.tick(now);
        self.list().await;
        // What ended meanwhile is free.
        while let Ok((cluster, run)) = self.ended.try_recv() {
            self.free(&cluster, run);
        }
        let Some(known) = self.known.as_ref().filter(|_| !self.stop.is_cancelled()) else { return };
        let cadence = Cadence {
            provisioned: service.settings.provisioned_every,
            serverless: service.settings.serverless_every,
            jitter: service.settings.jitter,
        };
        self.number += 1;
        let run = self.number;
        let jobs = self.book.choose(known, &cadence, now, run);
        service.metrics.at_work(self.book.at_work().count());
        if jobs.is_empty() {
            info!(target: LOG_TARGET, clusters = 0, at_work = self.book.at_work().count(), "no cluster is due");
            return;
        }
        let release =
            Release { sender: self.sender.clone(), run, clusters: jobs.iter().map(|j| j.name.clone()).collect() };
        let (worker, metrics, pace) =
            (Arc::clone(&service.worker), Arc::clone(&service.metrics), Arc::clone(&service.pace));
        let stop = self.stop.clone();
        self.runs.spawn(async move {
            let ended = |cluster: &str, reports: &[TableReport]| {
                metrics.tables(reports);
                log_failures(reports);
                let _ = release.sender.send((cluster.to_owned(), run));
            };
            let report = worker.run(&jobs, &stop, &ended).await;
            Done { report, clusters: jobs.len(), took: pace.now() - now }
        });
    }

    fn free(&mut self, cluster: &str, run: u64) {
        self.book.ended(cluster, run);
        self.service.metrics.at_work(self.book.at_work().count());
    }

    /// Counts and logs a run that has ended.
    fn account(&mut self, done: std::result::Result<Done, JoinError>) {
        match done {
            Ok(Done { report, clusters, took }) => {
                self.service.metrics.run(&report, took);
                let failed = report.failures().count();
                let gaps = report.tables.iter().filter(|t| t.gap.is_some()).count();
                info!(
                    target: LOG_TARGET,
                    run_id = %report.run_id, clusters, rows_new = report.rows_new(), failed, gaps, duration_ms = took / 1_000,
                    "exported"
                );
                if let Some(e) = &report.ledger_error {
                    warn!(target: LOG_TARGET, run_id = %report.run_id, "the run ledger could not be written (what was committed stays): {e}");
                }
            }
            // Each cluster has a thread whose panics are its own; this is the code around them.
            Err(e) => {
                self.service.metrics.run_lost();
                error!(target: LOG_TARGET, "a run ended without a report, please report this: {e}");
            }
        }
    }

    /// Lets what is under way come to an end; once asked to stop, for so long only.
    async fn finish(mut self) -> Stopped {
        let pace = &self.service.pace;
        let mut deadline = None;
        while !self.runs.is_empty() {
            if deadline.is_none() && self.stop.is_cancelled() {
                deadline = Some(pace.now().saturating_add(micros(self.service.settings.stop_within)));
            }
            tokio::select! {
                biased;
                Some((cluster, run)) = self.ended.recv() => self.free(&cluster, run),
                Some(done) = self.runs.join_next() => self.account(done),
                () = self.stop.cancelled(), if deadline.is_none() => {}
                () = pace.until(deadline.unwrap_or(i64::MAX)), if deadline.is_some() => break,
            }
        }
        while let Ok((cluster, run)) = self.ended.try_recv() {
            self.free(&cluster, run);
        }
        Stopped { abandoned: self.book.at_work().map(str::to_owned).collect() }
    }
}

/// Frees the clusters of a run when it ends, also by a panic.
struct Release {
    sender: mpsc::UnboundedSender<(String, u64)>,
    run: u64,
    clusters: Vec<String>,
}

impl Drop for Release {
    fn drop(&mut self) {
        for cluster in self.clusters.drain(..) {
            let _ = self.sender.send((cluster, self.run));
        }
    }
}

/// Says that the loop has ended, also by a panic.
struct Over<'a>(&'a Pulse);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// Nobody reads the report of a service: failures are log lines.
fn log_failures(reports: &[TableReport]) {
    for report in reports {
        match &report.outcome {
            TableOutcome::Failed(e) if e.kind() == ErrorKind::Cancelled => {}
            TableOutcome::Failed(e) => {
                let advice = e.advice().map(|advice| format!(" ({advice})")).unwrap_or_default();
                warn!(target: LOG_TARGET, cluster = %report.cluster, table = %report.table, "failed: {e}{advice}");
            }
            TableOutcome::LeaseHeld => {
                info!(target: LOG_TARGET, cluster = %report.cluster, table = %report.table, "another run holds the lease");
            }
            TableOutcome::Done => {}
        }
    }
}
