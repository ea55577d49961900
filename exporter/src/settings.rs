//! Settings, as they are written in the configuration file. Unknown keys are errors, durations are texts such as `"15m"`, and
//! secrets are only referred to, never written down.

mod live;
mod query;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use live::LiveSettings;
pub use query::QuerySettings;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::window::{Margins, micros};

/// Everything the exporter can be told.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How to reach AWS.
    pub aws: AwsConnection,
    /// Clusters from SSM Parameter Store, beside those of the file.
    pub ssm: Option<SsmSettings>,
    /// When `export --schedule` exports.
    pub schedule: ScheduleSettings,
    /// Where the lake is.
    pub lake: LakeSettings,
    /// Where watermarks are.
    pub state: StateSettings,
    /// How to export.
    pub export: ExportSettings,
    /// How to look after the lake.
    pub maintain: MaintainSettings,
    /// The record of encryption.
    pub record: RecordSettings,
    /// What a question may use.
    pub query: QuerySettings,
    /// Questions to the clusters themselves.
    pub live: LiveSettings,
    /// `[serve]`, which the server reads.
    pub serve: Option<IgnoredAny>,
    /// `[alerts]`, which `alert` reads.
    pub alerts: Option<IgnoredAny>,
    /// Clusters by name.
    pub clusters: BTreeMap<String, ClusterSettings>,
}

/// `[record]`: how clusters, snapshots and keys are encrypted, and who changed it, collected from AWS's control plane beside
/// every export.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordSettings {
    /// Whether `export` collects it.
    pub enabled: bool,
    /// Whether the account of the exporter's own identity is one of those that are asked.
    pub own_account: bool,
    /// Regions of every account that names none; without any, the one of `[aws]`.
    pub regions: Vec<String>,
    /// Other accounts.
    pub accounts: Vec<RecordAccount>,
    /// Shortest time between two collections of a scheduled export.
    #[serde(deserialize_with = "duration")]
    pub every: Duration,
    /// Longest time for a collection. What was not reached by then is read next time.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Longest pause between two looks at a state over which the state counts as observed.
    #[serde(deserialize_with = "duration")]
    pub max_gap: Duration,
    /// Accounts and regions that are asked at once.
    pub max_places: usize,
    /// Whether AWS Config is asked for what it recorded before.
    pub config_history: bool,
    /// Bucket with a trail's files, if one is to be read beside `LookupEvents`.
    pub trail_bucket: Option<String>,
    /// What stands before `<account>/CloudTrail/` in the keys of these files: `AWSLogs`, or `AWSLogs/<organization>`.
    pub trail_prefix: String,
    /// How far back the files are read at first.
    #[serde(deserialize_with = "duration")]
    pub trail_backfill: Duration,
}

impl Default for RecordSettings {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            enabled: false,
            own_account: true,
            regions: Vec::new(),
            accounts: Vec::new(),
            every: minutes(15),
            timeout: minutes(10),
            max_gap: minutes(60),
            max_places: 4,
            config_history: true,
            trail_bucket: None,
            trail_prefix: "AWSLogs".to_owned(),
            trail_backfill: minutes(90 * 24 * 60),
        }
    }
}

/// `[[record.accounts]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordAccount {
    /// ARN of the role to assume there.
    pub assume_role: String,
    /// External id that the role asks for.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Regions, if they are not those of `[record]`.
    #[serde(default)]
    pub regions: Vec<String>,
}

/// `[lake]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeSettings {
    /// A folder, or `s3://bucket/prefix`.
    pub location: String,
    /// ARN of the KMS key of every object in a bucket, but for clusters that name their own.
    pub kms_key: Option<String>,
    /// Whether the location was written down, and is not the default.
    #[serde(skip)]
    pub given: bool,
}

impl Default for LakeSettings {
    fn default() -> Self {
        Self { location: "lake".to_owned(), kms_key: None, given: false }
    }
}

/// `[state]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSettings {
    /// The SQLite file with watermarks and leases.
    pub path: PathBuf,
    /// The DynamoDB table with watermarks and leases, in place of the file.
    pub dynamodb_table: Option<String>,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self { path: PathBuf::from("lookback-state.sqlite"), dynamodb_table: None }
    }
}

