//! A table's lease and watermark in the course of a run: moved on, given back, remembered.

use std::sync::PoisonError;

use lookback_schemas::TableSpec;
use tracing::warn;

use super::cluster::ClusterRun;
use crate::error::{Error, ErrorKind, Result};
use crate::watermarks::{Lease, Watermark};

/// How often a watermark that somebody else has moved is read again.
const ADVANCE_ATTEMPTS: u32 = 8;

impl ClusterRun {
    /// Gives back the lease of work that was broken off in the middle.
    pub(super) async fn give_back(&self, cluster_id: &str, spec: &TableSpec) {
        let (store, now) = (&self.exporter.watermarks, self.exporter.clock.now());
        // Its holder may take a lease again, and so learns its fence; somebody else's is left alone.
        match store.acquire(cluster_id, &spec.name, &self.exporter.holder, now, now).await {
            Ok(Some(grant)) => self.release(cluster_id, spec, &grant.lease).await,
            Ok(None) => {}
            Err(e) => warn!(cluster = %self.job.name, table = %spec.name, "giving the lease back: {e}"),
        }
    }

    pub(super) async fn release(&self, cluster_id: &str, spec: &TableSpec, lease: &Lease) {
        if let Err(e) = self.exporter.watermarks.release(cluster_id, &spec.name, lease).await {
            // It ends by itself.
            warn!(cluster = %self.job.name, table = %spec.name, "giving the lease back: {e}");
        }
    }

    /// Moves the watermark forward; where somebody else has moved it, the further one stays. `release` is given back, whatever
    /// comes of it.
    pub(super) async fn advance(
        &self,
        cluster_id: &str,
        spec: &TableSpec,
        before: Option<Watermark>,
        after: Watermark,
        release: Option<&Lease>,
    ) -> Result<Watermark> {
        let moved = self.move_watermark(cluster_id, spec, before, after, release).await;
        match &moved {
            Ok(watermark) => self.remember(cluster_id, spec, *watermark),
            Err(_) => {
                if let Some(lease) = release {
                    self.release(cluster_id, spec, lease).await;
                }
            }
        }
        moved
    }

    async fn move_watermark(
        &self,
        cluster_id: &str,
        spec: &TableSpec,
        before: Option<Watermark>,
        after: Watermark,
        release: Option<&Lease>,
    ) -> Result<Watermark> {
        let store = &self.exporter.watermarks;
        let (mut expected, mut next) = (before, after);
        for _ in 0..ADVANCE_ATTEMPTS {
            if expected == Some(next) {
                if let Some(lease) = release {
                    self.release(cluster_id, spec, lease).await;
                }
                return Ok(next);
            }
            if store.advance(cluster_id, &spec.name, expected.as_ref(), &next, release).await? {
                return Ok(next);
            }
            expected = store.get(cluster_id, &spec.name).await?;
            if let Some(stored) = expected {
                next = Watermark {
                    covered_from: stored.covered_from.min(after.covered_from),
                    covered_until: stored.covered_until.max(after.covered_until),
                    swept_once: stored.swept_once.max(after.swept_once),
                    swept_twice: stored.swept_twice.max(after.swept_twice),
                };
            }
        }
        Err(Error::new(ErrorKind::Watermarks, format!("the watermark of {cluster_id}/{} keeps changing", spec.name))
            .transient())
    }

    /// The watermark of a table as this run left it: whether a sweep is due costs the store no request.
    pub(super) fn remembered(&self, cluster_id: &str, spec: &TableSpec) -> Option<Watermark> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.get(&(cluster_id.to_owned(), spec.name.clone())).copied()
    }

    fn remember(&self, cluster_id: &str, spec: &TableSpec, watermark: Watermark) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.insert((cluster_id.to_owned(), spec.name.clone()), watermark);
    }
}
