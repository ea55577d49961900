//! One run's plan.

mod upkeep;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;

use super::{Change, Key, MAX_WAITING, State, Status, Thread, alert_id, change_id};
use crate::message::{Event, Kind, Told};
use crate::observe::{Entity, Evaluation, Observation, Severity, Source, SourceKind, Verdict};
use crate::rules::{Rule, Rules};

/// When, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Now (microseconds since 1970-01-01, UTC).
    pub now: i64,
    /// The moment that was asked about.
    pub at: i64,
    /// The run.
    pub run_id: &'a str,
    /// After how long a change that somebody is sending is taken over (microseconds).
    pub resend_after: i64,
    /// Whether alerts that no rule asks about any more are to end.
    pub close_orphans: bool,
    /// Destinations that nothing can be sent to in this run.
    pub broken: &'a BTreeSet<String>,
}

/// What there is to do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Rows to commit. Those that are pending are then to be sent, by whoever commits them.
    pub rows: Vec<Change>,
    /// Alerts that no rule asks about any more, or whose destination is gone.
    pub orphans: Vec<Change>,
    /// Changes that another run is sending.
    pub held: Vec<Change>,
    /// Changes that stay as they are, because nothing can be sent to their destination.
    pub left: Vec<Change>,
}

impl Plan {
    /// The rows that are to be sent.
    pub fn to_send(&self) -> impl Iterator<Item = &Change> {
        self.rows.iter().filter(|row| row.status == Status::Pending)
    }
}

/// What the answers change. `state` is what the lake has; nothing is read or written.
#[must_use]
pub fn plan(state: &State, rules: &Rules, evaluations: &[Evaluation], moment: &Moment<'_>) -> Plan {
    let mut work =
        Work { state, rules, moment, at: state.after(moment.now), plan: Plan::default(), done: BTreeSet::new() };
    for evaluation in evaluations {
        if let Some(rule) = rules.rule(&evaluation.rule) {
            work.rule(rule, evaluation);
        }
    }
    work.orphans(evaluations);
    work.resend();
    work.carry();
    work.plan
}

struct Work<'a> {
    state: &'a State,
    rules: &'a Rules,
    moment: &'a Moment<'a>,
    /// The time of new rows.
    at: i64,
    plan: Plan,
    /// Changes that have a new row in this plan.
    done: BTreeSet<(Key, i64)>,
}

/// An answer for one alert and destination.
struct Answer<'a> {
    rule: &'a str,
    runs: u32,
    /// What is to be told; `None` if the answer says nothing.
    wanted: Option<Kind>,
    at: i64,
    /// Whether it is only to be noted.
    quiet: bool,
    observation: &'a Observation,
}

impl<'a> Work<'a> {
    fn rule(&mut self, rule: &Rule, evaluation: &Evaluation) {
        let answers = merged(rule, &evaluation.observations);
        for destination in &rule.to {
            let quiet = self.mark(rule, destination, evaluation.at);
            let (name, runs, at) = (rule.name.as_str(), rule.runs, evaluation.at);
            for (alert, observation) in &answers {
                let wanted = match observation.verdict {
                    Verdict::Fail => Some(Kind::Fail),
                    Verdict::Unknown => rule.unknown.then_some(Kind::Unknown),
                    Verdict::Clear => Some(Kind::Over),
                };
                let key = Key { alert_id: alert.clone(), destination: destination.clone() };
                self.answer(&key, &Answer { rule: name, runs, wanted, at, quiet, observation });
            }
            for (key, of) in self.silent(rule, destination, evaluation, &answers) {
                let observation = &gone(of, "It is not in the answer any more.");
                self.answer(key, &Answer { rule: name, runs, wanted: Some(Kind::Over), at, quiet: false, observation });
            }
        }
    }

    /// The alerts of a rule whose entities are not in a whole answer any more.
    fn silent(
        &self,
        rule: &Rule,
        destination: &str,
        evaluation: &Evaluation,
        answers: &BTreeMap<String, &Observation>,
    ) -> Vec<(&'a Key, &'a Change)> {
        let of_rule = self
            .state
            .threads()
            .filter(|(key, _)| key.destination == destination && !answers.contains_key(&key.alert_id));
        let newest = of_rule.filter_map(|(key, thread)| Some((key, thread.newest()?)));
        let is_over = |of: &Change| {
            of.rule == rule.name
                && of.source.kind == rule.kind()
                && rule.covers(&of.entity)
                && evaluation.asked.iter().any(|asked| asked.name == of.source.name && asked.is_over(&of.entity))
        };
        newest.filter(|(_, of)| is_over(of)).collect()
    }

    /// Whether the rule is asked for the first time for this destination and only notes what fails; notes that it was asked.
    fn mark(&mut self, rule: &Rule, destination: &str, at: i64) -> bool {
        if !rule.baseline {
            return false;
        }
        let observation = Observation {
            source: Source { kind: SourceKind::Rule, name: rule.name.clone(), title: String::new() },
            severity: Severity::Info,
            entity: Entity { id: "-".to_owned(), ..Entity::default() },
            verdict: Verdict::Clear,
            said: "-".to_owned(),
            reason: "What failed when the rule was first asked is noted, and told to nobody.".to_owned(),
            since: None,
            advice: Vec::new(),
            evidence: Vec::new(),
            values: Map::new(),
        };
        let alert_id = alert_id(&rule.name, SourceKind::Rule, &rule.name, &observation.entity);
        let key = Key { alert_id, destination: destination.to_owned() };
        if self.state.thread(&key).is_some() {
            return false;
        }
        let answer =
            Answer { rule: &rule.name, runs: 1, wanted: Some(Kind::Over), at, quiet: true, observation: &observation };
        self.note(&key, Kind::Over, Status::Silent, 0, &answer);
        true
    }

