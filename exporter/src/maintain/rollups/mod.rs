//! Rollups brought up to date: the days of each cluster whose logs have changed are summed up again, and stored in place of
//! what was stored before.
//!
//! Which days those are, and what their rows are, is answered by whoever can ask questions ([`RollupEngine`]); how they are
//! stored is decided here. A cluster's day is one file, and its commit takes the old file out and the new one in: whatever stops
//! this where, readers see the one or the other. A commit is refused if anybody else has stored a day of the same cluster since
//! the rollup was looked at (`txn`, as with the logs), so that two that do the same at once never store a day twice, and rows
//! of older logs never replace those of newer ones. What was left out is found again by the next `maintain`.

mod file;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lookback_schemas::names::app_id;
use lookback_schemas::rollups::{Day, DayState, Key, Rollup};
use lookback_schemas::time::day_name;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::lake::writer::{WrittenFile, remove_files};
use crate::lake::{CommitOutcome, CommitUnit, LakeTable, Snapshot};
use crate::run::Exporter;

/// Days that are computed at the same time.
const AT_ONCE: usize = 2;
/// Days that are stored by one commit. What is stored stays, also if the rest is not reached.
const DAYS_PER_COMMIT: usize = 64;

/// Rows as they are computed. They have the rollup's columns, in any order and beside others.
pub type Rows = BoxStream<'static, Result<RecordBatch>>;

/// Answers what a rollup's rows are.
#[async_trait]
pub trait RollupEngine: Send + Sync {
    /// The rollup and its logs as they are now.
    ///
    /// # Errors
    /// If they cannot be read.
    async fn pin(&self, rollup: &'static Rollup) -> Result<Box<dyn RollupDays>>;
}

/// A rollup and its logs at one moment.
#[async_trait]
pub trait RollupDays: Send + Sync {
    /// Every cluster and day that the rollup or the logs have.
    fn days(&self) -> &BTreeMap<Key, Day>;

