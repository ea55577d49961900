//! The file of rules: what is told to whom. It is under the user's version control, and holds no secret.
//!
//! ```toml
//! exceptions = "exceptions.toml"
//!
//! [destinations.security]
//! type = "webhook"
//! url = { ssm = "/lookback/alerts/url" }
//! secret = { env = "ALERT_SECRET" }
//!
//! [[rule]]
//! name = "encryption"
//! severities = ["critical", "high"]
//! unknown = true
//! to = ["security"]
//! ```
//!
//! A file is read in two stages: as it is written, where an unknown key is an error; then as it is meant, where every error names
//! the line. No error repeats a value that may be secret.

mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use raw::region_of_topic;

use crate::error::AlertError;
use crate::observe::{Entity, Severity, SourceKind};
use crate::pattern::fits;
use crate::secrets::Reference;

/// Rules of a file.
pub const MAX_RULES: usize = 200;
/// Destinations of a file.
pub const MAX_DESTINATIONS: usize = 50;
/// Runs that a change can be made to wait for.
pub const MAX_RUNS: u32 = 20;

/// A file of rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// What was accepted: a file as `lookback audit --exceptions` takes it.
    pub exceptions: Option<PathBuf>,
    /// After how long a change that somebody began to send, and said nothing more about, is sent again.
    pub resend_after: Duration,
    /// The wait before the second attempt; it doubles with each.
    pub retry_delay: Duration,
    /// Destinations by name.
    pub destinations: BTreeMap<String, Destination>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

/// Where alerts are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// A request with a signed JSON body.
    Webhook {
        /// Its address.
        url: Reference,
        /// What the body is signed with.
        secret: Reference,
        /// Longest time for one attempt.
        timeout: Duration,
    },
    /// A topic of SNS, which must be encrypted.
    Sns {
        /// The topic.
        topic_arn: String,
        /// Whether the key that AWS keeps for SNS is good enough.
        allow_aws_managed_key: bool,
    },
    /// Findings of Security Hub.
    SecurityHub {
        /// The account whose findings they are: that of the caller.
        account_id: String,
        /// The region; without one, that of the connection to AWS.
        region: Option<String>,
    },
}

impl Destination {
    /// What it is, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Sns { .. } => "sns",
            Self::SecurityHub { .. } => "security_hub",
        }
    }

    /// Whether it is at AWS, or refers to what is.
    #[must_use]
    pub fn needs_aws(&self) -> bool {
        match self {
            Self::Webhook { url, secret, .. } => url.needs_aws() || secret.needs_aws(),
            Self::Sns { .. } | Self::SecurityHub { .. } => true,
        }
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name: part of every alert's identity.
    pub name: String,
    /// The line that it begins at.
    pub line: usize,
    /// What it asks.
    pub target: Target,
    /// Parameters of what it asks, as texts.
    pub params: BTreeMap<String, String>,
    /// Only these accounts, if any are named.
    pub accounts: BTreeSet<String>,
    /// Only clusters with these names, if any are named.
    pub clusters: Vec<String>,
    /// Whether UNKNOWN is told as well.
    pub unknown: bool,
    /// Whether what fails when the rule is first asked is only noted.
    pub baseline: bool,
    /// In how many runs, one after the other, it must be so before it is told.
    pub runs: u32,
    /// Destinations.
    pub to: Vec<String>,
}

/// What a rule asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Checks of the audit.
    Checks {
        /// Ids, in which `*` stands for any text; empty for all.
        ids: Vec<String>,
        /// Only checks of these severities; empty for all.
        severities: BTreeSet<Severity>,
    },
    /// A diagnostic: each row of its answer is a failure of the entity that it names.
    Diagnostic(Diagnostic),
}

/// How a diagnostic is asked and read.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// Its name.
    pub name: String,
    /// The columns that say which entity a row is about.
    pub entity: Vec<String>,
    /// Which rows count.
    pub threshold: Option<Threshold>,
    /// How bad it is; without it, as the diagnostic says.
    pub severity: Option<Severity>,
    /// The time before the moment of the run that is asked about: sets the parameters `from` and `to`.
    pub window: Option<Duration>,
    /// How far behind the exported logs of a cluster may be for its silence to mean that it is over.
    pub fresh: Duration,
}

/// A bound of a column. A row without a number in it does not count.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The column.
    pub column: String,
    /// How it is compared.
    pub bound: Bound,
    /// With what.
    pub value: f64,
}

/// On which side of a bound rows count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Greater.
    Above,
    /// Less.
    Below,
    /// Greater or equal.
    AtLeast,
    /// Less or equal.
    AtMost,
}

impl Threshold {
    /// Whether a value counts.
    #[must_use]
    pub fn counts(&self, value: Option<f64>) -> bool {
        value.is_some_and(|value| match self.bound {
            Bound::Above => value > self.value,
            Bound::Below => value < self.value,
            Bound::AtLeast => value >= self.value,
            Bound::AtMost => value <= self.value,
        })
    }
}

impl Rules {
    /// Reads the text of a file; `named` is what messages call it.
    ///
    /// # Errors
    /// [`ErrorKind::Rules`](crate::ErrorKind::Rules) with file and line for what is not understood.
    pub fn parse(named: &str, text: &str) -> Result<Self, AlertError> {
        raw::read(named, text)
    }

    /// The rule of that name.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// Whether anything of it is at AWS.
    #[must_use]
    pub fn need_aws(&self) -> bool {
        self.destinations.values().any(Destination::needs_aws)
    }
}

impl Rule {
    /// Whether it is about an entity.
    #[must_use]
    pub fn covers(&self, entity: &Entity) -> bool {
        let account = self.accounts.is_empty() || self.accounts.contains(&entity.account_id);
        let named = |pattern: &String| {
            [&entity.cluster, &entity.name, &entity.id].into_iter().any(|text| !text.is_empty() && fits(pattern, text))
        };
        account && (self.clusters.is_empty() || self.clusters.iter().any(named))
    }

    /// What kind of question it asks.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self.target {
            Target::Checks { .. } => SourceKind::Check,
            Target::Diagnostic(_) => SourceKind::Diagnostic,
        }
    }

    /// Whether it asks a check of this id and severity.
    #[must_use]
    pub fn asks(&self, id: &str, severity: Severity) -> bool {
        match &self.target {
            Target::Checks { ids, severities } => {
                (ids.is_empty() || ids.iter().any(|pattern| fits(pattern, id)))
                    && (severities.is_empty() || severities.contains(&severity))
            }
            Target::Diagnostic(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
