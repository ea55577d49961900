//! The report that an auditor reads and signs: one page that needs no network and prints well.

use askama::Template;
use lookback_query::audit::coverage::Denied;
use lookback_query::audit::run::{Judged, read_of_window};
use lookback_query::audit::{Acceptance, Audit, Exceptions, Finding, Period, Verdict, record};

use super::text::visible;
use crate::failure::Failure;
use crate::print::moment;

/// Holes of one collector that the chapter about coverage names.
const MAX_HOLES: usize = 20;
/// Rows of evidence of one finding in the report; all of them are in the other formats.
const MAX_EVIDENCE: usize = 20;

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    lake: String,
    run_id: String,
    as_of: String,
    from: String,
    to: String,
    versions: Vec<String>,
    counts: Vec<(&'static str, &'static str, usize)>,
    accepted: usize,
    failures: usize,
    checks: Vec<Chapter>,
    coverage: Vec<Line>,
    exceptions: Vec<Exception>,
    unused: Vec<String>,
    has_exceptions: bool,
}

struct Chapter {
    id: &'static str,
    version: u32,
    title: &'static str,
    severity: &'static str,
    question: &'static str,
    period: &'static str,
    verdict: &'static str,
    class: &'static str,
    params: Vec<String>,
    findings: Vec<Row>,
    fails: usize,
    unknown: usize,
    passes: usize,
    advice: Vec<&'static str>,
}

struct Row {
    verdict: &'static str,
    class: &'static str,
    name: String,
    entity: String,
    place: String,
    reason: String,
    since: String,
    coverage: String,
    evidence: Vec<String>,
    more_evidence: usize,
    acceptance: String,
}

struct Line {
    collector: String,
    place: String,
    pct: String,
    holes: Vec<String>,
    more_holes: usize,
    denied: Vec<String>,
}

struct Exception {
    check: &'static str,
    entity: String,
    note: String,
}

/// The page.
pub(crate) fn page(audit: &Audit, exceptions: &Exceptions) -> Result<String, Failure> {
    let accepted = |finding: &&Finding| finding.acceptance.is_some();
    let page = Page {
        lake: visible(&audit.lake),
        run_id: record::run_id(audit),
        as_of: moment(Some(audit.as_of)),
        from: moment(Some(audit.window.0)),
        to: moment(Some(audit.window.1)),
        versions: audit.versions.iter().map(|(table, version)| format!("{} {version}", visible(table))).collect(),
        counts: Verdict::ALL.iter().map(|verdict| (verdict.name(), class(*verdict), audit.count(*verdict))).collect(),
        accepted: audit.findings().filter(|finding| finding.is_accepted()).count(),
        failures: audit.failures(),
        checks: audit.checks.iter().map(chapter).collect(),
        coverage: coverage(audit),
        exceptions: audit.findings().filter(accepted).filter_map(exception).collect(),
        unused: audit
            .unused
            .iter()
            .map(|unused| visible(&format!("{} {} ({})", unused.check, unused.entity, unused.owner)))
            .collect(),
        has_exceptions: !exceptions.is_empty(),
    };
    page.render().map_err(|e| Failure::failed(format!("writing the report: {e}")))
}

/// How many there are of everything, in a line or two.
pub(crate) fn summary(audit: &Audit) -> String {
    let count = |verdict| audit.count(verdict);
    let accepted = audit.findings().filter(|finding| finding.is_accepted()).count();
    let accepted = if accepted > 0 { format!(" ({accepted} accepted)") } else { String::new() };
    format!(
        "{} checks as of {}, window {} to {} (UTC)\n{} FAIL{accepted}, {} UNKNOWN, {} PASS, {} NOT_APPLICABLE\n",
        audit.checks.len(),
        moment(Some(audit.as_of)),
        moment(Some(audit.window.0)),
        moment(Some(audit.window.1)),
        count(Verdict::Fail),
        count(Verdict::Unknown),
        count(Verdict::Pass),
        count(Verdict::NotApplicable),
    )
}

