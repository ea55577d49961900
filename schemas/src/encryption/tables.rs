//! The tables of the record, column by column. A name here is a format: changing one breaks existing lakes.

use super::table::{Column, Kind, Table};

const fn must(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: false }
}

use Kind::{Bool, Double, Json, Long, Text, Time};

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

/// The columns of a state table: what all of them have, and its own.
macro_rules! state_columns {
    ($($own:expr),+ $(,)?) => {
        &[
            must("observed_at", Time),
            must("obs_kind", Text),
            must("state_hash", Text),
            must("account_id", Text),
            must("region", Text),
            must("run_id", Text),
            must("source_call", Text),
            $($own),+
        ]
    };
}

/// What every state table has beside its own columns; no part of a state's hash.
pub static STATE_COLUMNS: [&str; 7] =
    ["observed_at", "obs_kind", "state_hash", "account_id", "region", "run_id", "source_call"];

/// Clusters and Serverless namespaces. `cluster_namespace_arn` survives a rename; a restored or re-created cluster has another.
/// `ssl_parameter_status` says whether `require_ssl` is in force (`in-sync`) or only configured (`pending-reboot`).
pub static CLUSTER_ENCRYPTION_STATE: Table = Table {
    name: "cluster_encryption_state",
    time_column: "observed_at",
    natural_key: &["cluster_namespace_arn", "observed_at"],
    volatile: &["log_last_success", "log_last_failure", "log_last_failure_message"],
    columns: state_columns!(
        must("cluster_namespace_arn", Text),
        must("deployment", Text),
        must("cluster_identifier", Text),
        may("cluster_arn", Text),
        may("create_time", Time),
        may("encrypted", Bool),
        must("encryption_type", Text),
        may("kms_key_arn", Text),
        may("kms_key_region", Text),
        may("kms_key_account", Text),
        may("pending_encryption_type", Text),
        may("hsm_client_certificate_identifier", Text),
        may("hsm_configuration_identifier", Text),
        may("hsm_status", Text),
        may("cluster_status", Text),
        may("availability_status", Text),
        may("node_type", Text),
        may("snapshot_copy_region", Text),
        may("snapshot_copy_grant_name", Text),
        may("snapshot_copy_grant_kms_key_arn", Text),
        may("snapshot_copy_retention_days", Long),
        may("auto_snapshot_retention_days", Long),
        may("master_secret_arn", Text),
        may("master_secret_kms_key_arn", Text),
        may("require_ssl", Bool),
        may("use_fips_ssl", Bool),
        may("ssl_parameter_status", Text),
        may("user_activity_logging", Bool),
        may("logging_enabled", Bool),
        may("log_destination", Text),
        may("log_bucket", Text),
        may("log_exports", Json),
        may("log_last_success", Time),
        may("log_last_failure", Time),
        may("log_last_failure_message", Text),
        may("publicly_accessible", Bool),
        may("enhanced_vpc_routing", Bool),
        may("multi_az", Bool),
        may("allow_version_upgrade", Bool),
        may("db_name_is_default", Bool),
        may("master_username_is_default", Bool),
        may("iam_role_arns", Json),
        may("security_group_ids", Json),
        may("tags", Json),
        may("maintenance_track", Text),
    ),
};

/// KMS keys that clusters, snapshots, copy grants, secrets or the lake refer to. What could not be read is null, and
/// `access_error` says which call was refused. `rotation_enabled` is null where the key's kind has no automatic rotation.
pub static KMS_KEY_STATE: Table = Table {
    name: "kms_key_state",
    time_column: "observed_at",
    natural_key: &["kms_key_arn", "observed_at"],
    volatile: &["last_used_at", "last_used_op", "usage_tracking_start"],
    columns: state_columns!(
        must("kms_key_arn", Text),
        may("key_id", Text),
        may("owner_account", Text),
        may("key_manager", Text),
        may("key_state", Text),
        may("enabled", Bool),
        may("origin", Text),
        may("key_spec", Text),
        may("key_usage", Text),
        may("multi_region", Bool),
        may("mr_type", Text),
        may("primary_arn", Text),
        may("replica_arns", Json),
        may("creation_date", Time),
        may("deletion_date", Time),
        may("pending_window_days", Long),
        may("valid_to", Time),
        may("expiration_model", Text),
        may("custom_key_store_id", Text),
        may("current_key_material_id", Text),
        may("rotation_supported", Bool),
        may("rotation_unsupported_reason", Text),
        may("rotation_enabled", Bool),
        may("rotation_period_days", Long),
        may("next_rotation_date", Time),
        may("on_demand_rotation_start", Time),
        may("last_rotation_at", Time),
        may("last_rotation_type", Text),
        may("rotation_count", Long),
        may("on_demand_used", Long),
        may("last_used_at", Time),
        may("last_used_op", Text),
        may("usage_tracking_start", Time),
        may("aliases", Json),
        may("tags", Json),
        may("policy_sha256", Text),
        may("policy_json", Text),
        may("grants", Json),
        may("access_error", Text),
    ),
};

