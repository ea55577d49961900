//! A check as it is asked: its statement with the moment, the window and the parameters in it.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use sqlparser::ast::Expr;

use super::check::{Check, Period};
use super::coverage::Coverage;
use super::finding::{Finding, Verdict};
use super::judge::{COLUMNS, Ground, Stated, judge, judge_nothing};
use super::rows::{Row, rows_in};
use super::run::{FRESH, MIN_COVERAGE, MIN_COVERAGE_PARAM, Request};
use crate::diagnostics::params::{moment, substitute, values};
use crate::error::{ErrorKind, QueryError};
use crate::session::{Kept, Session, Statement};

/// A check with its parameters.
pub(super) struct Asked {
    pub(super) check: &'static Check,
    pub(super) given: BTreeMap<String, String>,
    values: HashMap<String, Expr>,
    min_coverage: f64,
}

/// What a check's statement answered, and how long that took.
pub(super) type Answered = (Result<Vec<Row>, QueryError>, Duration);

impl Asked {
    /// # Errors
    /// [`ErrorKind::Parameter`] if a parameter does not fit.
    pub(super) fn new(check: &'static Check, request: &Request) -> Result<Self, QueryError> {
        let mut given = BTreeMap::new();
        for param in &check.params {
            if let Some(value) = request.params.get(param.name) {
                given.insert(param.name.to_owned(), value.clone());
            }
        }
        let mut values = values(check.id, &check.params, &given)?;
        let times = [("as_of", request.as_of), ("from", request.from), ("to", request.to)];
        values.extend(times.map(|(name, micros)| (format!(":{name}"), moment(micros))));
        let own = check.params.iter().find(|param| param.name == MIN_COVERAGE_PARAM).and_then(|param| param.default);
        let min_coverage = request.params.get(MIN_COVERAGE_PARAM).map(String::as_str).or(own);
        let min_coverage = min_coverage.map_or(Ok(MIN_COVERAGE), share)? * 100.0;
        let defaults = check.params.iter().filter_map(|param| Some((param.name.to_owned(), param.default?.to_owned())));
        for (name, default) in defaults {
            given.entry(name).or_insert(default);
        }
        Ok(Self { check, given, values, min_coverage })
    }

    /// The statement, with all that it is given in it.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the file is not one statement, or names something that nobody gives.
    pub(super) fn statement(&self, session: &Session) -> Result<Statement, QueryError> {
        let mut prepared = session.prepare(self.check.sql)?;
        let (Some(mut statement), true) = (prepared.pop(), prepared.is_empty()) else {
            return Err(self.internal("is not one statement"));
        };
        substitute(statement.parsed_mut(), &self.values)?;
        Ok(statement)
    }

    /// What the check's verdicts rest on.
    pub(super) fn ground<'a>(&self, request: &Request, coverage: &'a Coverage) -> Ground<'a> {
        let window = (request.from, request.to);
        let proven = match self.check.period {
            Period::Window => window,
            Period::Now => (request.as_of - FRESH, request.as_of),
        };
        Ground { coverage, window, proven, min_coverage: self.min_coverage }
    }

    /// The findings that the rows of an answer amount to.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if a row does not say what a check says.
    pub(super) fn findings(&self, rows: &[Row], ground: &Ground<'_>) -> Result<Vec<Finding>, QueryError> {
        if rows.is_empty() {
            return Ok(vec![judge_nothing(self.check, ground)]);
        }
        rows.iter().map(|row| Ok(judge(self.check, Stated::read(self.check, row)?, ground))).collect()
    }

    /// The finding of a check that could not be asked.
    pub(super) fn failed(&self, error: &QueryError, ground: &Ground<'_>) -> Finding {
        let reason = format!("The check could not be asked: {error}");
        judge(self.check, Stated { verdict: Some(Verdict::Unknown), reason, ..Stated::default() }, ground)
    }

    fn internal(&self, what: &str) -> QueryError {
        QueryError::new(ErrorKind::Internal, format!("check {} {what}", self.check.id))
    }
}

/// Asks the statement of a check.
pub(super) async fn answer(check: &'static Check, statement: Statement, kept: Kept) -> Answered {
    let began = Instant::now();
    (rows(check, &statement, &kept).await, began.elapsed())
}

async fn rows(check: &'static Check, statement: &Statement, kept: &Kept) -> Result<Vec<Row>, QueryError> {
    let answer = kept.session_for(statement)?.run(statement).await?;
    let schema = answer.schema();
    if !schema.fields().iter().map(|field| field.name().as_str()).eq(COLUMNS) {
        let message = format!("check {} does not answer the columns {}", check.id, COLUMNS.join(", "));
        return Err(QueryError::new(ErrorKind::Internal, message));
    }
    rows_in(answer).await
}

fn share(text: &str) -> Result<f64, QueryError> {
    let share = text.trim().parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| {
        let message = format!("parameter '{MIN_COVERAGE_PARAM}': '{text}' is not a share; write a number from 0 to 1");
        QueryError::new(ErrorKind::Parameter, message)
    })
}
