//! What is sent. The JSON document [`Event`] is what a webhook gets, what the lake keeps until it is sent, and what the other
//! destinations are made from, so that a change is told in the same words however often it is sent.
//!
//! Names of clusters, users and tables, and with them reasons, are hostile text: anybody who may log in to a cluster chooses some
//! of them. In JSON they are values. In the line [`Event::text`], which chats show as markup, nothing of them is markup; in texts
//! for people nothing of them is a control character or a line of its own.

mod plain;

pub use plain::{lines, subject, visible};

use lookback_schemas::encryption::canonical;
use lookback_schemas::time::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::observe::{Entity, Observation, Severity, Source};

/// The shape of [`Event`]. It counts up when a field changes its meaning or goes; new fields do not change it.
pub const VERSION: u32 = 1;
/// Characters of a reason.
const MAX_REASON: usize = 2_000;
/// Characters of ids and names.
const MAX_NAME: usize = 512;
/// Rows of evidence; all of them are in the lake.
const MAX_EVIDENCE: usize = 20;
/// Bytes of evidence and values together.
const MAX_PROOF: usize = 16 * 1_024;
/// Pieces of advice, and characters of each.
const MAX_ADVICE: (usize, usize) = (5, 500);

/// What became of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// It is over.
    Over,
    /// The evidence does not say any more, or not yet.
    Unknown,
    /// It fails.
    Fail,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::Over => "OVER",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Over, Self::Unknown, Self::Fail].into_iter().find(|kind| kind.name() == name)
    }
}

/// A change, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// [`VERSION`].
    pub version: u32,
    /// The change's id: the same however often it is sent, and another for each destination.
    pub id: String,
    /// The same for every change of one rule, question and entity.
    pub alert_id: String,
    /// What happened.
    pub change: Kind,
    /// The moment that was asked about, RFC 3339.
    pub at: String,
    /// The rule.
    pub rule: String,
    /// The check or diagnostic.
    pub source: Source,
    /// How bad it is, or was.
    pub severity: Severity,
    /// What it is about.
    pub entity: Entity,
    /// The verdict now, in the word of the check or diagnostic.
    pub verdict: String,
    /// One sentence.
    pub reason: String,
    /// Since when it is so, RFC 3339, if that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<String>,
    /// When it was first told, RFC 3339.
    pub opened_at: String,
    /// What to do.
    #[serde(default)]
    pub advice: Vec<String>,
    /// The rows that prove it: tables and natural keys.
    #[serde(default)]
    pub evidence: Vec<Value>,
    /// The row of a diagnostic.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// All of it in a line, for chats.
    pub text: String,
}

/// What identifies a change.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// See [`Event::id`].
    pub id: &'a str,
    /// See [`Event::alert_id`].
    pub alert_id: &'a str,
    /// What happened.
    pub change: Kind,
    /// The moment that was asked about (microseconds since 1970-01-01, UTC).
    pub at: i64,
    /// When it was first told.
    pub opened_at: i64,
    /// The rule.
    pub rule: &'a str,
}

impl Event {
    /// What is told of an answer.
    #[must_use]
    pub fn new(told: &Told<'_>, observation: &Observation) -> Self {
        let name = |text: &String| cut(text, MAX_NAME);
        let entity = &observation.entity;
        let (evidence, values) = proof(observation);
        let mut event = Self {
            version: VERSION,
            id: told.id.to_owned(),
            alert_id: told.alert_id.to_owned(),
            change: told.change,
            at: rfc3339(told.at),
            rule: told.rule.to_owned(),
            source: observation.source.clone(),
            severity: observation.severity,
            entity: Entity {
                kind: name(&entity.kind),
                id: name(&entity.id),
                name: name(&entity.name),
                account_id: name(&entity.account_id),
                region: name(&entity.region),
                cluster: name(&entity.cluster),
            },
            verdict: observation.said.clone(),
            reason: cut(&observation.reason, MAX_REASON),
            since: observation.since.map(rfc3339),
            opened_at: rfc3339(told.opened_at),
            advice: observation.advice.iter().take(MAX_ADVICE.0).map(|text| cut(text, MAX_ADVICE.1)).collect(),
            evidence,
            values,
            text: String::new(),
        };
        event.text = plain::line(&event);
        event
    }

    /// The body of a request: equal events have equal bodies.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::to_value(self).map_or_else(|_| "{}".to_owned(), |value| canonical(&value))
    }

    /// Reads a stored body.
    #[must_use]
    pub fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }

    /// What to call the entity: its name, or else its id.
    #[must_use]
    pub fn label(&self) -> &str {
        if self.entity.name.is_empty() { &self.entity.id } else { &self.entity.name }
    }
}

/// Evidence and values, as much as fits.
fn proof(observation: &Observation) -> (Vec<Value>, Map<String, Value>) {
    let mut left = MAX_PROOF;
    let mut fits = |value: &Value| {
        let size = value.to_string().len();
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    };
    let evidence = observation.evidence.iter().take(MAX_EVIDENCE).filter(|row| fits(row)).cloned().collect();
    let values = observation.values.iter().filter(|(_, value)| fits(value));
    (evidence, values.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The first characters of a text; a cut is marked.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
pub(crate) mod tests;
