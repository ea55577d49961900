//! What is asked of AWS, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_config::types::ConfigurationItem;
use aws_sdk_redshift::types::Event;
use futures::StreamExt;
use lookback_schemas::encryption::{Row, collector};
use serde_json::Value;

use super::Recorder;
use super::site::{Finding, Site};
use crate::record::collect::describe::{self, Found, Snapshots};
use crate::record::collect::events::{self, Read};
use crate::record::collect::keys::{self, Wanted};
use crate::record::collect::{files, lookup};
use crate::record::rows::arn::{self, KeyReference, key_reference};
use crate::record::rows::cluster::{ClusterFacts, NamespaceFacts};
use crate::record::rows::key::Keys;
use crate::record::rows::names::Names;
use crate::record::rows::trail::{Known, Skipped, trail_row};
use crate::record::tally::Tally;
use crate::window::micros;

/// A site's clusters, namespaces and snapshots.
pub(super) struct Described {
    pub(super) clusters: Found<Vec<ClusterFacts>>,
    pub(super) namespaces: Found<Vec<NamespaceFacts>>,
    pub(super) snapshots: Snapshots,
    /// When each collector began and ended.
    pub(super) times: BTreeMap<&'static str, (i64, i64)>,
}

/// A site's events.
#[derive(Default)]
pub(super) struct Happened {
    pub(super) notices: Read<Event>,
    pub(super) trail: Read<Value>,
    pub(super) files: Option<Read<Value>>,
    pub(super) config: Option<Read<Vec<ConfigurationItem>>>,
    pub(super) times: BTreeMap<&'static str, (i64, i64)>,
}

/// A site's keys.
#[derive(Default)]
pub(super) struct SiteKeys {
    pub(super) found: keys::Keys,
    /// Those that were asked for.
    pub(super) wanted: Wanted,
    pub(super) tally: Tally,
    pub(super) rotations: Tally,
    pub(super) times: (i64, i64),
}

/// All that was seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) described: BTreeMap<usize, Described>,
    pub(super) happened: BTreeMap<usize, Happened>,
    pub(super) keys: BTreeMap<usize, SiteKeys>,
    /// What is known of every key, whoever looked.
    pub(super) known: Keys,
    /// Every key that anything refers to, and those of earlier.
    pub(super) referenced: BTreeSet<String>,
}

impl Recorder {
    /// Asks all that there is to ask, by `deadline`.
    pub(super) async fn look(&self, sites: &[Site], deadline: i64) -> Seen {
        let asked: Vec<usize> = (0..sites.len()).filter(|n| sites[*n].place.problem.is_none()).collect();
        let at_once = self.settings.max_places.max(1);
        let states = async {
            let describing: Vec<_> =
                asked.iter().map(|&n| async move { (n, self.describe(&sites[n], deadline).await) }).collect();
            let described: BTreeMap<usize, Described> =
                futures::stream::iter(describing).buffer_unordered(at_once).collect().await;
            let wanted = self.wanted(sites, &described);
            let looking: Vec<_> = wanted
                .into_iter()
                .map(|(n, wanted)| async move { (n, self.look_at_keys(&sites[n], wanted, deadline).await) })
                .collect();
            let keys: BTreeMap<usize, SiteKeys> =
                futures::stream::iter(looking).buffer_unordered(at_once).collect().await;
            (described, keys)
        };
        let events = async {
            let reading: Vec<_> =
                asked.iter().map(|&n| async move { (n, self.read_events(&sites[n], deadline).await) }).collect();
            futures::stream::iter(reading).buffer_unordered(at_once).collect::<BTreeMap<usize, Happened>>().await
        };
        let ((described, keys), happened) = futures::join!(states, events);
        let mut seen = Seen { described, happened, keys, ..Seen::default() };
        for site in seen.keys.values() {
            let facts = site.found.facts.iter().map(|facts| (facts.arn.clone(), facts.clone()));
            seen.known.facts.extend(facts);
            seen.known.aliases.extend(site.found.aliases.clone());
            seen.referenced.extend(site.wanted.keys.iter().cloned());
        }
        seen.referenced.extend(seen.known.facts.keys().cloned());
        let later: Vec<_> = asked.iter().map(|&n| self.read_later(&sites[n], n, &seen, deadline)).collect();
        let later: Vec<_> = futures::stream::iter(later).buffer_unordered(at_once).collect().await;
        for (n, files, config, times) in later {
            let happened = seen.happened.entry(n).or_default();
            (happened.files, happened.config) = (files, config);
            happened.times.extend(times);
        }
        seen
    }