/// What the file of exceptions says about a finding.
pub(crate) fn acceptance(acceptance: &Acceptance) -> String {
    let (owner, reason) = (visible(&acceptance.owner), visible(&acceptance.reason));
    match (acceptance.holds, acceptance.until) {
        (true, Some(until)) => format!("accepted until {} by {owner}: {reason}", moment(Some(until))),
        (true, None) => format!("approved by {owner}: {reason}"),
        (false, until) => format!("was accepted by {owner} until {}: expired, it counts again", moment(until)),
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
        Verdict::Pass => "pass",
        Verdict::NotApplicable => "none",
    }
}

fn chapter(judged: &Judged) -> Chapter {
    let check = judged.check;
    let count = |verdict| judged.findings.iter().filter(|finding| finding.verdict == verdict).count();
    let worst = Verdict::ALL.into_iter().find(|verdict| count(*verdict) > 0).unwrap_or(Verdict::NotApplicable);
    Chapter {
        id: check.id,
        version: check.version,
        title: check.title,
        severity: check.severity.name(),
        question: check.question,
        period: match check.period {
            Period::Now => "at the moment of the audit",
            Period::Window => "over the window",
        },
        verdict: worst.name(),
        class: class(worst),
        params: judged.params.iter().map(|(name, value)| visible(&format!("{name}={value}"))).collect(),
        findings: judged.findings.iter().map(row).collect(),
        fails: count(Verdict::Fail),
        unknown: count(Verdict::Unknown),
        passes: count(Verdict::Pass),
        advice: check.advice.clone(),
    }
}

fn row(finding: &Finding) -> Row {
    let place = [finding.account_id.as_str(), finding.region.as_str()].map(visible);
    Row {
        verdict: finding.verdict.name(),
        class: class(finding.verdict),
        name: visible(finding.label()),
        entity: visible(&finding.entity),
        place: place.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        reason: visible(&finding.reason),
        since: finding.since.map(|since| moment(Some(since))).unwrap_or_default(),
        coverage: finding.coverage_pct.map(|pct| format!("{pct:.1} %")).unwrap_or_default(),
        evidence: finding.evidence.iter().take(MAX_EVIDENCE).map(|row| visible(&evidence(row))).collect(),
        more_evidence: finding.evidence.len().saturating_sub(MAX_EVIDENCE),
        acceptance: finding.acceptance.as_ref().map(acceptance).unwrap_or_default(),
    }
}

/// `table: column=value, column=value`
fn evidence(row: &serde_json::Value) -> String {
    let (Some(table), Some(key)) = (row["table"].as_str(), row["key"].as_object()) else { return row.to_string() };
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let key: Vec<String> = key.iter().map(|(column, value)| format!("{column}={}", text(value))).collect();
    format!("{table}: {}", key.join(", "))
}

fn coverage(audit: &Audit) -> Vec<Line> {
    let lines = audit.coverage.reads.iter().map(|(place, reads)| {
        let (pct, holes) = read_of_window(reads, audit.window);
        let shown = holes.iter().take(MAX_HOLES);
        Line {
            collector: visible(&place.collector),
            place: visible(&format!("{}, {}", place.account_id, place.region)),
            pct: format!("{pct:.2} %"),
            holes: shown.map(|(from, to)| format!("{} to {}", moment(Some(*from)), moment(Some(*to)))).collect(),
            more_holes: holes.len().saturating_sub(MAX_HOLES),
            denied: {
                let about = |denied: &Denied| match &denied.resource {
                    Some(resource) => format!("{} of {resource}: {}", denied.call, denied.grant),
                    None => format!("{}: {}", denied.call, denied.grant),
                };
                let mut calls: Vec<String> = reads.denied.iter().map(|denied| visible(&about(denied))).collect();
                calls.sort_unstable();
                calls.dedup();
                calls
            },
        }
    });
    lines.collect()
}

fn exception(finding: &Finding) -> Option<Exception> {
    let note = acceptance(finding.acceptance.as_ref()?);
    Some(Exception { check: finding.check.id, entity: visible(finding.label()), note })
}

#[cfg(test)]
mod tests;
