//! Serverless namespaces and workgroups, as the SDK asks for them.

use aws_sdk_redshiftserverless::types::{Namespace, RecoveryPoint, Snapshot, SnapshotCopyConfiguration, Workgroup};

use super::{AwsPlane, next};
use crate::record::plane::{Answer, Page};

/// Items of a page: the most that the service gives.
const PAGE: i32 = 100;

impl AwsPlane {
    pub(super) async fn ask_namespaces(&self, token: Option<String>) -> Answer<Page<Namespace>> {
        let call = self.serverless.list_namespaces().max_results(PAGE).set_next_token(token).send();
        let answer = self.ask("redshift-serverless:ListNamespaces", call).await?;
        Ok(Page { items: answer.namespaces, next: next(answer.next_token) })
    }

    pub(super) async fn ask_workgroups(&self, token: Option<String>) -> Answer<Page<Workgroup>> {
        let call = self.serverless.list_workgroups().max_results(PAGE).set_next_token(token).send();
        let answer = self.ask("redshift-serverless:ListWorkgroups", call).await?;
        Ok(Page { items: answer.workgroups, next: next(answer.next_token) })
    }

    pub(super) async fn ask_namespace_snapshots(&self, token: Option<String>) -> Answer<Page<Snapshot>> {
        let call = self.serverless.list_snapshots().max_results(PAGE).set_next_token(token).send();
        let answer = self.ask("redshift-serverless:ListSnapshots", call).await?;
        Ok(Page { items: answer.snapshots.unwrap_or_default(), next: next(answer.next_token) })
    }

    pub(super) async fn ask_recovery_points(&self, token: Option<String>) -> Answer<Page<RecoveryPoint>> {
        let call = self.serverless.list_recovery_points().max_results(PAGE).set_next_token(token).send();
        let answer = self.ask("redshift-serverless:ListRecoveryPoints", call).await?;
        Ok(Page { items: answer.recovery_points.unwrap_or_default(), next: next(answer.next_token) })
    }

    pub(super) async fn ask_copy_configurations(
        &self,
        token: Option<String>,
    ) -> Answer<Page<SnapshotCopyConfiguration>> {
        let call = self.serverless.list_snapshot_copy_configurations().max_results(PAGE).set_next_token(token).send();
        let answer = self.ask("redshift-serverless:ListSnapshotCopyConfigurations", call).await?;
        Ok(Page { items: answer.snapshot_copy_configurations, next: next(answer.next_token) })
    }
}
