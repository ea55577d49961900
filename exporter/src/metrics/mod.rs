//! What the exporter does, as numbers for Prometheus.
//!
//! Fed with the reports of runs. What changes by itself, such as lag, is computed when it is asked for; so are the counters that
//! live elsewhere (commits, requests to AWS). Times are seconds, sizes bytes.
//!
//! A cluster is known here by its configured name: of a cluster that was created anew, the present incarnation is what matters.

mod labels;
mod late;
mod plain;
mod textfile;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use lookback_schemas::ledger::RunKind;
use lookback_schemas::names::cluster_name;
use lookback_storage::RequestCounts;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use textfile::write_file;

use crate::error::ErrorKind;
use crate::run::{ClusterJob, Exporter, Report, TableOutcome, TableReport};
use crate::watermarks::Watermark;
use labels::{FailureOf, Outcome, Pair, State, kind};
use late::Late;

type Seconds = Gauge<f64, AtomicU64>;
type PerTable<M> = Family<Pair, M>;

/// What is known of one table of one cluster, microseconds UTC.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    covered_until: Option<i64>,
    last_success: Option<i64>,
}

/// What the gauges are computed from.
#[derive(Debug, Default)]
struct Facts {
    tables: BTreeMap<Pair, Known>,
    failed: BTreeSet<String>,
}

/// All metrics of a process.
pub struct Metrics {
    registry: Registry,
    late: Arc<Late>,
    facts: Mutex<Facts>,
    /// What the clusters are guaranteed to keep, microseconds.
    retention: i64,
    runs: Family<Outcome, Counter>,
    last_success: PerTable<Seconds>,
    covered_until: PerTable<Seconds>,
    headroom: PerTable<Seconds>,
    lag: PerTable<Seconds>,
    rows_read: PerTable<Counter>,
    rows_new: PerTable<Counter>,
    rows_present: PerTable<Counter>,
    sweep_recovered: PerTable<Counter>,
    gaps: PerTable<Counter>,
    failures: Family<FailureOf, Counter>,
    bytes: Counter,
    files: Counter,
    ledger_failures: Counter,
    roster_failures: Counter,
    last_tick: Seconds,
    tick_duration: Seconds,
    clusters: Family<State, Gauge>,
}

impl Metrics {
    /// Metrics of a process that has done nothing yet. `retention` is what the clusters are guaranteed to keep, microseconds.
    #[must_use]
    pub fn new(version: &'static str, retention: i64) -> Self {
        let late = Arc::new(Late::default());
        let mut metrics = Self {
            registry: Registry::default(),
            late: Arc::clone(&late),
            facts: Mutex::default(),
            retention,
            runs: Family::default(),
            last_success: Family::default(),
            covered_until: Family::default(),
            headroom: Family::default(),
            lag: Family::default(),
            rows_read: Family::default(),
            rows_new: Family::default(),
            rows_present: Family::default(),
            sweep_recovered: Family::default(),
            gaps: Family::default(),
            failures: Family::default(),
            bytes: Counter::default(),
            files: Counter::default(),
            ledger_failures: Counter::default(),
            roster_failures: Counter::default(),
            last_tick: Seconds::default(),
            tick_duration: Seconds::default(),
            clusters: Family::default(),
        };
        metrics.register(version);
        metrics.registry.register_collector(Box::new(late));
        for outcome in labels::OUTCOMES {
            let _ = metrics.runs.get_or_create(&Outcome { outcome });
        }
        for state in labels::STATES {
            let _ = metrics.clusters.get_or_create(&State { state });
        }
        metrics
    }

