//! What checks and diagnostics answered, in the form that alerts need.

use std::collections::BTreeSet;

pub use lookback_schemas::Severity;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A check of the audit.
    Check,
    /// A diagnostic.
    Diagnostic,
    /// The rule itself: that it was asked for the first time.
    Rule,
}

impl SourceKind {
    /// Its name in the lake.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Diagnostic => "diagnostic",
            Self::Rule => "rule",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Check, Self::Diagnostic, Self::Rule].into_iter().find(|kind| kind.name() == name)
    }
}

/// A check or a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// Which of them it is.
    pub kind: SourceKind,
    /// The check's id or the diagnostic's name.
    pub name: String,
    /// A few words.
    #[serde(default)]
    pub title: String,
}

/// What a verdict is about. Every text can be hostile: names come from logs and from others' tags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// `cluster`, `kms_key`, `snapshot`, or the columns that identify the row of a diagnostic.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What it is known by: its ARN, or the values of these columns; `-` if the verdict is about none in particular.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Its account, if one is known.
    #[serde(default)]
    pub account_id: String,
    /// Its region, if one is known.
    #[serde(default)]
    pub region: String,
    /// The cluster that it is or belongs to, if one is known.
    #[serde(default)]
    pub cluster: String,
}

/// What an answer means for alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// As it should be, not applicable, gone, or accepted.
    Clear,
    /// The evidence does not say.
    Unknown,
    /// Not as it should be.
    Fail,
}

/// What was answered about one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Who answered.
    pub source: Source,
    /// How bad a failure is.
    pub severity: Severity,
    /// About what.
    pub entity: Entity,
    /// What it means.
    pub verdict: Verdict,
    /// The verdict in the answer's own word, such as `NOT_APPLICABLE`.
    pub said: String,
    /// One sentence.
    pub reason: String,
    /// Since when it is so (microseconds since 1970-01-01, UTC).
    pub since: Option<i64>,
    /// What to do.
    pub advice: Vec<String>,
    /// What proves it.
    pub evidence: Vec<Value>,
    /// The row of a diagnostic.
    pub values: Map<String, Value>,
}

/// A check or diagnostic that was asked for a rule, and what its silence about an entity means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The check's id or the diagnostic's name.
    pub name: String,
    /// Whether an entity that is not in the answer is over. Not so if the answer failed or has holes.
    pub whole: bool,
    /// Clusters whose logs are too old for their silence to mean anything.
    pub stale: BTreeSet<String>,
    /// Why it could not be asked.
    pub error: Option<String>,
}

impl Asked {
    /// Whether the silence about an entity means that it is over.
    #[must_use]
    pub fn is_over(&self, entity: &Entity) -> bool {
        let known =
            if entity.cluster.is_empty() { self.stale.is_empty() } else { !self.stale.contains(&entity.cluster) };
        self.whole && known
    }
}

/// What was answered for one rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// The rule's name.
    pub rule: String,
    /// The moment that the answers are about (microseconds since 1970-01-01, UTC).
    pub at: i64,
    /// What was asked.
    pub asked: Vec<Asked>,
    /// The answers, filtered by the rule.
    pub observations: Vec<Observation>,
}
