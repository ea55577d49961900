//! One run: what changed is committed, sent, and committed as sent. Every destination is told by a task of its own.

mod tell;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use tokio::sync::Mutex;

use crate::changes::{Change, Moment, Plan, State, Status, plan};
use crate::deliver::{Deliver, DeliveryError};
use crate::error::AlertError;
use crate::ledger::{Ledger, commit, state};
use crate::observe::Evaluation;
use crate::pace::{Pace, micros};
use crate::rules::Rules;

/// Attempts to send a change in one run.
pub const ATTEMPTS: u32 = 3;
/// Changes that one destination is told in one run; the others are told in the next.
pub const MOST: usize = 500;
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
                Status::Waiting if self.destinations.get(&change.destination).is_some_and(Result::is_ok) => {
                    Outcome::Held
                }
                Status::Waiting => Outcome::Left(why(change)),
                Status::Watched | Status::Pending | Status::Sent => continue,
            };
            report.changes.push((change.clone(), outcome));
        }
        report.changes.extend(made.held.iter().map(|change| (change.clone(), Outcome::Held)));
        report.changes.extend(made.left.iter().map(|change| (change.clone(), Outcome::Left(why(change)))));
        report
    }
}

#[cfg(test)]
mod tests;
