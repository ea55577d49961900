//! What happened: tables of events, each row known by a natural key.

use super::{may, must};
use crate::encryption::table::Kind::{Bool, Json, Text, Time};
use crate::encryption::table::Table;

/// What happened. `event_key` identifies the fact at its source, so that a second reading of it is not a second row; the same
/// fact from two sources is two rows (a key's rotation is told by CloudTrail and by KMS).
///
/// `time_lo` and `time_hi` are `event_time`, except where two observations differ: it happened between them, and `event_time`
/// is the later. `detail_json` is the record without secrets, `raw_sha256` the hash of it with them.
pub static ENCRYPTION_EVENTS: Table = Table {
    name: "encryption_events",
    time_column: "event_time",
    natural_key: &["event_key"],
    volatile: &[],
    columns: &[
        must("event_key", Text),
        must("source", Text),
        may("source_event_id", Text),
        must("event_time", Time),
        must("time_lo", Time),
        must("time_hi", Time),
        must("observed_at", Time),
        must("account_id", Text),
        must("region", Text),
        may("partition", Text),
        must("event_class", Text),
        may("event_source", Text),
        must("event_name", Text),
        may("severity", Text),
        must("outcome", Text),
        may("error_code", Text),
        may("error_message", Text),
        may("actor_type", Text),
        may("actor_arn", Text),
        may("actor_account", Text),
        may("actor_principal_id", Text),
        may("session_issuer_arn", Text),
        may("invoked_by", Text),
        may("source_ip", Text),
        may("user_agent", Text),
        may("mfa_authenticated", Bool),
        may("read_only", Bool),
        may("request_id", Text),
        may("resource_type", Text),
        may("resource_arn", Text),
        may("resource_id", Text),
        may("cluster_namespace_arn", Text),
        may("cluster_identifier", Text),
        may("kms_key_arn", Text),
        may("prev_kms_key_arn", Text),
        may("key_material_id", Text),
        may("prev_key_material_id", Text),
        may("rotation_type", Text),
        may("encrypted_before", Bool),
        may("encrypted_after", Bool),
        may("encryption_type_after", Text),
        may("snapshot_identifier", Text),
        may("snapshot_copy_grant_name", Text),
        may("destination_region", Text),
        may("hsm_configuration_identifier", Text),
        may("hsm_client_certificate_identifier", Text),
        may("encryption_context", Json),
        must("detail_json", Json),
        must("raw_sha256", Text),
        must("run_id", Text),
        must("collector_version", Text),
    ],
};

/// Rotations of a key's material that KMS lists, for as long as the key lives.
pub static KMS_KEY_ROTATIONS: Table = Table {
    name: "kms_key_rotations",
    time_column: "rotation_date",
    natural_key: &["kms_key_arn", "rotation_date", "rotation_type"],
    volatile: &[],
    columns: &[
        must("kms_key_arn", Text),
        must("rotation_date", Time),
        must("rotation_type", Text),
        may("key_material_id", Text),
        may("key_material_state", Text),
        may("valid_to", Time),
        must("account_id", Text),
        must("region", Text),
        must("observed_at", Time),
        must("run_id", Text),
    ],
};
