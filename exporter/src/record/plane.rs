//! What is asked of AWS's control plane, behind one narrow seam, so that collectors can be driven by a world in memory.
//!
//! One [`ControlPlane`] is one account and region. Answers are single pages: what a page means, how often it is asked for and
//! when is decided by the collectors. Times are microseconds UTC.

use async_trait::async_trait;
use aws_sdk_config::types::ConfigurationItem;
use aws_sdk_kms::operation::get_key_last_usage::GetKeyLastUsageOutput;
use aws_sdk_kms::operation::get_key_rotation_status::GetKeyRotationStatusOutput;
use aws_sdk_kms::types::{AliasListEntry, GrantListEntry, KeyMetadata, RotationsListEntry, Tag as KeyTag};
use aws_sdk_redshift::operation::describe_logging_status::DescribeLoggingStatusOutput;
use aws_sdk_redshift::types::{Cluster, Event, HsmConfiguration, Parameter, Snapshot, SnapshotCopyGrant};
use aws_sdk_redshiftserverless::types::{
    Namespace, RecoveryPoint, Snapshot as NamespaceSnapshot, SnapshotCopyConfiguration, Workgroup,
};

/// Why a call gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The identity may not make it.
    Denied,
    /// Too many calls; a later one may be answered.
    Throttled,
    /// The service failed, or somebody on the way answered in its own words; it may pass.
    Server,
    /// No answer, or no connection; it may pass.
    Unreached,
    /// There is no such thing.
    NotFound,
    /// The page token is good no more.
    ExpiredToken,
    /// The thing has no such property: an imported key has no automatic rotation.
    Unsupported,
    /// What was given is none of what was asked for, and will be no better next time: a file that is broken.
    Unreadable,
    /// The time of the collection is over; nothing was asked.
    OutOfTime,
    /// Anything else.
    Other,
}

/// A call that gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {code}{}{message}", if message.is_empty() { "" } else { ": " })]
pub struct CallError {
    /// What kind of refusal it is.
    pub refusal: Refusal,
    /// The action, as IAM policies name it: `kms:DescribeKey`.
    pub call: &'static str,
    /// The service's code, or what happened in a word.
    pub code: String,
    /// The service's text, one line.
    pub message: String,
}

impl CallError {
    /// A refusal of a call.
    #[must_use]
    pub fn new(refusal: Refusal, call: &'static str, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { refusal, call, code: code.into(), message: message.into() }
    }
}

/// The answer to a call.
pub type Answer<T> = Result<T, CallError>;

/// A page of an answer.
#[derive(Debug, Clone, Default)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to ask for the next one with; `None` on the last.
    pub next: Option<String>,
}

/// A file that a trail delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFile {
    /// Its key in the bucket.
    pub key: String,
    /// Bytes.
    pub size: u64,
}

/// One account and region. `token` is [`Page::next`] of the page before.
#[async_trait]
pub trait ControlPlane: Send + Sync {
    /// Provisioned clusters.
    async fn clusters(&self, token: Option<String>) -> Answer<Page<Cluster>>;
    /// Where a cluster's audit logs go.
    async fn logging(&self, cluster: &str) -> Answer<DescribeLoggingStatusOutput>;
    /// The parameters of a group.
    async fn parameters(&self, group: &str, token: Option<String>) -> Answer<Page<Parameter>>;
    /// Grants for copies of snapshots into a region, which is asked itself.
    async fn copy_grants(&self, region: &str, token: Option<String>) -> Answer<Page<SnapshotCopyGrant>>;
    /// Configurations of hardware security modules.
    async fn hsm_configurations(&self, token: Option<String>) -> Answer<Page<HsmConfiguration>>;
    /// Client certificates for hardware security modules: their names, and nothing of what they are.
    async fn hsm_certificates(&self, token: Option<String>) -> Answer<Page<String>>;
    /// Snapshots of clusters; only those of clusters that are no more, if `orphans`.
    async fn snapshots(&self, orphans: bool, token: Option<String>) -> Answer<Page<Snapshot>>;
    /// Redshift's events of `[from, to]`.
    async fn notices(&self, from: i64, to: i64, token: Option<String>) -> Answer<Page<Event>>;
    /// Serverless namespaces.
    async fn namespaces(&self, token: Option<String>) -> Answer<Page<Namespace>>;
    /// Serverless workgroups.
    async fn workgroups(&self, token: Option<String>) -> Answer<Page<Workgroup>>;
    /// Snapshots of namespaces.
    async fn namespace_snapshots(&self, token: Option<String>) -> Answer<Page<NamespaceSnapshot>>;
    /// Recovery points of namespaces, which are made by themselves and kept for a day.
    async fn recovery_points(&self, token: Option<String>) -> Answer<Page<RecoveryPoint>>;
    /// Where snapshots of namespaces are copied to.
    async fn copy_configurations(&self, token: Option<String>) -> Answer<Page<SnapshotCopyConfiguration>>;
    /// A key, by its ARN, in the region where it is.
    async fn key(&self, region: &str, key: &str) -> Answer<KeyMetadata>;
    /// Whether a key rotates by itself.
    async fn rotation_status(&self, region: &str, key: &str) -> Answer<GetKeyRotationStatusOutput>;
    /// A key's past rotations.
    async fn rotations(&self, region: &str, key: &str, token: Option<String>) -> Answer<Page<RotationsListEntry>>;
    /// When a key was used last.
    async fn last_usage(&self, region: &str, key: &str) -> Answer<GetKeyLastUsageOutput>;
    /// The aliases of a region.
    async fn aliases(&self, region: &str, token: Option<String>) -> Answer<Page<AliasListEntry>>;
    /// A key's tags.
    async fn key_tags(&self, region: &str, key: &str, token: Option<String>) -> Answer<Page<KeyTag>>;
    /// A key's policy, as JSON.
    async fn key_policy(&self, region: &str, key: &str) -> Answer<Option<String>>;
    /// The grants on a key.
    async fn grants(&self, region: &str, key: &str, token: Option<String>) -> Answer<Page<GrantListEntry>>;
    /// CloudTrail's records of a name in `[from, to]`, newest first, each as its JSON.
    async fn lookup(&self, name: &str, from: i64, to: i64, token: Option<String>) -> Answer<Page<String>>;
    /// What AWS Config recorded of a resource in `[from, to]`, oldest first. `kind` is its type there: `AWS::KMS::Key`.
    async fn config_history(
        &self,
        kind: &str,
        resource: &str,
        from: i64,
        to: i64,
        token: Option<String>,
    ) -> Answer<Page<ConfigurationItem>>;
    /// Files of a trail whose keys begin with `prefix` and come after `after`, in the order of their keys.
    async fn trail_files(&self, bucket: &str, prefix: &str, after: Option<String>) -> Answer<Page<TrailFile>>;
    /// One of these files, unpacked.
    async fn trail_file(&self, bucket: &str, file: &TrailFile) -> Answer<Vec<u8>>;
}
