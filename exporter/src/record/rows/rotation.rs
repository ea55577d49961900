//! A rotation that KMS lists, as a row of `kms_key_rotations` and as an event.

use aws_sdk_kms::types::RotationsListEntry;
use lookback_schemas::encryption::{
    Class, ENCRYPTION_EVENTS, EventIdentity, KMS_KEY_ROTATIONS, Row, canonical, event_key, sha256_hex, source,
};
use lookback_schemas::time::rfc3339;
use serde_json::json;

use super::{Origin, VERSION, arn, micros};

/// The two rows of a rotation; `None` for one that has no date yet.
pub(crate) fn rotation_rows(key_arn: &str, entry: &RotationsListEntry, origin: &Origin) -> Option<(Row, Row)> {
    let date = entry.rotation_date().map(micros)?;
    let kind = entry.rotation_type().map_or("AUTOMATIC", |kind| kind.as_str()).to_owned();
    let region = arn::region(key_arn).unwrap_or(&origin.region).to_owned();
    let mut row = Row::new(&KMS_KEY_ROTATIONS);
    row.text("kms_key_arn", Some(key_arn)).time("rotation_date", Some(date)).text("rotation_type", Some(kind.clone()));
    row.text("key_material_id", entry.key_material_id());
    row.text("key_material_state", entry.key_material_state().map(|state| state.as_str().to_owned()));
    row.time("valid_to", entry.valid_to().map(micros));
    row.text("account_id", Some(origin.account.as_str())).text("region", Some(region.clone()));
    row.time("observed_at", Some(origin.now)).text("run_id", Some(origin.run_id.as_str()));

    let detail = json!({
        "KeyId": key_arn, "RotationDate": rfc3339(date), "RotationType": kind, "KeyMaterialId": entry.key_material_id(),
    });
    let identity = EventIdentity::Rotation { key_arn, date, rotation_type: &kind };
    let mut event = Row::new(&ENCRYPTION_EVENTS);
    event.text("event_key", Some(event_key(identity))).text("source", Some(source::KMS_ROTATIONS));
    event.time("event_time", Some(date)).time("time_lo", Some(date)).time("time_hi", Some(date));
    event.time("observed_at", Some(origin.now)).text("account_id", Some(origin.account.as_str()));
    event.text("region", Some(region)).text("partition", Some(origin.partition()));
    event.text("event_class", Some(Class::KmsRotationCompleted.as_str()));
    event.text("event_source", Some("kms.amazonaws.com")).text("event_name", Some("ListKeyRotations"));
    event.text("outcome", Some("success")).text("resource_type", Some("kms_key")).text("resource_arn", Some(key_arn));
    event.text("resource_id", arn::field(key_arn, 5).and_then(|resource| resource.strip_prefix("key/")));
    event.text("kms_key_arn", Some(key_arn)).text("key_material_id", entry.key_material_id());
    event.text("rotation_type", Some(kind));
    event.text("raw_sha256", Some(sha256_hex(canonical(&detail).as_bytes()))).json("detail_json", Some(&detail));
    event.text("run_id", Some(origin.run_id.as_str())).text("collector_version", Some(VERSION));
    Some((row, event))
}
