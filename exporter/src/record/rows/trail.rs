//! A record of CloudTrail, as a row of `encryption_events`.
//!
//! What happened is read from the request and from what the service says of itself; never from `responseElements`, which many
//! real records do not have. Records differ between services and years, so whatever is missing is null.
//!
//! - `about`: which key, cluster and resource a record is about. `effect`: what it did to a cluster's encryption.

mod about;
mod effect;

use std::collections::BTreeSet;

use lookback_schemas::encryption::{
    Class, ENCRYPTION_EVENTS, EventIdentity, Row, TrailClass, canonical, class_of_trail, event_key, sha256_hex,
};
use serde_json::Value;

use super::arn::partition_of;
use super::key::Keys;
use super::names::Names;
use super::redact::redact;
use super::{Origin, VERSION};
use about::{cluster_of, encryption_context, is_related, key_of, resource, resource_arns};
use effect::{encryption, modification};

/// What a record is read against.
pub(crate) struct Known<'a> {
    /// `cloudtrail_lookup` or `cloudtrail_s3`.
    pub(crate) source: &'static str,
    pub(crate) origin: &'a Origin,
    pub(crate) names: &'a Names,
    pub(crate) keys: &'a Keys,
    /// Keys that are of interest: grants on others and uses of others are not recorded.
    pub(crate) referenced: &'a BTreeSet<String>,
}

/// Why a record gave no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// It is about something else.
    Unrelated,
    /// It has no id or no time that could be read.
    Unreadable,
}

/// The renames that a record tells of: old name, new name, when.
pub(crate) fn rename(record: &Value) -> Option<(String, String, i64)> {
    let is = text(record, "eventName") == Some("ModifyCluster") && text(record, "errorCode").is_none();
    let request = record.get("requestParameters").filter(|_| is)?;
    let (old, new) = (text(request, "clusterIdentifier")?, text(request, "newClusterIdentifier")?);
    Some((old.to_lowercase(), new.to_lowercase(), time_of(record)?))
}

/// The row of a record.
pub(crate) fn trail_row(record: &Value, known: &Known<'_>) -> Result<Row, Skipped> {
    let (service, name) = (text(record, "eventSource").unwrap_or(""), text(record, "eventName").unwrap_or(""));
    let meaning = class_of_trail(service, name).ok_or(Skipped::Unrelated)?;
    let (id, at) = (text(record, "eventID").ok_or(Skipped::Unreadable)?, time_of(record).ok_or(Skipped::Unreadable)?);
    let empty = Value::Null;
    let request = record.get("requestParameters").unwrap_or(&empty);
    let who = record.get("userIdentity").unwrap_or(&empty);
    let account = text(record, "recipientAccountId").or(text(who, "accountId")).unwrap_or(&known.origin.account);
    let region = text(record, "awsRegion").unwrap_or(&known.origin.region);
    let context = encryption_context(request);
    let key = key_of(record, request, service, region, account);
    if !is_related(service, name, request, who, key.as_deref(), context, known) {
        return Err(Skipped::Unrelated);
    }

    let mut row = Row::new(&ENCRYPTION_EVENTS);
    row.text("event_key", Some(event_key(EventIdentity::CloudTrail { account, region, event_id: id })));
    row.text("source", Some(known.source)).text("source_event_id", Some(id));
    row.time("event_time", Some(at)).time("time_lo", Some(at)).time("time_hi", Some(at));
    row.time("observed_at", Some(known.origin.now));
    row.text("account_id", Some(account)).text("region", Some(region)).text("partition", Some(partition_of(region)));
    row.text("event_source", Some(service)).text("event_name", Some(name));
    let error = text(record, "errorCode");
    row.text("outcome", Some(if error.is_some() { "failure" } else { "success" }));
    row.text("error_code", error).text("error_message", text(record, "errorMessage"));
    actor(&mut row, record, who);
    row.json("encryption_context", context);
    let cluster = cluster_of(service, request, context);
    let namespace = cluster.as_deref().and_then(|name| known.names.at(name, at)).map(str::to_owned);
    let before = namespace.as_deref().and_then(|namespace| known.names.before(namespace, at));
    let class = match meaning {
        TrailClass::Is(class) => class,
        TrailClass::Crypto if error.is_some() => Class::CryptoDenied,
        TrailClass::Crypto => Class::CryptoUsed,
        TrailClass::Modification => modification(request, before.and_then(|(encrypted, _)| encrypted)),
    };
    row.text("event_class", Some(class.as_str()));
    encryption(&mut row, class, request, key.as_deref(), before, region, account, known);
    if name == "ReEncrypt" {
        let mut arns = resource_arns(record);
        row.text("prev_kms_key_arn", arns.next()).text("kms_key_arn", arns.next().or(key.as_deref()));
    } else {
        row.text("kms_key_arn", key.clone());
    }
    resource(&mut row, service, name, request, key.as_deref(), cluster.as_deref(), (region, account));
    row.text("cluster_identifier", cluster).text("cluster_namespace_arn", namespace);
    for (column, member) in [
        ("snapshot_identifier", "snapshotIdentifier"),
        ("snapshot_copy_grant_name", "snapshotCopyGrantName"),
        ("destination_region", "destinationRegion"),
        ("hsm_configuration_identifier", "hsmConfigurationIdentifier"),
        ("hsm_client_certificate_identifier", "hsmClientCertificateIdentifier"),
    ] {
        row.text(column, text(request, member));
    }
    if let Some(details) = record.get("serviceEventDetails") {
        row.text("rotation_type", text(details, "rotationType"));
        row.text("key_material_id", text(details, "currentKeyMaterialId"));
        row.text("prev_key_material_id", text(details, "previousKeyMaterialId"));
    }
    row.text("raw_sha256", Some(sha256_hex(canonical(record).as_bytes()))).json("detail_json", Some(&redact(record)));
    row.text("run_id", Some(known.origin.run_id.as_str())).text("collector_version", Some(VERSION));
    Ok(row)
}