    fn register(&mut self, version: &'static str) {
        let Self { registry: r, .. } = self;
        r.register("lookback_build", "The build that runs", Info::new([("version", version)]));
        r.register("lookback_runs", "Runs, by how they ended", self.runs.clone());
        r.register(
            "lookback_last_success_timestamp_seconds",
            "When an export of the table last ended without failure",
            self.last_success.clone(),
        );
        r.register(
            "lookback_covered_until_timestamp_seconds",
            "Every row that became visible before this moment is in the lake, but for recorded gaps",
            self.covered_until.clone(),
        );
        r.register(
            "lookback_purge_headroom_seconds",
            "Time until rows that were not exported may be purged; negative once they may have been",
            self.headroom.clone(),
        );
        r.register("lookback_lag_seconds", "Age of the moment that the table is covered until", self.lag.clone());
        r.register("lookback_rows_read", "Rows that clusters sent", self.rows_read.clone());
        r.register("lookback_rows_new", "Rows added to the lake", self.rows_new.clone());
        r.register(
            "lookback_rows_already_present",
            "Rows read again that the lake had already, and that were not added twice",
            self.rows_present.clone(),
        );
        r.register(
            "lookback_sweep_recovered_rows",
            "Rows that only the sweep of a whole day found",
            self.sweep_recovered.clone(),
        );
        r.register(
            "lookback_gaps",
            "Holes recorded, because rows may have been purged before they were read",
            self.gaps.clone(),
        );
        r.register(
            "lookback_table_failures",
            "Failures by kind; table is empty where the cluster failed as a whole",
            self.failures.clone(),
        );
        r.register("lookback_written_bytes", "Size of the data files written", self.bytes.clone());
        r.register("lookback_files_written", "Data files written", self.files.clone());
        r.register("lookback_ledger_failures", "Runs whose record could not be written", self.ledger_failures.clone());
        r.register(
            "lookback_roster_failures",
            "Times that the list of clusters could not be read and the last one known was used",
            self.roster_failures.clone(),
        );
        r.register("lookback_last_tick_timestamp_seconds", "When the last tick started", self.last_tick.clone());
        r.register("lookback_tick_duration_seconds", "How long the last run took", self.tick_duration.clone());
        r.register(
            "lookback_clusters",
            "Clusters: configured, at work now, and with a failure in their last run",
            self.clusters.clone(),
        );
    }

    /// Also shows what this exporter commits.
    pub fn watch(&self, exporter: &Exporter) {
        self.late.watch(Arc::clone(exporter.commit_counts()));
    }

    /// Also shows what is asked of AWS over a connection.
    pub fn count_requests(&self, counts: RequestCounts) {
        self.late.count_requests(counts);
    }

    /// What was covered before this process began. Of a cluster's incarnations the last one counts.
    pub fn recall(&self, watermarks: &[(String, String, Watermark)]) {
        let mut last: BTreeMap<Pair, (usize, &str, i64)> = BTreeMap::new();
        for (cluster_id, table, watermark) in watermarks {
            let pair = Pair::new(cluster_name(cluster_id), table);
            // `sales@10` comes after `sales@2`.
            let candidate = (cluster_id.len(), cluster_id.as_str(), watermark.covered_until);
            let best = last.entry(pair).or_insert(candidate);
            *best = (*best).max(candidate);
        }
        self.with(|facts| {
            for (pair, (_, _, covered_until)) in last {
                facts.tables.entry(pair).or_default().covered_until.get_or_insert(covered_until);
            }
        });
    }

