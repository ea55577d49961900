//! Diagnostics as a document: Markdown, or one HTML page with drawings that needs no network and no script.
//!
//! The audit and the story of a cluster have pages of their own: `audit`, `timeline`.
//!
//! What logs hold is hostile input here: statements, names of users and programs are written by whoever can connect. Each
//! form escapes every cell ([`text`]), and the page has no script that an escaped cell could get into.

pub(crate) mod audit;
mod chart;
mod html;
mod markdown;
mod text;
pub(crate) mod timeline;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use lookback_query::diagnostics::{self, Diagnostic, Outcome, Severity};
use lookback_query::{ErrorKind, QueryError, Session, Statement};

use crate::failure::Failure;
pub(crate) use text::{cut, visible};

/// Rows of one diagnostic in a report; how many more there were is said.
const MAX_ROWS: usize = 200;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Markdown,
    Html,
}

impl Form {
    /// The form that a file's name asks for.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// The answers of several diagnostics.
pub(crate) struct Report {
    lake: String,
    /// The moment that it was made at, or for (`--as-of`): microseconds since 1970-01-01, UTC.
    moment: i64,
    given: BTreeMap<String, String>,
    sections: Vec<Section>,
}

/// One diagnostic and its answer.
struct Section {
    diagnostic: &'static Diagnostic,
    result: Result<Outcome, QueryError>,
    took: Duration,
}

impl Section {
    fn rows(&self) -> usize {
        self.result.as_ref().map_or(0, |outcome| outcome.rows.len() + outcome.left_out)
    }

    /// Whether somebody should look at it: it failed, or it has rows that mean something.
    fn is_remarkable(&self) -> bool {
        self.result.is_err() || (self.rows() > 0 && self.diagnostic.severity > Severity::Info)
    }
}

impl Report {
    /// Asks the diagnostics one after the other; each takes those of the given parameters that it has. One that fails is part
    /// of the report.
    ///
    /// # Errors
    /// [`ErrorKind::Parameter`] before anything is asked, if a parameter is none of any diagnostic, or its value does not fit.
    pub(crate) async fn ask(
        session: &Session,
        moment: i64,
        asked: &[&'static Diagnostic],
        given: &BTreeMap<String, String>,
    ) -> Result<Self, QueryError> {
        let mut sections = Vec::with_capacity(asked.len());
        for (diagnostic, statement) in statements(session, asked, given)? {
            let start = Instant::now();
            let result = match session.run(&statement).await {
                Ok(answer) => Outcome::read(answer, MAX_ROWS).await,
                Err(error) => Err(error),
            };
            sections.push(Section { diagnostic, result, took: start.elapsed() });
        }
        Ok(Self { lake: session.lake().name().to_owned(), moment, given: given.clone(), sections })
    }

    /// The document.
    pub(crate) fn write(&self, form: Form) -> Result<String, Failure> {
        let written = match form {
            Form::Markdown => markdown::write(self),
            Form::Html => html::write(self),
        };
        written.map_err(|e| Failure::failed(format!("writing the report: {e}")))
    }

    /// What ends the command if something failed; the report has been written all the same.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let failed: Vec<&str> = self.failed().map(|section| section.diagnostic.name).collect();
        if failed.is_empty() {
            return None;
        }
        let message = format!("{} of {} diagnostics failed: {}", failed.len(), self.sections.len(), failed.join(", "));
        Some(
            Failure::failed(message).advise("the report has their errors; ask one again with `lookback diagnose NAME`"),
        )
    }

    fn failed(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.result.is_err())
    }

    /// What should be looked at: failures, then the most severe; the order of the report otherwise.
    fn remarkable(&self) -> Vec<&Section> {
        let mut remarkable: Vec<&Section> = self.sections.iter().filter(|section| section.is_remarkable()).collect();
        remarkable.sort_by_key(|section| (section.result.is_ok(), std::cmp::Reverse(section.diagnostic.severity)));
        remarkable
    }

    /// The given parameters as `name=value`.
    fn parameters(&self) -> Vec<String> {
        self.given.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

/// The statements of all diagnostics that have what they need.
fn statements(
    session: &Session,
    asked: &[&'static Diagnostic],
    given: &BTreeMap<String, String>,
) -> Result<Vec<(&'static Diagnostic, Statement)>, QueryError> {
    let has = |diagnostic: &Diagnostic, name: &str| diagnostic.params.iter().any(|param| param.name == name);
    if let Some(unknown) = given.keys().find(|name| !asked.iter().any(|diagnostic| has(diagnostic, name))) {
        let message =
            format!("no diagnostic of this report has a parameter '{unknown}'; most have from, to, cluster and top");
        return Err(QueryError::new(ErrorKind::Parameter, message));
    }
    let is_ready = |diagnostic: &Diagnostic| {
        diagnostic.params.iter().all(|param| !param.required || given.contains_key(param.name))
    };
    let ready = asked.iter().filter(|diagnostic| is_ready(diagnostic));
    let bound = ready.map(|diagnostic| {
        let own = given.iter().filter(|(name, _)| has(diagnostic, name));
        let own: BTreeMap<String, String> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok((*diagnostic, diagnostics::bind(session, diagnostic, &own)?))
    });
    bound.collect()
}

#[cfg(test)]
mod tests;
