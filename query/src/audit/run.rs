//! One audit: the chosen checks over one version of the lake.

use std::collections::BTreeMap;
use std::time::Duration;

use lookback_schemas::time::DAY;

use super::asked::{Answered, Asked, answer};
use super::check::Check;
use super::coverage::{Coverage, Reads};
use super::exceptions::{Exceptions, Unused};
use super::finding::{Finding, Verdict};
use crate::error::{ErrorKind, QueryError};
use crate::session::{Kept, Session, Statement, side_by_side};

/// Share of a window that must have been read for a PASS, unless a check or the person who asks says otherwise.
pub const MIN_COVERAGE: f64 = 0.98;
/// The parameter that says so.
pub const MIN_COVERAGE_PARAM: &str = "min_coverage";
/// How far before the moment of an audit evidence of the present state may have been read (microseconds): the collectors repeat
/// what has not changed once in that time.
pub const FRESH: i64 = DAY;
/// Bytes of memory for the rows that the checks of an audit have in common. The record of a hundred clusters over a year has less;
/// what does not fit is computed by each check that needs it.
pub const KEPT_BYTES: usize = 128 << 20;

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

/// Asks the checks. One that cannot be asked is UNKNOWN.
///
/// # Errors
/// [`ErrorKind::Parameter`] before anything is asked if the window ends before it begins or after the audit, or a parameter is
/// none of any check or does not fit; [`ErrorKind::Read`] if the ledgers cannot be read.
pub async fn run(session: &Session, request: &Request) -> Result<Audit, QueryError> {
    run_keeping(session, request, KEPT_BYTES).await
}

/// The same with another limit (bytes) for the rows that checks have in common: 0 lets every check compute them anew. The
/// findings are the same.
///
/// # Errors
/// As [`run`].
pub async fn run_keeping(session: &Session, request: &Request, kept_bytes: usize) -> Result<Audit, QueryError> {
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
    let statements: Vec<_> = asked.iter().map(|one| one.statement(&session)).collect();
    let understood: Vec<Statement> = statements.iter().flatten().cloned().collect();
    let kept = session.keeping(&understood, kept_bytes).await?;
    let read_from = request.from.min(request.as_of - FRESH);
    let coverage = Coverage::read(kept.session(), read_from, request.as_of, &logs(&request.checks)).await?;
    let answers = answers(&asked, statements, &kept, session.at_once()).await;
    let mut checks = Vec::with_capacity(asked.len());
    for (one, (rows, took)) in asked.into_iter().zip(answers) {
        let ground = one.ground(request, &coverage);
        let found = rows.and_then(|rows| one.findings(&rows, &ground));
        let (mut findings, error) = match found {
            Ok(findings) => (findings, None),
            Err(e) => (vec![one.failed(&e, &ground)], Some(e.to_string())),
        };
        findings.iter_mut().for_each(|finding| finding.acceptance = request.exceptions.of(finding, request.as_of));
        findings.sort_by_key(order);
        checks.push(Judged { check: one.check, findings, params: one.given, error, took });
    }
    let window = (request.from, request.to);
    let unused = request.exceptions.unused(checks.iter().flat_map(|judged| &judged.findings), &request.checks);
    let lake = session.lake().name().to_owned();
    Ok(Audit { as_of: request.as_of, window, lake, versions: session.versions().await, checks, coverage, unused })
}

/// The answers of the checks, in their order; several are asked at once.
async fn answers(
    asked: &[Asked],
    statements: Vec<Result<Statement, QueryError>>,
    kept: &Kept,
    at_once: usize,
) -> Vec<Answered> {
    let work = asked.iter().zip(statements).map(|(one, statement)| {
        let (check, kept) = (one.check, kept.clone());
        async move {
            match statement {
                Ok(statement) => answer(check, statement, kept).await,
                Err(e) => (Err(e), Duration::ZERO),
            }
        }
    });
    let answers = side_by_side(work, at_once).await.into_iter();
    answers.map(|answered| answered.unwrap_or_else(|e| (Err(e), Duration::ZERO))).collect()
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

/// The tables of logs whose coverage counts for the checks.
fn logs(checks: &[&'static Check]) -> Vec<&'static str> {
    let needs = checks.iter().flat_map(|check| &check.needs).filter(|need| need.is_log());
    let mut logs: Vec<&str> = needs.map(|need| need.table).collect();
    logs.sort_unstable();
    logs.dedup();
    logs
}

fn order(finding: &Finding) -> (usize, String, String, String, String) {
    let place = Verdict::ALL.iter().position(|verdict| *verdict == finding.verdict).unwrap_or_default();
    let texts = [&finding.account_id, &finding.region, &finding.entity_name, &finding.entity].map(Clone::clone);
    let [account, region, name, entity] = texts;
    (place, account, region, name, entity)
}

/// What one collector read of the window, but for single resources, for the chapter about coverage.
#[must_use]
pub fn read_of_window(reads: &Reads, window: (i64, i64)) -> (f64, Vec<(i64, i64)>) {
    let read = reads.mostly();
    (read.pct(window.0, window.1), read.holes(window.0, window.1))
}