/// Snapshots of clusters and of Serverless namespaces. One whose source cluster is gone can never be put under another key.
pub static SNAPSHOT_ENCRYPTION_STATE: Table = Table {
    name: "snapshot_encryption_state",
    time_column: "observed_at",
    natural_key: &["snapshot_arn", "observed_at"],
    volatile: &["remaining_days", "size_mb"],
    columns: state_columns!(
        must("snapshot_arn", Text),
        must("snapshot_identifier", Text),
        may("snapshot_type", Text),
        may("cluster_identifier", Text),
        may("cluster_namespace_arn", Text),
        may("source_cluster_exists", Bool),
        may("snapshot_create_time", Time),
        may("cluster_create_time", Time),
        may("status", Text),
        may("encrypted", Bool),
        may("kms_key_arn", Text),
        may("encrypted_with_hsm", Bool),
        may("source_region", Text),
        may("owner_account", Text),
        may("restore_accounts", Json),
        may("retention_days", Long),
        may("remaining_days", Long),
        may("size_mb", Double),
        may("tags", Json),
    ),
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

/// What was read: one row for each collector, account and region of a run, and one more for each gap. `run_id` is the row's own;
/// rows of the other tables name the collection that they come from by it.
///
/// A collector of events has read all of `window_from` to `window_to`. A collector of states has looked at the end of it, and at
/// its beginning or less than the configured longest pause before. `watermark` is the coverage afterwards (RFC 3339).
/// `access_errors` is a list of `{"call", "code", "grant"}`: the IAM action that was refused, in what words, and what to allow.
/// `oldest_available` is how far back the source could still be asked.
pub static COLLECTION_RUNS: Table = Table {
    name: "collection_runs",
    time_column: "started_at",
    natural_key: &["run_id"],
    volatile: &[],
    columns: &[
        must("run_id", Text),
        must("collector", Text),
        must("collector_version", Text),
        must("account_id", Text),
        must("region", Text),
        must("started_at", Time),
        must("finished_at", Time),
        must("status", Text),
        may("window_from", Time),
        may("window_to", Time),
        may("watermark", Text),
        may("oldest_available", Time),
        must("calls", Long),
        must("throttles", Long),
        must("rows", Long),
        may("access_errors", Json),
        may("error", Text),
    ],
};

/// What an audit concluded, entity by entity.
pub static AUDIT_RESULTS: Table = Table {
    name: "audit_results",
    time_column: "evaluated_at",
    natural_key: &["check_id", "check_version", "entity", "evaluated_for_to", "run_id"],
    volatile: &[],
    columns: &[
        must("evaluated_at", Time),
        must("run_id", Text),
        must("check_id", Text),
        must("check_version", Long),
        must("account_id", Text),
        may("region", Text),
        may("entity_type", Text),
        must("entity", Text),
        may("entity_name", Text),
        must("verdict", Text),
        must("severity", Text),
        may("reason", Text),
        may("since", Time),
        may("window_from", Time),
        may("window_to", Time),
        must("evaluated_for_to", Time),
        may("coverage_pct", Double),
        may("evidence", Json),
        may("params_json", Json),
    ],
};

/// Every table of the record.
pub static TABLES: [&Table; 7] = [
    &ENCRYPTION_EVENTS,
    &CLUSTER_ENCRYPTION_STATE,
    &KMS_KEY_STATE,
    &SNAPSHOT_ENCRYPTION_STATE,
    &KMS_KEY_ROTATIONS,
    &COLLECTION_RUNS,
    &AUDIT_RESULTS,
];

/// The table of that name.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.into_iter().find(|table| table.name == name)
}
