//! Compliance Finding events of the Open Cybersecurity Schema Framework, version 1.3
//! (<https://schema.ocsf.io/1.3.0/classes/compliance_finding>).

use serde_json::{Value, json};

use super::{cut, said};
use crate::audit::check::Severity;
use crate::audit::finding::{Finding, Verdict};
use crate::audit::run::Audit;

/// The version of the framework.
const VERSION: &str = "1.3.0";
/// `Compliance Finding`.
const CLASS: u32 = 2003;
/// `Create`.
const ACTIVITY: u32 = 1;
/// Characters of a text, so that it has not more than the framework's 65,535 bytes.
const MAX_TEXT: usize = 16_383;

pub(super) fn write(audit: &Audit) -> String {
    let events: Vec<Value> = audit.findings().map(|finding| event(audit, finding)).collect();
    format!("{:#}\n", Value::Array(events))
}

fn event(audit: &Audit, finding: &Finding) -> Value {
    let check = finding.check;
    let (severity_id, severity) = severity(finding);
    let (status_id, status) = match finding.verdict {
        Verdict::Fail if finding.is_accepted() => (3, "Suppressed"),
        Verdict::Fail | Verdict::Unknown => (1, "New"),
        Verdict::Pass | Verdict::NotApplicable => (4, "Resolved"),
    };
    let (result_id, result) = match finding.verdict {
        Verdict::Pass => (1, "Pass"),
        Verdict::Fail => (3, "Fail"),
        // "Did not yield a result due to missing information."
        Verdict::Unknown => (2, "Warning"),
        Verdict::NotApplicable => (99, "Not applicable"),
    };
    let since = finding.since.map(millis);
    let reason = cut(&finding.reason, MAX_TEXT);
    let is_in_cloud = !finding.account_id.is_empty();
    let mut event = json!({
        "activity_id": ACTIVITY, "activity_name": "Create",
        "category_uid": 2, "category_name": "Findings",
        "class_uid": CLASS, "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + ACTIVITY, "type_name": "Compliance Finding: Create",
        "time": millis(audit.as_of),
        "severity_id": severity_id, "severity": severity,
        "status_id": status_id, "status": status, "status_code": finding.verdict.name(), "status_detail": reason,
        "message": reason,
        "metadata": {
            "version": VERSION, "event_code": check.id, "profiles": if is_in_cloud { vec!["cloud"] } else { Vec::new() },
            "product": { "name": "lookback", "vendor_name": "lookback", "version": env!("CARGO_PKG_VERSION") },
        },
        "finding_info": said(json!({
            "uid": uid(finding), "title": check.title, "desc": check.question, "first_seen_time": since,
            "created_time": since.unwrap_or_else(|| millis(audit.as_of)), "modified_time": millis(audit.as_of),
        })),
        "compliance": {
            "control": check.id, "requirements": [check.title], "standards": ["lookback"],
            "status_id": result_id, "status": result, "status_code": finding.verdict.name(), "status_detail": reason,
        },
        "remediation": { "desc": check.advice.join(" ") },
        "start_time": millis(finding.window_from), "end_time": millis(finding.window_to),
        "unmapped": said(json!({
            "check_version": check.version, "coverage_pct": finding.coverage_pct, "evidence": finding.evidence,
            "acceptance": finding.acceptance.as_ref().map(|acceptance| json!({
                "owner": acceptance.owner, "reason": acceptance.reason, "holds": acceptance.holds,
                "until": acceptance.until.map(millis),
            })),
        })),
    });
    if !finding.entity.is_empty() {
        let mut resource = said(json!({
            "uid": finding.entity, "name": finding.entity_name, "type": finding.entity_type,
        }));
        if is_in_cloud {
            resource["region"] = json!(finding.region);
            resource["cloud_partition"] = json!(super::partition(finding));
        }
        event["resources"] = json!([resource]);
    }
    if is_in_cloud {
        event["cloud"] = said(json!({
            "provider": "AWS", "region": finding.region,
            "account": { "uid": finding.account_id, "type_id": 10, "type": "AWS Account" },
        }));
    }
    event
}

/// The same for the same check and entity, whatever the verdict.
fn uid(finding: &Finding) -> String {
    format!("{}/{}", finding.check.id, if finding.entity.is_empty() { "-" } else { &finding.entity })
}

fn severity(finding: &Finding) -> (u32, &'static str) {
    if finding.verdict != Verdict::Fail {
        return (1, "Informational");
    }
    match finding.check.severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// The framework's times are milliseconds.
fn millis(micros: i64) -> i64 {
    micros.div_euclid(1_000)
}
