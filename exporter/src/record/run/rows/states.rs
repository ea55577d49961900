//! From what was seen of states to rows: clusters, namespaces, snapshots and keys.

use std::collections::{HashMap, HashSet};

use lookback_schemas::encryption::{CLUSTER_ENCRYPTION_STATE, Row, Table, collector};

use crate::record::collect::describe::Found;
use crate::record::plane::{CallError, Refusal};
use crate::record::rows::cluster::{CLUSTERS_CALL, NAMESPACES_CALL, cluster_row, namespace_row};
use crate::record::rows::diff::{change_events, presence_event};
use crate::record::rows::key::{KEYS_CALL, is_gone, key_row};
use crate::record::rows::names::Names;
use crate::record::rows::rotation::rotation_rows;
use crate::record::rows::snapshot::{NAMESPACE_SNAPSHOTS_CALL, SNAPSHOTS_CALL, namespace_snapshot_row, snapshot_row};
use crate::record::rows::state::{Observed, observe};
use crate::record::run::Recorder;
use crate::record::run::look::{Described, Seen, SiteKeys};
use crate::record::run::site::{Finding, Site};
use crate::record::windows::observed_since;
use crate::source::Window;
use crate::window::micros;

impl Recorder {
    /// Clusters, namespaces and snapshots; gives what is known of clusters' names.
    pub(super) fn states(
        &self,
        n: usize,
        site: &Site,
        described: &Described,
        seen: &Seen,
        findings: &mut Vec<Finding>,
    ) -> Names {
        let mut clusters = self.state(n, site, collector::CLUSTERS, &described.clusters, described);
        let origin = clusters.origin(site);
        let incomplete =
            described.clusters.items.iter().flatten().filter(|facts| facts.incomplete).map(|facts| &facts.cluster);
        let hidden: HashSet<&str> = incomplete.filter_map(|cluster| cluster.cluster_identifier()).collect();
        let rows: Option<Vec<Row>> = described
            .clusters
            .items
            .as_ref()
            .ok()
            .map(|items| items.iter().map(|facts| cluster_row(facts, &origin, &seen.known)).collect());
        self.observe(site, &mut clusters, "cluster_namespace_arn", rows.as_deref(), &hidden, CLUSTERS_CALL);

        let mut serverless = self.state(n, site, collector::SERVERLESS, &described.namespaces, described);
        let origin = serverless.origin(site);
        let incomplete = described.namespaces.items.iter().flatten().filter(|facts| facts.incomplete);
        let hidden: HashSet<&str> = incomplete.filter_map(|facts| facts.namespace.namespace_name()).collect();
        let namespaces: Option<Vec<Row>> = described
            .namespaces
            .items
            .as_ref()
            .ok()
            .map(|items| items.iter().map(|facts| namespace_row(facts, &origin, &seen.known)).collect());
        self.observe(site, &mut serverless, "cluster_namespace_arn", namespaces.as_deref(), &hidden, NAMESPACES_CALL);

        let mut snapshots = Finding::new(n, collector::SNAPSHOTS, site.now);
        let origin = snapshots.origin(site);
        let lists = &described.snapshots;
        (snapshots.tally, snapshots.problems) = (lists.tally.clone(), lists.problems.clone());
        // Whether their clusters exist is part of what is said of them: if that is not known for now, nothing is said.
        let unknown = described.clusters.items.as_ref().is_err_and(passes);
        let of_clusters = lists.clusters.as_ref().ok().filter(|_| !unknown).map(|all| {
            let row = |(s, orphan): &(_, bool)| snapshot_row(s, rows.as_deref(), *orphan, &origin, &seen.known);
            all.iter().map(row).collect::<Vec<_>>()
        });
        let unknown_names = described.namespaces.items.as_ref().is_err_and(passes);
        let of_namespaces = lists.namespaces.as_ref().ok().filter(|_| !unknown_names).map(|all| {
            let row = |s: &_| namespace_snapshot_row(s, namespaces.as_deref(), &origin, &seen.known);
            all.iter().map(row).collect::<Vec<_>>()
        });
        let none = HashSet::new();
        self.observe(site, &mut snapshots, "snapshot_arn", of_clusters.as_deref(), &none, SNAPSHOTS_CALL);
        self.observe(site, &mut snapshots, "snapshot_arn", of_namespaces.as_deref(), &none, NAMESPACE_SNAPSHOTS_CALL);
        let (one, other) = (lists.clusters.as_ref().err(), lists.namespaces.as_ref().err());
        if let (Some(e), Some(_)) = (one, other) {
            snapshots.failure = Some(e.to_string());
        }
        // Half a look proves nothing, unless the other half may not be seen at all.
        let denied = |e: &CallError| e.refusal == Refusal::Denied;
        let whole = one.is_none_or(denied) && other.is_none_or(denied) && !unknown && !unknown_names;
        if whole && snapshots.failure.is_none() {
            self.cover(site, &mut snapshots);
        }
        for finding in [&mut clusters, &mut serverless, &mut snapshots] {
            if let Some((from, to)) = described.times.get(finding.collector) {
                (finding.started, finding.finished) = (*from, *to);
            }
        }
        let now: Vec<Row> = rows.into_iter().flatten().chain(namespaces.into_iter().flatten()).collect();
        findings.extend([clusters, serverless, snapshots]);
        let earlier = site.earlier.clusters.iter().filter(|row| row.get_text("region") == Some(&site.place.region));
        Names::new(&earlier.cloned().collect::<Vec<_>>(), &now)
    }

