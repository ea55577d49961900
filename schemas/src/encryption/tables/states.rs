//! What entities were like when somebody looked: tables of observations.

use super::{may, must};
use crate::encryption::table::Kind::{Bool, Double, Json, Long, Text, Time};
use crate::encryption::table::Table;

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
    volatile: &[
        "log_last_success",
        "log_last_failure",
        "log_last_failure_message",
        "recovery_points",
        "recovery_point_oldest",
        "recovery_point_newest",
    ],
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
        may("hsm_ip_address", Text),
        may("hsm_partition_name", Text),
        may("hsm_client_certificate_exists", Bool),
        may("cluster_status", Text),
        may("availability_status", Text),
        may("node_type", Text),
        may("snapshot_copy_region", Text),
        may("snapshot_copy_grant_name", Text),
        may("snapshot_copy_grant_kms_key_arn", Text),
        may("snapshot_copy_retention_days", Long),
        may("auto_snapshot_retention_days", Long),
        may("recovery_points", Long),
        may("recovery_point_oldest", Time),
        may("recovery_point_newest", Time),
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
