//! What a run does beside the answers: orphans, changes that wait, rows that grow old.

use lookback_schemas::encryption::ALERT_DAYS;
use lookback_schemas::time::DAY;

use super::{Answer, Work, gone};
use crate::changes::Status;
use crate::message::Kind;
use crate::observe::{Evaluation, SourceKind};

impl Work<'_> {
    /// Alerts that stand, and that nobody asks about; changes for destinations that are gone.
    pub(super) fn orphans(&mut self, evaluations: &[Evaluation]) {
        for (key, thread) in self.state.threads() {
            let Some(of) = thread.last().filter(|of| of.source.kind != SourceKind::Rule) else { continue };
            let rule = self.rules.rule(&of.rule).filter(|rule| {
                rule.to.contains(&key.destination) && rule.kind() == of.source.kind && rule.covers(&of.entity)
            });
            let evaluation = rule.and_then(|rule| evaluations.iter().find(|one| one.rule == rule.name));
            let is_asked = evaluation.is_some_and(|one| one.asked.iter().any(|asked| asked.name == of.source.name));
            let reachable = self.rules.destinations.contains_key(&key.destination);
            let stands = thread.told() != Kind::Over;
            let is_orphan = stands && !is_asked;
            let is_stuck = !reachable && thread.open().next().is_some();
            if !is_orphan && !is_stuck {
                continue;
            }
            self.plan.orphans.push(of.clone());
            if !self.moment.close_orphans {
                continue;
            }
            if !reachable {
                for change in thread.open() {
                    self.push(change.next(Status::Silent, self.at, self.moment.run_id));
                }
            }
            if stands {
                let untold = of.status == Status::Silent || !reachable;
                let status = if untold { Status::Silent } else { self.turn(key) };
                let observation = &gone(of, "No rule asks about it any more.");
                let (rule, at) = (of.rule.as_str(), self.moment.at.max(of.evaluated_at));
                let answer = Answer { rule, runs: 1, wanted: Some(Kind::Over), at, quiet: untold, observation };
                self.note(key, Kind::Over, status, 0, &answer);
            }
        }
    }

    /// Takes over what nobody is sending.
    pub(super) fn resend(&mut self) {
        for (key, thread) in self.state.threads() {
            if !self.rules.destinations.contains_key(&key.destination) {
                continue;
            }
            for change in thread.open() {
                if change.is_held(self.moment.now, self.moment.resend_after) {
                    // What comes after it waits for it.
                    self.plan.held.push(change.clone());
                    break;
                }
                if self.done.contains(&(key.clone(), change.number)) {
                    continue;
                }
                if self.moment.broken.contains(&key.destination) {
                    self.plan.left.push(change.clone());
                } else {
                    self.push(change.next(Status::Pending, self.at, self.moment.run_id));
                }
            }
        }
    }

    /// Repeats what stands before its rows are too old to be read: see [`ALERT_DAYS`].
    pub(super) fn carry(&mut self) {
        if self.plan.rows.is_empty() {
            return;
        }
        let old = self.at - i64::from(ALERT_DAYS / 2) * DAY;
        for (key, thread) in self.state.threads() {
            for change in thread.live().filter(|change| change.recorded_at < old) {
                let is_rule = change.source.kind == SourceKind::Rule;
                let forgotten = is_rule && self.rules.rule(&change.rule).is_none_or(|rule| !rule.baseline);
                if !forgotten && !self.done.contains(&(key.clone(), change.number)) {
                    let status = if change.status == Status::Pending { Status::Waiting } else { change.status };
                    self.push(change.next(status, self.at, self.moment.run_id));
                }
            }
        }
    }
}
