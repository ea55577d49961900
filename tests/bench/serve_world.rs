//! The control plane of an account in memory, as collectors of the record of encryption ask it: clusters under keys of their
//! own, snapshots of them, a rotation each.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use aws_sdk_config::types::ConfigurationItem;
use aws_sdk_kms::operation::get_key_last_usage::GetKeyLastUsageOutput;
use aws_sdk_kms::operation::get_key_rotation_status::GetKeyRotationStatusOutput;
use aws_sdk_kms::types::{
    AliasListEntry, GrantListEntry, KeyManagerType, KeyMetadata, KeyState, OriginType, RotationsListEntry,
    Tag as KeyTag,
};
use aws_sdk_redshift::operation::describe_logging_status::DescribeLoggingStatusOutput;
use aws_sdk_redshift::types::{Cluster, Event, HsmConfiguration, Parameter, Snapshot, SnapshotCopyGrant};
use aws_sdk_redshiftserverless::types::{
    Namespace, RecoveryPoint, Snapshot as NamespaceSnapshot, SnapshotCopyConfiguration, Workgroup,
};
use aws_smithy_types::DateTime;
use lookback_exporter::clock::Clock;
use lookback_exporter::record::plane::{Answer, ControlPlane, Page, TrailFile};
use lookback_exporter::schedule::Pace;
use lookback_schemas::time::{DAY, rfc3339};
use serde_json::json;

use crate::rows::cluster_name;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-central-1";
/// Automated snapshots that a cluster has at a time.
const SNAPSHOTS: i64 = 8;

/// A clock that goes on when somebody waits.
#[derive(Debug)]
pub(crate) struct Time(AtomicI64);

impl Time {
    pub(crate) fn at(now: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now)))
    }

    pub(crate) fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for Time {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Pace for Time {
    async fn until(&self, at: i64) {
        self.0.fetch_max(at, Ordering::SeqCst);
    }
}

/// What the account has.
pub(crate) struct World {
    pub(crate) clusters: usize,
    pub(crate) time: Arc<Time>,
    /// When collections began.
    pub(crate) start: i64,
}

fn all<T>(items: Vec<T>) -> Answer<Page<T>> {
    Ok(Page { items, next: None })
}

fn moment(at: i64) -> DateTime {
    DateTime::from_millis(at / 1_000)
}

fn key_arn(cluster: usize) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{}", cluster_name(cluster))
}

impl World {
    fn created(&self, cluster: usize) -> i64 {
        self.start - 200 * DAY - i64::try_from(cluster).unwrap() * 1_000_000
    }

    /// Every seventh cluster is not encrypted.
    fn key_of(cluster: usize) -> Option<String> {
        (cluster % 7 != 6).then(|| key_arn(cluster))
    }
}

#[async_trait]
impl ControlPlane for World {
    async fn clusters(&self, _token: Option<String>) -> Answer<Page<Cluster>> {
        let one = |cluster: usize| {
            let name = cluster_name(cluster);
            Cluster::builder()
                .cluster_namespace_arn(format!("arn:aws:redshift:{REGION}:{ACCOUNT}:namespace:{name}"))
                .cluster_identifier(name)
                .cluster_create_time(moment(self.created(cluster)))
                .cluster_status("available")
                .encrypted(Self::key_of(cluster).is_some())
                .set_kms_key_id(Self::key_of(cluster))
                .db_name("dev")
                .build()
        };
        all((0..self.clusters).map(one).collect())
    }

    async fn logging(&self, _cluster: &str) -> Answer<DescribeLoggingStatusOutput> {
        Ok(DescribeLoggingStatusOutput::builder().logging_enabled(true).bucket_name("logs").build())
    }

    async fn parameters(&self, _group: &str, _token: Option<String>) -> Answer<Page<Parameter>> {
        let require_ssl = Parameter::builder().parameter_name("require_ssl").parameter_value("true");
        all(vec![require_ssl.build()])
    }

    async fn copy_grants(&self, _region: &str, _token: Option<String>) -> Answer<Page<SnapshotCopyGrant>> {
        all(Vec::new())
    }

    async fn hsm_configurations(&self, _token: Option<String>) -> Answer<Page<HsmConfiguration>> {
        all(Vec::new())
    }

    async fn hsm_certificates(&self, _token: Option<String>) -> Answer<Page<String>> {
        all(Vec::new())
    }

