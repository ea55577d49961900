//! Asks what rules ask: all checks in one audit, each diagnostic by itself, at one moment.

mod diagnostic;

use std::collections::{BTreeMap, BTreeSet};

use lookback_alerts::rules::{Diagnostic as Asks, Rule, Target};
use lookback_alerts::{Asked, Entity, Evaluation, Observation, Rules, Source, SourceKind, Verdict};
use lookback_exporter::Settings;
use lookback_query::audit::{self, Check, Exceptions, Finding, Judged, Request, Verdict as Found};
use lookback_query::coverage::{Coverage, coverage};
use lookback_query::diagnostics::{self, Diagnostic};
use lookback_query::{ErrorKind, QueryError, Session};
use lookback_schemas::time::DAY;
use serde_json::Map;

use super::super::audit::with_lake_keys;
use crate::failure::Failure;

/// The window of checks about the past: as long as CloudTrail remembers.
const WINDOW: i64 = 90 * DAY;
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
            Target::Diagnostic(asks) => What::Diagnostic(diagnostic_of(rule, asks).map_err(wrong)?, asks),
        };
        Ok(Question { rule, asks })
    };
    rules.rules.iter().map(one).collect()
}

fn checks(rule: &Rule, ids: &[String]) -> Result<Vec<&'static Check>, String> {
    for id in ids.iter().filter(|id| !id.contains('*')) {
        audit::get(id).map_err(|e| e.to_string())?;
    }
    let found: Vec<_> = audit::list().iter().filter(|check| rule.asks(check.id, check.severity)).collect();
    if found.is_empty() {
        return Err("no check fits: see `lookback audit --list`".to_owned());
    }
    Ok(found)
}

fn diagnostic_of(rule: &Rule, asks: &Asks) -> Result<&'static Diagnostic, String> {
    let question = diagnostics::get(&asks.name).map_err(|e| e.to_string())?;
    let columns: Vec<&str> = question.columns.iter().map(|column| column.name).collect();
    let named = asks.entity.iter().chain(asks.threshold.iter().map(|threshold| &threshold.column));
    if let Some(unknown) = named.into_iter().find(|name| !columns.contains(&name.as_str())) {
        return Err(format!("{} answers no column '{unknown}'; it answers {}", asks.name, columns.join(", ")));
    }
    let has = |name: &str| question.params.iter().any(|param| param.name == name);
    if asks.window.is_some() && (!has("from") || rule.params.contains_key("from")) {
        return Err(format!(
            "'window' sets the parameter 'from', which {} does not take or is given as well",
            asks.name
        ));
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
    let evaluation =
        |question: &Question<'_>| Evaluation { rule: question.rule.name.clone(), at, ..Evaluation::default() };
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
        let What::Diagnostic(asked, asks) = &question.asks else { continue };
        if covered.is_none() {
            covered = Some(coverage(session).await?);
        }
        let covered = covered.as_deref().unwrap_or_default();
        let answered = Box::pin(diagnostic::ask(session, asked, asks, &question.rule.params, at, covered)).await;
        let (asked, observations) = match answered {
            Ok(answered) => answered,
            Err(e) if e.kind() == ErrorKind::Parameter => {
                return Err(Failure::from(e).within(format!("rule '{}'", question.rule.name)));
            }
            Err(e) => unasked(asked.name, &e),
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
        severity: check.severity,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn the_example_of_the_documents_is_understood() {
        let text = include_str!("../../../docs/alerts.md");
        let mut examples = text.split("```toml\n").filter_map(|block| block.split("```").next());
        let example = examples.find(|block| block.contains("[[rule]]")).unwrap();
        let rules = Rules::parse("docs/alerts.md", example).unwrap();
        let questions = resolve("docs/alerts.md", &rules).unwrap();
        assert_eq!(questions.len(), 3);
        let checks = |question: &Question<'_>| match &question.asks {
            What::Checks(checks) => checks.len(),
            What::Diagnostic(..) => 0,
        };
        assert!(checks(&questions[0]) > 5 && checks(&questions[1]) > 5, "rules about checks ask several");
    }
}
