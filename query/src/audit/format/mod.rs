//! An audit as text that other programs read.
//!
//! What logs and names hold is hostile input here as in a report: every writer escapes every value for its own format, and
//! none of them takes text of a finding as markup or structure.

mod asff;
mod csv;
mod json;
mod junit;
mod ocsf;

use serde_json::{Map, Value, json};

use super::finding::Finding;
use super::run::Audit;
use lookback_schemas::time::rfc3339;

/// A form for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON document with all that is known.
    Json,
    /// One line per finding.
    Csv,
    /// Events of the class Compliance Finding (2003) of the Open Cybersecurity Schema Framework, as a JSON list.
    Ocsf,
    /// Input of Security Hub's `BatchImportFindings`, one call per line: each for one account and region.
    Asff,
    /// JUnit XML, as build servers show it.
    Junit,
}

/// The text, with a line end.
#[must_use]
pub fn write(audit: &Audit, form: Form) -> String {
    match form {
        Form::Json => json::write(audit),
        Form::Csv => csv::write(audit),
        Form::Ocsf => ocsf::write(audit),
        Form::Asff => asff::write(audit),
        Form::Junit => junit::write(audit),
    }
}

/// A finding as JSON with the names of the columns of `audit_results`.
fn finding_json(finding: &Finding) -> Value {
    let acceptance = finding.acceptance.as_ref().map(|acceptance| {
        json!({
            "owner": acceptance.owner, "reason": acceptance.reason, "holds": acceptance.holds,
            "until": acceptance.until.map(rfc3339),
        })
    });
    json!({
        "check_id": finding.check.id, "check_version": finding.check.version, "severity": finding.check.severity.name(),
        "account_id": finding.account_id, "region": finding.region, "entity_type": finding.entity_type,
        "entity": finding.entity, "entity_name": finding.entity_name, "verdict": finding.verdict.name(),
        "reason": finding.reason, "evidence": finding.evidence, "coverage_pct": finding.coverage_pct,
        "since": finding.since.map(rfc3339), "window_from": rfc3339(finding.window_from),
        "window_to": rfc3339(finding.window_to), "acceptance": acceptance,
    })
}

/// The first characters of a text, so that it has at most this many; a cut is marked.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// The partition of AWS that a finding is about: as its ARN says or, of what is no ARN, as its region does.
fn partition(finding: &Finding) -> &'static str {
    let by_region = |region: &str| match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => PARTITIONS[0],
    };
    let of_arn = finding.entity.strip_prefix("arn:").and_then(|rest| rest.split(':').next());
    let known = of_arn.and_then(|part| PARTITIONS.into_iter().find(|known| *known == part));
    known.unwrap_or_else(|| by_region(&finding.region))
}

/// The partitions of AWS, the usual one first.
const PARTITIONS: [&str; 7] = ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];

/// An object without the entries that say nothing.
fn said(entries: Value) -> Value {
    match entries {
        Value::Object(map) => {
            let says = |value: &Value| !value.is_null() && value.as_str().is_none_or(|text| !text.is_empty());
            Value::Object(map.into_iter().filter(|(_, value)| says(value)).collect::<Map<_, _>>())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
