//! Which clusters a tick is for. Pure: the state is one book, the time is given.
//!
//! Invariants:
//! - a cluster is not chosen while it is at work, whichever tick began that;
//! - two starts of a cluster are at least its cadence less the tolerance apart.

use std::collections::BTreeMap;
use std::time::Duration;

use lookback_schemas::time::{DAY, SECOND};

use super::Due;
use crate::run::ClusterJob;
use crate::window::micros;

/// How often clusters are exported that say nothing themselves, and how far ticks stray from their time.
#[derive(Debug, Clone, Copy)]
pub struct Cadence {
    /// Shortest time between two exports of a provisioned cluster.
    pub provisioned: Duration,
    /// Shortest time between two exports of a Serverless workgroup.
    pub serverless: Duration,
    /// Longest random delay of a tick.
    pub jitter: Duration,
}

impl Cadence {
    /// The shortest time between two starts of a cluster, microseconds: its cadence, less what two ticks that are a cadence
    /// apart can come closer to each other by. The earlier one may have had all of the jitter and the later one none, and
    /// neither is on time to the microsecond. Without this, a cadence equal to the tick would leave out every second one.
    #[must_use]
    pub fn apart(&self, due: &Due) -> i64 {
        let every = due.every.unwrap_or(if due.serverless { self.serverless } else { self.provisioned });
        let every = micros(every);
        every - (micros(self.jitter) + SECOND).min(every / 2)
    }
}

/// What is known of a cluster.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// When its last run started.
    started: i64,
    /// The run that is at work on it.
    run: Option<u64>,
}

/// Which clusters were started when, and which are at work.
#[derive(Debug, Default)]
pub struct Book {
    clusters: BTreeMap<String, Entry>,
}

impl Book {
    /// The clusters that are due at `now` and not at work, entered as started by this run.
    pub fn choose(&mut self, known: &[Due], cadence: &Cadence, now: i64, run: u64) -> Vec<ClusterJob> {
        // A cluster that is gone for a moment keeps its cadence.
        self.clusters.retain(|name, entry| {
            entry.run.is_some() || now - entry.started < DAY || known.iter().any(|due| due.job.name == *name)
        });
        let due = known.iter().filter(|due| self.start(&due.job.name, cadence.apart(due), now, run));
        due.map(|due| due.job.clone()).collect()
    }

    fn start(&mut self, name: &str, apart: i64, now: i64, run: u64) -> bool {
        let free = self.clusters.get(name).is_none_or(|entry| {
            // A clock that was set back must not stop exports.
            entry.run.is_none() && !(0..apart).contains(&(now - entry.started))
        });
        if free {
            self.clusters.insert(name.to_owned(), Entry { started: now, run: Some(run) });
        }
        free
    }

    /// A run has ended its work on a cluster. What a later run has begun there goes on.
    pub fn ended(&mut self, name: &str, run: u64) {
        if let Some(entry) = self.clusters.get_mut(name).filter(|entry| entry.run == Some(run)) {
            entry.run = None;
        }
    }

    /// Clusters at work.
    pub fn at_work(&self) -> impl Iterator<Item = &str> {
        self.clusters.iter().filter(|(_, entry)| entry.run.is_some()).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use lookback_schemas::time::MINUTE;
    use proptest::prelude::*;

    use super::super::tests::{due, every, serverless};
    use super::*;

    const CADENCE: Cadence = Cadence {
        provisioned: Duration::ZERO,
        serverless: Duration::from_secs(60 * 60),
        jitter: Duration::from_secs(30),
    };

    fn names(jobs: &[ClusterJob]) -> Vec<&str> {
        jobs.iter().map(|job| job.name.as_str()).collect()
    }

    #[test]
    fn each_cluster_has_its_own_cadence() {
        let known = [due("plain"), serverless("pool"), every("slow", 30)];
        let mut book = Book::default();
        let mut chosen = Vec::new();
        for tick in 0..=4 {
            let now = tick * 15 * MINUTE;
            let run = u64::try_from(tick).unwrap_or(0);
            let jobs = book.choose(&known, &CADENCE, now, run);
            jobs.iter().for_each(|job| book.ended(&job.name, run));
            chosen.push(names(&jobs).join(" "));
        }
        assert_eq!(chosen, ["plain pool slow", "plain", "plain slow", "plain", "plain pool slow"]);
    }

    #[test]
    fn a_cadence_equal_to_the_tick_leaves_out_none() {
        let known = [every("a", 15)];
        let mut book = Book::default();
        // As late as jitter allows, then as early.
        for (run, now) in
            [30 * SECOND + 20_000, 15 * MINUTE + 100, 30 * MINUTE + 30 * SECOND, 45 * MINUTE].iter().enumerate()
        {
            assert_eq!(names(&book.choose(&known, &CADENCE, *now, run as u64)), ["a"], "tick {run}");
            book.ended("a", run as u64);
        }
    }

    #[test]
    fn a_cluster_at_work_is_left_alone_and_a_late_end_of_an_old_run_changes_nothing() {
        let known = [due("a"), due("b"), due("a")];
        let mut book = Book::default();
        assert_eq!(names(&book.choose(&known, &CADENCE, 0, 1)), ["a", "b"], "listed twice, started once");
        book.ended("b", 1);
        assert_eq!(names(&book.choose(&known, &CADENCE, MINUTE, 2)), ["b"]);
        book.ended("b", 1);
        assert_eq!(book.at_work().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(names(&book.choose(&known, &CADENCE, 2 * MINUTE, 3)), [""; 0]);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_a_cluster() {
        let mut book = Book::default();
        book.choose(&[serverless("pool")], &CADENCE, DAY, 1);
        book.ended("pool", 1);
        assert_eq!(names(&book.choose(&[serverless("pool")], &CADENCE, 0, 2)), ["pool"]);
    }

    proptest! {
        /// Ticks at any time, ends at any time: never more often than the cadence allows, and never two at once.
        #[test]
        fn starts_are_a_cadence_apart_and_never_two_at_once(
            minutes in 0..90_u64, jitter in 0..120_u64, serverless_pool: bool,
            steps in proptest::collection::vec((0..20 * MINUTE, 0..4_u8), 1..60),
        ) {
            let cadence = Cadence { jitter: Duration::from_secs(jitter), ..CADENCE };
            let mut known = every("a", minutes);
            known.serverless = serverless_pool;
            let least = cadence.apart(&known);
            let full = i64::try_from(minutes).unwrap_or(0) * MINUTE;
            prop_assert!(least <= full && least >= full / 2);
            let mut book = Book::default();
            let (mut now, mut last, mut working) = (0, None, None);
            for (run, (wait, what)) in (0_u64..).zip(steps) {
                now += wait;
                if what == 0 {
                    if let Some(run) = working.take() {
                        book.ended("a", run);
                    }
                } else if what == 1 {
                    // The end of a run that has ended already.
                    book.ended("a", run + 1_000);
                }
                let started = !book.choose(std::slice::from_ref(&known), &cadence, now, run).is_empty();
                if started {
                    prop_assert_eq!(working, None, "two at once");
                    prop_assert!(last.is_none_or(|last| now - last >= least), "too soon");
                    (last, working) = (Some(now), Some(run));
                } else {
                    prop_assert!(working.is_some() || last.is_some_and(|last| now - last < least), "left out");
                }
            }
        }
    }
}