/// A text member that says something.
fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// When it happened. Records of CloudTrail itself are RFC 3339; what passed through other tools may not be.
fn time_of(record: &Value) -> Option<i64> {
    lenient_time(record.get("eventTime")?)
}

/// A time in any of the forms that were seen, microseconds UTC.
pub(crate) fn lenient_time(value: &Value) -> Option<i64> {
    use chrono::{DateTime, NaiveDateTime};
    if let Some(seconds) = value.as_f64() {
        // Seconds, or milliseconds where that would be far in the future.
        let seconds = if seconds > 1e11 { seconds / 1e3 } else { seconds };
        return DateTime::from_timestamp_millis((seconds * 1e3) as i64).map(|t| t.timestamp_micros());
    }
    let text = value.as_str()?.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    // "Apr 12, 2021 18:58:30 PM" has a 24-hour clock with its half of the day.
    let bare = text.trim_end_matches(" AM").trim_end_matches(" PM").trim_end_matches(" UTC").trim_end_matches('Z');
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%b %d, %Y %H:%M:%S", "%b %e, %Y %H:%M:%S"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(bare, form).ok()).map(|t| t.and_utc().timestamp_micros())
}

fn actor(row: &mut Row, record: &Value, who: &Value) {
    row.text("actor_type", text(who, "type")).text("actor_arn", text(who, "arn"));
    row.text("actor_account", text(who, "accountId")).text("actor_principal_id", text(who, "principalId"));
    row.text("invoked_by", text(who, "invokedBy"));
    let session = who.get("sessionContext");
    row.text("session_issuer_arn", session.and_then(|s| s.get("sessionIssuer")).and_then(|i| text(i, "arn")));
    let mfa = session.and_then(|s| s.get("attributes")).and_then(|a| a.get("mfaAuthenticated"));
    row.flag("mfa_authenticated", mfa.and_then(|mfa| mfa.as_bool().or_else(|| mfa.as_str()?.parse().ok())));
    row.text("source_ip", text(record, "sourceIPAddress")).text("user_agent", text(record, "userAgent"));
    let read_only = record.get("readOnly");
    row.flag("read_only", read_only.and_then(|flag| flag.as_bool().or_else(|| flag.as_str()?.parse().ok())));
    row.text("request_id", text(record, "requestID"));
}
