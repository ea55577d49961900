//! What the lake keeps of an audit: a row of `audit_results` for each finding.

use lookback_schemas::encryption::{ALERT_CHANGES, AUDIT_RESULTS, Row, canonical, sha256_hex};
use lookback_schemas::time::rfc3339;
use serde_json::{Value, json};

use super::finding::Finding;
use super::run::{Audit, Judged};

/// What stands for an account or an entity that a finding has none of: both are part of keys.
pub const NOBODY: &str = "-";

/// The rows of an audit, each with all that its table asks for.
///
/// The id of the run follows from what was asked and from the versions of the tables that were seen: the same audit of the same
/// evidence is the same run, so that recording it twice adds nothing.
#[must_use]
pub fn rows(audit: &Audit) -> Vec<Row> {
    let run_id = run_id(audit);
    audit
        .checks
        .iter()
        .flat_map(|judged| judged.findings.iter().map(|finding| row(audit, judged, finding, &run_id)))
        .collect()
}

fn row(audit: &Audit, judged: &Judged, finding: &Finding, run_id: &str) -> Row {
    let or_nobody = |text: &str| if text.is_empty() { NOBODY.to_owned() } else { text.to_owned() };
    let mut row = Row::new(&AUDIT_RESULTS);
    row.time("evaluated_at", Some(audit.as_of))
        .text("run_id", Some(run_id))
        .text("check_id", Some(finding.check.id))
        .long("check_version", Some(i64::from(finding.check.version)))
        .text("account_id", Some(or_nobody(&finding.account_id)))
        .text("region", Some(finding.region.as_str()))
        .text("entity_type", Some(finding.entity_type.as_str()))
        .text("entity", Some(or_nobody(&finding.entity)))
        .text("entity_name", Some(finding.entity_name.as_str()))
        .text("verdict", Some(finding.verdict.name()))
        .text("severity", Some(finding.check.severity.name()))
        .text("reason", Some(finding.reason.as_str()))
        .time("since", finding.since)
        .time("window_from", Some(finding.window_from))
        .time("window_to", Some(finding.window_to))
        .time("evaluated_for_to", Some(audit.window.1))
        .double("coverage_pct", finding.coverage_pct)
        .json("evidence", Some(&Value::Array(finding.evidence.clone())))
        .json("params_json", Some(&json!(judged.params)));
    row
}

/// What tells this run from every other.
#[must_use]
pub fn run_id(audit: &Audit) -> String {
    // What was concluded and told is no evidence.
    let told = [AUDIT_RESULTS.name, ALERT_CHANGES.name];
    let versions = audit.versions.iter().filter(|(table, _)| !told.contains(&table.as_str()));
    let asked: Vec<Value> =
        audit.checks.iter().map(|judged| json!([judged.check.id, judged.check.version, judged.params])).collect();
    let all = json!({
        "as_of": rfc3339(audit.as_of),
        "from": rfc3339(audit.window.0),
        "to": rfc3339(audit.window.1),
        "checks": asked,
        "versions": versions.collect::<Vec<_>>(),
    });
    format!("audit-{}", &sha256_hex(canonical(&all).as_bytes())[..32])
}
