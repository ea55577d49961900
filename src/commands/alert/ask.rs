//! Asks what rules ask: all checks in one audit, each diagnostic by itself, at one moment.

use std::collections::{BTreeMap, BTreeSet};

use lookback_alerts::rules::{Diagnostic as Asks, Rule, Target, Threshold};
use lookback_alerts::{Asked, Entity, Evaluation, Observation, Rules, Severity, Source, SourceKind, Verdict};
use lookback_exporter::Settings;
use lookback_query::audit::{self, Check, Exceptions, Finding, Judged, Request, Verdict as Found};
use lookback_query::coverage::{Coverage, coverage};
use lookback_query::diagnostics::{self, Cell, Diagnostic, Outcome};
use lookback_query::{ErrorKind, QueryError, Session};
use lookback_schemas::registry;
use lookback_schemas::time::{DAY, rfc3339};
use serde_json::{Map, Value, json};

use super::super::audit::with_lake_keys;
use crate::failure::Failure;

/// The window of checks about the past: as long as CloudTrail remembers.
const WINDOW: i64 = 90 * DAY;
/// Rows of a diagnostic that are looked at.
const MAX_ROWS: usize = 5_000;
/// The parameter that limits the rows of a diagnostic.
const TOP: &str = "top";

/// A rule, and what it asks in this build.
pub(super) struct Question<'a> {
    rule: &'a Rule,
    asks: What<'a>,
}

enum What<'a> {
    Checks(Vec<&'static Check>),
    Diagnostic(&'static Diagnostic, &'a Asks),
}

/// Finds the checks and diagnostics of rules.
///
/// # Errors
/// With the file and the line, for a check, diagnostic or column that there is not.
pub(super) fn resolve<'a>(named: &str, rules: &'a Rules) -> Result<Vec<Question<'a>>, Failure> {
    let one = |rule: &'a Rule| {
        let wrong = |why: String| Failure::usage(format!("{named}, line {}: rule '{}': {why}", rule.line, rule.name));
        let asks = match &rule.target {
            Target::Checks { ids, .. } => What::Checks(checks(rule, ids).map_err(wrong)?),
            Target::Diagnostic(asks) => What::Diagnostic(diagnostic(rule, asks).map_err(wrong)?, asks),
        };
        Ok(Question { rule, asks })
    };
    rules.rules.iter().map(one).collect()
}

fn checks(rule: &Rule, ids: &[String]) -> Result<Vec<&'static Check>, String> {
    for id in ids.iter().filter(|id| !id.contains('*')) {
        audit::get(id).map_err(|e| e.to_string())?;
    }
    let severity = |check: &Check| Severity::of(check.severity.name()).unwrap_or(Severity::Critical);
    let found: Vec<_> = audit::list().iter().filter(|check| rule.asks(check.id, severity(check))).collect();
    if found.is_empty() {
        return Err("no check fits: see `lookback audit --list`".to_owned());
    }
    Ok(found)
}

fn diagnostic(rule: &Rule, asks: &Asks) -> Result<&'static Diagnostic, String> {
    let question = diagnostics::get(&asks.name).map_err(|e| e.to_string())?;
    let columns: Vec<&str> = question.columns.iter().map(|column| column.name).collect();
    let named = asks.entity.iter().chain(asks.threshold.iter().map(|threshold| &threshold.column));
    if let Some(unknown) = named.into_iter().find(|name| !columns.contains(&name.as_str())) {
        return Err(format!("{} answers no column '{unknown}'; it answers {}", asks.name, columns.join(", ")));
    }
    let has = |name: &str| question.params.iter().any(|param| param.name == name);
    if asks.window.is_some() && (!has("from") || rule.params.contains_key("from")) {
        return Err(format!("'window' sets the parameter 'from', which {} does not take or is given as well", asks.name));
    }
    Ok(question)
}