    fn state<T>(
        &self,
        n: usize,
        site: &Site,
        name: &'static str,
        found: &Found<Vec<T>>,
        described: &Described,
    ) -> Finding {
        let mut finding = Finding::new(n, name, site.now);
        (finding.tally, finding.problems) = (found.tally.clone(), found.problems.clone());
        finding.failure = found.items.as_ref().err().map(ToString::to_string);
        if let Some((from, to)) = described.times.get(name) {
            (finding.started, finding.finished) = (*from, *to);
        }
        // What is missing now may be there next time: this look proves nothing.
        if finding.failure.is_none() && finding.problems.is_empty() {
            self.cover(site, &mut finding);
        }
        finding
    }

    /// A state was looked at: it is proven since the look before.
    fn cover(&self, site: &Site, finding: &mut Finding) {
        let longest = micros(self.settings.max_gap);
        let from = observed_since(site.covered(finding.collector), site.now, longest);
        finding.window = Some(Window { from, to: site.now });
        finding.covered_until = Some(site.now);
    }

    /// Adds what of the observations is new, and what the differences mean. Entities in `hidden` are there, but what they are like
    /// is not known.
    fn observe(
        &self,
        site: &Site,
        finding: &mut Finding,
        key: &'static str,
        rows: Option<&[Row]>,
        hidden: &HashSet<&str>,
        call: &'static str,
    ) {
        let Some(rows) = rows else { return };
        let origin = finding.origin(site);
        let is_hidden = |row: &Row| row.get_text("cluster_identifier").is_some_and(|name| hidden.contains(name));
        let hidden_keys: HashSet<&str> =
            rows.iter().filter(|row| is_hidden(row)).filter_map(|row| row.get_text(key)).collect();
        let earlier = if rows_table(key) == Some(&CLUSTER_ENCRYPTION_STATE) {
            &site.earlier.clusters
        } else {
            &site.earlier.snapshots
        };
        let here = earlier.iter().filter(|row| row.get_text("region") == Some(site.place.region.as_str()));
        let last: HashMap<String, Row> = here
            .filter_map(|row| Some((row.get_text(key)?.to_owned(), row.clone())))
            .filter(|(entity, _)| !hidden_keys.contains(entity.as_str()))
            .collect();
        let visible = rows.iter().filter(|row| !is_hidden(row)).cloned().collect();
        let observed = observe(key, visible, &last, &[call], &origin);
        self.differences(site, finding, observed);
    }

