//! How the world answers.

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
use serde_json::Value;

use super::{World, not_found, page};
use crate::clock::Clock;
use crate::record::plane::{Answer, ControlPlane, Page, TrailFile};
use crate::record::rows::micros;
use crate::record::rows::trail::lenient_time;

#[async_trait]
impl ControlPlane for World {
    async fn clusters(&self, token: Option<String>) -> Answer<Page<Cluster>> {
        let state = self.asked("redshift:DescribeClusters")?;
        page(&state, &state.clusters, token)
    }

    async fn logging(&self, _cluster: &str) -> Answer<DescribeLoggingStatusOutput> {
        drop(self.asked("redshift:DescribeLoggingStatus")?);
        Ok(DescribeLoggingStatusOutput::builder().logging_enabled(true).bucket_name("logs").build())
    }

    async fn parameters(&self, _group: &str, token: Option<String>) -> Answer<Page<Parameter>> {
        let state = self.asked("redshift:DescribeClusterParameters")?;
        page(&state, &state.parameters, token)
    }

    async fn copy_grants(&self, _region: &str, token: Option<String>) -> Answer<Page<SnapshotCopyGrant>> {
        let state = self.asked("redshift:DescribeSnapshotCopyGrants")?;
        page(&state, &state.grants, token)
    }

    async fn hsm_configurations(&self, token: Option<String>) -> Answer<Page<HsmConfiguration>> {
        let state = self.asked("redshift:DescribeHsmConfigurations")?;
        page(&state, &state.modules, token)
    }

    async fn hsm_certificates(&self, token: Option<String>) -> Answer<Page<String>> {
        let state = self.asked("redshift:DescribeHsmClientCertificates")?;
        page(&state, &state.certificates, token)
    }

    async fn snapshots(&self, orphans: bool, token: Option<String>) -> Answer<Page<Snapshot>> {
        let state = self.asked("redshift:DescribeClusterSnapshots")?;
        let alive = |s: &&Snapshot| {
            !orphans || !state.clusters.iter().any(|c| c.cluster_identifier() == s.cluster_identifier())
        };
        let found: Vec<Snapshot> = state.snapshots.iter().filter(alive).cloned().collect();
        page(&state, &found, token)
    }

    async fn notices(&self, from: i64, to: i64, token: Option<String>) -> Answer<Page<Event>> {
        let state = self.asked("redshift:DescribeEvents")?;
        let within = |e: &&Event| e.date().map(micros).is_some_and(|at| from <= at && at <= to);
        let found: Vec<Event> = state.notices.iter().filter(within).cloned().collect();
        page(&state, &found, token)
    }

    async fn namespaces(&self, token: Option<String>) -> Answer<Page<Namespace>> {
        let state = self.asked("redshift-serverless:ListNamespaces")?;
        page(&state, &state.namespaces, token)
    }

    async fn workgroups(&self, token: Option<String>) -> Answer<Page<Workgroup>> {
        let state = self.asked("redshift-serverless:ListWorkgroups")?;
        page(&state, &state.workgroups, token)
    }

    async fn namespace_snapshots(&self, _token: Option<String>) -> Answer<Page<NamespaceSnapshot>> {
        drop(self.asked("redshift-serverless:ListSnapshots")?);
        Ok(nothing())
    }

    async fn recovery_points(&self, token: Option<String>) -> Answer<Page<RecoveryPoint>> {
        let state = self.asked("redshift-serverless:ListRecoveryPoints")?;
        page(&state, &state.recovery_points, token)
    }

    async fn copy_configurations(&self, _token: Option<String>) -> Answer<Page<SnapshotCopyConfiguration>> {
        drop(self.asked("redshift-serverless:ListSnapshotCopyConfigurations")?);
        Ok(nothing())
    }

    async fn key(&self, _region: &str, key: &str) -> Answer<KeyMetadata> {
        let state = self.asked("kms:DescribeKey")?;
        state.keys.get(key).cloned().map_or_else(|| not_found("kms:DescribeKey"), Ok)
    }

