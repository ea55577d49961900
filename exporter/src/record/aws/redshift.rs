//! Provisioned clusters, as the SDK asks for them.

use aws_sdk_redshift::operation::describe_logging_status::DescribeLoggingStatusOutput;
use aws_sdk_redshift::types::{Cluster, Event, HsmConfiguration, Parameter, Snapshot, SnapshotCopyGrant};

use super::{AwsPlane, moment, next};
use crate::record::plane::{Answer, Page};

/// Items of a page: the most that Redshift gives.
const PAGE: i32 = 100;

impl AwsPlane {
    pub(super) async fn ask_clusters(&self, token: Option<String>) -> Answer<Page<Cluster>> {
        let call = self.redshift.describe_clusters().max_records(PAGE).set_marker(token).send();
        let answer = self.ask("redshift:DescribeClusters", call).await?;
        Ok(Page { items: answer.clusters.unwrap_or_default(), next: next(answer.marker) })
    }

    pub(super) async fn ask_logging(&self, cluster: &str) -> Answer<DescribeLoggingStatusOutput> {
        let call = self.redshift.describe_logging_status().cluster_identifier(cluster).send();
        self.ask("redshift:DescribeLoggingStatus", call).await
    }

    pub(super) async fn ask_parameters(&self, group: &str, token: Option<String>) -> Answer<Page<Parameter>> {
        let call = self.redshift.describe_cluster_parameters().parameter_group_name(group);
        let call = call.max_records(PAGE).set_marker(token).send();
        let answer = self.ask("redshift:DescribeClusterParameters", call).await?;
        Ok(Page { items: answer.parameters.unwrap_or_default(), next: next(answer.marker) })
    }

    pub(super) async fn ask_copy_grants(&self, region: &str, token: Option<String>) -> Answer<Page<SnapshotCopyGrant>> {
        let client = self.redshift_of(region);
        let call = client.describe_snapshot_copy_grants().max_records(PAGE).set_marker(token).send();
        let answer = self.ask("redshift:DescribeSnapshotCopyGrants", call).await?;
        Ok(Page { items: answer.snapshot_copy_grants.unwrap_or_default(), next: next(answer.marker) })
    }

    pub(super) async fn ask_hsm_configurations(&self, token: Option<String>) -> Answer<Page<HsmConfiguration>> {
        let call = self.redshift.describe_hsm_configurations().max_records(PAGE).set_marker(token).send();
        let answer = self.ask("redshift:DescribeHsmConfigurations", call).await?;
        Ok(Page { items: answer.hsm_configurations.unwrap_or_default(), next: next(answer.marker) })
    }

    /// The certificates themselves go no further than here.
    pub(super) async fn ask_hsm_certificates(&self, token: Option<String>) -> Answer<Page<String>> {
        let call = self.redshift.describe_hsm_client_certificates().max_records(PAGE).set_marker(token).send();
        let answer = self.ask("redshift:DescribeHsmClientCertificates", call).await?;
        let all = answer.hsm_client_certificates.unwrap_or_default().into_iter();
        Ok(Page {
            items: all.filter_map(|one| one.hsm_client_certificate_identifier).collect(),
            next: next(answer.marker),
        })
    }

    pub(super) async fn ask_snapshots(&self, orphans: bool, token: Option<String>) -> Answer<Page<Snapshot>> {
        let call = self.redshift.describe_cluster_snapshots().set_cluster_exists(orphans.then_some(false));
        let answer =
            self.ask("redshift:DescribeClusterSnapshots", call.max_records(PAGE).set_marker(token).send()).await?;
        Ok(Page { items: answer.snapshots.unwrap_or_default(), next: next(answer.marker) })
    }

    pub(super) async fn ask_notices(&self, from: i64, to: i64, token: Option<String>) -> Answer<Page<Event>> {
        let call = self.redshift.describe_events().start_time(moment(from)).end_time(moment(to));
        let answer = self.ask("redshift:DescribeEvents", call.max_records(PAGE).set_marker(token).send()).await?;
        Ok(Page { items: answer.events.unwrap_or_default(), next: next(answer.marker) })
    }
}