    fn differences(&self, site: &Site, finding: &mut Finding, observed: Observed) {
        let origin = finding.origin(site);
        let covered = site.covered(finding.collector);
        for (before, after) in &observed.changes {
            // The state was the same at every look since it was stored.
            let last = covered.max(before.at()).unwrap_or(origin.now);
            finding.rows.extend(change_events(before, after, last, &origin));
        }
        // At the first look everything appears.
        if let Some(last) = covered {
            finding.rows.extend(observed.appeared.iter().filter_map(|row| presence_event(row, true, last, &origin)));
            finding.rows.extend(observed.gone.iter().filter_map(|row| presence_event(row, false, last, &origin)));
        }
        finding.rows.extend(observed.rows);
    }

    /// Keys and their rotations.
    pub(super) fn keys(&self, n: usize, site: &Site, keys: &SiteKeys, findings: &mut Vec<Finding>) {
        let mut finding = Finding::new(n, collector::KEYS, site.now);
        let mut rotations = Finding::new(n, collector::ROTATIONS, site.now);
        (finding.started, finding.finished) = keys.times;
        (rotations.started, rotations.finished) = keys.times;
        (finding.tally, rotations.tally) = (keys.tally.clone(), keys.rotations.clone());
        finding.problems.clone_from(&keys.found.problems);
        finding.failure = keys.found.failure.as_ref().map(ToString::to_string);
        let origin = finding.origin(site);
        let known = keys.found.facts.iter().filter(|facts| !facts.is_incomplete());
        let asked: HashSet<&str> = known.clone().map(|facts| facts.arn.as_str()).collect();
        let rows: Vec<Row> = known.filter(|facts| !is_gone(facts)).map(key_row).collect();
        let last: HashMap<String, Row> = site
            .earlier
            .keys
            .iter()
            .filter_map(|row| Some((row.get_text("kms_key_arn")?.to_owned(), row.clone())))
            .filter(|(arn, _)| asked.contains(arn.as_str()))
            .collect();
        let observed = observe("kms_key_arn", rows, &last, &[KEYS_CALL], &origin);
        self.differences(site, &mut finding, observed);
        let complete = keys.found.facts.iter().all(|facts| !facts.is_incomplete());
        if finding.failure.is_none() && complete {
            self.cover(site, &mut finding);
        }
        let origin = rotations.origin(site);
        let mut read_all = finding.failure.is_none();
        for facts in &keys.found.facts {
            match &facts.rotations {
                Some(Ok(entries)) => {
                    for (row, event) in entries.iter().filter_map(|entry| rotation_rows(&facts.arn, entry, &origin)) {
                        rotations.rows.extend([row, event]);
                    }
                }
                Some(Err(e)) if passes(e) => {
                    rotations.problems.push(e.to_string());
                    read_all = false;
                }
                _ => {}
            }
        }
        if read_all {
            // KMS lists all rotations of a key's life: whatever the pause was, nothing is missed.
            let from = site.covered(collector::ROTATIONS).unwrap_or(site.now).min(site.now);
            rotations.window = Some(Window { from, to: site.now });
            rotations.covered_until = Some(site.now);
        } else if let Some(failure) = &finding.failure {
            rotations.failure = Some(failure.clone());
        }
        findings.extend([finding, rotations]);
    }
}

/// Whether it may be answered next time.
fn passes(error: &CallError) -> bool {
    !matches!(error.refusal, Refusal::Denied | Refusal::NotFound | Refusal::Unsupported)
}

/// The state table whose entities have this key.
fn rows_table(key: &str) -> Option<&'static Table> {
    (key == "cluster_namespace_arn").then_some(&CLUSTER_ENCRYPTION_STATE)
}
