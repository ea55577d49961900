//! The checks of an audit with their findings and evidence, as the page Encryption shows them.

use std::sync::Arc;

use askama::Template;
use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_query::audit::run::Judged;
use lookback_query::audit::{Acceptance, Finding, Period, Verdict};

use super::ask::Trouble;
use super::encryption::{Count, story, tone};
use super::format::{moment, visible};
use super::html::Html;
use super::panel::Content;
use super::request::Asked;

/// Rows of evidence of a finding, and findings of a check, that are shown; `lookback audit` has all of them.
const MOST_EVIDENCE: usize = 12;
const MOST_FINDINGS: usize = 60;

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotApplicable => "N/A",
        other => other.name(),
    }
}

#[derive(Template)]
#[template(path = "checks.html")]
struct Checks {
    checks: Vec<Check>,
}

struct Check {
    id: &'static str,
    title: &'static str,
    severity: &'static str,
    question: &'static str,
    verdict: &'static str,
    tone: &'static str,
    open: bool,
    counts: Vec<Count>,
    findings: Vec<Shown>,
    note: String,
    failed: bool,
    advice: Vec<&'static str>,
}

struct Shown {
    verdict: &'static str,
    tone: &'static str,
    name: String,
    href: String,
    place: String,
    reason: String,
    since: String,
    coverage: String,
    acceptance: String,
    has_evidence: bool,
    evidence: Vec<String>,
}

/// All checks, what needs attention first.
pub(super) fn checks(asked: Arc<Asked>) -> BoxFuture<'static, Result<Content, Trouble>> {
    async move {
        let audited = asked.asking.audit(&asked.asker, asked.now, asked.window).await?;
        if audited.0.coverage.reads.is_empty() {
            return Ok(Content::nothing(
                "Nothing to judge",
                "As soon as a collector has run, each of the checks has its verdict here.",
            ));
        }
        let mut checks: Vec<Check> = audited.0.checks.iter().map(|judged| check(&asked, judged)).collect();
        let place = |check: &Check| Verdict::ALL.iter().position(|verdict| word(*verdict) == check.verdict);
        checks.sort_by_key(|check| (place(check), check.id));
        // What is worst is open.
        if let Some(first) = checks.first_mut() {
            first.open = first.failed;
        }
        let hint = format!("{} checks, what needs attention first", checks.len());
        Ok(Content { custom: Some(Html::of(&Checks { checks })), flush: true, ..Content::default() }.hinted(hint))
    }
    .boxed()
}

fn check(asked: &Asked, judged: &Judged) -> Check {
    let count = |verdict: Verdict| judged.findings.iter().filter(|finding| finding.verdict == verdict).count();
    let worst = Verdict::ALL.into_iter().find(|verdict| count(*verdict) > 0).unwrap_or(Verdict::NotApplicable);
    let counts = Verdict::ALL.into_iter().filter(|verdict| count(*verdict) > 0);
    let chip = |verdict: Verdict| Count {
        name: "",
        text: format!("{} {}", count(verdict), word(verdict)),
        tone: tone(verdict),
    };
    let left_out = judged.findings.len().saturating_sub(MOST_FINDINGS);
    let period = match judged.check.period {
        Period::Now => "Judged at the moment of the audit.",
        Period::Window => "Judged over the time range.",
    };
    let note = if left_out > 0 {
        format!("{period} {left_out} more findings: lookback audit --control {} has all.", judged.check.id)
    } else {
        period.to_owned()
    };
    Check {
        id: judged.check.id,
        title: judged.check.title,
        severity: judged.check.severity.name(),
        question: judged.check.question,
        verdict: word(worst),
        tone: tone(worst),
        open: false,
        counts: counts.map(chip).collect(),
        findings: judged.findings.iter().take(MOST_FINDINGS).map(|finding| shown(asked, finding)).collect(),
        note,
        failed: worst == Verdict::Fail,
        advice: judged.check.advice.clone(),
    }
}

fn shown(asked: &Asked, finding: &Finding) -> Shown {
    let place = [&finding.account_id, &finding.region].map(|text| visible(text));
    let is_cluster = matches!(finding.entity_type.as_str(), "cluster" | "namespace");
    let evidence: Vec<String> =
        finding.evidence.iter().take(MOST_EVIDENCE).map(|row| visible(&evidence(row))).collect();
    Shown {
        verdict: word(finding.verdict),
        tone: tone(finding.verdict),
        name: visible(finding.label()),
        href: if is_cluster && !finding.entity.is_empty() { story(asked, &finding.entity) } else { String::new() },
        place: place.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        reason: visible(&finding.reason),
        since: moment(finding.since).get(..16).unwrap_or_default().to_owned(),
        coverage: finding.coverage_pct.map(|pct| format!("{pct:.1} %")).unwrap_or_default(),
        acceptance: finding.acceptance.as_ref().map(acceptance).unwrap_or_default(),
        has_evidence: !evidence.is_empty(),
        evidence,
    }
}

fn acceptance(acceptance: &Acceptance) -> String {
    let (owner, reason) = (visible(&acceptance.owner), visible(&acceptance.reason));
    if acceptance.holds {
        format!("accepted by {owner}: {reason}")
    } else {
        format!("was accepted by {owner}; that has ended, it counts again")
    }
}

/// `table: column=value, column=value`
fn evidence(row: &serde_json::Value) -> String {
    let (Some(table), Some(key)) = (row["table"].as_str(), row["key"].as_object()) else { return row.to_string() };
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let key: Vec<String> = key.iter().map(|(column, value)| format!("{column}={}", text(value))).collect();
    format!("{table}: {}", key.join(", "))
}