/// `[aws]`: what is missing comes from where the AWS command line takes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AwsConnection {
    /// Region of the lake's bucket, the DynamoDB table and the parameters.
    pub region: Option<String>,
    /// Profile in the shared configuration files.
    pub profile: Option<String>,
}

/// `[ssm]`: the list of clusters and their connections in SSM Parameter Store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SsmSettings {
    /// What the parameters' names begin with: `redshift_query_logs` for names with dots (`redshift_query_logs.global.…`), or a
    /// path such as `/lookback` for names with slashes (`/lookback/global/…`).
    pub prefix: String,
    /// How long the parameters of a known cluster are used before they are read again. The list of clusters is read every time.
    #[serde(deserialize_with = "duration")]
    pub refresh: Duration,
}

impl Default for SsmSettings {
    fn default() -> Self {
        Self { prefix: "redshift_query_logs".to_owned(), refresh: Duration::from_secs(60 * 60) }
    }
}

/// `[schedule]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleSettings {
    /// When ticks are, as a cron expression with seconds, in UTC.
    pub cron: Option<String>,
    /// Longest random delay of a tick, so that many exporters do not start at the same moment.
    #[serde(deserialize_with = "duration")]
    pub jitter: Duration,
    /// Shortest time between two exports of a provisioned cluster.
    #[serde(deserialize_with = "duration")]
    pub provisioned_every: Duration,
    /// Shortest time between two exports of a Serverless workgroup: asking it keeps it billing.
    #[serde(deserialize_with = "duration")]
    pub serverless_every: Duration,
    /// How long a stopping service waits for work that is under way.
    #[serde(deserialize_with = "duration")]
    pub stop_within: Duration,
    /// Address and port of `/healthz`, `/readyz` and `/metrics`.
    pub listen: Option<String>,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        Self {
            cron: None,
            jitter: Duration::from_secs(30),
            provisioned_every: Duration::ZERO,
            serverless_every: Duration::from_secs(60 * 60),
            stop_within: Duration::from_secs(25),
            listen: None,
        }
    }
}

/// `[export]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportSettings {
    /// Tables and groups, for clusters that name none.
    pub tables: Vec<String>,
    /// Rows younger than this may not all be visible yet.
    #[serde(deserialize_with = "duration")]
    pub settle: Duration,
    /// How far behind coverage each read starts again.
    #[serde(deserialize_with = "duration")]
    pub overlap: Duration,
    /// The same for tables whose only time is a start.
    #[serde(deserialize_with = "duration")]
    pub start_overlap: Duration,
    /// What the clusters are guaranteed to keep; AWS documents two to seven days.
    #[serde(deserialize_with = "duration")]
    pub retention: Duration,
    /// Longest window read in one piece, unless it is known to have few rows.
    #[serde(deserialize_with = "duration")]
    pub slice: Duration,
    /// Rows that are few: a first export is read in pieces of about this size, but not in shorter ones than `slice`.
    pub slice_rows: u64,
    /// Longest time for one table of one cluster.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Longest wait for a connection, and for an answer that takes no work.
    #[serde(deserialize_with = "duration")]
    pub connect_timeout: Duration,
    /// How often a failure that may pass is tried again.
    pub retries: u32,
    /// Wait before the first retry; it doubles, and half of it is chance.
    #[serde(deserialize_with = "duration")]
    pub retry_delay: Duration,
    /// Clusters worked on at once.
    pub max_clusters: usize,
    /// How long a cluster may take for a step before the rows of the others no longer wait for its own, to share a commit.
    #[serde(deserialize_with = "duration")]
    pub commit_linger: Duration,
    /// How long a lease holds without its holder.
    #[serde(deserialize_with = "duration")]
    pub lease: Duration,
    /// Largest difference between a cluster's clock and this machine's.
    #[serde(deserialize_with = "duration")]
    pub max_clock_skew: Duration,
    /// Whether `export` runs the sweeps that are due; `maintain` always does.
    pub sweep: bool,
}

