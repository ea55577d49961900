//! Items of AWS Config, as rows of `encryption_events`: what clusters and keys were like before anybody looked.

use aws_sdk_config::types::{ConfigurationItem, ConfigurationItemStatus};
use lookback_schemas::encryption::{
    Class, ENCRYPTION_EVENTS, EventIdentity, Row, canonical, encryption_type, event_key, sha256_hex, source,
};
use lookback_schemas::time::rfc3339;
use serde_json::{Value, json};

use super::key::Keys;
use super::redact::redact;
use super::{Origin, VERSION, micros};

/// The rows of a resource's items, oldest first. Each says what the resource was like from then on.
pub(crate) fn config_rows(items: &[ConfigurationItem], keys: &Keys, origin: &Origin) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut before: Option<Value> = None;
    for item in items {
        let Some(captured) = item.configuration_item_capture_time().map(micros) else { continue };
        let configuration = item.configuration().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let now = configuration.unwrap_or(Value::Null);
        rows.extend(row(item, captured, before.as_ref(), &now, keys, origin));
        before = Some(now);
    }
    rows
}

fn row(
    item: &ConfigurationItem,
    captured: i64,
    before: Option<&Value>,
    now: &Value,
    keys: &Keys,
    origin: &Origin,
) -> Option<Row> {
    let arn = item.arn().or(item.resource_id())?;
    let kind = item.resource_type().map_or("", |kind| kind.as_str());
    let is_key = kind == "AWS::KMS::Key";
    let encrypted = |of: &Value| of.get("encrypted").and_then(Value::as_bool);
    let key = |of: &Value| {
        let text = of.get("kmsKeyId").and_then(Value::as_str)?;
        keys.resolve(text, &origin.region, &origin.account)
    };
    let (encrypted_before, encrypted_now) = (before.and_then(encrypted), encrypted(now));
    let (key_before, key_now) = (before.and_then(key), key(now));
    let gone = matches!(
        item.configuration_item_status(),
        Some(ConfigurationItemStatus::ResourceDeleted | ConfigurationItemStatus::ResourceDeletedNotRecorded)
    );
    let class = match (is_key, before) {
        (true, _) if gone => Class::KeyStateDeleted,
        (true, None) => Class::KeyStateChanged,
        (true, Some(before)) if before.get("keyState") != now.get("keyState") => {
            match now.get("keyState").and_then(Value::as_str) {
                Some("Enabled") => Class::KeyStateEnabled,
                Some("Disabled") => Class::KeyStateDisabled,
                Some("PendingDeletion") => Class::KeyStateDeletionScheduled,
                _ => Class::KeyStateChanged,
            }
        }
        (true, _) => Class::KeyStateChanged,
        (false, _) if gone => Class::ClusterDeleted,
        (false, _) if encrypted_before == Some(false) && encrypted_now == Some(true) => Class::EncryptionEnabled,
        (false, _) if encrypted_before == Some(true) && encrypted_now == Some(false) => Class::EncryptionDisabled,
        (false, Some(_)) if key_before != key_now && encrypted_now == Some(true) => Class::EncryptionKeyChanged,
        (false, _) => Class::ClusterModified,
    };
    let raw = json!({
        "arn": arn, "resourceType": kind, "configurationItemCaptureTime": rfc3339(captured),
        "configurationStateId": item.configuration_state_id(),
        "configurationItemStatus": item.configuration_item_status().map(|status| status.as_str()),
        "configuration": now, "relatedEvents": item.related_events(),
    });
    let identity = EventIdentity::Config { arn, captured, state_id: item.configuration_state_id().unwrap_or_default() };
    let mut row = Row::new(&ENCRYPTION_EVENTS);
    row.text("event_key", Some(event_key(identity))).text("source", Some(source::CONFIG_HISTORY));
    row.time("event_time", Some(captured)).time("time_lo", Some(captured)).time("time_hi", Some(captured));
    row.time("observed_at", Some(origin.now)).text("account_id", Some(origin.account.as_str()));
    row.text("region", Some(item.aws_region().unwrap_or(&origin.region))).text("partition", Some(origin.partition()));
    row.text("event_class", Some(class.as_str())).text("event_source", Some("config.amazonaws.com"));
    row.text("event_name", Some("ConfigurationItem")).text("outcome", Some("success"));
    row.text("resource_type", Some(if is_key { "kms_key" } else { "cluster" })).text("resource_arn", Some(arn));
    row.text("resource_id", item.resource_id());
    if is_key {
        row.text("kms_key_arn", Some(arn));
    } else {
        let text = |name: &str| now.get(name).and_then(Value::as_str);
        row.text("cluster_identifier", text("clusterIdentifier").or(item.resource_name()).or(item.resource_id()));
        row.text("cluster_namespace_arn", text("clusterNamespaceArn"));
        row.flag("encrypted_before", encrypted_before).flag("encrypted_after", encrypted_now);
        let kind = match (encrypted_now, &key_now) {
            (Some(false), _) => Some(encryption_type::NONE),
            (Some(true), Some(key)) => Some(keys.encryption_type(key)),
            (Some(true), None) => Some(encryption_type::UNKNOWN),
            (None, _) => None,
        };
        row.text("encryption_type_after", kind)
            .text("prev_kms_key_arn", key_before.filter(|k| Some(k) != key_now.as_ref()));
        row.text("kms_key_arn", key_now.filter(|_| encrypted_now == Some(true)));
    }
    row.text("raw_sha256", Some(sha256_hex(canonical(&raw).as_bytes()))).json("detail_json", Some(&redact(&raw)));
    row.text("run_id", Some(origin.run_id.as_str())).text("collector_version", Some(VERSION));
    Some(row)
}
