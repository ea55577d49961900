//! What was found, into the lake: one commit for each table, then the record of the collection, then the watermarks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deltalake::kernel::Action;
use lookback_schemas::encryption::{
    CLUSTER_ENCRYPTION_STATE, COLLECTION_RUNS, ENCRYPTION_EVENTS, KMS_KEY_ROTATIONS, KMS_KEY_STATE, Row,
    SNAPSHOT_ENCRYPTION_STATE, Table, headroom, status,
};
use lookback_schemas::names::app_id;
use lookback_schemas::time::rfc3339;
use uuid::Uuid;

use super::site::{Finding, Site};
use super::{Recorder, status_of};
use crate::error::{Error, ErrorKind, Result};
use crate::lake::{CommitOutcome, CommitUnit, LakeTable, Snapshot};
use crate::record::report::{CollectorReport, RecordReport};
use crate::record::rows::VERSION;
use crate::record::store::{discard, write};
use crate::run::Exporter;
use crate::watermarks::Watermark;

/// Tables that a collection writes, in the order of their commits; the record of the collection itself comes after them.
static WRITTEN: [&Table; 5] =
    [&ENCRYPTION_EVENTS, &KMS_KEY_ROTATIONS, &CLUSTER_ENCRYPTION_STATE, &KMS_KEY_STATE, &SNAPSHOT_ENCRYPTION_STATE];
/// How often a watermark that somebody else has moved is read again.
const ADVANCE_ATTEMPTS: u32 = 8;