/// The answers to all rules at a moment (microseconds since 1970-01-01, UTC). What cannot be asked is in the answers as well.
///
/// # Errors
/// If a parameter does not fit.
pub(super) async fn ask(
    session: &Session,
    settings: &Settings,
    questions: &[Question<'_>],
    exceptions: &Exceptions,
    at: i64,
) -> Result<Vec<Evaluation>, Failure> {
    let evaluation = |question: &Question<'_>| Evaluation { rule: question.rule.name.clone(), at, ..Evaluation::default() };
    let mut evaluations: Vec<Evaluation> = questions.iter().map(evaluation).collect();
    // Rules with the same parameters share an audit, so that they see one version of the lake.
    let mut groups: BTreeMap<&BTreeMap<String, String>, Vec<usize>> = BTreeMap::new();
    for (number, question) in questions.iter().enumerate() {
        if let What::Checks(_) = question.asks {
            groups.entry(&question.rule.params).or_default().push(number);
        }
    }
    for (params, numbers) in groups {
        let of = |number: &usize| match &questions[*number].asks {
            What::Checks(checks) => checks.as_slice(),
            What::Diagnostic(..) => &[],
        };
        let mut checks: Vec<&'static Check> = numbers.iter().flat_map(of).copied().collect();
        checks.sort_by_key(|check| check.id);
        checks.dedup_by_key(|check| check.id);
        let (params, exceptions) = (params.clone(), exceptions.clone());
        let mut request = Request { as_of: at, from: at - WINDOW, to: at, checks, params, exceptions };
        with_lake_keys(&mut request, settings);
        let answers = match Box::pin(audit::run(session, &request)).await {
            Ok(audit) => audit.checks.iter().map(of_check).collect(),
            Err(e) if e.kind() == ErrorKind::Parameter => {
                let names: Vec<&str> = numbers.iter().map(|number| questions[*number].rule.name.as_str()).collect();
                return Err(Failure::from(e).within(format!("rule '{}'", names.join("', '"))));
            }
            Err(e) => request.checks.iter().map(|check| unasked(check.id, &e)).collect::<Vec<_>>(),
        };
        for number in numbers {
            let asked: BTreeSet<&str> = of(&number).iter().map(|check| check.id).collect();
            for (one, observations) in answers.iter().filter(|(one, _)| asked.contains(one.name.as_str())) {
                evaluations[number].asked.push(one.clone());
                evaluations[number].observations.extend(observations.iter().cloned());
            }
        }
    }
    let mut covered: Option<Vec<Coverage>> = None;
    for (question, evaluation) in questions.iter().zip(&mut evaluations) {
        let What::Diagnostic(diagnostic, asks) = &question.asks else { continue };
        if covered.is_none() {
            covered = Some(coverage(session).await?);
        }
        let covered = covered.as_deref().unwrap_or_default();
        let answered = Box::pin(of_diagnostic(session, diagnostic, asks, &question.rule.params, at, covered)).await;
        let (asked, observations) = match answered {
            Ok(answered) => answered,
            Err(e) if e.kind() == ErrorKind::Parameter => {
                return Err(Failure::from(e).within(format!("rule '{}'", question.rule.name)));
            }
            Err(e) => unasked(diagnostic.name, &e),
        };
        evaluation.asked.push(asked);
        evaluation.observations.extend(observations);
    }
    Ok(evaluations)
}

fn unasked(name: &str, error: &QueryError) -> (Asked, Vec<Observation>) {
    let asked = Asked { name: name.to_owned(), error: Some(error.to_string()), ..Asked::default() };
    (asked, Vec::new())
}

fn of_check(judged: &Judged) -> (Asked, Vec<Observation>) {
    // A hole that is about nobody in particular may hide anybody.
    let holed = judged.findings.iter().any(|finding| finding.verdict == Found::Unknown && finding.entity.is_empty());
    let asked = Asked {
        name: judged.check.id.to_owned(),
        whole: judged.error.is_none() && !holed,
        stale: BTreeSet::new(),
        error: judged.error.clone(),
    };
    (asked, judged.findings.iter().map(of_finding).collect())
}

fn of_finding(finding: &Finding) -> Observation {
    let check = finding.check;
    let accepted = finding.acceptance.as_ref().filter(|_| finding.is_accepted());
    let (verdict, said) = match finding.verdict {
        Found::Fail if accepted.is_some() => (Verdict::Clear, "FAIL (accepted)".to_owned()),
        Found::Fail => (Verdict::Fail, Found::Fail.name().to_owned()),
        Found::Unknown => (Verdict::Unknown, Found::Unknown.name().to_owned()),
        other => (Verdict::Clear, other.name().to_owned()),
    };
    let reason = match accepted {
        Some(accepted) => format!("Accepted by {}: {}. {}", accepted.owner, accepted.reason, finding.reason),
        None => finding.reason.clone(),
    };
    let id = if finding.entity.is_empty() { "-" } else { finding.entity.as_str() };
    let is_cluster = finding.entity_type == "cluster" || finding.entity_type == "namespace";
    Observation {
        source: Source { kind: SourceKind::Check, name: check.id.to_owned(), title: check.title.to_owned() },
        severity: Severity::of(check.severity.name()).unwrap_or(Severity::Critical),
        entity: Entity {
            kind: finding.entity_type.clone(),
            id: id.to_owned(),
            name: finding.entity_name.clone(),
            account_id: finding.account_id.clone(),
            region: finding.region.clone(),
            cluster: if is_cluster { finding.entity_name.clone() } else { String::new() },
        },
        verdict,
        said,
        reason,
        since: finding.since,
        advice: check.advice.iter().map(|advice| (*advice).to_owned()).collect(),
        evidence: finding.evidence.clone(),
        values: Map::new(),
    }
}

async fn of_diagnostic(
    session: &Session,
    diagnostic: &'static Diagnostic,
    asks: &Asks,
    params: &BTreeMap<String, String>,
    at: i64,
    covered: &[Coverage],
) -> Result<(Asked, Vec<Observation>), QueryError> {
    let mut params = params.clone();
    let has = |name: &str| diagnostic.params.iter().any(|param| param.name == name);
    if has(TOP) {
        params.entry(TOP.to_owned()).or_insert_with(|| MAX_ROWS.to_string());
    }
    if let Some(window) = asks.window {
        params.insert("from".to_owned(), rfc3339(at - lookback_alerts::pace::micros(window)));
        if has("to") {
            params.entry("to".to_owned()).or_insert_with(|| rfc3339(at));
        }
    }
    let answer = diagnostics::run(&session.with_as_of(Some(at)), diagnostic.name, &params).await?;
    let tables: BTreeSet<String> = answer.versions().iter().map(|(table, _)| table.clone()).collect();
    let outcome = Outcome::read(answer, MAX_ROWS).await?;
    // What did not fit in may be anything.
    let top = params.get(TOP).filter(|_| has(TOP)).and_then(|top| top.parse::<usize>().ok());
    let full = outcome.left_out > 0 || top.is_some_and(|top| outcome.rows.len() >= top);
    let (known, stale) = freshness(&tables, covered, at - lookback_alerts::pace::micros(asks.fresh));
    let asked = Asked { name: diagnostic.name.to_owned(), whole: known && !full, stale, error: None };
    let rows = outcome.rows.iter().filter(|row| counts(asks.threshold.as_ref(), &outcome.columns, row));
    Ok((asked, rows.map(|row| of_row(diagnostic, asks, &outcome.columns, row)).collect()))
}

/// Whether anything is known of the logs that were read, and the clusters whose logs end before a moment.
fn freshness(tables: &BTreeSet<String>, covered: &[Coverage], since: i64) -> (bool, BTreeSet<String>) {
    let is_log = |table: &String| registry().table(table).is_some();
    if !tables.iter().any(is_log) {
        return (true, BTreeSet::new());
    }
    let mut of = covered.iter().filter(|one| tables.contains(&one.table)).peekable();
    let known = of.peek().is_some();
    let old = of.filter(|one| one.covered_until.is_none_or(|until| until < since));
    (known, old.map(|one| one.cluster_id.clone()).collect())
}

fn cell<'r>(columns: &[String], row: &'r [Cell], name: &str) -> Option<&'r Cell> {
    columns.iter().position(|column| column == name).and_then(|at| row.get(at))
}