    /// The rows of a cluster's day, from the very files of the logs that [`Day::source`] stands for, sorted by
    /// [`Rollup::order`].
    ///
    /// # Errors
    /// If the logs cannot be read.
    async fn compute(&self, cluster_id: &str, day: i32) -> Result<Rows>;
}

/// What was done to one rollup.
#[derive(Debug)]
pub struct RollupReport {
    /// Its table.
    pub name: &'static str,
    /// Days of a cluster that were up to date already.
    pub current: u64,
    /// Days of a cluster that were summed up and stored.
    pub stored: u64,
    /// Days of a cluster that were removed, because the logs have them no more.
    pub removed: u64,
    /// Days of a cluster that somebody else was at.
    pub overtaken: u64,
    /// Rows stored.
    pub rows: u64,
    /// Their size in files.
    pub bytes: u64,
    /// What could not be done, and why. It stays as it was.
    pub failures: Vec<(String, Error)>,
}

/// Brings rollups up to date.
pub async fn roll_up(
    exporter: &Exporter,
    engine: &dyn RollupEngine,
    rollups: &[&'static Rollup],
    cancel: &CancellationToken,
) -> Vec<RollupReport> {
    let mut reports = Vec::with_capacity(rollups.len());
    for rollup in rollups {
        let mut report = RollupReport {
            name: rollup.name,
            current: 0,
            stored: 0,
            removed: 0,
            overtaken: 0,
            rows: 0,
            bytes: 0,
            failures: Vec::new(),
        };
        if let Err(e) = one(exporter, engine, rollup, cancel, &mut report).await {
            report.failures.push((rollup.name.to_owned(), e));
        }
        reports.push(report);
    }
    reports
}

async fn one(
    exporter: &Exporter,
    engine: &dyn RollupEngine,
    rollup: &'static Rollup,
    cancel: &CancellationToken,
    report: &mut RollupReport,
) -> Result<()> {
    // Looked at before the logs: whoever stores a day of newer logs in between wins.
    let before = match exporter.lake_table(rollup.name).await? {
        Some(table) => Some(table.refresh().await?),
        None => None,
    };
    let pinned = engine.pin(rollup).await?;
    let (current, due): (Vec<_>, Vec<_>) = pinned.days().iter().partition(|(_, day)| day.state == DayState::Current);
    report.current = current.len() as u64;
    if due.is_empty() {
        return Ok(());
    }
    let schema = rollup.schema();
    let table = exporter.ensure(rollup.name, &schema).await?;
    let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    table.add_columns(&fields).await?;
    let mut work = Work {
        exporter,
        rollup,
        pinned: pinned.as_ref(),
        table: &table,
        before: before.as_deref(),
        run_id: Uuid::now_v7().to_string(),
        based_on: HashMap::new(),
        overtaken: HashSet::new(),
    };
    for days in due.chunks(DAYS_PER_COMMIT) {
        if cancel.is_cancelled() {
            return Ok(());
        }
        work.store(days, report).await?;
    }
    Ok(())
}

/// One rollup at work.
struct Work<'a> {
    exporter: &'a Exporter,
    rollup: &'static Rollup,
    pinned: &'a dyn RollupDays,
    table: &'a Arc<LakeTable>,
    /// What was stored when the work began; `None` if there was no table.
    before: Option<&'a Snapshot>,
    run_id: String,
    /// The version up to which nobody else has stored days of a cluster, once we have.
    based_on: HashMap<String, u64>,
    /// Clusters that somebody else is at.
    overtaken: HashSet<String>,
}

/// What takes the place of a cluster's day.
struct Due {
    key: Key,
    /// `None` if the day goes.
    file: Option<WrittenFile>,
}

impl Work<'_> {
    /// Computes days, and stores them by one commit.
    async fn store(&mut self, days: &[(&Key, &Day)], report: &mut RollupReport) -> Result<()> {
        let wanted = days.iter().filter(|((cluster_id, _), _)| !self.overtaken.contains(cluster_id));
        let running: Vec<_> = wanted.map(|&(key, day)| self.attempt(key, day)).collect();
        let written: Vec<_> = futures::stream::iter(running).buffered(AT_ONCE).collect().await;
        let mut clusters: BTreeMap<&str, Vec<Due>> = BTreeMap::new();
        for (key, result) in written {
            match result {
                Ok(file) => clusters.entry(&key.0).or_default().push(Due { key: key.clone(), file }),
                Err(e) => {
                    let place = format!("{}/{}/{}", self.rollup.name, key.0, day_name(key.1));
                    report.failures.push((place, e));
                }
            }
        }
        let units = clusters.iter().map(|(cluster_id, days)| self.unit(cluster_id, days)).collect();
        // If this fails, the new files stay: if only the answer was lost, they are in the log. If not, vacuum removes them.
        let outcomes = self.table.commit(units).await?;
        for ((cluster_id, days), outcome) in clusters.into_iter().zip(outcomes) {
            let files: Vec<WrittenFile> = days.iter().filter_map(|day| day.file.clone()).collect();
            match outcome {
                CommitOutcome::Committed(version) => {
                    self.based_on.insert(cluster_id.to_owned(), version);
                    report.stored += files.len() as u64;
                    report.removed += (days.len() - files.len()) as u64;
                    report.rows += files.iter().map(|file| file.rows).sum::<u64>();
                    report.bytes += files.iter().map(|file| file.size).sum::<u64>();
                }
                CommitOutcome::Conflict => {
                    remove_files(self.table, &files).await;
                    report.overtaken += days.len() as u64;
                    self.overtaken.insert(cluster_id.to_owned());
                }
            }
        }
        Ok(())
    }

    /// A day that is computed and written, and which one that is.
    fn attempt<'s, 'k: 's>(
        &'s self,
        key: &'k Key,
        day: &'k Day,
    ) -> BoxFuture<'s, (&'k Key, Result<Option<WrittenFile>>)> {
        Box::pin(async move { (key, self.write(key, day).await) })
    }

    /// The commit of a cluster's days: all of them, or none.
    fn unit(&self, cluster_id: &str, days: &[Due]) -> CommitUnit {
        let replaced: HashSet<i32> = days.iter().map(|due| due.key.1).collect();
        let stored = self.before.map_or(&[][..], |before| before.files(cluster_id));
        // Without a table at the start, whatever was committed since its creation is somebody else's.
        let based_on = self.before.map_or(0, |before| before.version);
        CommitUnit {
            transaction: Some((app_id(cluster_id, self.rollup.name), self.exporter.now())),
            based_on: self.based_on.get(cluster_id).copied().unwrap_or(based_on),
            actions: days.iter().filter_map(|due| Some(due.file.as_ref()?.action(true))).collect(),
            removes: stored
                .iter()
                .filter(|file| replaced.contains(&file.day))
                .map(|file| file.path.to_string())
                .collect(),
            data_change: true,
        }
    }
}
