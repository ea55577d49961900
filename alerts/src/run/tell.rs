//! Sends the changes of one destination, and commits what became of them.

use std::collections::BTreeSet;

use tokio::sync::Mutex;

use super::{ATTEMPTS, Alerter, MOST, Outcome};
use crate::changes::{Change, State, Status};
use crate::deliver::{Deliver, DeliveryError};
use crate::error::AlertError;
use crate::ledger::commit;
use crate::message::{Event, cut};

/// Changes that are sent before it is committed that they were.
const FLUSH: usize = 25;
/// Characters of a stored reason why something could not be sent.
const MAX_ERROR: usize = 500;

/// A change that was tried to be sent.
struct Tried {
    change: Change,
    attempts: u32,
    result: Result<(), DeliveryError>,
}

impl Alerter<'_> {
    /// Sends the changes of one destination, those of an alert in their order. Gives what became of each, and what could not be
    /// stored.
    pub(super) async fn tell(
        &self,
        destination: &dyn Deliver,
        mut queue: Vec<&Change>,
        deadline: i64,
        turn: &Mutex<()>,
    ) -> (Vec<(Change, Outcome)>, Option<String>) {
        queue.sort_by_key(|change| (std::cmp::Reverse(change.severity), &change.alert_id, change.number));
        let (mut done, mut unstored): (Vec<Tried>, Vec<Tried>) = (Vec::new(), Vec::new());
        let mut problem = None;
        let mut down: Option<DeliveryError> = None;
        let mut blocked: BTreeSet<&str> = BTreeSet::new();
        for (number, chunk) in queue.chunks(destination.batch().max(1)).enumerate() {
            let full = number * destination.batch().max(1) >= MOST;
            // Something is always tried, however short the time is.
            let late = number > 0 && self.pace.now() >= deadline;
            let stop = match &down {
                Some(error) => Some(error.clone()),
                None if full => {
                    Some(DeliveryError::passing(format!("more than {MOST} changes: the next run sends it")))
                }
                None if late => Some(DeliveryError::passing("the run's time is up: the next run sends it")),
                None => None,
            };
            let (held, free): (Vec<&Change>, Vec<&Change>) =
                chunk.iter().copied().partition(|change| stop.is_some() || blocked.contains(change.alert_id.as_str()));
            let wait = || DeliveryError::passing("a change before it could not be sent");
            unstored.extend(held.into_iter().map(|change| Tried {
                change: change.clone(),
                attempts: 0,
                result: Err(stop.clone().unwrap_or_else(wait)),
            }));
            for (change, attempts, result) in self.attempt(destination, free, deadline).await {
                if let Err(error) = &result {
                    blocked.insert(change.alert_id.as_str());
                    down = down.or_else(|| error.all.then(|| error.clone()));
                }
                unstored.push(Tried { change: change.clone(), attempts, result });
            }
            if unstored.len() >= FLUSH {
                problem = self.store(&unstored, turn).await.err().or(problem);
                done.append(&mut unstored);
            }
        }
        problem = self.store(&unstored, turn).await.err().or(problem);
        done.append(&mut unstored);
        let outcomes = done.into_iter().map(|tried| {
            let outcome = match tried.result {
                Ok(()) => Outcome::Sent,
                Err(error) => Outcome::Left(error.message),
            };
            (tried.change, outcome)
        });
        let problem = problem.map(|error| format!("what was sent could not be stored, and is sent again: {error}"));
        (outcomes.collect(), problem)
    }

    /// Sends changes together; those that fail in passing are tried again.
    async fn attempt<'c>(
        &self,
        destination: &dyn Deliver,
        changes: Vec<&'c Change>,
        deadline: i64,
    ) -> Vec<(&'c Change, u32, Result<(), DeliveryError>)> {
        let mut results = Vec::with_capacity(changes.len());
        let mut left: Vec<(&Change, &Event)> = Vec::with_capacity(changes.len());
        for change in changes {
            match &change.event {
                Some(event) => left.push((change, event)),
                None => results.push((change, 0, Err(DeliveryError::refused("its stored message cannot be read")))),
            }
        }
        for attempt in 1..=ATTEMPTS {
            if left.is_empty() {
                break;
            }
            let events: Vec<&Event> = left.iter().map(|(_, event)| *event).collect();
            let mut answers = destination.send(&events, self.pace.now()).await.into_iter();
            let last = attempt == ATTEMPTS || self.pace.now() >= deadline;
            let mut again = Vec::new();
            for (change, event) in left {
                let answer = answers.next().unwrap_or_else(|| Err(DeliveryError::passing("there was no result")));
                match answer {
                    Err(error) if error.transient && !last => again.push((change, event)),
                    result => results.push((change, attempt, result)),
                }
            }
            left = again;
            if !left.is_empty() {
                self.pace.sleep(self.rules.retry_delay * 2_u32.pow(attempt - 1)).await;
            }
        }
        results
    }

    /// Commits what became of changes.
    async fn store(&self, tried: &[Tried], turn: &Mutex<()>) -> Result<(), AlertError> {
        if tried.is_empty() {
            return Ok(());
        }
        let rows = |state: &State| {
            let at = state.after(self.pace.now());
            let row = |one: &Tried| {
                let known = state.thread(&one.change.key())?.get(one.change.number)?;
                let ours = known.status == Status::Pending && known.run_id == self.run_id;
                let attempts = known.attempts + i64::from(one.attempts);
                match &one.result {
                    // Whoever took it over in between need not send it.
                    Ok(()) if known.status.is_open() => {
                        let sent = known.next(Status::Sent, at, &self.run_id);
                        Some(Change { attempts, error: None, event: None, ..sent })
                    }
                    Err(error) if ours => {
                        let error = Some(cut(&error.message, MAX_ERROR));
                        Some(Change { attempts, error, ..known.next(Status::Waiting, at, &self.run_id) })
                    }
                    _ => None,
                }
            };
            (tried.iter().filter_map(row).collect(), ())
        };
        commit(self.ledger, turn, rows).await
    }
}
