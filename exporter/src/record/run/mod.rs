//! A collection from beginning to end.
//!
//! 1. Each account and region (a *site*) is leased; what it was covered up to is taken from the lake and the watermark store.
//! 2. `look`: clusters, namespaces and snapshots are described, all sites beside each other, then the keys that any of them
//!    refers to, each by one site; meanwhile the sources of events are read.
//! 3. `rows`: the answers become rows. A state that has not changed gives none, nor does an event that is in the lake.
//! 4. `commit`: one commit for each table, over all sites; then `collection_runs`; then the watermarks. A crash in between means
//!    reading a window again, and finding it there.

mod commit;
mod look;
mod rows;
mod site;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lookback_schemas::encryption::status;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error_span};
use uuid::Uuid;

use super::aws::Place;
use super::bucket::Bucket;
use super::calls::Calls;
use super::report::RecordReport;
use super::store::KeyCache;
use crate::error::{Error, ErrorKind, Result};
use crate::run::Exporter;
use crate::schedule::Pace;
use crate::settings::RecordSettings;
use crate::window::micros;
use site::{Finding, Site};

/// Collects the record into an exporter's lake.
pub struct Recorder {
    exporter: Arc<Exporter>,
    pace: Arc<dyn Pace>,
    chance: fn() -> f64,
    settings: RecordSettings,
    /// Keys of the lake itself: what is under them is needed as long as the record.
    own_keys: Vec<String>,
    cache: KeyCache,
    buckets: Mutex<Buckets>,
}

/// The rate of `LookupEvents`, by account and region.
type Buckets = HashMap<(String, String), Arc<tokio::sync::Mutex<Bucket>>>;

impl Recorder {
    /// A recorder. Nothing happens yet. `own_keys` are the ARNs of the keys that the lake is under; `chance` gives numbers from 0
    /// to 1.
    #[must_use]
    pub fn new(
        exporter: Arc<Exporter>,
        pace: Arc<dyn Pace>,
        chance: fn() -> f64,
        settings: RecordSettings,
        own_keys: Vec<String>,
    ) -> Self {
        let (cache, buckets) = (KeyCache::default(), Mutex::default());
        Self { exporter, pace, chance, settings, own_keys, cache, buckets }
    }

    /// Collects from all places. What fails in one of them stops no other.
    pub async fn run(&self, places: &[Place], cancel: &CancellationToken) -> RecordReport {
        let run_id = Uuid::now_v7().to_string();
        let span = error_span!("record", run_id);
        let mut report = RecordReport::default();
        let mut leased = Vec::new();
        let stopped = tokio::select! {
            done = self.collect(places, &mut report, &mut leased).instrument(span) => done.err(),
            () = cancel.cancelled() => Some(Error::new(ErrorKind::Cancelled, "the record: stopped on request")),
        };
        report.error = stopped;
        for (place, lease) in &leased {
            if let Err(e) = self.exporter.watermarks.release(place, site::LEASE, lease).await {
                // It ends by itself.
                tracing::warn!(place, "giving the lease of the record back: {e}");
            }
        }
        report
    }

    async fn collect(
        &self,
        places: &[Place],
        report: &mut RecordReport,
        leased: &mut Vec<(String, crate::watermarks::Lease)>,
    ) -> Result<()> {
        let tables = commit::Tables::open(&self.exporter).await?;
        let started = self.pace.now();
        let deadline = started.saturating_add(micros(self.settings.timeout));
        let mut sites = Vec::with_capacity(places.len());
        for place in places {
            match self.enter(place, &tables, deadline, leased).await? {
                Some(site) => sites.push(site),
                None => report.held.push(format!("{} {}", place.name, place.region)),
            }
        }
        self.recall(&mut sites, &tables).await?;
        let seen = self.look(&sites, deadline).await;
        let findings = self.rows(&sites, &seen, &tables).await?;
        self.commit(&sites, &tables, findings, report).await
    }

    /// The calls of a collector at a site.
    fn calls(&self, site: &Site, deadline: i64) -> Calls {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry((site.account.clone(), site.place.region.clone())).or_default();
        Calls::new(Arc::clone(&self.pace), self.chance, deadline, Arc::clone(bucket))
    }
}

/// How a finding is called in the record.
fn status_of(finding: &Finding) -> &'static str {
    if finding.failure.is_some() {
        status::FAILED
    } else if !finding.problems.is_empty() || !finding.tally.denied.is_empty() {
        status::PARTIAL
    } else {
        status::OK
    }
}