    async fn describe(&self, site: &Site, deadline: i64) -> Described {
        let plane = site.place.plane.as_ref();
        let mut times = BTreeMap::new();
        let mut at = |name, from| {
            times.insert(name, (from, self.pace.now()));
            self.pace.now()
        };
        let start = self.pace.now();
        let calls = self.calls(site, deadline);
        let clusters = describe::clusters(plane, &site.account, &site.place.region, &calls).await;
        let start = at(collector::CLUSTERS, start);
        let calls = self.calls(site, deadline);
        let namespaces = describe::namespaces(plane, &site.account, &site.place.region, &calls).await;
        let start = at(collector::SERVERLESS, start);
        let snapshots = describe::snapshots(plane, &self.calls(site, deadline)).await;
        at(collector::SNAPSHOTS, start);
        Described { clusters, namespaces, snapshots, times }
    }

    /// Who looks at which key: the key's own account and region, or its account, or whoever refers to it first.
    fn wanted(&self, sites: &[Site], described: &BTreeMap<usize, Described>) -> BTreeMap<usize, Wanted> {
        let mut wanted: BTreeMap<usize, Wanted> = BTreeMap::new();
        let owner = |key: &str| {
            let asked = |n: &usize| described.contains_key(n);
            let account = |n: &usize| arn::account(key) == Some(sites[*n].account.as_str());
            let region = |n: &usize| arn::region(key) == Some(sites[*n].place.region.as_str());
            let mut own = (0..sites.len()).filter(|n| asked(n) && account(n));
            let first = own.clone().next();
            own.find(region).or(first)
        };
        // A key of an account that is not asked: whoever refers to it first, so that it is looked at once.
        let mut strangers: BTreeMap<String, usize> = BTreeMap::new();
        let mut references: Vec<(usize, String, String)> = Vec::new();
        for (n, seen) in described {
            let region = sites[*n].place.region.as_str();
            wanted.entry(*n).or_default();
            let clusters = seen.clusters.items.iter().flatten().flat_map(|facts| facts.key_references(region));
            let namespaces = seen.namespaces.items.iter().flatten().flat_map(|facts| facts.key_references(region));
            let snapshots = seen.snapshots.clusters.iter().flatten().filter_map(|(snapshot, _)| snapshot.kms_key_id());
            let others = seen.snapshots.namespaces.iter().flatten().filter_map(|snapshot| snapshot.kms_key_id());
            let here = snapshots.chain(others).map(|key| (key.to_owned(), region.to_owned()));
            references.extend(clusters.chain(namespaces).chain(here).map(|(key, region)| (*n, key, region)));
            // Keys that were of interest once stay so: what they protected may still be somewhere.
            let earlier = live_keys(&sites[*n].earlier.keys).into_iter();
            references.extend(earlier.map(|key| (*n, key, region.to_owned())));
        }
        if let Some(first) = described.keys().next() {
            let region = sites[*first].place.region.clone();
            references.extend(self.own_keys.iter().map(|key| (*first, key.clone(), region.clone())));
        }
        for (n, reference, region) in references {
            match key_reference(&reference, &region, &sites[n].account) {
                Some(KeyReference::Key(key)) => {
                    let by = owner(&key).unwrap_or_else(|| *strangers.entry(key.clone()).or_insert(n));
                    let wanted = wanted.entry(by).or_default();
                    if arn::account(&key) == Some(sites[by].account.as_str())
                        && let Some(region) = arn::region(&key)
                    {
                        wanted.alias_regions.insert(region.to_owned());
                    }
                    wanted.keys.insert(key);
                }
                Some(KeyReference::Alias(alias)) => {
                    let wanted = wanted.entry(n).or_default();
                    wanted.alias_regions.insert(arn::region(&alias).unwrap_or(&region).to_owned());
                    wanted.aliases.insert(alias);
                }
                Some(KeyReference::Owned) | None => {}
            }
        }
        wanted
    }

