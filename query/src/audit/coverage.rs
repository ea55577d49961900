//! What the collectors' ledger proves about a window: which part of it was read completely, and where the holes are.
//!
//! A run that ended `ok` without a denied call has read its window completely. The coverage of a window is the union of such
//! windows, cut to it, by its length. Runs count by the time that they read, not by the time that they ran: what was read late
//! was read.
//!
//! A call that was refused about one resource (a key of another account that may not be described) is no hole in what is known of
//! the others: it counts for judgments about that resource, and about what refers to it. Where nobody can say what an entity
//! refers to, every refusal counts.

mod denied;
mod reads;
mod spans;
mod subject;

use std::collections::{BTreeMap, BTreeSet};

use lookback_schemas::time::DAY;

pub use denied::Denied;
pub use reads::Reads;
pub use spans::Spans;
pub use subject::{References, Subject};

use super::check::Need;
use super::rows::{moment_text, rows_of};
use crate::error::QueryError;
use crate::session::Session;

/// Of which collector, account and region something was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The collector.
    pub collector: String,
    /// The account.
    pub account_id: String,
    /// The region.
    pub region: String,
}

/// What was read, by whom.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// By place.
    pub reads: BTreeMap<Place, Reads>,
    /// Time that was read of the tables of logs that were asked for, by table and cluster.
    pub logs: BTreeMap<(String, String), Spans>,
    /// What each entity rests on, if anything was refused about single resources.
    pub references: References,
}

/// How much of a window is proven.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// Percent of the window that was read completely.
    pub pct: f64,
    /// What is missing, in words; `None` if nothing is.
    pub missing: Option<String>,
    /// Whether access was denied to something in the window, so that no percentage is enough.
    pub denied: bool,
}

impl Proof {
    const NOTHING: f64 = 0.0;

    /// The weaker of two.
    #[must_use]
    pub fn weaker(self, other: Self) -> Self {
        if (other.denied, -other.pct) > (self.denied, -self.pct) { other } else { self }
    }
}

impl Coverage {
    /// What the ledgers say about the time from `from` to `to` (microseconds since 1970-01-01, UTC), which collectors ever ran, and
    /// of which time the `logs` were exported.
    ///
    /// # Errors
    /// If a ledger cannot be read.
    pub async fn read(session: &Session, from: i64, to: i64, logs: &[&str]) -> Result<Self, QueryError> {
        let mut coverage = Self::default();
        let places = "SELECT DISTINCT collector, account_id, region FROM collection_runs";
        for row in rows_of(session, places).await? {
            let place = Place {
                collector: row.text("collector"),
                account_id: row.text("account_id"),
                region: row.text("region"),
            };
            coverage.reads.entry(place).or_default();
        }
        let (low, high) = (moment_text(from), moment_text(to));
        let runs = format!(
            "SELECT collector, account_id, region, started_at, status, window_from, window_to, access_errors, error \
             FROM collection_runs WHERE started_at >= '{}' \
             AND COALESCE(window_to, started_at) >= '{low}' AND COALESCE(window_from, started_at) <= '{high}' \
             ORDER BY COALESCE(window_from, started_at), started_at",
            // A window ends about when its run starts.
            moment_text(from - DAY)
        );
        for row in rows_of(session, &runs).await? {
            let place = Place {
                collector: row.text("collector"),
                account_id: row.text("account_id"),
                region: row.text("region"),
            };
            let started = row.time("started_at").unwrap_or_default();
            let window = (row.time("window_from").unwrap_or(started), row.time("window_to").unwrap_or(started));
            let denied = denied::read(&row.text("access_errors"), window);
            let (status, error) = (row.text("status"), row.text("error"));
            coverage.reads.entry(place).or_default().add(&status, (started, error), window, denied);
        }
        if coverage.reads.values().any(Reads::has_denied_resources) {
            coverage.references = References::read(session).await?;
        }
        coverage.read_logs(session, from, to, logs).await?;
        Ok(coverage)
    }

