//! One JSON document.

use lookback_schemas::time::rfc3339;
use serde_json::{Value, json};

use super::finding_json;
use crate::audit::finding::Verdict;
use crate::audit::run::{Audit, Judged};

pub(super) fn write(audit: &Audit) -> String {
    let count = |verdict: Verdict| audit.count(verdict);
    let document = json!({
        "as_of": rfc3339(audit.as_of),
        "window_from": rfc3339(audit.window.0),
        "window_to": rfc3339(audit.window.1),
        "lake": audit.lake,
        "versions": audit.versions.iter().map(|(table, version)| json!({ "table": table, "version": version })).collect::<Vec<_>>(),
        "summary": {
            "fail": count(Verdict::Fail), "fail_accepted": audit.findings().filter(|finding| finding.is_accepted()).count(),
            "unknown": count(Verdict::Unknown), "pass": count(Verdict::Pass),
            "not_applicable": count(Verdict::NotApplicable), "errors": audit.errors().count(),
        },
        "checks": audit.checks.iter().map(check).collect::<Vec<_>>(),
        "coverage": coverage(audit),
        "unused_exceptions": audit.unused.iter()
            .map(|unused| json!({ "check": unused.check, "entity": unused.entity, "owner": unused.owner }))
            .collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn check(judged: &Judged) -> Value {
    let check = judged.check;
    json!({
        "id": check.id, "version": check.version, "title": check.title, "severity": check.severity.name(),
        "question": check.question, "params": judged.params, "error": judged.error, "advice": check.advice,
        "findings": judged.findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

fn coverage(audit: &Audit) -> Vec<Value> {
    let span = |(from, to): &(i64, i64)| json!({ "from": rfc3339(*from), "to": rfc3339(*to) });
    let of_place = audit.coverage.reads.iter().map(|(place, reads)| {
        let (pct, holes) = (reads.complete.pct(audit.window.0, audit.window.1), reads.complete.holes(audit.window.0, audit.window.1));
        json!({
            "collector": place.collector, "account_id": place.account_id, "region": place.region, "coverage_pct": pct,
            "holes": holes.iter().map(span).collect::<Vec<_>>(), "lost": reads.lost.spans().iter().map(span).collect::<Vec<_>>(),
            "denied": reads.denied.iter().map(|denied| json!({
                "call": denied.call, "code": denied.code, "grant": denied.grant,
                "window_from": rfc3339(denied.window.0), "window_to": rfc3339(denied.window.1),
            })).collect::<Vec<_>>(),
        })
    });
    of_place.collect()
}
