//! Histories: weeks of work on a small warehouse, the same for the same seed.
//!
//! A statement is chosen from the shapes of the cluster's kind at a moment of its rhythm, waits in a queue, runs, and leaves
//! rows in every table in which a real one would, all with the same query, transaction and process ids. A row becomes visible
//! up to three seconds after what it describes, each node and table on its own; one in a hundred takes minutes or hours.

mod loads;
mod query;
mod rhythm;
mod sessions;
mod shapes;
mod sink;
mod steps;
mod warehouse;

use std::collections::HashMap;

use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::cluster::Cluster;
use sessions::Session;
use sink::Sinks;
use warehouse::Worker;

/// Which rhythm and mix of work a cluster has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nightly and hourly loads by a few services: COPY, INSERT, UNLOAD, VACUUM, ANALYZE; large scans and spills.
    Etl,
    /// Many short queries of few shapes in business hours, with queues at the peaks and quiet weekends.
    Dashboards,
    /// Analysts: long, odd and failing queries, nested loops, missing statistics.
    AdHoc,
}

/// What history to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimConfig {
    /// Name of the cluster.
    pub name: String,
    /// Its rhythm and mix of work.
    pub kind: Kind,
    /// Everything random comes from this: the same configuration gives the same rows.
    pub seed: u64,
    /// The first moment of the history: microseconds since 1970-01-01 UTC.
    pub start: i64,
    /// Days of history; the virtual clock begins at their end.
    pub days: u32,
    /// Queries on an ordinary working day; weekends differ by kind.
    pub queries_per_day: u32,
}

/// A history in the making.
struct World {
    kind: Kind,
    rng: ChaCha8Rng,
    sinks: Sinks,
    next_query: i64,
    next_xid: i64,
    next_pid: i64,
    sessions: HashMap<(i64, i64), Session>,
    /// When the last statement that holds a slot of each service class ends, for the queues.
    busy_until: HashMap<i64, Vec<i64>>,
}

/// A statement as it ran.
struct Run {
    worker: &'static Worker,
    shape: &'static shapes::Shape,
    sql: String,
    query: i64,
    xid: i64,
    pid: i64,
    /// Submitted, and out of the queue; microseconds since 1970-01-01 UTC, as the others.
    queued: i64,
    started: i64,
    ended: i64,
    aborted: bool,
    /// Rows of its main table that it touches.
    rows: i64,
    /// How much work memory it wants, in relation to what it gets: beyond 1.0 it spills to disk.
    pressure: f64,
}

impl Cluster {
    /// A cluster with a history. Its virtual clock stands at the end of the history; what still runs then, or surfaces late,
    /// becomes visible when the clock is advanced.
    #[must_use]
    pub fn generate(config: &SimConfig) -> Self {
        let end = config.start + i64::from(config.days) * DAY;
        let cluster = Self::empty(&config.name, end);
        let mut world = World {
            kind: config.kind,
            rng: ChaCha8Rng::seed_from_u64(config.seed),
            sinks: Sinks::new(),
            next_query: 1_000,
            next_xid: 50_000,
            next_pid: 10_000,
            sessions: HashMap::new(),
            busy_until: HashMap::new(),
        };
        for day in 0..config.days {
            let start = config.start + i64::from(day) * DAY;
            world.day(start, config.queries_per_day);
        }
        let World { sinks, next_query, .. } = world;
        sinks.pour(&cluster);
        cluster.0.state().next_query = next_query;
        cluster
    }
}

impl World {
    fn day(&mut self, start: i64, queries: u32) {
        let shapes = shapes::shapes(self.kind);
        for (moment, crowd) in rhythm::moments(&mut self.rng, self.kind, start, queries) {
            let shape = shapes::choose(&mut self.rng, shapes);
            self.statement(shape, moment, crowd);
        }
        self.failed_logins(start);
        self.user_changes(start);
        self.close_sessions();
    }

    /// When a row about something at `time` can be read.
    fn visible(&mut self, time: i64) -> i64 {
        let late = if self.rng.random_bool(0.01) { self.rng.random_range(2 * MINUTE..4 * HOUR) } else { 0 };
        time + self.rng.random_range(0..3 * SECOND) + late
    }

    /// A factor around 1 with a long tail upwards, as run times have.
    fn spread(&mut self) -> f64 {
        let u: f64 = self.rng.random_range(0.05..1.0);
        let usual = 0.3 - u.ln();
        if self.rng.random_bool(0.015) { usual * self.rng.random_range(15.0..120.0) } else { usual }
    }

    fn some(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }

    fn xid(&mut self) -> i64 {
        self.next_xid += self.rng.random_range(1..4);
        self.next_xid
    }
}

/// Whole microseconds of a number of seconds.
#[expect(clippy::cast_possible_truncation, reason = "run times are hours at most")]
fn micros(seconds: f64) -> i64 {
    (seconds * 1e6) as i64
}

/// A share of a number of rows or bytes.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
fn part(of: i64, share: f64) -> i64 {
    (of as f64 * share) as i64
}

/// Redshift's way to write yes and no into a CHAR(1).
fn flag(yes: bool) -> &'static str {
    if yes { "t" } else { "f" }
}
