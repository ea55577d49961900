//! What Security Hub is told of a change, in the AWS Security Finding Format.

use serde_json::{Map, Value, json};

use crate::message::{Event, Kind, cut, visible};
use crate::observe::Severity;

/// Characters of titles, descriptions, advice, ids and other values
/// (<https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>).
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 1_024;
const MAX_ADVICE: usize = 512;
const MAX_ID: usize = 512;
const MAX_FIELD: usize = 1_024;
/// Rows of evidence and values that are passed on.
const MAX_FIELDS: usize = 20;

/// The id of an alert's finding.
pub(super) fn id(event: &Event) -> String {
    format!("lookback/alert/{}", event.alert_id)
}

/// The finding of a change.
#[must_use]
pub fn finding(event: &Event, account: &str, region: &str) -> Value {
    let partition = match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let text = |text: &str, most| cut(&visible(text), most);
    let over = event.change == Kind::Over;
    let severity = if event.change == Kind::Fail { event.severity } else { Severity::Info };
    let label = severity.security_hub_label();
    let types = json!(["Software and Configuration Checks/AWS Security Best Practices"]);
    let severity = json!({ "Label": label, "Original": event.severity.name() });
    let reason = if event.reason.trim().is_empty() { event.verdict.as_str() } else { event.reason.as_str() };
    let resource = match event.entity.kind.as_str() {
        "cluster" => "AwsRedshiftCluster",
        "kms_key" => "AwsKmsKey",
        _ => "Other",
    };
    let mut resource = json!({
        "Type": resource, "Id": text(&event.entity.id, MAX_ID), "Partition": partition,
        "Details": { "Other": { "Name": text(event.label(), MAX_FIELD) } },
    });
    if !event.entity.region.is_empty() {
        resource["Region"] = Value::from(text(&event.entity.region, 16));
    }
    let mut whole = json!({
        "SchemaVersion": "2018-10-08",
        "Id": id(event),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "GeneratorId": format!("lookback/alert/{}/{}", event.rule, event.source.name),
        "AwsAccountId": account,
        "Types": types,
        "CreatedAt": event.opened_at,
        "UpdatedAt": event.at,
        "Severity": severity,
        "FindingProviderFields": { "Severity": severity, "Types": types },
        "Title": text(format!("{} {}", event.source.name, event.source.title).trim(), MAX_TITLE),
        "Description": text(reason, MAX_DESCRIPTION),
        "ProductFields": fields(event),
        "Resources": [resource],
        "Compliance": { "Status": match event.change { Kind::Fail => "FAILED", Kind::Unknown => "WARNING", Kind::Over => "PASSED" } },
        "RecordState": if over { "ARCHIVED" } else { "ACTIVE" },
    });
    if let Some(since) = &event.since {
        whole["FirstObservedAt"] = Value::from(since.clone());
    }
    if !event.advice.is_empty() {
        let advice = text(&event.advice.join(" "), MAX_ADVICE);
        whole["Remediation"] = json!({ "Recommendation": { "Text": advice } });
    }
    whole
}

fn fields(event: &Event) -> Value {
    let mut fields = Map::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            fields.insert(format!("lookback/{name}"), Value::from(cut(&visible(value), MAX_FIELD)));
        }
    };
    field("ChangeId", &event.id);
    field("Rule", &event.rule);
    field("Verdict", &event.verdict);
    field("EntityAccount", &event.entity.account_id);
    for (number, row) in event.evidence.iter().take(MAX_FIELDS).enumerate() {
        field(&format!("Evidence{}", number + 1), &row.to_string());
    }
    for (name, value) in event.values.iter().take(MAX_FIELDS) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        field(&format!("Value/{}", cut(&visible(name), 64)), &value);
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Told;
    use crate::message::tests::{observation, told};

    #[test]
    fn a_finding_and_its_end_are_one_finding() {
        let open = Event::new(&told(), &observation("sales"));
        let over = Event::new(&Told { id: "0fe4", change: Kind::Over, ..told() }, &observation("sales"));
        let found = |event| finding(event, "111122223333", "eu-west-1");
        insta::assert_snapshot!(serde_json::to_string_pretty(&found(&open)).unwrap());
        let over = found(&over);
        assert_eq!(over["Id"], found(&open)["Id"]);
        assert_eq!((&over["RecordState"], &over["Compliance"]["Status"]), (&json!("ARCHIVED"), &json!("PASSED")));
        assert_eq!(over["CreatedAt"], found(&open)["CreatedAt"]);
    }
}
