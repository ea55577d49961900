//! From what was seen at each site to the rows that are new: `states` for what things are like, events here.

mod states;

use std::collections::{BTreeSet, HashSet};

use lookback_schemas::encryption::{ENCRYPTION_EVENTS, KMS_KEY_ROTATIONS, Row, collector, source};
use lookback_schemas::time::day_of;
use serde_json::Value;

use super::Recorder;
use super::commit::Tables;
use super::look::Seen;
use super::site::{Finding, Site};
use crate::error::Result;
use crate::record::rows::config::config_rows;
use crate::record::rows::names::Names;
use crate::record::rows::notice::notice_row;
use crate::record::rows::trail::{Known, Skipped, rename, trail_row};
use crate::record::store::{keys_of, natural_key};

impl Recorder {
    /// What each collector found at each site, without what is in the lake already.
    pub(super) async fn rows(&self, sites: &[Site], seen: &Seen, tables: &Tables) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let mut met = HashSet::new();
        for (n, site) in sites.iter().enumerate() {
            if let Some(problem) = &site.place.problem {
                for name in self.collectors() {
                    let mut finding = Finding::new(n, name, site.now);
                    finding.failure = Some(problem.clone());
                    findings.push(finding);
                }
                continue;
            }
            let mut own = Vec::new();
            let names = match seen.described.get(&n) {
                Some(described) => self.states(n, site, described, seen, &mut own),
                None => Names::default(),
            };
            if let Some(keys) = seen.keys.get(&n) {
                self.keys(n, site, keys, &mut own);
            }
            self.events(n, site, seen, names, &mut own);
            for finding in &mut own {
                self.leave_known(finding, tables, &mut met).await?;
            }
            findings.extend(own);
        }
        Ok(findings)
    }

    /// The collectors that are on.
    fn collectors(&self) -> impl Iterator<Item = &'static str> {
        let (files, config) = (self.settings.trail_bucket.is_some(), self.settings.config_history);
        collector::ALL.into_iter().filter(move |name| match *name {
            collector::TRAIL_FILES => files,
            collector::CONFIG_HISTORY => config,
            _ => true,
        })
    }

    fn events(&self, n: usize, site: &Site, seen: &Seen, mut names: Names, findings: &mut Vec<Finding>) {
        let Some(happened) = seen.happened.get(&n) else { return };
        let records = happened.trail.items.iter().chain(happened.files.iter().flat_map(|read| &read.items));
        names.renamed(records.filter_map(rename).collect());

        let mut notices = Finding::new(n, collector::REDSHIFT_EVENTS, site.now);
        notices.read(&happened.notices);
        let origin = notices.origin(site);
        notices.rows = happened.notices.items.iter().filter_map(|event| notice_row(event, &names, &origin)).collect();
        findings.push(notices);

        let mut trail = Finding::new(n, collector::CLOUDTRAIL, site.now);
        trail.read(&happened.trail);
        self.trail(site, &mut trail, &happened.trail.items, source::CLOUDTRAIL_LOOKUP, &names, seen);
        findings.push(trail);
        if let Some(read) = &happened.files {
            let mut files = Finding::new(n, collector::TRAIL_FILES, site.now);
            files.read(read);
            self.trail(site, &mut files, &read.items, source::CLOUDTRAIL_S3, &names, seen);
            findings.push(files);
        }
        if let Some(read) = &happened.config {
            let mut config = Finding::new(n, collector::CONFIG_HISTORY, site.now);
            config.read(read);
            let origin = config.origin(site);
            config.rows = read.items.iter().flat_map(|items| config_rows(items, &seen.known, &origin)).collect();
            findings.push(config);
        }
        for finding in findings {
            if let Some((from, to)) = happened.times.get(finding.collector) {
                (finding.started, finding.finished) = (*from, *to);
            }
        }
    }

    fn trail(
        &self,
        site: &Site,
        finding: &mut Finding,
        records: &[Value],
        source: &'static str,
        names: &Names,
        seen: &Seen,
    ) {
        let origin = finding.origin(site);
        let known = Known { source, origin: &origin, names, keys: &seen.known, referenced: &seen.referenced };
        let mut unreadable = 0_u64;
        for record in records {
            match trail_row(record, &known) {
                Ok(row) => finding.rows.push(row),
                Err(Skipped::Unreadable) => unreadable += 1,
                Err(Skipped::Unrelated) => {}
            }
        }
        if unreadable > 0 {
            finding.problems.push(format!("{unreadable} records have no id or no time"));
        }
    }

    /// Leaves out events and rotations that are in the lake, or that this collection has met: two collectors, or two sites, can
    /// have read the same record.
    async fn leave_known(&self, finding: &mut Finding, tables: &Tables, met: &mut HashSet<String>) -> Result<()> {
        for spec in [&ENCRYPTION_EVENTS, &KMS_KEY_ROTATIONS] {
            let is = |row: &&Row| row.table() == spec;
            let accounts: BTreeSet<&str> =
                finding.rows.iter().filter(is).filter_map(|row| row.get_text("account_id")).collect();
            let mut known: HashSet<String> = HashSet::new();
            for account in accounts {
                let own = finding.rows.iter().filter(is).filter(|row| row.get_text("account_id") == Some(account));
                let days: BTreeSet<i32> = own.filter_map(Row::at).map(day_of).collect();
                let open = tables.of(spec)?;
                known.extend(keys_of(&open.table, &open.snapshot, spec, account, &days, &self.cache).await?);
            }
            finding.rows.retain(|row| {
                let key = natural_key(row);
                row.table() != spec || (!known.contains(&key) && met.insert(format!("{}/{key}", spec.name)))
            });
        }
        Ok(())
    }
}