impl Default for ExportSettings {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            tables: vec!["core".to_owned()],
            settle: minutes(2),
            overlap: minutes(30),
            start_overlap: minutes(120),
            retention: minutes(2 * 24 * 60),
            slice: minutes(24 * 60),
            slice_rows: 5_000_000,
            timeout: minutes(10),
            connect_timeout: Duration::from_secs(15),
            retries: 3,
            retry_delay: Duration::from_secs(1),
            max_clusters: 8,
            commit_linger: Duration::from_secs(5),
            lease: minutes(15),
            max_clock_skew: minutes(15),
            sweep: true,
        }
    }
}

impl ExportSettings {
    /// The margins of windows, for tables placed by an end time or by a start time only.
    #[must_use]
    pub fn margins(&self, placed_by_start: bool) -> Margins {
        let overlap = if placed_by_start { self.overlap.max(self.start_overlap) } else { self.overlap };
        Margins {
            settle: micros(self.settle),
            overlap: micros(overlap),
            slice: micros(self.slice).max(lookback_schemas::time::MINUTE),
            slice_rows: self.slice_rows,
            retention: micros(self.retention),
        }
    }
}

/// `[maintain]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaintainSettings {
    /// How long files stay that no version needs any more, or that were never committed. Longer than the longest query and
    /// the longest export.
    #[serde(deserialize_with = "duration")]
    pub grace: Duration,
    /// Whether `maintain` keeps the rollups up to date.
    pub rollups: bool,
}

impl Default for MaintainSettings {
    fn default() -> Self {
        Self { grace: Duration::from_secs(24 * 60 * 60), rollups: true }
    }
}

/// `[clusters.<name>]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSettings {
    /// Host name or address. Without it the cluster is looked up by its identifier.
    #[serde(default)]
    pub host: Option<String>,
    /// TCP port; without it the one that was looked up, or 5439.
    #[serde(default)]
    pub port: Option<u16>,
    /// Database; without it the one that was looked up, or `dev`.
    #[serde(default)]
    pub database: Option<String>,
    /// Database user. Not needed with `iam = true`, nor with a secret that names it.
    #[serde(default)]
    pub user: Option<String>,
    /// Identifier of a provisioned cluster, if it is not the name that it has here.
    #[serde(default)]
    pub cluster_identifier: Option<String>,
    /// Name of a Serverless workgroup, in place of a provisioned cluster.
    #[serde(default)]
    pub workgroup: Option<String>,
    /// Region, if it is not the one of `[aws]`.
    #[serde(default)]
    pub region: Option<String>,
    /// ARN of the role to assume, for a cluster of another account.
    #[serde(default)]
    pub assume_role: Option<String>,
    /// External id that the role asks for.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Temporary credentials in place of a password: with `user`, of that database user (GetClusterCredentials), without it of
    /// the caller's own IAM identity (GetClusterCredentialsWithIAM; GetCredentials of Serverless).
    #[serde(default)]
    pub iam: bool,
    /// ARN or name of a Secrets Manager secret with `username` and `password`, as Redshift itself manages them.
    #[serde(default)]
    pub secret: Option<String>,
    /// Name of an SSM SecureString that is the password.
    #[serde(default)]
    pub password_parameter: Option<String>,
    /// ARN of the KMS key of this cluster's objects in the lake.
    #[serde(default)]
    pub kms_key: Option<String>,
    /// Shortest time between two scheduled exports, such as `"1h"`.
    #[serde(default, deserialize_with = "optional_duration")]
    pub every: Option<Duration>,
    /// Environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// File whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// `verify` (the default) or `plaintext`.
    #[serde(default)]
    pub tls: TlsSetting,
    /// PEM file of the authorities to trust in place of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Tables and groups of this cluster.
    #[serde(default)]
    pub tables: Option<Vec<String>>,
    /// What tells this cluster from an earlier one of the same name, where the server cannot say.
    #[serde(default)]
    pub incarnation: Option<String>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsSetting {
    /// TLS with a verified certificate.
    #[default]
    Verify,
    /// None.
    Plaintext,
}

fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// A duration as people write it: `90s`, `15m`, `1h 30m`.
///
/// # Errors
/// What is wrong with it, and an example.
pub fn parse_duration(text: &str) -> std::result::Result<Duration, String> {
    humantime::parse_duration(text).map_err(|e| format!("'{text}' is not a duration such as \"15m\": {e}"))
}
