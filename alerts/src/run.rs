//! One run: what changed is committed, sent, and committed as sent. Every destination is told by a task of its own.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use tokio::sync::Mutex;

use crate::changes::{Change, Moment, Plan, State, Status, plan};
use crate::deliver::{Deliver, DeliveryError};
use crate::error::AlertError;
use crate::ledger::{Ledger, commit, state};
use crate::message::Event;
use crate::observe::Evaluation;
use crate::pace::{Pace, micros};
use crate::rules::Rules;

/// Attempts to send a change in one run.
pub const ATTEMPTS: u32 = 3;
/// Changes that one destination is told in one run; the others are told in the next.
pub const MOST: usize = 500;
/// Changes that are sent before it is committed that they were.
const FLUSH: usize = 25;
/// Characters of a stored reason why something could not be sent.
const MAX_ERROR: usize = 500;

/// A name for a run that no other has.
#[must_use]
pub fn run_id() -> String {
    format!("alert-{}", uuid::Uuid::now_v7().simple())
}

/// What a run works with.
pub struct Alerter<'a> {
    /// What was told so far.
    pub ledger: &'a dyn Ledger,
    /// The rules.
    pub rules: &'a Rules,
    /// The destinations of the rules by name, or why one cannot be told anything.
    pub destinations: BTreeMap<String, Result<Box<dyn Deliver>, DeliveryError>>,
    /// Time.
    pub pace: &'a dyn Pace,
    /// What this run is called; no other run is called so.
    pub run_id: String,
    /// Whether alerts that no rule asks about any more are to end.
    pub close_orphans: bool,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was sent.
    Sent,
    /// It would be sent.
    WouldSend,
    /// It is noted and told to nobody.
    Noted,
    /// It has to be so for more runs.
    Watched,
    /// It could not be sent, and is sent in a later run.
    Left(String),
    /// Another run is sending it.
    Held,
}

impl Outcome {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::WouldSend => "would be sent",
            Self::Noted => "noted",
            Self::Watched => "watched",
            Self::Left(_) => "not sent",
            Self::Held => "sent by another run",
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Changes, and what became of them.
    pub changes: Vec<(Change, Outcome)>,
    /// Alerts that no rule asks about any more.
    pub orphans: Vec<Change>,
    /// Destinations that cannot be told anything, and what could not be stored.
    pub problems: Vec<String>,
    /// What could not be asked.
    pub unasked: Vec<String>,
}

impl Report {
    /// Whether something could not be asked, sent or stored.
    #[must_use]
    pub fn failed(&self) -> bool {
        let left = self.changes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Left(_)));
        left || !self.problems.is_empty() || !self.unasked.is_empty()
    }
}

/// A change that was tried to be sent.
struct Tried {
    change: Change,
    attempts: u32,
    result: Result<(), DeliveryError>,
}

impl Alerter<'_> {
    /// Tells what changed. `at` is the moment that was asked about (microseconds since 1970-01-01, UTC).
    ///
    /// # Errors
    /// If it cannot be read what was told so far, or it cannot be stored what is to be told: nothing is sent then.
    pub async fn run(mut self, evaluations: &[Evaluation], at: i64) -> Result<Report, AlertError> {
        let broken = self.check().await;
        let turn = Mutex::new(());
        let make = |state: &State| {
            let made = self.plan(state, evaluations, at, &broken);
            (made.rows.clone(), made)
        };
        let made = commit(self.ledger, &turn, make).await?;
        let deadline = self.pace.now() + micros(self.rules.resend_after);
        let mut report = self.report(evaluations, &made);
        let mut queues: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
        for change in made.to_send() {
            queues.entry(change.destination.as_str()).or_default().push(change);
        }
        let told = queues.into_iter().filter_map(|(name, queue)| match self.destinations.get(name) {
            Some(Ok(destination)) => Some(self.tell(destination.as_ref(), queue, deadline, &turn)),
            _ => None,
        });
        for (changes, problem) in join_all(told).await {
            report.changes.extend(changes);
            report.problems.extend(problem);
        }
        Ok(report)
    }

    /// What [`Alerter::run`] would do. Nothing is sent or stored.
    ///
    /// # Errors
    /// If it cannot be read what was told so far.
    pub async fn dry_run(mut self, evaluations: &[Evaluation], at: i64) -> Result<Report, AlertError> {
        let broken = self.check().await;
        let made = self.plan(&state(self.ledger).await?, evaluations, at, &broken);
        let mut report = self.report(evaluations, &made);
        report.changes.extend(made.to_send().map(|change| (change.clone(), Outcome::WouldSend)));
        Ok(report)
    }

    /// Asks every destination whether it may be told anything. Gives those that may not.
    async fn check(&mut self) -> BTreeSet<String> {
        let checked = join_all(self.destinations.iter().map(|(name, destination)| async move {
            match destination {
                Ok(destination) => destination.check().await.err().map(|error| (name.clone(), error)),
                Err(_) => None,
            }
        }));
        for (name, error) in checked.await.into_iter().flatten() {
            self.destinations.insert(name, Err(error));
        }
        self.destinations.iter().filter(|(_, found)| found.is_err()).map(|(name, _)| name.clone()).collect()
    }

    fn plan(&self, state: &State, evaluations: &[Evaluation], at: i64, broken: &BTreeSet<String>) -> Plan {
        let moment = Moment {
            now: self.pace.now(),
            at,
            run_id: &self.run_id,
            resend_after: micros(self.rules.resend_after),
            close_orphans: self.close_orphans,
            broken,
        };
        plan(state, self.rules, evaluations, &moment)
    }

    /// What there is to say before anything is sent.
    fn report(&self, evaluations: &[Evaluation], made: &Plan) -> Report {
        let mut report = Report { orphans: made.orphans.clone(), ..Report::default() };
        for (name, destination) in &self.destinations {
            if let Err(error) = destination {
                report.problems.push(format!("destination '{name}': {error}"));
            }
        }
        let asked = evaluations.iter().flat_map(|one| one.asked.iter().map(move |asked| (&one.rule, asked)));
        for (rule, asked) in asked {
            if let Some(error) = &asked.error {
                report.unasked.push(format!("rule '{rule}': {}: {error}", asked.name));
            }
        }
        let why = |change: &Change| match self.destinations.get(&change.destination) {
            Some(Err(error)) => error.message.clone(),
            _ => "a change before it is being sent by another run".to_owned(),
        };
        for change in &made.rows {
            let outcome = match change.status {
                Status::Silent => Outcome::Noted,
                Status::Watched if change.streak > 0 => Outcome::Watched,
                Status::Waiting if self.destinations.get(&change.destination).is_some_and(Result::is_ok) => Outcome::Held,
                Status::Waiting => Outcome::Left(why(change)),
                Status::Watched | Status::Pending | Status::Sent => continue,
            };
            report.changes.push((change.clone(), outcome));
        }
        report.changes.extend(made.held.iter().map(|change| (change.clone(), Outcome::Held)));
        report.changes.extend(made.left.iter().map(|change| (change.clone(), Outcome::Left(why(change)))));
        report
    }

    /// Sends the changes of one destination, those of an alert in their order. Gives what became of each, and what could not be
    /// stored.
    async fn tell(
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
                None if full => Some(DeliveryError::passing(format!("more than {MOST} changes: the next run sends it"))),
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
                        let error = Some(crate::message::cut(&error.message, MAX_ERROR));
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

#[cfg(test)]
mod tests;
