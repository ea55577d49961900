//! What an audit says about one entity.

use std::fmt;

use serde_json::Value;

use super::check::Check;

/// An answer to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The evidence shows that it is not as it should be.
    Fail,
    /// The evidence does not say.
    Unknown,
    /// The evidence shows that it is as it should be, and the evidence is whole.
    Pass,
    /// The question does not arise.
    NotApplicable,
}

impl Verdict {
    /// All of them, what needs attention first.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Unknown, Self::Pass, Self::NotApplicable];

    /// The verdict of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

    /// Its name in the lake and in every format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::Pass => "PASS",
            Self::NotApplicable => "NOT_APPLICABLE",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the file of exceptions says about a FAIL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The first moment at which it does not hold any more (microseconds since 1970-01-01, UTC); `None` for an approved fact
    /// of the past, which stays approved.
    pub until: Option<i64>,
    /// Whether it holds at the moment of the audit.
    pub holds: bool,
}

/// What an audit says about one entity.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// The account of the entity; empty if the check could say nothing about any.
    pub account_id: String,
    /// Its region.
    pub region: String,
    /// `cluster`, `kms_key`, `snapshot` and so on.
    pub entity_type: String,
    /// Its ARN.
    pub entity: String,
    /// What people call it.
    pub entity_name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence, with the facts in it.
    pub reason: String,
    /// The rows that prove it: tables and natural keys.
    pub evidence: Vec<Value>,
    /// Percent of the window that was read completely, of the collector with the least; `None` if none was needed.
    pub coverage_pct: Option<f64>,
    /// Since when it is so, or when it happened (microseconds since 1970-01-01, UTC).
    pub since: Option<i64>,
    /// The first moment that the verdict is about.
    pub window_from: i64,
    /// The first moment that it is not about any more.
    pub window_to: i64,
    /// What the file of exceptions says about it.
    pub acceptance: Option<Acceptance>,
}

impl Finding {
    /// Whether it is a FAIL that somebody has accepted, and the acceptance holds.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.verdict == Verdict::Fail && self.acceptance.as_ref().is_some_and(|acceptance| acceptance.holds)
    }

    /// Whether it is a FAIL that counts.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.verdict == Verdict::Fail && !self.is_accepted()
    }

    /// What to call the entity in a line: its name, or else its ARN, or else a dash.
    #[must_use]
    pub fn label(&self) -> &str {
        [&self.entity_name, &self.entity].into_iter().find(|text| !text.is_empty()).map_or("-", |text| text)
    }
}
