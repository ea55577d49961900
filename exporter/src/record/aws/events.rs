//! CloudTrail and AWS Config, as the SDK asks for them, and the seam itself.

use async_trait::async_trait;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_sdk_config::types::{ChronologicalOrder, ConfigurationItem, ResourceType};
use aws_sdk_kms::operation::get_key_last_usage::GetKeyLastUsageOutput;
use aws_sdk_kms::operation::get_key_rotation_status::GetKeyRotationStatusOutput;
use aws_sdk_kms::types::{AliasListEntry, GrantListEntry, KeyMetadata, RotationsListEntry, Tag as KeyTag};
use aws_sdk_redshift::operation::describe_logging_status::DescribeLoggingStatusOutput;
use aws_sdk_redshift::types::{Cluster, Event, HsmConfiguration, Parameter, Snapshot, SnapshotCopyGrant};
use aws_sdk_redshiftserverless::types::{
    Namespace, RecoveryPoint, Snapshot as NamespaceSnapshot, SnapshotCopyConfiguration, Workgroup,
};

use super::{AwsPlane, moment, next};
use crate::record::plane::{Answer, CallError, ControlPlane, Page, Refusal, TrailFile};

/// Events of a page: the most that CloudTrail gives.
const EVENTS: i32 = 50;
/// Items of a page: the most that AWS Config gives.
const ITEMS: i32 = 100;

impl AwsPlane {
    async fn ask_lookup(&self, name: &str, from: i64, to: i64, token: Option<String>) -> Answer<Page<String>> {
        let call = "cloudtrail:LookupEvents";
        let attribute = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::EventName)
            .attribute_value(name)
            .build()
            .map_err(|e| CallError::new(Refusal::Other, call, "cannot be asked", e.to_string()))?;
        let request = self.cloudtrail.lookup_events().lookup_attributes(attribute);
        let request = request.start_time(moment(from)).end_time(moment(to)).max_results(EVENTS);
        let answer = self.ask(call, request.set_next_token(token).send()).await?;
        let events = answer.events.unwrap_or_default().into_iter().filter_map(|event| event.cloud_trail_event);
        Ok(Page { items: events.collect(), next: next(answer.next_token) })
    }

    async fn ask_config(
        &self,
        kind: &str,
        resource: &str,
        (from, to): (i64, i64),
        token: Option<String>,
    ) -> Answer<Page<ConfigurationItem>> {
        let call = self.config.get_resource_config_history().resource_type(ResourceType::from(kind));
        let call = call.resource_id(resource).earlier_time(moment(from)).later_time(moment(to));
        let call = call.chronological_order(ChronologicalOrder::Forward).limit(ITEMS).set_next_token(token);
        let answer = self.ask("config:GetResourceConfigHistory", call.send()).await?;
        Ok(Page { items: answer.configuration_items.unwrap_or_default(), next: next(answer.next_token) })
    }
}

#[async_trait]
impl ControlPlane for AwsPlane {
    async fn clusters(&self, token: Option<String>) -> Answer<Page<Cluster>> {
        self.ask_clusters(token).await
    }

    async fn logging(&self, cluster: &str) -> Answer<DescribeLoggingStatusOutput> {
        self.ask_logging(cluster).await
    }

    async fn parameters(&self, group: &str, token: Option<String>) -> Answer<Page<Parameter>> {
        self.ask_parameters(group, token).await
    }

    async fn copy_grants(&self, region: &str, token: Option<String>) -> Answer<Page<SnapshotCopyGrant>> {
        self.ask_copy_grants(region, token).await
    }

    async fn hsm_configurations(&self, token: Option<String>) -> Answer<Page<HsmConfiguration>> {
        self.ask_hsm_configurations(token).await
    }

    async fn hsm_certificates(&self, token: Option<String>) -> Answer<Page<String>> {
        self.ask_hsm_certificates(token).await
    }

    async fn snapshots(&self, orphans: bool, token: Option<String>) -> Answer<Page<Snapshot>> {
        self.ask_snapshots(orphans, token).await
    }

    async fn notices(&self, from: i64, to: i64, token: Option<String>) -> Answer<Page<Event>> {
        self.ask_notices(from, to, token).await
    }

    async fn namespaces(&self, token: Option<String>) -> Answer<Page<Namespace>> {
        self.ask_namespaces(token).await
    }

    async fn workgroups(&self, token: Option<String>) -> Answer<Page<Workgroup>> {
        self.ask_workgroups(token).await
    }

    async fn namespace_snapshots(&self, token: Option<String>) -> Answer<Page<NamespaceSnapshot>> {
        self.ask_namespace_snapshots(token).await
    }

    async fn recovery_points(&self, token: Option<String>) -> Answer<Page<RecoveryPoint>> {
        self.ask_recovery_points(token).await
    }

    async fn copy_configurations(&self, token: Option<String>) -> Answer<Page<SnapshotCopyConfiguration>> {
        self.ask_copy_configurations(token).await
    }

    async fn key(&self, region: &str, key: &str) -> Answer<KeyMetadata> {
        self.ask_key(region, key).await
    }

    async fn rotation_status(&self, region: &str, key: &str) -> Answer<GetKeyRotationStatusOutput> {
        self.ask_rotation_status(region, key).await
    }

    async fn rotations(&self, region: &str, key: &str, token: Option<String>) -> Answer<Page<RotationsListEntry>> {
        self.ask_rotations(region, key, token).await
    }

    async fn last_usage(&self, region: &str, key: &str) -> Answer<GetKeyLastUsageOutput> {
        self.ask_last_usage(region, key).await
    }

    async fn aliases(&self, region: &str, token: Option<String>) -> Answer<Page<AliasListEntry>> {
        self.ask_aliases(region, token).await
    }

    async fn key_tags(&self, region: &str, key: &str, token: Option<String>) -> Answer<Page<KeyTag>> {
        self.ask_key_tags(region, key, token).await
    }

    async fn key_policy(&self, region: &str, key: &str) -> Answer<Option<String>> {
        self.ask_key_policy(region, key).await
    }

    async fn grants(&self, region: &str, key: &str, token: Option<String>) -> Answer<Page<GrantListEntry>> {
        self.ask_grants(region, key, token).await
    }

    async fn lookup(&self, name: &str, from: i64, to: i64, token: Option<String>) -> Answer<Page<String>> {
        self.ask_lookup(name, from, to, token).await
    }

    async fn config_history(
        &self,
        kind: &str,
        resource: &str,
        from: i64,
        to: i64,
        token: Option<String>,
    ) -> Answer<Page<ConfigurationItem>> {
        self.ask_config(kind, resource, (from, to), token).await
    }

    async fn trail_files(&self, bucket: &str, prefix: &str, after: Option<String>) -> Answer<Page<TrailFile>> {
        self.ask_trail_files(bucket, prefix, after).await
    }

    async fn trail_file(&self, bucket: &str, file: &TrailFile) -> Answer<Vec<u8>> {
        self.ask_trail_file(bucket, file).await
    }
}
