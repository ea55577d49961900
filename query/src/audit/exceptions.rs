//! What was accepted: a file under the user's version control, with an owner, a reason and a date for every entry.
//!
//! ```toml
//! [[exception]]
//! check = "LB-ENC-02"
//! entity = "arn:aws:redshift:eu-central-1:111122223333:namespace:*"
//! owner = "dba@example.com"
//! reason = "Moves to a customer managed key with the next release, TICKET-123"
//! until = 2026-12-31
//!
//! [[baseline]]
//! check = "LB-ENC-04"
//! entity = "sales"
//! since = 2025-01-10T23:45:00Z
//! owner = "ciso@example.com"
//! reason = "Was unencrypted for two days before the migration; accepted by the audit of 2025"
//! ```
//!
//! An *exception* accepts that an entity fails a check, to the end of a day (UTC). A *baseline* entry accepts one fact: that an
//! entity fails a check since a moment. It needs no end, because the same check failing again, since another moment, counts.
//! `entity` is an ARN or a name, in which `*` stands for any text and `?` for any character.

use serde::Deserialize;
use toml::value::Datetime;

use super::check::{self, Check};
use super::finding::{Acceptance, Finding, Verdict};
use crate::diagnostics::parse_time;
use crate::error::{ErrorKind, QueryError};
use lookback_schemas::time::{DAY, SECOND};

/// The entries of a file.
#[derive(Debug, Clone, Default)]
pub struct Exceptions {
    entries: Vec<Entry>,
}

/// An entry that no finding needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The check.
    pub check: &'static str,
    /// The pattern.
    pub entity: String,
    /// Who answers for it.
    pub owner: String,
}

#[derive(Debug, Clone)]
struct Entry {
    check: &'static Check,
    entity: String,
    owner: String,
    reason: String,
    until: Option<i64>,
    since: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exception: Vec<toml::Spanned<Exception>>,
    #[serde(default)]
    baseline: Vec<toml::Spanned<Baseline>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    check: String,
    entity: String,
    owner: String,
    reason: String,
    until: Datetime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    check: String,
    entity: String,
    owner: String,
    reason: String,
    since: Datetime,
}

impl Exceptions {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Parameter`] with the line, for an unknown key, a missing one, an unknown check, an empty owner or reason, or
    /// something that is not a date.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let file: File = toml::from_str(text).map_err(|e| parameter(e.to_string().trim_end().to_owned()))?;
        let mut entries = Vec::with_capacity(file.exception.len() + file.baseline.len());
        for entry in file.exception {
            let line = line_of(text, entry.span().start);
            let Exception { check, entity, owner, reason, until } = entry.into_inner();
            let until = end_of(&until).map_err(|e| at(line, &e))?;
            entries.push(Entry::new(&check, entity, owner, reason, line)?.with(Some(until), None));
        }
        for entry in file.baseline {
            let line = line_of(text, entry.span().start);
            let Baseline { check, entity, owner, reason, since } = entry.into_inner();
            let since = parse_time(&since.to_string()).map_err(|e| at(line, e.message()))?;
            entries.push(Entry::new(&check, entity, owner, reason, line)?.with(None, Some(since)));
        }
        Ok(Self { entries })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is said about a FAIL at a moment. Of several entries, one that holds, and of those the one that holds longest.
    #[must_use]
    pub fn of(&self, finding: &Finding, moment: i64) -> Option<Acceptance> {
        if finding.verdict != Verdict::Fail {
            return None;
        }
        let meant = self.entries.iter().filter(|entry| entry.means(finding));
        let best = meant.max_by_key(|entry| entry.until.unwrap_or(i64::MAX))?;
        Some(Acceptance {
            owner: best.owner.clone(),
            reason: best.reason.clone(),
            until: best.until,
            holds: best.until.is_none_or(|until| moment < until),
        })
    }

    /// The entries for these checks that mean no FAIL among the findings: they can be taken out of the file.
    pub(super) fn unused<'a>(
        &self,
        findings: impl Iterator<Item = &'a Finding> + Clone,
        checks: &[&'static Check],
    ) -> Vec<Unused> {
        let asked = self.entries.iter().filter(|entry| checks.iter().any(|check| check.id == entry.check.id));
        let speaks = |entry: &Entry, finding: &Finding| match finding.verdict {
            Verdict::Fail => entry.means(finding),
            // What is not known may be a failure once it is.
            Verdict::Unknown => entry.may_mean(finding),
            Verdict::Pass | Verdict::NotApplicable => false,
        };
        let is_unused = |entry: &&Entry| !findings.clone().any(|finding| speaks(entry, finding));
        let unused = asked.filter(is_unused).map(|entry| Unused {
            check: entry.check.id,
            entity: entry.entity.clone(),
            owner: entry.owner.clone(),
        });
        unused.collect()
    }
}

impl Entry {
    fn new(check: &str, entity: String, owner: String, reason: String, line: usize) -> Result<Self, QueryError> {
        let check = check::get(check).map_err(|e| at(line, e.message()))?;
        for (key, value) in [("entity", &entity), ("owner", &owner), ("reason", &reason)] {
            if value.trim().is_empty() {
                return Err(at(line, &format!("'{key}' is empty")));
            }
        }
        if entity.chars().all(|c| c == '*' || c == '?') {
            let message =
                "an exception for every entity would switch the check off; name entities, or do not ask the check";
            return Err(at(line, message));
        }
        Ok(Self { check, entity, owner, reason, until: None, since: None })
    }

    fn with(self, until: Option<i64>, since: Option<i64>) -> Self {
        Self { until, since, ..self }
    }

    fn means(&self, finding: &Finding) -> bool {
        // A file is written by hand, to the second.
        let same_time = |since: i64| finding.since.is_some_and(|at| at.div_euclid(SECOND) == since.div_euclid(SECOND));
        self.check.id == finding.check.id && self.since.is_none_or(same_time) && self.names(finding)
    }

    /// Whether a finding without a verdict is about what the entry means, or about nothing in particular.
    fn may_mean(&self, finding: &Finding) -> bool {
        self.check.id == finding.check.id && (finding.entity.is_empty() || self.names(finding))
    }

    fn names(&self, finding: &Finding) -> bool {
        matches(&self.entity, &finding.entity) || matches(&self.entity, &finding.entity_name)
    }
}

/// Whether a text fits a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_pattern) = (0, 0);
    // Where the last `*` was, and up to where it has taken the text.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('*') => {
                star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(c) if *c == '?' || *c == text[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = taken + 1;
                    in_pattern = place + 1;
                }
                None => return false,
            },
        }
    }
    pattern[in_pattern..].iter().all(|c| *c == '*')
}

/// The first moment after the day, or after the moment, that is named.
fn end_of(until: &Datetime) -> Result<i64, String> {
    let time =
        parse_time(&until.to_string()).map_err(|_| format!("'{until}' is not a date; write until = 2026-12-31"))?;
    Ok(if until.time.is_none() { time + DAY } else { time })
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

fn at(line: usize, message: &str) -> QueryError {
    parameter(format!("the entry at line {line}: {message}"))
}

fn parameter(message: String) -> QueryError {
    QueryError::new(ErrorKind::Parameter, message)
}

#[cfg(test)]
mod tests;
