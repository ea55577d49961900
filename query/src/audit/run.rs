//! One audit: the chosen checks over one version of the lake.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use lookback_schemas::time::DAY;
use sqlparser::ast::Expr;

use super::check::{Check, Period};
use super::coverage::{Coverage, Reads};
use super::exceptions::{Exceptions, Unused};
use super::finding::{Finding, Verdict};
use super::judge::{COLUMNS, Ground, Stated, judge, judge_nothing};
use super::rows::rows_in;
use crate::diagnostics::params::{moment, substitute, values};
use crate::error::{ErrorKind, QueryError};
use crate::session::Session;

/// Share of a window that must have been read for a PASS, unless a check or the person who asks says otherwise.
pub const MIN_COVERAGE: f64 = 0.98;
/// The parameter that says so.
pub const MIN_COVERAGE_PARAM: &str = "min_coverage";
/// How far before the moment of an audit evidence of the present state may have been read (microseconds): the collectors repeat
/// what has not changed once in that time.
pub const FRESH: i64 = DAY;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The moment of the audit (microseconds since 1970-01-01, UTC): what came later does not count.
    pub as_of: i64,
    /// The first moment of the window.
    pub from: i64,
    /// The first moment after the window; not after `as_of`.
    pub to: i64,
    /// The checks.
    pub checks: Vec<&'static Check>,
    /// Parameters in place of defaults, for every check that has them, and `min_coverage`.
    pub params: BTreeMap<String, String>,
    /// What was accepted.
    pub exceptions: Exceptions,
}

/// What became of one check.
#[derive(Debug)]
pub struct Judged {
    /// The check.
    pub check: &'static Check,
    /// One finding per entity, what needs attention first.
    pub findings: Vec<Finding>,
    /// The parameters that it was asked with.
    pub params: BTreeMap<String, String>,
    /// Why it could not be asked; its one finding says so as well.
    pub error: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// The answers.
#[derive(Debug)]
pub struct Audit {
    /// The moment.
    pub as_of: i64,
    /// The window.
    pub window: (i64, i64),
    /// Where the lake is.
    pub lake: String,
    /// The tables and the version of each that all checks saw.
    pub versions: Vec<(String, u64)>,
    /// Check by check.
    pub checks: Vec<Judged>,
    /// What was read of the window, by collector, account and region: the chapter about coverage.
    pub coverage: Coverage,
    /// Exceptions that no finding needed.
    pub unused: Vec<Unused>,
}

impl Audit {
    /// All findings, check by check.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.checks.iter().flat_map(|judged| &judged.findings)
    }

    /// How many findings have a verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings().filter(|finding| finding.verdict == verdict).count()
    }

    /// How many are a FAIL that nobody has accepted.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.findings().filter(|finding| finding.counts()).count()
    }

    /// The checks that could not be asked.
    pub fn errors(&self) -> impl Iterator<Item = &Judged> {
        self.checks.iter().filter(|judged| judged.error.is_some())
    }
}

/// Asks the checks, one after the other. One that cannot be asked is UNKNOWN.
///
/// # Errors
/// [`ErrorKind::Parameter`] before anything is asked if the window ends before it begins or after the audit, or a parameter is
/// none of any check or does not fit; [`ErrorKind::Read`] if the ledgers cannot be read.
pub async fn run(session: &Session, request: &Request) -> Result<Audit, QueryError> {
    let parameter = |message: String| QueryError::new(ErrorKind::Parameter, message);
    if request.from >= request.to {
        return Err(parameter("the window has no time in it: its end must be after its beginning".to_owned()));
    }
    if request.to > request.as_of {
        return Err(parameter(
            "the window ends after the moment of the audit: nothing is known of that time".to_owned(),
        ));
    }
    let asked = request.checks.iter().map(|check| Asked::new(check, request)).collect::<Result<Vec<_>, _>>()?;
    if let Some(unknown) = request.params.keys().find(|name| !asked.iter().any(|one| one.given.contains_key(*name)))
        && unknown != MIN_COVERAGE_PARAM
    {
        return Err(parameter(format!("none of the checks has a parameter '{unknown}'; see lookback audit --list")));
    }
    let session = session.with_as_of(Some(request.as_of)).pinned(&tables(&request.checks)).await?;
    let read_from = request.from.min(request.as_of - FRESH);
    let coverage = Coverage::read(&session, read_from, request.as_of).await?;
    let mut checks = Vec::with_capacity(asked.len());
    for one in asked {
        let began = Instant::now();
        let ground = one.ground(request, &coverage);
        let (mut findings, error) = match findings(&session, &one, &ground).await {
            Ok(findings) => (findings, None),
            Err(e) => (vec![failed(one.check, &e, &ground)], Some(e.to_string())),
        };
        findings.iter_mut().for_each(|finding| finding.acceptance = request.exceptions.of(finding, request.as_of));
        findings.sort_by_key(order);
        checks.push(Judged { check: one.check, findings, params: one.given, error, took: began.elapsed() });
    }
    let window = (request.from, request.to);
    let unused = request.exceptions.unused(checks.iter().flat_map(|judged| &judged.findings), &request.checks);
    let lake = session.lake().name().to_owned();
    Ok(Audit { as_of: request.as_of, window, lake, versions: session.versions().await, checks, coverage, unused })
}