    async fn rotation_status(&self, _region: &str, _key: &str) -> Answer<GetKeyRotationStatusOutput> {
        drop(self.asked("kms:GetKeyRotationStatus")?);
        Ok(GetKeyRotationStatusOutput::builder().key_rotation_enabled(true).rotation_period_in_days(365).build())
    }

    async fn rotations(&self, _region: &str, key: &str, token: Option<String>) -> Answer<Page<RotationsListEntry>> {
        let state = self.asked("kms:ListKeyRotations")?;
        page(&state, state.rotations.get(key).map_or(&[][..], Vec::as_slice), token)
    }

    async fn last_usage(&self, _region: &str, _key: &str) -> Answer<GetKeyLastUsageOutput> {
        drop(self.asked("kms:GetKeyLastUsage")?);
        Ok(GetKeyLastUsageOutput::builder().build())
    }

    async fn aliases(&self, _region: &str, token: Option<String>) -> Answer<Page<AliasListEntry>> {
        let state = self.asked("kms:ListAliases")?;
        page(&state, &state.aliases, token)
    }

    async fn key_tags(&self, _region: &str, _key: &str, _token: Option<String>) -> Answer<Page<KeyTag>> {
        drop(self.asked("kms:ListResourceTags")?);
        Ok(Page { items: vec![KeyTag::builder().tag_key("tier").tag_value("database").build().unwrap()], next: None })
    }

    async fn key_policy(&self, _region: &str, _key: &str) -> Answer<Option<String>> {
        drop(self.asked("kms:GetKeyPolicy")?);
        Ok(Some(r#"{ "Version": "2012-10-17" }"#.to_owned()))
    }

    async fn grants(&self, _region: &str, _key: &str, _token: Option<String>) -> Answer<Page<GrantListEntry>> {
        drop(self.asked("kms:ListGrants")?);
        Ok(nothing())
    }

    async fn lookup(&self, name: &str, from: i64, to: i64, token: Option<String>) -> Answer<Page<String>> {
        let state = self.asked("cloudtrail:LookupEvents")?;
        let now = self.time.now();
        let mut found: Vec<&Value> = state
            .records
            .iter()
            .filter(|(visible, record)| {
                let at = lenient_time(&record["eventTime"]).unwrap();
                *visible <= now && record["eventName"] == name && from <= at && at <= to
            })
            .map(|(_, record)| record)
            .collect();
        found.sort_by_key(|record| std::cmp::Reverse(record["eventTime"].as_str().unwrap().to_owned()));
        page(&state, &found.into_iter().map(Value::to_string).collect::<Vec<_>>(), token)
    }

    async fn config_history(
        &self,
        kind: &str,
        resource: &str,
        _from: i64,
        _to: i64,
        token: Option<String>,
    ) -> Answer<Page<ConfigurationItem>> {
        let state = self.asked("config:GetResourceConfigHistory")?;
        let own = |item: &&ConfigurationItem| {
            item.resource_id() == Some(resource) && item.resource_type().is_some_and(|t| t.as_str() == kind)
        };
        let found: Vec<_> = state.items.iter().filter(own).cloned().collect();
        if found.is_empty() { not_found("config:GetResourceConfigHistory") } else { page(&state, &found, token) }
    }

    async fn trail_files(&self, _bucket: &str, prefix: &str, after: Option<String>) -> Answer<Page<TrailFile>> {
        let state = self.asked("s3:ListBucket")?;
        let wanted = |key: &str| key.starts_with(prefix) && after.as_deref().is_none_or(|after| key > after);
        let mut found: Vec<TrailFile> = state
            .files
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(key, text)| TrailFile { key: key.clone(), size: text.len() as u64 })
            .collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        let more = found.len() > state.page.unwrap_or(usize::MAX);
        found.truncate(state.page.unwrap_or(usize::MAX));
        let next = found.last().map(|file| file.key.clone()).filter(|_| more);
        Ok(Page { items: found, next })
    }

    async fn trail_file(&self, _bucket: &str, file: &TrailFile) -> Answer<Vec<u8>> {
        let state = self.asked("s3:GetObject")?;
        Ok(state.files.iter().find(|(key, _)| *key == file.key).unwrap().1.clone())
    }
}

fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next: None }
}
