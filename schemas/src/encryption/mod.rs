//! The record of encryption: which tables it has, what makes two of its rows the same fact, and which events of AWS mean what.
//!
//! No API of AWS tells the whole story of a cluster's encryption, so that it is put together from several, in three shapes:
//!
//! - *events* ([`ENCRYPTION_EVENTS`], [`KMS_KEY_ROTATIONS`]): something happened at a moment; a row is known by its natural key.
//! - *observations* ([`CLUSTER_ENCRYPTION_STATE`], [`KMS_KEY_STATE`], [`SNAPSHOT_ENCRYPTION_STATE`]): an entity was found in a
//!   state. A row is written when the [`state_hash`] has changed, when the last row is a day old, and when the entity is gone.
//!   Rows are never changed; intervals are a matter of whoever reads them.
//! - *evidence* ([`COLLECTION_RUNS`], [`AUDIT_RESULTS`], [`ALERT_CHANGES`]): what was read when, what was concluded from it, and
//!   who was told.
//!
//! Three rotations are never one: that of a KMS key's material ([`Class::KmsRotationCompleted`]), Redshift's own of cluster and
//! database keys ([`Class::CekRotationStarted`]), and the change of the root key ([`Class::EncryptionKeyChanged`]).
//!
//! Every table is partitioned by [`ACCOUNT_ID`] and `log_date`, the UTC day of its [`Table::time_column`]. Lists, maps and
//! structures are text columns that hold canonical JSON (see [`canonical`]): every engine and format can carry those.
//!
//! - `table`: what a table and a column are; `tables`, `alerts`: those that there are.
//! - `meanings`: what tables and columns say, in words.
//! - `row`: rows by column name, checked against their table, and as Arrow batches.
//! - `identity`: event keys, hashes of states, canonical JSON.
//! - `retention`: how long sources keep their events, and when a collector that falls behind is an alarm.
//! - `class`: the closed list of what events mean; `trail`, `notices`: which names of CloudTrail and ids of Redshift mean it.

mod alerts;
mod class;
mod identity;
mod meanings;
mod notices;
mod retention;
mod row;
mod table;
mod tables;
mod trail;

pub use alerts::{ALERT_CHANGES, ALERT_DAYS};
pub use class::Class;
pub use identity::{EventIdentity, canonical, event_key, sha256_hex, state_hash};
pub use meanings::{meaning, purpose};
pub use notices::{class_of_notice, notice_failed};
pub use retention::{Headroom, NOTICES_KEPT, TRAIL_KEPT, headroom, retention};
pub use row::{Row, RowError, Value, batch, rows};
pub use table::{Column, Kind, Table};
pub use tables::{
    AUDIT_RESULTS, CLUSTER_ENCRYPTION_STATE, COLLECTION_RUNS, ENCRYPTION_EVENTS, KMS_KEY_ROTATIONS, KMS_KEY_STATE,
    SNAPSHOT_ENCRYPTION_STATE, STATE_COLUMNS, TABLES, table,
};
pub use trail::{CRYPTO_NAMES, TrailClass, class_of_trail, is_recorded, lookup_names};

/// Partition column of the record's tables: the AWS account whose interfaces gave the row.
pub const ACCOUNT_ID: &str = "account_id";

/// What a row of a state table is, in its column `obs_kind`.
pub mod obs_kind {
    /// The state differs from that of the row before, or there is none.
    pub const CHANGE: &str = "change";
    /// The state is the same, and the row before is a day old.
    pub const HEARTBEAT: &str = "heartbeat";
    /// The entity is gone; the other columns say what it was last.
    pub const TOMBSTONE: &str = "tombstone";
}

/// Where an event comes from, in the column `source` of [`ENCRYPTION_EVENTS`].
pub mod source {
    /// CloudTrail's `LookupEvents`.
    pub const CLOUDTRAIL_LOOKUP: &str = "cloudtrail_lookup";
    /// Files that a trail delivered to S3.
    pub const CLOUDTRAIL_S3: &str = "cloudtrail_s3";
    /// Redshift's `DescribeEvents`.
    pub const REDSHIFT_EVENTS: &str = "redshift_events";
    /// KMS's `ListKeyRotations`.
    pub const KMS_ROTATIONS: &str = "kms_rotations";
    /// AWS Config's configuration items.
    pub const CONFIG_HISTORY: &str = "config_history";
    /// The difference between two observations.
    pub const STATE_DIFF: &str = "state_diff";
    /// EventBridge; nothing writes it yet, but the name is taken.
    pub const EVENTBRIDGE: &str = "eventbridge";
}

/// Collectors, in the column `collector` of [`COLLECTION_RUNS`].
pub mod collector {
    /// Provisioned clusters with their logging, parameters, copy grants and HSM.
    pub const CLUSTERS: &str = "clusters";
    /// Serverless namespaces and their workgroups.
    pub const SERVERLESS: &str = "serverless";
    /// Snapshots of both.
    pub const SNAPSHOTS: &str = "snapshots";
    /// KMS keys that anything of the above refers to.
    pub const KEYS: &str = "keys";
    /// `ListKeyRotations` of these keys.
    pub const ROTATIONS: &str = "rotations";
    /// `DescribeEvents`.
    pub const REDSHIFT_EVENTS: &str = "redshift_events";
    /// `LookupEvents`.
    pub const CLOUDTRAIL: &str = "cloudtrail";
    /// A trail's files.
    pub const TRAIL_FILES: &str = "trail_files";
    /// AWS Config.
    pub const CONFIG_HISTORY: &str = "config_history";
    /// All of them.
    pub const ALL: [&str; 9] =
        [CLUSTERS, SERVERLESS, SNAPSHOTS, KEYS, ROTATIONS, REDSHIFT_EVENTS, CLOUDTRAIL, TRAIL_FILES, CONFIG_HISTORY];
}

/// How a collection went, in the column `status` of [`COLLECTION_RUNS`].
pub mod status {
    /// Everything in the window was read.
    pub const OK: &str = "ok";
    /// What was read is stored; some facts were refused or did not fit into the run: see `access_errors` and `error`.
    pub const PARTIAL: &str = "partial";
    /// Nothing is known of the window.
    pub const FAILED: &str = "failed";
    /// The window had expired at the source before it was read: `window_from` to `window_to` is lost.
    pub const GAP: &str = "gap";
}

/// How a cluster is encrypted, in the column `encryption_type`.
pub mod encryption_type {
    /// Not at all.
    pub const NONE: &str = "none";
    /// Under a key that AWS keeps in the account (`alias/aws/redshift`).
    pub const KMS_AWS_MANAGED: &str = "kms_aws_managed";
    /// Under a customer managed key.
    pub const KMS_CMK: &str = "kms_cmk";
    /// Under a key that AWS owns, outside of the account.
    pub const KMS_AWS_OWNED: &str = "kms_aws_owned";
    /// Under a key in a hardware security module.
    pub const HSM: &str = "hsm";
    /// Encrypted; whose key it is could not be found out.
    pub const UNKNOWN: &str = "unknown";
}

#[cfg(test)]
mod tests;
