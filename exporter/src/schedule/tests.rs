//! The loop with clusters, a clock and work that do what the test says.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

use std::sync::Mutex;

use async_trait::async_trait;
use lookback_schemas::registry;
use lookback_schemas::time::MINUTE;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::Clock;
use crate::error::Result;
use crate::run::ClusterJob;
use crate::source::{Session, Source};

/// A Thursday, 2026-05-28 00:00:00 UTC.
const START: i64 = 1_779_926_400 * SECOND;
/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(10);

struct Nowhere;

#[async_trait]
impl Source for Nowhere {
    async fn connect(&self) -> Result<Box<dyn Session>> {
        Err(Error::new(ErrorKind::Connect, "nowhere"))
    }
}

pub(super) fn due(name: &str) -> Due {
    let tables = registry().select(&["stl_query"]).unwrap();
    let job = ClusterJob { name: name.to_owned(), source: Arc::new(Nowhere), tables };
    Due { job, every: None, serverless: false }
}

pub(super) fn serverless(name: &str) -> Due {
    Due { serverless: true, ..due(name) }
}

/// With a cadence of its own, in minutes.
pub(super) fn every(name: &str, minutes: u64) -> Due {
    Due { every: Some(Duration::from_secs(60 * minutes)), ..due(name) }
}

/// A clock that moves when the test says so, and wakes who waits for it.
struct Hand(watch::Sender<i64>);

impl Clock for Hand {
    fn now(&self) -> i64 {
        *self.0.borrow()
    }
}

#[async_trait]
impl Pace for Hand {
    async fn until(&self, at: i64) {
        let seen = self.now();
        let _ = self.0.subscribe().wait_for(|now| *now >= at || *now < seen).await;
    }
}

/// Clusters as the test has them now, or an error.
struct List(Mutex<Option<Vec<Due>>>);

#[async_trait]
impl Roster for List {
    async fn jobs(&self) -> Result<Vec<Due>> {
        let list = self.0.lock().unwrap().clone();
        list.ok_or_else(|| Error::new(ErrorKind::Config, "no list").advise("write one"))
    }
}

/// Says which clusters were started, and ends each when told to: at once, unless its name begins with `slow`.
struct Hands {
    started: mpsc::UnboundedSender<Vec<String>>,
    /// Slow clusters end when this is true.
    open: watch::Sender<bool>,
    /// Whether being asked to stop ends them, too.
    obedient: bool,
}

#[async_trait]
impl Worker for Hands {
    async fn run(&self, jobs: &[ClusterJob], stop: &CancellationToken, ended: Ended<'_>) -> Report {
        self.started.send(jobs.iter().map(|j| j.name.clone()).collect()).unwrap();
        let mut tables = Vec::new();
        for job in jobs.iter().filter(|job| !job.name.starts_with("slow")) {
            assert!(!job.name.starts_with("panic"), "as asked");
            let mut report =
                TableReport::new(&job.name, &job.name, "stl_query", lookback_schemas::ledger::RunKind::Export, START);
            report.rows_new = 3;
            ended(&job.name, std::slice::from_ref(&report));
            tables.push(report);
        }
        if jobs.iter().any(|job| job.name.starts_with("slow")) {
            let mut open = self.open.subscribe();
            tokio::select! {
                _ = open.wait_for(|open| *open) => {}
                () = stop.cancelled(), if self.obedient => {}
            }
        }
        Report { run_id: "run".to_owned(), tables, ledger_error: None }
    }
}

struct Stage {
    clock: Arc<Hand>,
    list: Arc<List>,
    open: watch::Sender<bool>,
    started: mpsc::UnboundedReceiver<Vec<String>>,
    metrics: Arc<Metrics>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
    running: JoinHandle<Stopped>,
}

/// A service with a tick every 15 minutes and 5 s of jitter, 100 s after midnight.
fn stage(clusters: Option<Vec<Due>>, obedient: bool) -> Stage {
    let (sender, started) = mpsc::unbounded_channel();
    let clock = Arc::new(Hand(watch::Sender::new(START + 100 * SECOND)));
    let list = Arc::new(List(Mutex::new(clusters)));
    let open = watch::Sender::new(false);
    let metrics = Arc::new(Metrics::new("test", DAY));
    let pulse = Arc::new(Pulse::default());
    pulse.opened();
    let stop = CancellationToken::new();
    let service = Service {
        timetable: Timetable::parse("*/15 * * * *").unwrap(),
        roster: Arc::<List>::clone(&list),
        worker: Arc::new(Hands { started: sender, open: open.clone(), obedient }),
        pace: Arc::<Hand>::clone(&clock),
        settings: ScheduleSettings { jitter: Duration::from_secs(10), ..ScheduleSettings::default() },
        metrics: Arc::clone(&metrics),
        pulse: Arc::clone(&pulse),
        chance: || 0.5,
    };
    let token = stop.clone();
    let running = tokio::spawn(async move { service.run(&token).await });
    Stage { clock, list, open, started, metrics, pulse, stop, running }
}

impl Stage {
    fn at(&self, minutes: i64, seconds: i64) {
        self.clock.0.send_replace(START + minutes * MINUTE + seconds * SECOND);
    }

    fn list(&self, clusters: Option<Vec<Due>>) {
        *self.list.0.lock().unwrap() = clusters;
    }

    /// The clusters of the next run.
    async fn run(&mut self) -> String {
        let started = tokio::time::timeout(LIMIT, self.started.recv()).await.expect("a run").unwrap();
        started.join(" ")
    }