/// The tables whose version an audit fixes before it begins.
fn tables(checks: &[&'static Check]) -> Vec<&'static str> {
    let mut tables: Vec<&str> = checks.iter().flat_map(|check| check.needs.iter().map(|need| need.table)).collect();
    tables.extend(lookback_schemas::encryption::TABLES.iter().map(|table| table.name));
    tables.push(lookback_schemas::names::LEDGER_TABLE);
    tables.sort_unstable();
    tables.dedup();
    tables
}

fn order(finding: &Finding) -> (usize, String, String, String, String) {
    let place = Verdict::ALL.iter().position(|verdict| *verdict == finding.verdict).unwrap_or_default();
    let texts = [&finding.account_id, &finding.region, &finding.entity_name, &finding.entity].map(Clone::clone);
    let [account, region, name, entity] = texts;
    (place, account, region, name, entity)
}

/// A check with its parameters.
struct Asked {
    check: &'static Check,
    given: BTreeMap<String, String>,
    values: HashMap<String, Expr>,
    min_coverage: f64,
}

impl Asked {
    fn new(check: &'static Check, request: &Request) -> Result<Self, QueryError> {
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

    fn ground<'a>(&self, request: &Request, coverage: &'a Coverage) -> Ground<'a> {
        let window = (request.from, request.to);
        let proven = match self.check.period {
            Period::Window => window,
            Period::Now => (request.as_of - FRESH, request.as_of),
        };
        Ground { coverage, window, proven, min_coverage: self.min_coverage }
    }
}

fn share(text: &str) -> Result<f64, QueryError> {
    let share = text.trim().parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| {
        let message = format!("parameter '{MIN_COVERAGE_PARAM}': '{text}' is not a share; write a number from 0 to 1");
        QueryError::new(ErrorKind::Parameter, message)
    })
}

async fn findings(session: &Session, asked: &Asked, ground: &Ground<'_>) -> Result<Vec<Finding>, QueryError> {
    let check = asked.check;
    let internal = |what: &str| QueryError::new(ErrorKind::Internal, format!("check {} {what}", check.id));
    let mut prepared = session.prepare(check.sql)?;
    let (Some(mut statement), true) = (prepared.pop(), prepared.is_empty()) else {
        return Err(internal("is not one statement"));
    };
    substitute(statement.parsed_mut(), &asked.values)?;
    let answer = session.run(&statement).await?;
    let schema = answer.schema();
    if !schema.fields().iter().map(|field| field.name().as_str()).eq(COLUMNS) {
        return Err(internal(&format!("does not answer the columns {}", COLUMNS.join(", "))));
    }
    let rows = rows_in(answer).await?;
    if rows.is_empty() {
        return Ok(vec![judge_nothing(check, ground)]);
    }
    rows.iter().map(|row| Ok(judge(check, Stated::read(check, row)?, ground))).collect()
}

/// The finding of a check that could not be asked.
fn failed(check: &'static Check, error: &QueryError, ground: &Ground<'_>) -> Finding {
    let reason = format!("The check could not be asked: {error}");
    judge(check, Stated { verdict: Some(Verdict::Unknown), reason, ..Stated::default() }, ground)
}

/// What one collector read of the window, for the chapter about coverage.
#[must_use]
pub fn read_of_window(reads: &Reads, window: (i64, i64)) -> (f64, Vec<(i64, i64)>) {
    (reads.complete.pct(window.0, window.1), reads.complete.holes(window.0, window.1))
}