/// A table as it was when the collection began: what is new is computed from that.
pub(super) struct Open {
    pub(super) table: Arc<LakeTable>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// The tables of the record.
pub(super) struct Tables(BTreeMap<&'static str, Open>);

impl Tables {
    pub(super) async fn open(exporter: &Exporter) -> Result<Self> {
        let mut tables = BTreeMap::new();
        for spec in WRITTEN.into_iter().chain([&COLLECTION_RUNS]) {
            let schema = spec.schema();
            let table = exporter.ensure(spec.name, &schema).await?;
            let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
            table.add_columns(&fields).await?;
            let snapshot = table.refresh().await?;
            tables.insert(spec.name, Open { table, snapshot });
        }
        Ok(Self(tables))
    }

    pub(super) fn of(&self, spec: &Table) -> Result<&Open> {
        self.0.get(spec.name).ok_or_else(|| Error::new(ErrorKind::Lake, format!("table {} is not open", spec.name)))
    }
}

impl Recorder {
    /// Stores what was found. A site at which another exporter was in the meantime is left to that one.
    pub(super) async fn commit(
        &self,
        sites: &[Site],
        tables: &Tables,
        findings: Vec<Finding>,
        report: &mut RecordReport,
    ) -> Result<()> {
        let run_id = Uuid::now_v7().to_string();
        let mut overtaken: BTreeSet<usize> = BTreeSet::new();
        for spec in WRITTEN {
            let of_site = |n: usize| {
                let own = findings.iter().filter(move |finding| finding.site == n);
                own.flat_map(|finding| &finding.rows).filter(|row| row.table() == spec).cloned().collect::<Vec<Row>>()
            };
            let rows: Vec<(usize, Vec<Row>)> = (0..sites.len())
                .filter(|n| !overtaken.contains(n))
                .map(|n| (n, of_site(n)))
                .filter(|(_, rows)| !rows.is_empty())
                .collect();
            overtaken.extend(self.commit_table(sites, tables, spec, rows, &run_id).await?);
        }
        let own: Vec<&Finding> = findings.iter().filter(|finding| !overtaken.contains(&finding.site)).collect();
        overtaken.extend(self.commit_runs(sites, tables, &own, &run_id).await?);
        for finding in findings.iter().filter(|finding| !overtaken.contains(&finding.site)) {
            self.advance(&sites[finding.site], finding).await?;
            report.collectors.push(reported(&sites[finding.site], finding));
        }
        let names =
            overtaken.iter().map(|n| &sites[*n]).map(|site| format!("{} {}", site.place.name, site.place.region));
        report.held.extend(names);
        Ok(())
    }

    /// Commits rows of one table, each site's for itself. Gives the sites that somebody else was at.
    async fn commit_table(
        &self,
        sites: &[Site],
        tables: &Tables,
        spec: &'static Table,
        rows: Vec<(usize, Vec<Row>)>,
        run_id: &str,
    ) -> Result<Vec<usize>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let open = tables.of(spec)?;
        let (mut units, mut numbers) = (Vec::new(), Vec::new());
        for (n, rows) in rows {
            let actions = write(&open.table, &rows, run_id, self.pace.now()).await?;
            units.push(unit(&sites[n].id, spec, sites[n].now, open, actions));
            numbers.push(n);
        }
        let written: Vec<Vec<Action>> = units.iter().map(|unit| unit.actions.clone()).collect();
        // If this fails, the files stay: if only the answer was lost, they are in the log. If not, vacuum removes them.
        let outcomes = open.table.commit(units).await?;
        let mut lost = Vec::new();
        for ((n, outcome), actions) in numbers.into_iter().zip(outcomes).zip(written) {
            if outcome == CommitOutcome::Conflict {
                discard(&open.table, &actions).await;
                lost.push(n);
            }
        }
        Ok(lost)
    }

    /// Commits the record of the collection, with each collector's coverage in the log.
    async fn commit_runs(
        &self,
        sites: &[Site],
        tables: &Tables,
        findings: &[&Finding],
        run_id: &str,
    ) -> Result<Vec<usize>> {
        let open = tables.of(&COLLECTION_RUNS)?;
        let (mut units, mut numbers) = (Vec::new(), Vec::new());
        let present: BTreeSet<usize> = findings.iter().map(|finding| finding.site).collect();
        for n in present {
            let site = &sites[n];
            let own: Vec<&&Finding> = findings.iter().filter(|finding| finding.site == n).collect();
            let rows: Vec<Row> = own.iter().flat_map(|finding| run_rows(site, finding)).collect();
            let actions = write(&open.table, &rows, run_id, self.pace.now()).await?;
            units.push(unit(&site.id, &COLLECTION_RUNS, site.now, open, actions));
            numbers.push(n);
            for finding in own {
                if let Some(covered) = finding.covered_until {
                    let id = format!("{}/{}", site.id, finding.collector);
                    units.push(unit(&id, &COLLECTION_RUNS, covered, open, Vec::new()));
                    numbers.push(n);
                }
            }
        }
        let outcomes = open.table.commit(units).await?;
        let lost = numbers.into_iter().zip(outcomes).filter(|(_, outcome)| *outcome == CommitOutcome::Conflict);
        Ok(lost.map(|(n, _)| n).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Moves a collector's watermark; where somebody else has moved it, the further one stays.
    async fn advance(&self, site: &Site, finding: &Finding) -> Result<()> {
        let Some(covered) = finding.covered_until else { return Ok(()) };
        let store = &self.exporter.watermarks;
        let from = finding.window.map_or(covered, |window| window.from);
        let mut expected = site.marks.get(finding.collector).and_then(|mark| mark.stored);
        for _ in 0..ADVANCE_ATTEMPTS {
            let next = match expected {
                Some(stored) => Watermark {
                    covered_from: stored.covered_from.min(from),
                    covered_until: stored.covered_until.max(covered),
                    ..stored
                },
                None => Watermark { covered_from: from, covered_until: covered, swept_once: None, swept_twice: None },
            };
            if expected == Some(next)
                || store.advance(&site.id, finding.collector, expected.as_ref(), &next, None).await?
            {
                return Ok(());
            }
            expected = store.get(&site.id, finding.collector).await?;
        }
        let what = format!("the watermark of {}/{} keeps changing", site.id, finding.collector);
        Err(Error::new(ErrorKind::Watermarks, what).transient())
    }
}

fn unit(id: &str, spec: &Table, version: i64, open: &Open, actions: Vec<Action>) -> CommitUnit {
    CommitUnit {
        transaction: Some((app_id(id, spec.name), version)),
        based_on: open.snapshot.version,
        actions,
        removes: Vec::new(),
        data_change: true,
    }
}

/// The rows of `collection_runs` that a finding is: one, and one more for a gap.
fn run_rows(site: &Site, finding: &Finding) -> Vec<Row> {
    let mut row = Row::new(&COLLECTION_RUNS);
    row.text("run_id", Some(finding.run_id.as_str())).text("collector", Some(finding.collector));
    row.text("collector_version", Some(VERSION)).text("account_id", Some(site.account.as_str()));
    row.text("region", Some(site.place.region.as_str()));
    row.time("started_at", Some(finding.started)).time("finished_at", Some(finding.finished.max(finding.started)));
    row.text("status", Some(status_of(finding)));
    row.time("window_from", finding.window.map(|window| window.from));
    row.time("window_to", finding.window.map(|window| window.to));
    row.text("watermark", finding.covered_until.or(site.covered(finding.collector)).map(rfc3339));
    row.time("oldest_available", finding.oldest);
    let count = |n: u64| i64::try_from(n).ok();
    row.long("calls", count(finding.tally.total())).long("throttles", count(finding.tally.throttles));
    row.long("rows", count(finding.rows.len() as u64));
    row.json("access_errors", finding.tally.access_errors().as_ref());
    row.text("error", error_of(finding));
    let gap = finding.gap.map(|gap| {
        let mut lost = row.clone();
        for column in ["watermark", "access_errors", "error"] {
            lost.clear(column);
        }
        lost.text("run_id", Some(Uuid::now_v7().to_string())).text("status", Some(status::GAP));
        lost.time("window_from", Some(gap.from)).time("window_to", Some(gap.to));
        lost.long("calls", Some(0)).long("throttles", Some(0)).long("rows", Some(0));
        lost
    });
    [row].into_iter().chain(gap).collect()
}

fn error_of(finding: &Finding) -> Option<String> {
    let all: Vec<&str> = finding.failure.iter().chain(&finding.problems).map(String::as_str).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn reported(site: &Site, finding: &Finding) -> CollectorReport {
    let covered_until = finding.covered_until.or(site.covered(finding.collector));
    CollectorReport {
        account: site.account.clone(),
        region: site.place.region.clone(),
        collector: finding.collector,
        status: status_of(finding),
        rows: finding.rows.len() as u64,
        window: finding.window,
        gap: finding.gap,
        covered_until,
        headroom: covered_until.and_then(|covered| headroom(finding.collector, covered, site.now)),
        tally: finding.tally.clone(),
        error: error_of(finding),
    }
}