    /// The text of the metrics, once it has this line.
    async fn shows(&self, line: &str) {
        let shown = async {
            while !self.metrics.text(START).lines().any(|l| l == line) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, shown).await;
        assert!(waited.is_ok(), "'{line}' is not in:\n{}", self.metrics.text(START));
    }

    /// Lets the loop do what it can do now.
    async fn settle(&mut self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert!(self.started.try_recv().is_err(), "a run that nobody expected");
    }

    async fn stopped(self) -> Stopped {
        self.stop.cancel();
        tokio::time::timeout(LIMIT, self.running).await.expect("it must end").unwrap()
    }
}

#[tokio::test]
async fn a_tick_comes_at_its_time_and_its_jitter() {
    let mut stage = stage(Some(vec![due("a"), due("b")]), true);
    stage.settle().await;
    assert!(stage.pulse.ready().is_ok(), "the list is read before the first tick");
    stage.at(15, 4);
    stage.settle().await;
    stage.at(15, 5);
    assert_eq!(stage.run().await, "a b");
    stage.shows("lookback_runs_total{outcome=\"ok\"} 1").await;
    stage.shows("lookback_rows_new_total{cluster=\"a\",table=\"stl_query\"} 3").await;
    stage.shows("lookback_clusters{state=\"running\"} 0").await;
    stage.shows("lookback_clusters{state=\"configured\"} 2").await;
    stage.at(30, 5);
    assert_eq!(stage.run().await, "a b");
    assert_eq!(stage.stopped().await, Stopped { abandoned: vec![] });
}

#[tokio::test]
async fn missed_ticks_are_one_tick() {
    let mut stage = stage(Some(vec![due("a")]), true);
    stage.settle().await;
    stage.at(200, 0);
    assert_eq!(stage.run().await, "a");
    stage.settle().await;
    stage.at(210, 5);
    assert_eq!(stage.run().await, "a");
    stage.stopped().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_delay_the_next_tick() {
    let mut stage = stage(Some(vec![due("a")]), true);
    stage.settle().await;
    stage.at(24 * 60, 5);
    assert_eq!(stage.run().await, "a");
    stage.settle().await;
    stage.at(60, 10);
    stage.settle().await;
    stage.at(75, 5);
    assert_eq!(stage.run().await, "a");
    stage.stopped().await;
}

#[tokio::test]
async fn a_cluster_that_hangs_is_left_alone_and_the_others_go_on() {
    let mut stage = stage(Some(vec![due("a"), due("slow")]), true);
    stage.settle().await;
    stage.at(15, 5);
    assert_eq!(stage.run().await, "a slow");
    stage.shows("lookback_clusters{state=\"running\"} 1").await;
    for tick in 2..5 {
        stage.at(15 * tick, 5);
        assert_eq!(stage.run().await, "a");
    }
    stage.shows("lookback_runs_total{outcome=\"ok\"} 3").await;
    stage.open.send_replace(true);
    stage.shows("lookback_runs_total{outcome=\"ok\"} 4").await;
    stage.open.send_replace(false);
    stage.at(75, 5);
    assert_eq!(stage.run().await, "a slow");
    assert_eq!(stage.stopped().await, Stopped { abandoned: vec![] });
}

#[tokio::test]
async fn clusters_come_and_go_from_tick_to_tick_and_a_lost_list_is_the_last_one() {
    let mut stage = stage(None, true);
    stage.settle().await;
    assert!(stage.pulse.ready().is_err());
    stage.list(Some(vec![due("a")]));
    // Not only at the tick: nobody has told it any cluster yet.
    stage.at(5, 0);
    stage.settle().await;
    assert!(stage.pulse.ready().is_ok());
    stage.list(Some(vec![due("a"), due("b")]));
    stage.at(15, 5);
    assert_eq!(stage.run().await, "a b");
    stage.settle().await;
    stage.list(None);
    stage.at(30, 5);
    assert_eq!(stage.run().await, "a b");
    stage.settle().await;
    stage.shows("lookback_roster_failures_total 2").await;
    stage.list(Some(vec![due("b")]));
    stage.at(45, 5);
    assert_eq!(stage.run().await, "b");
    stage.stopped().await;
}

#[tokio::test]
async fn a_run_that_breaks_frees_its_clusters() {
    let mut stage = stage(Some(vec![due("panics")]), true);
    stage.settle().await;
    for tick in 1..3 {
        stage.at(15 * tick, 5);
        assert_eq!(stage.run().await, "panics");
        stage.shows(&format!("lookback_runs_total{{outcome=\"failed\"}} {tick}")).await;
    }
    assert_eq!(stage.stopped().await, Stopped { abandoned: vec![] });
}

#[tokio::test]
async fn work_that_does_not_stop_in_time_is_named() {
    let mut stage = stage(Some(vec![due("a"), due("slow")]), false);
    stage.settle().await;
    stage.at(15, 5);
    assert_eq!(stage.run().await, "a slow");
    stage.stop.cancel();
    stage.settle().await;
    assert!(stage.pulse.ready().is_err() && stage.pulse.alive(START + DAY).is_ok(), "stopping, and not stuck");
    stage.at(15, 29);
    stage.settle().await;
    assert!(!stage.running.is_finished(), "25 s are not over");
    stage.at(15, 31);
    assert_eq!(stage.stopped().await, Stopped { abandoned: vec!["slow".to_owned()] });
}

#[tokio::test]
async fn no_work_begins_after_the_stop() {
    let mut stage = stage(Some(vec![due("a")]), true);
    stage.settle().await;
    stage.stop.cancel();
    stage.at(15, 5);
    stage.settle().await;
    assert_eq!(stage.stopped().await, Stopped { abandoned: vec![] });
}
