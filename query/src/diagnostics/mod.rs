//! Named questions: SQL files in the folder `diagnostics`, each with a header that says what it answers and what it takes.
//!
//! ```sql
//! -- title: Slowest queries
//! -- group: queries
//! -- severity: info
//! -- question: Which queries took longest?
//! -- param from timestamp: only queries that ended at or after this time
//! -- param top int = 10: queries shown
//! -- column query id: number of the query
//! -- column total_s seconds: from arrival to end
//! -- chart bars: x=query y=total_s
//! -- do: Take the slowest one that repeats.
//! SELECT ... WHERE (:from IS NULL OR endtime >= :from) ... LIMIT :top
//! ```
//!
//! A parameter without a default is NULL unless it is given, or `required`. Values take the place of `:name` in the parsed
//! statement, as literals of the parameter's type, so no value can become SQL. `column` documents every column of the result
//! with its [`Unit`], `chart` (`bars`, `lines` or `heat`) is how a report draws it, and each `do` is a piece of advice. To add a
//! diagnostic, add a file: `build.rs` lists them.

mod header;
mod outcome;
pub(crate) mod params;
mod spec;

pub use header::Diagnostic;
pub(crate) use header::parse;
pub use outcome::{Cell, Outcome};
pub use params::{Param, ParamType, parse_time};
pub use spec::{Chart, ChartKind, Column, Group, Severity, Unit};

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::error::{ErrorKind, QueryError};
use crate::names;
use crate::session::{Answer, Session, Statement};

/// The files that ship with this build: name and text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/diagnostics.rs"));

/// All diagnostics, group by group, in each by name.
#[must_use]
pub fn list() -> &'static [Diagnostic] {
    static ALL: OnceLock<Vec<Diagnostic>> = OnceLock::new();
    ALL.get_or_init(|| {
        // A test parses every file; one that does not parse would not ship.
        let mut all: Vec<_> = FILES.iter().filter_map(|(name, text)| header::parse(name, text).ok()).collect();
        all.sort_by_key(|diagnostic| (diagnostic.group, diagnostic.name));
        all
    })
}

/// The diagnostic of that name.
///
/// # Errors
/// [`ErrorKind::Parameter`] with the names that exist.
pub fn get(name: &str) -> Result<&'static Diagnostic, QueryError> {
    list().iter().find(|diagnostic| diagnostic.name == name).ok_or_else(|| {
        let near = names::nearest(name, list().iter().map(|d| d.name), 3);
        let hint = if near.is_empty() {
            format!("there are {}", list().iter().map(|d| d.name).collect::<Vec<_>>().join(", "))
        } else {
            format!("did you mean {}?", names::quoted(&near))
        };
        QueryError::new(ErrorKind::Parameter, format!("no diagnostic is named '{name}'; {hint}"))
    })
}

/// Starts a diagnostic with the given parameters; the others have their defaults.
///
/// # Errors
/// [`ErrorKind::Parameter`] for a name or a value that does not fit, or what [`Session::run`] gives.
pub async fn run(session: &Session, name: &str, given: &BTreeMap<String, String>) -> Result<Answer, QueryError> {
    let statement = bind(session, get(name)?, given)?;
    session.run(&statement).await
}

/// The statement of a diagnostic with its parameters in place.
///
/// # Errors
/// [`ErrorKind::Parameter`] for a name or a value that does not fit.
pub fn bind(
    session: &Session,
    diagnostic: &Diagnostic,
    given: &BTreeMap<String, String>,
) -> Result<Statement, QueryError> {
    let values = params::values(diagnostic.name, &diagnostic.params, given)?;
    let mut prepared = session.prepare(diagnostic.sql)?;
    match (prepared.pop(), prepared.is_empty()) {
        (Some(mut statement), true) => {
            params::substitute(statement.parsed_mut(), &values)?;
            Ok(statement)
        }
        _ => {
            Err(QueryError::new(ErrorKind::Internal, format!("diagnostic '{}' is not one statement", diagnostic.name)))
        }
    }
}

#[cfg(test)]
mod tests;
