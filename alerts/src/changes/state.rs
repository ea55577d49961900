//! What the rows of the lake say: where each alert stands with each destination.

use std::collections::BTreeMap;

use super::{Change, Status};
use crate::message::Kind;
use crate::observe::SourceKind;

/// An alert and a destination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The alert.
    pub alert_id: String,
    /// The destination.
    pub destination: String,
}

/// The changes of an alert for a destination, each as its last row has it, by number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thread(BTreeMap<i64, Change>);

impl Thread {
    /// The last change that was noted.
    #[must_use]
    pub fn last(&self) -> Option<&Change> {
        self.0.values().rev().find(|change| change.status != Status::Watched)
    }

    /// A change that is being watched, after the last one.
    #[must_use]
    pub fn watched(&self) -> Option<&Change> {
        self.0.values().next_back().filter(|change| change.status == Status::Watched)
    }

    /// What the destination was told, or will be.
    #[must_use]
    pub fn told(&self) -> Kind {
        self.last().map_or(Kind::Over, |change| change.kind)
    }

    /// Changes that are still to be sent, in their order.
    pub fn open(&self) -> impl Iterator<Item = &Change> {
        self.0.values().filter(|change| change.status.is_open())
    }

    /// The newest change, noted or watched.
    #[must_use]
    pub fn newest(&self) -> Option<&Change> {
        self.0.values().next_back()
    }

    /// The change of a number.
    #[must_use]
    pub fn get(&self, number: i64) -> Option<&Change> {
        self.0.get(&number)
    }

    /// The moment of the newest answer that left a row.
    #[must_use]
    pub fn evaluated_at(&self) -> Option<i64> {
        self.0.values().map(|change| change.evaluated_at).max()
    }

    /// The rows that must not be forgotten: the last change if it is not over, what is to be sent, what is watched.
    pub(super) fn live(&self) -> impl Iterator<Item = &Change> {
        let last = self.last().map(|change| change.number);
        self.0.values().filter(move |change| {
            let stands =
                Some(change.number) == last && (change.kind != Kind::Over || change.source.kind == SourceKind::Rule);
            let watched = change.status == Status::Watched && change.streak > 0;
            stands || change.status.is_open() || watched
        })
    }
}

/// Where every alert stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    threads: BTreeMap<Key, Thread>,
    newest: i64,
}

impl State {
    /// What rows say, in whatever order and however often they come.
    #[must_use]
    pub fn of(rows: impl IntoIterator<Item = Change>) -> Self {
        let mut state = Self::default();
        for row in rows {
            state.take(row);
        }
        state
    }

    /// Takes a row.
    pub fn take(&mut self, row: Change) {
        self.newest = self.newest.max(row.recorded_at);
        let thread = self.threads.entry(row.key()).or_default();
        match thread.0.get(&row.number) {
            Some(known) if rank(known) >= rank(&row) => {}
            _ => {
                thread.0.insert(row.number, row);
            }
        }
    }

    /// Where an alert stands with a destination.
    #[must_use]
    pub fn thread(&self, key: &Key) -> Option<&Thread> {
        self.threads.get(key)
    }

    /// All of them.
    pub fn threads(&self) -> impl Iterator<Item = (&Key, &Thread)> {
        self.threads.iter()
    }

    /// A moment for new rows: now, and after every row that is there.
    #[must_use]
    pub fn after(&self, now: i64) -> i64 {
        now.max(self.newest.saturating_add(1))
    }
}

/// Which of two rows of a change is the later one; the rest only makes the answer the same in every order.
fn rank(row: &Change) -> (i64, Status, i64, i64, &str) {
    (row.step, row.status, row.recorded_at, row.attempts, &row.run_id)
}
