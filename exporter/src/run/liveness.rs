//! Which clusters of a run are getting on with it: what a shared commit waits for.
//!
//! A cluster gives a sign of life with every step it completes. One that gives none for a while hangs, or reads something long;
//! nobody's rows should wait for it. Those that wait for their turn are as alive as the run as a whole. One that could not be
//! reached in the last run is waited for once it has been reached in this one.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is known of a cluster, by its number in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for its turn.
    Queued,
    /// Was not reached in the last run, and has not been in this one.
    Doubtful,
    /// At work; when it last completed a step.
    Working(Instant),
}

/// The states of all clusters of a run.
#[derive(Debug)]
pub(super) struct Liveness {
    /// Longest silence of a cluster that is waited for.
    patience: Duration,
    states: Mutex<States>,
}

#[derive(Debug)]
struct States {
    clusters: Vec<State>,
    /// The last step of anybody.
    latest: Instant,
}

impl Liveness {
    /// All wait for their turn; for each, whether it was reached in the last run.
    pub(super) fn new(reached: impl IntoIterator<Item = bool>, patience: Duration, now: Instant) -> Self {
        let state = |reached| if reached { State::Queued } else { State::Doubtful };
        let states = States { clusters: reached.into_iter().map(state).collect(), latest: now };
        Self { patience, states: Mutex::new(states) }
    }

    /// A cluster got its turn.
    pub(super) fn begin(&self, cluster: usize, now: Instant) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state @ State::Queued) = states.clusters.get_mut(cluster) {
            *state = State::Working(now);
            states.latest = now;
        }
    }

    /// A cluster completed a step.
    pub(super) fn sign(&self, cluster: usize, now: Instant) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.latest = now;
        if let Some(state) = states.clusters.get_mut(cluster) {
            *state = State::Working(now);
        }
    }

    /// Until when it is worth waiting for these clusters, as things stand; `None` if there is nobody to wait for.
    pub(super) fn worth_waiting_until(&self, clusters: &HashSet<usize>) -> Option<Instant> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let last = clusters.iter().filter_map(|c| match states.clusters.get(*c)? {
            State::Queued => Some(states.latest),
            State::Doubtful => None,
            State::Working(at) => Some(*at),
        });
        Some(last.max()? + self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn one_that_is_silent_is_given_up_and_the_others_are_not() {
        let start = Instant::now();
        let liveness = Liveness::new([true; 3], seconds(5), start);
        liveness.begin(0, start);
        liveness.sign(1, start + seconds(4));
        let until = |clusters: &[usize]| liveness.worth_waiting_until(&clusters.iter().copied().collect());
        assert_eq!(until(&[0]), Some(start + seconds(5)));
        assert_eq!(until(&[0, 1]), Some(start + seconds(9)));
        assert_eq!(until(&[]), None);
    }

    #[test]
    fn those_that_wait_for_their_turn_are_worth_waiting_for_while_anybody_moves() {
        let start = Instant::now();
        let liveness = Liveness::new([true; 3], seconds(5), start);
        let until = || liveness.worth_waiting_until(&HashSet::from([2]));
        assert_eq!(until(), Some(start + seconds(5)));
        liveness.sign(0, start + seconds(4));
        assert_eq!(until(), Some(start + seconds(9)));
        liveness.sign(2, start + seconds(6));
        liveness.sign(0, start + seconds(8));
        assert_eq!(until(), Some(start + seconds(11)));
    }

    #[test]
    fn one_that_was_down_is_waited_for_once_it_is_reached() {
        let start = Instant::now();
        let liveness = Liveness::new([true, false], seconds(5), start);
        let until = || liveness.worth_waiting_until(&HashSet::from([1]));
        liveness.begin(1, start + seconds(1));
        assert_eq!(until(), None);
        liveness.sign(1, start + seconds(2));
        assert_eq!(until(), Some(start + seconds(7)));
    }
}