fn counts(threshold: Option<&Threshold>, columns: &[String], row: &[Cell]) -> bool {
    threshold.is_none_or(|bound| bound.counts(cell(columns, row, &bound.column).and_then(|cell| cell.number)))
}

fn of_row(diagnostic: &Diagnostic, asks: &Asks, columns: &[String], row: &[Cell]) -> Observation {
    let text = |name: &str| cell(columns, row, name).map(|cell| cell.text.clone()).unwrap_or_default();
    let parts: Vec<String> = asks.entity.iter().map(|name| text(name)).collect();
    let id = match parts.as_slice() {
        [one] => one.clone(),
        several => json!(several).to_string(),
    };
    // Times are numbers to a report, and texts to people.
    let value = |cell: &Cell| match (cell.number, cell.text.parse::<i64>(), cell.text.parse::<f64>()) {
        (Some(_), Ok(whole), _) => Value::from(whole),
        (Some(number), _, Ok(_)) => Value::from(number),
        _ => Value::from(cell.text.clone()),
    };
    let values = columns.iter().zip(row).filter(|(_, cell)| !cell.text.is_empty());
    let severity = match diagnostic.severity {
        diagnostics::Severity::Info => Severity::Info,
        diagnostics::Severity::Warning => Severity::Medium,
        diagnostics::Severity::Critical => Severity::High,
    };
    let reason = match &asks.threshold {
        Some(bound) => format!("{} is {}.", bound.column, text(&bound.column)),
        None => diagnostic.title.to_owned() + ".",
    };
    Observation {
        source: Source {
            kind: SourceKind::Diagnostic,
            name: diagnostic.name.to_owned(),
            title: diagnostic.title.to_owned(),
        },
        severity: asks.severity.unwrap_or(severity),
        entity: Entity {
            kind: asks.entity.join(", "),
            id: if id.trim().is_empty() { "-".to_owned() } else { id },
            name: parts.join(", "),
            cluster: text("cluster_id"),
            ..Entity::default()
        },
        verdict: Verdict::Fail,
        said: "FAIL".to_owned(),
        reason,
        since: None,
        advice: diagnostic.advice.iter().map(|advice| (*advice).to_owned()).collect(),
        evidence: Vec::new(),
        values: values.map(|(name, cell)| (name.clone(), value(cell))).collect(),
    }
}