    /// Three a day of each cluster, the newest of them.
    async fn snapshots(&self, orphans: bool, _token: Option<String>) -> Answer<Page<Snapshot>> {
        if orphans {
            return all(Vec::new());
        }
        let newest = self.time.now().div_euclid(DAY / 3);
        let one = |cluster: usize, number: i64| {
            let (name, id) = (cluster_name(cluster), format!("rs-{number}"));
            Snapshot::builder()
                .snapshot_arn(format!("arn:aws:redshift:{REGION}:{ACCOUNT}:snapshot:{name}/{id}"))
                .snapshot_identifier(id)
                .cluster_identifier(name)
                .cluster_create_time(moment(self.created(cluster)))
                .encrypted(Self::key_of(cluster).is_some())
                .set_kms_key_id(Self::key_of(cluster))
                .status("available")
                .build()
        };
        let of_cluster = |cluster| (newest - SNAPSHOTS + 1..=newest).map(move |number| one(cluster, number));
        all((0..self.clusters).flat_map(of_cluster).collect())
    }

    async fn notices(&self, _from: i64, _to: i64, _token: Option<String>) -> Answer<Page<Event>> {
        all(Vec::new())
    }

    async fn namespaces(&self, _token: Option<String>) -> Answer<Page<Namespace>> {
        all(Vec::new())
    }

    async fn workgroups(&self, _token: Option<String>) -> Answer<Page<Workgroup>> {
        all(Vec::new())
    }

    async fn namespace_snapshots(&self, _token: Option<String>) -> Answer<Page<NamespaceSnapshot>> {
        all(Vec::new())
    }

    async fn recovery_points(&self, _token: Option<String>) -> Answer<Page<RecoveryPoint>> {
        all(Vec::new())
    }

    async fn copy_configurations(&self, _token: Option<String>) -> Answer<Page<SnapshotCopyConfiguration>> {
        all(Vec::new())
    }

    async fn key(&self, _region: &str, key: &str) -> Answer<KeyMetadata> {
        let known = KeyMetadata::builder()
            .key_id(key.rsplit('/').next().unwrap())
            .arn(key)
            .key_manager(KeyManagerType::Customer)
            .key_state(KeyState::Enabled)
            .enabled(true)
            .origin(OriginType::AwsKms);
        Ok(known.build().unwrap())
    }

    async fn rotation_status(&self, _region: &str, _key: &str) -> Answer<GetKeyRotationStatusOutput> {
        Ok(GetKeyRotationStatusOutput::builder().key_rotation_enabled(true).rotation_period_in_days(365).build())
    }

    async fn rotations(&self, _region: &str, key: &str, _token: Option<String>) -> Answer<Page<RotationsListEntry>> {
        let rotated = RotationsListEntry::builder().key_id(key).rotation_date(moment(self.start - 100 * DAY));
        all(vec![rotated.build()])
    }

    async fn last_usage(&self, _region: &str, _key: &str) -> Answer<GetKeyLastUsageOutput> {
        Ok(GetKeyLastUsageOutput::builder().build())
    }

    async fn aliases(&self, _region: &str, _token: Option<String>) -> Answer<Page<AliasListEntry>> {
        all(Vec::new())
    }

    async fn key_tags(&self, _region: &str, _key: &str, _token: Option<String>) -> Answer<Page<KeyTag>> {
        all(Vec::new())
    }

    async fn key_policy(&self, _region: &str, _key: &str) -> Answer<Option<String>> {
        Ok(Some(r#"{"Version":"2012-10-17"}"#.to_owned()))
    }

    async fn grants(&self, _region: &str, _key: &str, _token: Option<String>) -> Answer<Page<GrantListEntry>> {
        all(Vec::new())
    }

    /// Each cluster's encryption key was rotated on a day of its own.
    async fn lookup(&self, name: &str, from: i64, to: i64, _token: Option<String>) -> Answer<Page<String>> {
        let days = |cluster: usize| i64::try_from(cluster % 20 + 1).unwrap();
        let rotated = (0..self.clusters).map(|cluster| (cluster, self.start + days(cluster) * DAY));
        let rotated = rotated.filter(|(_, at)| name == "RotateEncryptionKey" && from <= *at && *at <= to);
        let record = |(cluster, at): (usize, i64)| {
            json!({
                "eventVersion": "1.11", "eventID": format!("rotation-{cluster}"), "eventName": name,
                "eventSource": "redshift.amazonaws.com", "eventTime": rfc3339(at), "awsRegion": REGION,
                "recipientAccountId": ACCOUNT, "requestParameters": {"clusterIdentifier": cluster_name(cluster)},
                "responseElements": null, "readOnly": false,
                "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/admin/operator",
                                 "accountId": ACCOUNT},
            })
            .to_string()
        };
        all(rotated.map(record).collect())
    }

    async fn config_history(
        &self,
        _kind: &str,
        _resource: &str,
        _from: i64,
        _to: i64,
        _token: Option<String>,
    ) -> Answer<Page<ConfigurationItem>> {
        all(Vec::new())
    }

    async fn trail_files(&self, _bucket: &str, _prefix: &str, _after: Option<String>) -> Answer<Page<TrailFile>> {
        all(Vec::new())
    }

    async fn trail_file(&self, _bucket: &str, _file: &TrailFile) -> Answer<Vec<u8>> {
        Ok(Vec::new())
    }
}