    /// The clusters as they are now. What was said of tables that are no longer exported is forgotten: it would grow old
    /// without end, and raise alarms.
    pub fn clusters<'a>(&self, jobs: impl Iterator<Item = &'a ClusterJob>) {
        let mut names = BTreeSet::new();
        let mut pairs = BTreeSet::new();
        for job in jobs {
            names.insert(job.name.clone());
            pairs.extend(job.tables.iter().map(|table| Pair::new(&job.name, &table.name)));
        }
        self.state("configured", names.len());
        self.with(|facts| {
            facts.failed.retain(|name| names.contains(name));
            self.state("failed", facts.failed.len());
            facts.tables.retain(|pair, _| {
                let kept = pairs.contains(pair);
                if !kept {
                    for family in [&self.last_success, &self.covered_until, &self.headroom, &self.lag] {
                        family.remove(pair);
                    }
                }
                kept
            });
        });
    }

    /// What one cluster's run gave.
    pub fn tables(&self, reports: &[TableReport]) {
        for report in reports.iter().filter(|r| !r.table.is_empty()) {
            let pair = Pair::new(&report.cluster, &report.table);
            self.rows_read.get_or_create(&pair).inc_by(report.rows_read);
            self.rows_new.get_or_create(&pair).inc_by(report.rows_new);
            self.rows_present.get_or_create(&pair).inc_by(report.rows_present);
            let swept = if report.kind == RunKind::Sweep { report.rows_new } else { 0 };
            self.sweep_recovered.get_or_create(&pair).inc_by(swept);
            self.gaps.get_or_create(&pair).inc_by(u64::from(report.gap.is_some()));
        }
        for report in reports {
            self.bytes.inc_by(report.bytes);
            self.files.inc_by(report.files);
            if let TableOutcome::Failed(e) = &report.outcome
                && e.kind() != ErrorKind::Cancelled
            {
                let of =
                    FailureOf { cluster: report.cluster.clone(), table: report.table.clone(), kind: kind(e.kind()) };
                self.failures.get_or_create(&of).inc();
            }
        }
        self.with(|facts| {
            for report in reports {
                facts.failed.remove(&report.cluster);
            }
            for report in reports {
                match &report.outcome {
                    TableOutcome::Failed(e) if e.kind() != ErrorKind::Cancelled => {
                        facts.failed.insert(report.cluster.clone());
                    }
                    _ => {}
                }
                if report.table.is_empty() {
                    continue;
                }
                let known = facts.tables.entry(Pair::new(&report.cluster, &report.table)).or_default();
                known.covered_until = report.covered_until.or(known.covered_until);
                if matches!(report.outcome, TableOutcome::Done) && report.kind == RunKind::Export {
                    known.last_success = Some(report.started_at + report.duration_ms * 1_000);
                }
            }
            self.state("failed", facts.failed.len());
        });
    }

    /// A run has ended, after so many microseconds. Its tables were counted before.
    pub fn run(&self, report: &Report, took: i64) {
        let outcome = match report.exit_code() {
            _ if report.cancelled() => "stopped",
            0 => "ok",
            3 => "gap",
            4 => "lease_held",
            _ => "failed",
        };
        self.runs.get_or_create(&Outcome { outcome }).inc();
        self.ledger_failures.inc_by(u64::from(report.ledger_error.is_some()));
        self.tick_duration.set(seconds(took));
    }

    /// A run has ended without a report, or could not begin.
    pub fn run_lost(&self) {
        self.runs.get_or_create(&Outcome { outcome: "failed" }).inc();
    }

    /// A tick has started, microseconds UTC.
    pub fn tick(&self, now: i64) {
        self.last_tick.set(seconds(now));
    }

    /// So many clusters are at work.
    pub fn at_work(&self, clusters: usize) {
        self.state("running", clusters);
    }

    /// The list of clusters could not be read.
    pub fn roster_failed(&self) {
        self.roster_failures.inc();
    }

    /// Everything in the OpenMetrics text format, as of `now` (microseconds UTC).
    #[must_use]
    pub fn openmetrics(&self, now: i64) -> String {
        self.with(|facts| {
            for (pair, known) in &facts.tables {
                if let Some(success) = known.last_success {
                    self.last_success.get_or_create(pair).set(seconds(success));
                }
                if let Some(covered) = known.covered_until {
                    self.covered_until.get_or_create(pair).set(seconds(covered));
                    self.lag.get_or_create(pair).set(seconds(now - covered));
                    self.headroom.get_or_create(pair).set(seconds(covered + self.retention - now));
                }
            }
        });
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }

    /// The same in the plain text format of Prometheus (version 0.0.4).
    #[must_use]
    pub fn text(&self, now: i64) -> String {
        plain::render(&plain::parse(&self.openmetrics(now)).unwrap_or_default())
    }

    fn state(&self, state: &'static str, clusters: usize) {
        self.clusters.get_or_create(&State { state }).set(i64::try_from(clusters).unwrap_or(i64::MAX));
    }

    fn with<T>(&self, what: impl FnOnce(&mut Facts) -> T) -> T {
        what(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Seconds of microseconds.
#[expect(clippy::cast_precision_loss, reason = "a double holds microseconds of this century exactly")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