    async fn look_at_keys(&self, site: &Site, wanted: Wanted, deadline: i64) -> SiteKeys {
        let started = self.pace.now();
        let (calls, rotations) = (self.calls(site, deadline), self.calls(site, deadline));
        let found = keys::keys(site.place.plane.as_ref(), &site.account, &wanted, &calls, &rotations).await;
        let times = (started, self.pace.now());
        SiteKeys { found, wanted, tally: calls.tally(), rotations: rotations.tally(), times }
    }

    async fn read_events(&self, site: &Site, deadline: i64) -> Happened {
        let plane = site.place.plane.as_ref();
        let mut times = BTreeMap::new();
        let start = self.pace.now();
        let covered = site.covered(collector::REDSHIFT_EVENTS);
        let notices = events::notices(plane, covered, &self.calls(site, deadline)).await;
        times.insert(collector::REDSHIFT_EVENTS, (start, self.pace.now()));
        let start = self.pace.now();
        let trail = lookup::lookup(plane, site.covered(collector::CLOUDTRAIL), &self.calls(site, deadline)).await;
        times.insert(collector::CLOUDTRAIL, (start, self.pace.now()));
        Happened { notices, trail, files: None, config: None, times }
    }

    /// What can only be read once it is known which clusters and keys there are.
    async fn read_later(&self, site: &Site, n: usize, seen: &Seen, deadline: i64) -> Later {
        let plane = site.place.plane.as_ref();
        let mut times = BTreeMap::new();
        let mut found_files = None;
        if let Some(bucket) = &self.settings.trail_bucket {
            let start = self.pace.now();
            let trail = files::Trail {
                bucket,
                prefix: &self.settings.trail_prefix,
                account: &site.account,
                region: &site.place.region,
                backfill: micros(self.settings.trail_backfill),
            };
            let (origin, names) = (Finding::new(n, collector::TRAIL_FILES, start).origin(site), Names::new(&[], &[]));
            let known = Known {
                source: lookback_schemas::encryption::source::CLOUDTRAIL_S3,
                origin: &origin,
                names: &names,
                keys: &seen.known,
                referenced: &seen.referenced,
            };
            let wanted = |record: &Value| trail_row(record, &known) != Err(Skipped::Unrelated);
            let covered = site.covered(collector::TRAIL_FILES);
            found_files = Some(files::files(plane, &trail, covered, &self.calls(site, deadline), &wanted).await);
            times.insert(collector::TRAIL_FILES, (start, self.pace.now()));
        }
        let mut config = None;
        if self.settings.config_history {
            let start = self.pace.now();
            let clusters = seen.described.get(&n).and_then(|described| described.clusters.items.as_ref().ok());
            let names = clusters.into_iter().flatten().filter_map(|facts| facts.cluster.cluster_identifier());
            let mut resources: Vec<(&str, String)> =
                names.map(|name| ("AWS::Redshift::Cluster", name.to_owned())).collect();
            let keys = seen.keys.get(&n).map(|keys| &keys.wanted.keys);
            let own = keys.into_iter().flatten().filter(|key| {
                arn::account(key) == Some(site.account.as_str()) && arn::region(key) == Some(&site.place.region)
            });
            let ids = own.filter_map(|key| arn::field(key, 5)?.strip_prefix("key/"));
            resources.extend(ids.map(|id| ("AWS::KMS::Key", id.to_owned())));
            let covered = site.covered(collector::CONFIG_HISTORY);
            config = events::config(plane, &resources, covered, &self.calls(site, deadline)).await;
            times.insert(collector::CONFIG_HISTORY, (start, self.pace.now()));
        }
        (n, found_files, config, times)
    }
}

/// What [`Recorder::read_later`] gives: of which site, a trail's files, AWS Config's items, and when.
type Later = (usize, Option<Read<Value>>, Option<Read<Vec<ConfigurationItem>>>, BTreeMap<&'static str, (i64, i64)>);

/// The keys that an account's last rows are about, without those that are gone.
fn live_keys(rows: &[Row]) -> BTreeSet<String> {
    let live = rows.iter().filter(|row| row.get_text("obs_kind") != Some("tombstone"));
    live.filter_map(|row| row.get_text("kms_key_arn").map(str::to_owned)).collect()
}
