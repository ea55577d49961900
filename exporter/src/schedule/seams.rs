//! What a service is told from outside: which clusters there are, who exports them, and chance.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::run::{ClusterJob, Exporter, Report, TableReport, Work};

/// A cluster that is to be exported, and how often.
#[derive(Clone)]
pub struct Due {
    /// What to export.
    pub job: ClusterJob,
    /// Shortest time between two exports, if the cluster has its own.
    pub every: Option<Duration>,
    /// Whether it is a Serverless workgroup, which being asked keeps billing.
    pub serverless: bool,
}

/// Who knows the present clusters.
#[async_trait]
pub trait Roster: Send + Sync {
    /// The clusters as they are now.
    ///
    /// # Errors
    /// If they cannot be found out; the service goes on with those it knew.
    async fn jobs(&self) -> Result<Vec<Due>>;
}

/// A number from 0 (incl.) to 1 (excl.).
#[must_use]
pub fn by_chance() -> f64 {
    rand::rng().random_range(0.0..1.0)
}

/// Told about each cluster of a run once its work has ended: name and reports.
pub type Ended<'a> = &'a (dyn Fn(&str, &[TableReport]) + Send + Sync);

/// What a tick does with the clusters that are due.
#[async_trait]
pub trait Worker: Send + Sync {
    /// Works through the clusters, and tells of each as soon as it has ended.
    async fn run(&self, jobs: &[ClusterJob], stop: &CancellationToken, ended: Ended<'_>) -> Report;
}

/// Exports what is new.
pub struct Exports {
    /// Into which lake, and how.
    pub exporter: Arc<Exporter>,
    /// Whether sweeps that are due are run, too.
    pub sweep: bool,
}

#[async_trait]
impl Worker for Exports {
    async fn run(&self, jobs: &[ClusterJob], stop: &CancellationToken, ended: Ended<'_>) -> Report {
        Box::pin(self.exporter.run_each(jobs, Work::Export { sweep: self.sweep }, stop, ended)).await
    }
}
