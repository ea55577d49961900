//! Input of Security Hub's `BatchImportFindings`: `{"Findings": [...]}`, at most 100 findings a call, one call per line
//! (<https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html>; lengths from
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>).
//!
//! Security Hub takes findings of accounts only: what a check says about none is left out.

use lookback_schemas::encryption::sha256_hex;
use lookback_schemas::time::rfc3339;
use serde_json::{Map, Value, json};

use super::{cut, partition, said};
use crate::audit::check::Severity;
use crate::audit::finding::{Finding, Verdict};
use crate::audit::run::Audit;

/// Findings of one call.
const MAX_FINDINGS: usize = 100;
/// Characters of ids.
const MAX_ID: usize = 512;
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 1_024;
const MAX_ADVICE: usize = 512;
const MAX_NOTE: usize = 512;
/// Characters of a value of `ProductFields` and of `Details.Other`.
const MAX_FIELD: usize = 1_024;
/// Rows of evidence that are passed on; all of them are in the lake.
const MAX_EVIDENCE: usize = 20;

pub(super) fn write(audit: &Audit) -> String {
    let is_account = |finding: &&Finding| {
        finding.account_id.len() == 12
            && finding.account_id.bytes().all(|b| b.is_ascii_digit())
            && !finding.entity.is_empty()
    };
    let findings: Vec<Value> = audit.findings().filter(is_account).map(|one| finding(audit, one)).collect();
    let lines = findings.chunks(MAX_FINDINGS).map(|chunk| format!("{}\n", json!({ "Findings": chunk })));
    lines.collect()
}

fn finding(audit: &Audit, finding: &Finding) -> Value {
    let check = finding.check;
    let (account, region) = (&finding.account_id, &finding.region);
    let partition = partition(&finding.entity);
    let label = severity(finding);
    let types = json!(["Software and Configuration Checks/AWS Security Best Practices"]);
    let compliance = match finding.verdict {
        Verdict::Pass => "PASSED",
        Verdict::Fail => "FAILED",
        Verdict::Unknown => "WARNING",
        Verdict::NotApplicable => "NOT_AVAILABLE",
    };
    let held = finding.acceptance.as_ref().filter(|acceptance| acceptance.holds);
    said(json!({
        "SchemaVersion": "2018-10-08",
        "Id": id(finding),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "GeneratorId": format!("lookback/{}/{}", check.id, check.version),
        "AwsAccountId": account,
        "Region": region,
        "Types": types,
        "FirstObservedAt": finding.since.map(rfc3339),
        "CreatedAt": rfc3339(finding.since.unwrap_or(audit.as_of).min(audit.as_of)),
        "UpdatedAt": rfc3339(audit.as_of),
        "Severity": { "Label": label, "Original": check.severity.name() },
        "FindingProviderFields": { "Severity": { "Label": label, "Original": check.severity.name() }, "Types": types },
        "Title": cut(&format!("{} {}", check.id, check.title), MAX_TITLE),
        "Description": cut(if finding.reason.is_empty() { check.question } else { &finding.reason }, MAX_DESCRIPTION),
        "Remediation": { "Recommendation": { "Text": cut(&check.advice.join(" "), MAX_ADVICE) } },
        "ProductFields": product_fields(finding),
        "Resources": [said(json!({
            "Type": resource_type(&finding.entity_type), "Id": cut(&finding.entity, MAX_ID), "Partition": partition,
            "Region": region, "Details": { "Other": { "Name": cut(finding.label(), MAX_FIELD) } },
        }))],
        "Compliance": { "Status": compliance },
        "RecordState": "ACTIVE",
        "Workflow": { "Status": if held.is_some() && finding.verdict == Verdict::Fail { "SUPPRESSED" } else { "NEW" } },
        "Note": held.map(|acceptance| json!({
            "Text": cut(&acceptance.reason, MAX_NOTE), "UpdatedBy": cut(&acceptance.owner, MAX_NOTE),
            "UpdatedAt": rfc3339(audit.as_of),
        })),
    }))
}

/// The same for the same check and entity, so that a later audit updates the finding.
fn id(finding: &Finding) -> String {
    let whole = format!("lookback/{}/{}", finding.check.id, finding.entity);
    if whole.chars().count() <= MAX_ID {
        return whole;
    }
    format!("lookback/{}/{}", finding.check.id, sha256_hex(finding.entity.as_bytes()))
}

fn product_fields(finding: &Finding) -> Value {
    let mut fields = Map::new();
    let mut field = |name: &str, value: &str| {
        fields.insert(format!("lookback/{name}"), Value::from(cut(value, MAX_FIELD)));
    };
    field("Verdict", finding.verdict.name());
    field("WindowFrom", &rfc3339(finding.window_from));
    field("WindowTo", &rfc3339(finding.window_to));
    if let Some(pct) = finding.coverage_pct {
        field("CoveragePercent", &format!("{pct:.2}"));
    }
    for (number, row) in finding.evidence.iter().take(MAX_EVIDENCE).enumerate() {
        field(&format!("Evidence{}", number + 1), &row.to_string());
    }
    Value::Object(fields)
}

fn resource_type(entity_type: &str) -> &'static str {
    match entity_type {
        "cluster" => "AwsRedshiftCluster",
        "kms_key" => "AwsKmsKey",
        _ => "Other",
    }
}

fn severity(finding: &Finding) -> &'static str {
    if finding.verdict != Verdict::Fail {
        return "INFORMATIONAL";
    }
    match finding.check.severity {
        Severity::Info => "INFORMATIONAL",
        Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}