    /// Tables of logs have the exporter's own ledger.
    async fn read_logs(&mut self, session: &Session, from: i64, to: i64, logs: &[&str]) -> Result<(), QueryError> {
        if logs.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = logs.iter().map(|name| format!("'{name}'")).collect();
        let sql = format!(
            "SELECT cluster_id, table_name, window_from, window_to FROM lookback_export_runs \
             WHERE table_name IN ({}) AND kind <> 'compact' AND outcome <> 'failed' AND window_to >= '{}' AND window_from <= '{}' \
             ORDER BY window_from",
            names.join(", "),
            moment_text(from),
            moment_text(to)
        );
        for row in rows_of(session, &sql).await? {
            if let Some((from, to)) = row.time("window_from").zip(row.time("window_to")) {
                let spans = self.logs.entry((row.text("table_name"), row.text("cluster_id"))).or_default();
                spans.add(from, to);
            }
        }
        Ok(())
    }

    /// Whether any of the need's collectors ever ran anywhere.
    #[must_use]
    pub fn ever(&self, need: &Need) -> bool {
        if need.is_evidence() {
            return !self.reads.is_empty();
        }
        if need.is_log() {
            return self.logs.keys().any(|(table, _)| table == need.table);
        }
        self.reads.keys().any(|place| need.collectors.contains(&place.collector.as_str()))
    }

    /// The accounts and regions that the need's collectors know.
    #[must_use]
    pub fn places(&self, need: &Need) -> BTreeSet<(String, String)> {
        let of_need = self.reads.keys().filter(|place| need.collectors.contains(&place.collector.as_str()));
        of_need.map(|place| (place.account_id.clone(), place.region.clone())).collect()
    }

    /// What is proven of a window, for a need of a judgment about a subject; in all accounts and regions if it has none. `None`
    /// for a need that is evidence of itself, or of no concern to the subject.
    #[must_use]
    pub fn proof(&self, need: &Need, subject: &Subject<'_>, window: (i64, i64)) -> Option<Proof> {
        let concerns = !need.is_evidence() && need.concerns(subject.entity_type);
        concerns.then(|| self.proof_of(need, subject, window))
    }

    fn proof_of(&self, need: &Need, subject: &Subject<'_>, window: (i64, i64)) -> Proof {
        if need.is_log() {
            return self.proof_of_logs(need, subject.name, window);
        }
        if subject.account_id.is_empty() {
            let places = self.places(need);
            let proofs = places
                .iter()
                .map(|(account_id, region)| self.proof_of(need, &Subject { account_id, region, ..*subject }, window));
            return proofs.reduce(Proof::weaker).unwrap_or_else(|| never(need));
        }
        let mut found = need.collectors.iter().filter_map(|collector| {
            let place = Place {
                collector: (*collector).to_owned(),
                account_id: subject.account_id.to_owned(),
                region: subject.region.to_owned(),
            };
            Some((*collector, self.reads.get(&place)?))
        });
        let place = format!("{}/{}", subject.account_id, subject.region);
        let Some((first, reads)) = found.next() else {
            let names = need.collectors.join(" or ");
            return Proof {
                pct: Proof::NOTHING,
                missing: Some(format!("the collector {names} never ran in {place}")),
                denied: false,
            };
        };
        let mut reads = reads.clone();
        for (_, other) in found {
            reads.extend(other);
        }
        reads.proof(&format!("{first} of {place}"), window, self.references.of(subject.entity))
    }

    /// Of one cluster's log, or of the log that was read least, where no cluster is meant.
    fn proof_of_logs(&self, need: &Need, cluster: &str, window: (i64, i64)) -> Proof {
        let mut read: BTreeMap<&str, Spans> = BTreeMap::new();
        for ((table, id), spans) in &self.logs {
            let name = lookback_schemas::names::cluster_name(id);
            if table == need.table && (cluster.is_empty() || name == cluster) {
                read.entry(name).or_default().extend(spans);
            }
        }
        let proofs = read.into_iter().filter(|(_, spans)| !spans.is_empty()).map(|(name, complete)| {
            Reads { complete, ..Reads::default() }.proof(&format!("{} of {name}", need.table), window, None)
        });
        proofs.reduce(Proof::weaker).unwrap_or_else(|| {
            let whom = if cluster.is_empty() { "any cluster" } else { cluster };
            let missing = Some(format!("{} was never exported from {whom}", need.table));
            Proof { pct: Proof::NOTHING, missing, denied: false }
        })
    }
}

fn never(need: &Need) -> Proof {
    let names = need.collectors.join(" or ");
    Proof { pct: Proof::NOTHING, missing: Some(format!("the collector {names} never ran")), denied: false }
}

#[cfg(test)]
mod tests;
