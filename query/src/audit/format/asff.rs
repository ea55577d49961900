//! Input of Security Hub's `BatchImportFindings`: `{"Findings": [...]}`, one call per line
//! (<https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html>).
//!
//! A call has findings of one account and region, because Security Hub takes findings only from the account that they are about,
//! in the region that they are in. What a check says about no account, or about no entity, is left out. Texts have no line breaks:
//! the interface's texts are of the pattern `.*\S.*`, and a point is no line break.
//!
//! An acceptance is the finding's note and its workflow when it comes first. Security Hub does not let them be changed by later
//! imports, so that it is among the `ProductFields` as well.

use std::collections::BTreeMap;

use lookback_schemas::encryption::sha256_hex;
use lookback_schemas::time::rfc3339;
use serde_json::{Map, Value, json};

use super::{cut, partition, said};
use crate::audit::check::Severity;
use crate::audit::finding::{Finding, Verdict};
use crate::audit::run::Audit;

/// Findings of one call.
const MAX_FINDINGS: usize = 100;
/// Bytes of one call; Security Hub takes 6 MB.
const MAX_CALL: usize = 5 << 20;
/// Characters of ids.
const MAX_ID: usize = 512;
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 1_024;
const MAX_ADVICE: usize = 512;
const MAX_NOTE: usize = 512;
/// Characters of a region's name.
const MAX_REGION: usize = 16;
/// Characters of a value of `ProductFields` and of `Details.Other`.
const MAX_FIELD: usize = 1_024;
/// Rows of evidence that are passed on; all of them are in the lake.
const MAX_EVIDENCE: usize = 20;

pub(super) fn write(audit: &Audit) -> String {
    let mut places: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for one in audit.findings().filter(|one| is_importable(one)) {
        let place = (one.account_id.as_str(), one.region.as_str());
        places.entry(place).or_default().push(finding(audit, one).to_string());
    }
    let mut text = String::new();
    places.into_values().flat_map(calls).for_each(|call| {
        text.push_str(&format!("{{\"Findings\":[{}]}}\n", call.join(",")));
    });
    text
}

/// Whether Security Hub can take it: it is about an account, a region and an entity.
fn is_importable(finding: &Finding) -> bool {
    let is_region = |text: &str| {
        (1..=MAX_REGION).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    finding.account_id.len() == 12
        && finding.account_id.bytes().all(|b| b.is_ascii_digit())
        && is_region(&finding.region)
        && !finding.entity.trim().is_empty()
}

/// The findings of one place, call by call.
fn calls(findings: Vec<String>) -> Vec<Vec<String>> {
    let mut calls: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for finding in findings {
        match calls.last_mut().filter(|call| call.len() < MAX_FINDINGS && bytes + finding.len() < MAX_CALL) {
            Some(call) => {
                bytes += finding.len() + 1;
                call.push(finding);
            }
            None => {
                bytes = finding.len() + 1;
                calls.push(vec![finding]);
            }
        }
    }
    calls
}

fn finding(audit: &Audit, finding: &Finding) -> Value {
    let check = finding.check;
    let (account, region) = (&finding.account_id, &finding.region);
    let partition = partition(finding);
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
        "Description": line(if finding.reason.trim().is_empty() { check.question } else { &finding.reason }, MAX_DESCRIPTION),
        "Remediation": { "Recommendation": { "Text": cut(&check.advice.join(" "), MAX_ADVICE) } },
        "ProductFields": product_fields(finding),
        "Resources": [said(json!({
            "Type": resource_type(&finding.entity_type), "Id": line(&finding.entity, MAX_ID),
            "Partition": named_partition(partition), "Region": region,
            "Details": { "Other": { "Name": line(finding.label(), MAX_FIELD) } },
        }))],
        "Compliance": { "Status": compliance },
        "RecordState": "ACTIVE",
        "Workflow": { "Status": if held.is_some() && finding.verdict == Verdict::Fail { "SUPPRESSED" } else { "NEW" } },
        "Note": held.map(|acceptance| json!({
            "Text": line(&acceptance.reason, MAX_NOTE), "UpdatedBy": line(&acceptance.owner, MAX_NOTE),
            "UpdatedAt": rfc3339(audit.as_of),
        })),
    }))
}

/// The same for the same check and entity, so that a later audit updates the finding.
fn id(finding: &Finding) -> String {
    let whole = format!("lookback/{}/{}", finding.check.id, finding.entity);
    if whole.chars().count() <= MAX_ID && !whole.chars().any(char::is_control) {
        return whole;
    }
    format!("lookback/{}/{}", finding.check.id, sha256_hex(finding.entity.as_bytes()))
}

fn product_fields(finding: &Finding) -> Value {
    let mut fields = Map::new();
    let mut field = |name: &str, value: &str| {
        fields.insert(format!("lookback/{name}"), Value::from(line(value, MAX_FIELD)));
    };
    field("Verdict", finding.verdict.name());
    field("WindowFrom", &rfc3339(finding.window_from));
    field("WindowTo", &rfc3339(finding.window_to));
    if let Some(pct) = finding.coverage_pct {
        field("CoveragePercent", &format!("{pct:.2}"));
    }
    if let Some(acceptance) = &finding.acceptance {
        field("AcceptanceHolds", if acceptance.holds { "true" } else { "false" });
        field("AcceptedBy", &acceptance.owner);
        field("AcceptedBecause", &acceptance.reason);
        acceptance.until.into_iter().for_each(|until| field("AcceptedUntil", &rfc3339(until)));
    }
    for (number, row) in finding.evidence.iter().take(MAX_EVIDENCE).enumerate() {
        field(&format!("Evidence{}", number + 1), &row.to_string());
    }
    Value::Object(fields)
}

/// A text as one line that is not blank, of at most so many characters.
fn line(text: &str, most: usize) -> String {
    let one: String =
        text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    let one = one.trim();
    if one.is_empty() { "-".to_owned() } else { cut(one, most) }
}

/// The partition by the name that a resource of a finding has for it; none for one that it does not know.
fn named_partition(partition: &str) -> Option<&'static str> {
    match partition {
        "aws" => Some("aws"),
        "aws-cn" => Some("aws-cn"),
        "aws-us-gov" => Some("aws-us-gov"),
        "aws-iso" => Some("aws-us-iso"),
        "aws-iso-b" => Some("aws-us-iso-b"),
        _ => None,
    }
}

fn resource_type(entity_type: &str) -> &'static str {
    match entity_type {
        "cluster" => "AwsRedshiftCluster",
        "kms_key" => "AwsKmsKey",
        _ => "Other",
    }
}

fn severity(finding: &Finding) -> &'static str {
    let fails = finding.verdict == Verdict::Fail;
    if fails { finding.check.severity } else { Severity::Info }.security_hub_label()
}
