//! An event of Redshift's own, as a row of `encryption_events`.

use aws_sdk_redshift::types::Event;
use lookback_schemas::encryption::{
    Class, ENCRYPTION_EVENTS, EventIdentity, Row, canonical, class_of_notice, event_key, notice_failed, sha256_hex,
    source,
};
use lookback_schemas::time::rfc3339;
use serde_json::json;

use super::names::Names;
use super::redact::redact;
use super::{Origin, VERSION, micros};

/// The row of an event; `None` for one without a time.
pub(crate) fn notice_row(event: &Event, names: &Names, origin: &Origin) -> Option<Row> {
    let date = event.date().map(micros)?;
    let id = event.event_id().unwrap_or_default();
    let (subject, message) = (event.source_identifier().unwrap_or_default(), event.message().unwrap_or_default());
    let kind = event.source_type().map_or("", |kind| kind.as_str());
    let class = class_of_notice(id);
    let identity = EventIdentity::Redshift {
        account: &origin.account,
        region: &origin.region,
        source_type: kind,
        source_identifier: subject,
        date,
        event_id: id,
        message,
    };
    let raw = json!({
        "SourceIdentifier": subject, "SourceType": kind, "Message": message, "Severity": event.severity(),
        "EventCategories": event.event_categories(), "Date": rfc3339(date), "EventId": id,
    });
    let mut row = Row::new(&ENCRYPTION_EVENTS);
    row.text("event_key", Some(event_key(identity))).text("source", Some(source::REDSHIFT_EVENTS));
    row.time("event_time", Some(date)).time("time_lo", Some(date)).time("time_hi", Some(date));
    row.time("observed_at", Some(origin.now)).text("account_id", Some(origin.account.as_str()));
    row.text("region", Some(origin.region.as_str())).text("partition", Some(origin.partition()));
    row.text("event_class", Some(class.as_str())).text("event_source", Some("redshift.amazonaws.com"));
    row.text("event_name", Some(if id.is_empty() { "REDSHIFT-EVENT" } else { id })).text("severity", event.severity());
    row.text("outcome", Some(if notice_failed(id) { "failure" } else { "success" }));
    let place = format!("arn:{}:redshift:{}:{}", origin.partition(), origin.region, origin.account);
    let (resource_type, arn) = match kind {
        "cluster" => ("cluster", format!("{place}:cluster:{subject}")),
        "cluster-snapshot" => ("snapshot", format!("{place}:snapshot:{subject}")),
        "cluster-parameter-group" => ("parameter_group", format!("{place}:parametergroup:{subject}")),
        other => (other, String::new()),
    };
    row.text("resource_type", Some(resource_type)).text("resource_id", Some(subject));
    row.text("resource_arn", Some(arn).filter(|_| !subject.is_empty()));
    if kind == "cluster" {
        row.text("cluster_identifier", Some(subject));
        row.text("cluster_namespace_arn", names.at(subject, date));
    } else if kind == "cluster-snapshot" {
        // Automated ones are called rs:<cluster>-<time>; others say nothing of their cluster.
        row.text("snapshot_identifier", Some(subject.rsplit('/').next().unwrap_or(subject)));
    }
    if class == Class::CekRotationFailed {
        row.text("error_code", Some(id)).text("error_message", Some(message));
    }
    row.text("raw_sha256", Some(sha256_hex(canonical(&raw).as_bytes()))).json("detail_json", Some(&redact(&raw)));
    row.text("run_id", Some(origin.run_id.as_str())).text("collector_version", Some(VERSION));
    Some(row)
}
