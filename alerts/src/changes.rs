//! From what was told and what is answered now to what there is to tell. Pure.
//!
//! Invariants:
//! - the order of rows does not matter, nor does it that a row or an answer comes twice;
//! - a verdict that has not changed makes no change, whoever asks and how often;
//! - after a change is in the lake, the same answers make none;
//! - only an answer that is [`Verdict::Clear`](crate::observe::Verdict::Clear), or the silence of a whole answer, is an end; a hole is none;
//! - an answer about an earlier moment than the last one changes nothing;
//! - the changes of one alert and destination are sent in their order.

mod plan;
mod state;

pub use plan::{Moment, Plan, plan};
pub use state::{Key, State, Thread};

use lookback_schemas::encryption::sha256_hex;
use lookback_schemas::time::rfc3339;

use crate::message::{Event, Kind};
use crate::observe::{Entity, Severity, Source, SourceKind};

/// Changes of one alert and destination that wait. While there are as many, new ones are not noted: what is true when they are
/// sent is told then.
pub const MAX_WAITING: usize = 8;
/// Hexadecimal digits of ids.
const ID_DIGITS: usize = 32;

/// What becomes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The verdict has not been so for enough runs.
    Watched,
    /// It is to be sent, and nobody is at it.
    Waiting,
    /// Somebody is sending it.
    Pending,
    /// It is noted and told to nobody.
    Silent,
    /// It was sent.
    Sent,
}

impl Status {
    /// Its name in the lake.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Watched => "watched",
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Silent => "silent",
            Self::Sent => "sent",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::Watched, Self::Waiting, Self::Pending, Self::Silent, Self::Sent];
        all.into_iter().find(|status| status.name() == name)
    }

    /// Whether it is still to be sent.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Pending)
    }
}

/// A row of the lake: a change of one alert for one destination, and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The same for every change of one rule, question and entity.
    pub alert_id: String,
    /// Whom it is for.
    pub destination: String,
    /// Counts the changes of an alert for a destination.
    pub number: i64,
    /// Counts the rows of a change.
    pub step: i64,
    /// Its id: what a receiver knows it by.
    pub change_id: String,
    /// What happened.
    pub kind: Kind,
    /// How far it is.
    pub status: Status,
    /// The rule.
    pub rule: String,
    /// The check or diagnostic.
    pub source: Source,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub entity: Entity,
    /// The verdict in its own word.
    pub verdict: String,
    /// One sentence.
    pub reason: String,
    /// When the row was written (microseconds since 1970-01-01, UTC, like the others).
    pub recorded_at: i64,
    /// The moment that was asked about.
    pub evaluated_at: i64,
    /// When the failure was first noted.
    pub opened_at: i64,
    /// In how many runs, one after the other, it was so; for [`Status::Watched`].
    pub streak: i64,
    /// How often it was tried to send it.
    pub attempts: i64,
    /// Why it could not be sent.
    pub error: Option<String>,
    /// Who wrote the row, and is at it if it is pending.
    pub run_id: String,
    /// What is sent, until it is.
    pub event: Option<Event>,
}

impl Change {
    /// Whom and what it is about.
    #[must_use]
    pub fn key(&self) -> Key {
        Key { alert_id: self.alert_id.clone(), destination: self.destination.clone() }
    }

    /// The next row of the same change.
    #[must_use]
    pub fn next(&self, status: Status, recorded_at: i64, run_id: &str) -> Self {
        Self { step: self.step + 1, status, recorded_at, run_id: run_id.to_owned(), ..self.clone() }
    }

    /// Whether somebody else may be sending it at this moment.
    #[must_use]
    pub fn is_held(&self, now: i64, resend_after: i64) -> bool {
        // A moment that is far ahead is that of a broken clock, and holds nothing.
        let age = now - self.recorded_at;
        self.status == Status::Pending && age < resend_after && age > -resend_after.max(lookback_schemas::time::HOUR)
    }
}

/// The id of an alert: the same as long as rule, question and entity are.
#[must_use]
pub fn alert_id(rule: &str, kind: SourceKind, name: &str, entity: &Entity) -> String {
    let nothing = ["", "-"].contains(&entity.id.as_str());
    let place = if nothing { [entity.account_id.as_str(), entity.region.as_str()] } else { [""; 2] };
    let parts = ["lookback alert 1", rule, kind.name(), name, &entity.id, place[0], place[1]];
    short(&parts)
}

/// The id of a change.
fn change_id(alert_id: &str, destination: &str, number: i64, recorded_at: i64) -> String {
    short(&["lookback change 1", alert_id, destination, &number.to_string(), &rfc3339(recorded_at)])
}

fn short(parts: &[&str]) -> String {
    let mut hex = sha256_hex(serde_json::json!(parts).to_string().as_bytes());
    hex.truncate(ID_DIGITS);
    hex
}

#[cfg(test)]
mod tests;