    /// Weighs an answer against what was told.
    fn answer(&mut self, key: &Key, answer: &Answer<'_>) {
        let thread = self.state.thread(key);
        let is_older = thread.and_then(Thread::evaluated_at).is_some_and(|seen| seen > answer.at);
        let Some(wanted) = answer.wanted.filter(|_| !is_older) else { return };
        let watched = thread.and_then(Thread::watched).filter(|watched| watched.streak > 0);
        if wanted == thread.map_or(Kind::Over, Thread::told) {
            if let Some(watched) = watched {
                let ended = Change { streak: 0, evaluated_at: answer.at, ..watched.clone() };
                self.push(ended.next(Status::Watched, self.at, self.moment.run_id));
            }
            return;
        }
        let last = thread.and_then(Thread::last);
        // Whoever was told nothing is not told that it is over.
        let untold = wanted == Kind::Over && last.is_some_and(|last| last.status == Status::Silent);
        let streak = match watched.filter(|watched| watched.kind == wanted) {
            Some(watched) if watched.evaluated_at < answer.at => watched.streak + 1,
            Some(watched) => watched.streak,
            None => 1,
        };
        if streak < i64::from(answer.runs) && !answer.quiet {
            if watched.is_none_or(|watched| watched.kind != wanted || watched.streak != streak) {
                self.note(key, wanted, Status::Watched, streak, answer);
            }
            return;
        }
        if thread.is_some_and(|thread| thread.open().count() >= MAX_WAITING) {
            return;
        }
        let status = if answer.quiet || untold { Status::Silent } else { self.turn(key) };
        self.note(key, wanted, status, streak, answer);
    }

    /// Whether a new change can be sent now: not while somebody else is sending one before it.
    fn turn(&self, key: &Key) -> Status {
        let held = |change: &Change| change.is_held(self.moment.now, self.moment.resend_after);
        let waits = self.state.thread(key).is_some_and(|thread| thread.open().any(held));
        if waits || self.moment.broken.contains(&key.destination) { Status::Waiting } else { Status::Pending }
    }

    /// A row about a new change, or about one that was watched.
    fn note(&mut self, key: &Key, kind: Kind, status: Status, streak: i64, answer: &Answer<'_>) {
        let thread = self.state.thread(key);
        let (last, watched) = (thread.and_then(Thread::last), thread.and_then(Thread::watched));
        let number = watched.map_or_else(|| last.map_or(1, |last| last.number + 1), |watched| watched.number);
        let opened_at = last.filter(|last| last.kind != Kind::Over).map_or(answer.at, |last| last.opened_at);
        let id = change_id(&key.alert_id, &key.destination, number, self.at);
        let told = Told { id: &id, alert_id: &key.alert_id, change: kind, at: answer.at, opened_at, rule: answer.rule };
        let event = Event::new(&told, answer.observation);
        self.push(Change {
            alert_id: key.alert_id.clone(),
            destination: key.destination.clone(),
            number,
            step: watched.map_or(1, |watched| watched.step + 1),
            kind,
            status,
            rule: answer.rule.to_owned(),
            source: event.source.clone(),
            severity: event.severity,
            entity: event.entity.clone(),
            verdict: event.verdict.clone(),
            reason: event.reason.clone(),
            recorded_at: self.at,
            evaluated_at: answer.at,
            opened_at,
            streak,
            attempts: 0,
            error: None,
            run_id: self.moment.run_id.to_owned(),
            event: status.is_open().then_some(event),
            change_id: id,
        });
    }

    fn push(&mut self, row: Change) {
        self.done.insert((row.key(), row.number));
        self.plan.rows.push(row);
    }
}

/// The answers that a rule covers, one for each alert: the worst, if there are several.
fn merged<'o>(rule: &Rule, observations: &'o [Observation]) -> BTreeMap<String, &'o Observation> {
    let mut merged: BTreeMap<String, &Observation> = BTreeMap::new();
    let rank = |one: &Observation| (one.verdict, one.severity, one.reason.clone(), one.said.clone());
    for observation in observations.iter().filter(|one| rule.covers(&one.entity)) {
        let id = alert_id(&rule.name, observation.source.kind, &observation.source.name, &observation.entity);
        let known = merged.entry(id).or_insert(observation);
        if rank(known) < rank(observation) {
            *known = observation;
        }
    }
    merged
}

/// The answer about an entity that nothing is answered about.
fn gone(of: &Change, reason: &str) -> Observation {
    Observation {
        source: of.source.clone(),
        severity: of.severity,
        entity: of.entity.clone(),
        verdict: Verdict::Clear,
        said: "-".to_owned(),
        reason: reason.to_owned(),
        since: None,
        advice: Vec::new(),
        evidence: Vec::new(),
        values: Map::new(),
    }
}
