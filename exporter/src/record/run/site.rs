//! One account and region in a collection: what it was covered up to, and what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lookback_schemas::encryption::{
    CLUSTER_ENCRYPTION_STATE, COLLECTION_RUNS, KMS_KEY_STATE, Row, SNAPSHOT_ENCRYPTION_STATE, collector,
};
use lookback_schemas::names::app_id;
use lookback_schemas::time::{HOUR, MINUTE, day_of};
use uuid::Uuid;

use super::Recorder;
use super::commit::Tables;
use crate::error::Result;
use crate::record::aws::Place;
use crate::record::collect::events::Read;
use crate::record::rows::Origin;
use crate::record::rows::state::HEARTBEAT;
use crate::record::store::last_rows;
use crate::record::tally::Tally;
use crate::source::Window;
use crate::watermarks::{Lease, Watermark};

/// What a site's lease is called in the watermark store, beside its collectors' watermarks.
pub(super) const LEASE: &str = "record";
/// How long a lease holds after the collection's time is over.
const LEASE_BEYOND: i64 = 5 * MINUTE;

/// How far a collector was.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    /// As the watermark store has it.
    pub(super) stored: Option<Watermark>,
    /// As the lake's log has it.
    committed: Option<i64>,
}

impl Mark {
    /// Up to where everything was read. Without a commit in this lake nothing was; of two that differ the smaller holds.
    pub(super) fn covered(&self) -> Option<i64> {
        let committed = self.committed?;
        Some(self.stored.map_or(committed, |stored| stored.covered_until.min(committed)))
    }
}

/// One account and region.
pub(super) struct Site {
    pub(super) place: Place,
    pub(super) account: String,
    /// What it is called in the watermark store and in commits.
    pub(super) id: String,
    pub(super) marks: BTreeMap<&'static str, Mark>,
    /// The moment that everything which is found is stamped with.
    pub(super) now: i64,
    /// The last rows of the account's entities.
    pub(super) earlier: Arc<Earlier>,
}

/// What was stored of an account's entities last, in any region.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    pub(super) clusters: Vec<Row>,
    pub(super) keys: Vec<Row>,
    pub(super) snapshots: Vec<Row>,
}

impl Site {
    pub(super) fn covered(&self, collector: &str) -> Option<i64> {
        self.marks.get(collector)?.covered()
    }
}

/// What a collector found at a site.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) site: usize,
    pub(super) collector: &'static str,
    /// Of this row of `collection_runs`, and of the rows that come from it.
    pub(super) run_id: String,
    pub(super) started: i64,
    pub(super) finished: i64,
    pub(super) window: Option<Window>,
    pub(super) gap: Option<Window>,
    pub(super) covered_until: Option<i64>,
    pub(super) oldest: Option<i64>,
    pub(super) tally: Tally,
    pub(super) problems: Vec<String>,
    pub(super) failure: Option<String>,
    pub(super) rows: Vec<Row>,
}

impl Finding {
    pub(super) fn new(site: usize, collector: &'static str, started: i64) -> Self {
        Self {
            site,
            collector,
            run_id: Uuid::now_v7().to_string(),
            started,
            finished: started,
            window: None,
            gap: None,
            covered_until: None,
            oldest: None,
            tally: Tally::default(),
            problems: Vec::new(),
            failure: None,
            rows: Vec::new(),
        }
    }

    /// Takes over how a source of events was read.
    pub(super) fn read<T>(&mut self, read: &Read<T>) {
        self.window = read.window;
        self.gap = read.gap;
        self.covered_until = read.covered_until;
        self.oldest = read.oldest;
        self.tally = read.tally.clone();
        self.problems.clone_from(&read.problems);
        self.failure = read.failure.as_ref().map(ToString::to_string);
        if read.covered_until.is_none() {
            // A gap is said together with the coverage that passes it.
            self.gap = None;
        }
    }

    /// What its rows are stamped with.
    pub(super) fn origin(&self, site: &Site) -> Origin {
        Origin {
            account: site.account.clone(),
            region: site.place.region.clone(),
            run_id: self.run_id.clone(),
            now: site.now,
        }
    }
}

impl Recorder {
    /// Leases a place, and finds out how far its collectors were; `None` if another exporter is at it.
    pub(super) async fn enter(
        &self,
        place: &Place,
        tables: &Tables,
        deadline: i64,
        leased: &mut Vec<(String, Lease)>,
    ) -> Result<Option<Site>> {
        let account = place.account.clone().unwrap_or_else(|| "unknown".to_owned());
        let id = format!("{account}/{}", place.region);
        let mut site = Site {
            place: place.clone(),
            account,
            id,
            marks: BTreeMap::new(),
            now: self.pace.now(),
            earlier: Arc::default(),
        };
        let store = &self.exporter.watermarks;
        // Nothing is read of a place that cannot be asked, but how long it has been so matters.
        if place.problem.is_none() {
            let until = deadline.saturating_add(LEASE_BEYOND);
            let Some(grant) = store.acquire(&site.id, LEASE, &self.exporter.holder, site.now, until).await? else {
                return Ok(None);
            };
            leased.push((site.id.clone(), grant.lease));
        }
        let runs = tables.of(&COLLECTION_RUNS)?;
        for name in collector::ALL {
            let stored = store.get(&site.id, name).await?;
            let app = app_id(&format!("{}/{name}", site.id), COLLECTION_RUNS.name);
            let committed = runs.table.transaction_version(&app).await?;
            site.marks.insert(name, Mark { stored, committed });
        }
        Ok(Some(site))
    }

    /// Reads back what was stored last. A live entity has a row that is younger than a heartbeat at the last look, so only the
    /// days since are read.
    pub(super) async fn recall(&self, sites: &mut [Site], tables: &Tables) -> Result<()> {
        let asked = sites.iter().filter(|site| site.place.problem.is_none());
        let accounts: BTreeSet<String> = asked.map(|site| site.account.clone()).collect();
        for account in accounts {
            let own = sites.iter().filter(|site| site.account == account);
            let looked = [collector::CLUSTERS, collector::SERVERLESS, collector::SNAPSHOTS, collector::KEYS];
            let marks = own.flat_map(|site| looked.iter().filter_map(|name| site.covered(name)));
            let Some(oldest) = marks.min() else { continue };
            let since = day_of(oldest - HEARTBEAT - HOUR);
            let mut earlier = Earlier::default();
            for (spec, rows) in [
                (&CLUSTER_ENCRYPTION_STATE, &mut earlier.clusters),
                (&KMS_KEY_STATE, &mut earlier.keys),
                (&SNAPSHOT_ENCRYPTION_STATE, &mut earlier.snapshots),
            ] {
                *rows = last_rows(&tables.of(spec)?.table, spec, &account, since).await?;
            }
            let earlier = Arc::new(earlier);
            for site in sites.iter_mut().filter(|site| site.account == account) {
                site.earlier = Arc::clone(&earlier);
            }
        }
        Ok(())
    }
}
