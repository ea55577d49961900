//! Exporting: every cluster, every table, each by itself.
//!
//! - `cluster`: one cluster: connect, preflight, its tables one after the other, retries.
//! - `table`: one table of one cluster: lease, plan, read, commit, watermark.
//! - `marks`: a table's lease and watermark.
//! - `read`: one window.
//! - `sweep`: whole days, read again.
//! - `group_commit`: the commits of all clusters together; `liveness`: which clusters these wait for.
//! - `commits`: how commits went.
//! - `gather`: the record of a run in the ledger.
//! - `slot`: how many clusters work at once; `workers`: the threads that they work on.
//! - `report`: what happened.

mod cluster;
mod commits;
mod gather;
mod group_commit;
mod liveness;
mod marks;
mod read;
mod report;
mod slot;
mod sweep;
mod table;
mod workers;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::Schema;
use futures::StreamExt;
use lookback_schemas::TableSpec;
use lookback_schemas::ledger::{RunKind, clusters_schema, schema as ledger_schema};
use lookback_schemas::names::{CLUSTERS_TABLE, LEDGER_TABLE, LOG_TIME};
use tokio::sync::{Mutex, OnceCell, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error_span};
use uuid::Uuid;

pub use commits::CommitCounts;
pub use report::{Progress, Report, Silent, TableOutcome, TableReport};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::incarnations::Incarnations;
use crate::lake::{Lake, LakeTable};
use crate::ledger::{self, LedgerRow};
use crate::settings::ExportSettings;
use crate::source::Source;
use crate::watermarks::{Watermark, WatermarkStore};
pub(crate) use cluster::{check_access, check_clock};
use group_commit::{GroupCommit, LONGEST_WAIT};
use liveness::Liveness;
use slot::Slot;
use workers::Workers;

/// A cluster to export.
#[derive(Clone)]
pub struct ClusterJob {
    /// Its configured name.
    pub name: String,
    /// How to reach it.
    pub source: Arc<dyn Source>,
    /// What to export.
    pub tables: Vec<&'static TableSpec>,
}

/// What a command does with each table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Read what is new; then, if `sweep`, the sweeps that are due.
    Export {
        /// Whether to run due sweeps.
        sweep: bool,
    },
    /// Only the sweeps that are due.
    Sweep,
}

/// Exports clusters into a lake.
pub struct Exporter {
    pub(crate) lake: Lake,
    pub(crate) watermarks: Arc<dyn WatermarkStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: ExportSettings,
    pub(crate) progress: Arc<dyn Progress>,
    /// Names this process in leases.
    pub(crate) holder: String,
    tables: Mutex<HashMap<String, Arc<LakeTable>>>,
    /// Incarnations that were met, by name and what tells them apart. What they are called never changes.
    incarnations: Mutex<HashMap<(String, String), String>>,
    /// The list that has all of them.
    list: OnceCell<Incarnations>,
    commits: Arc<CommitCounts>,
    /// One for each cluster that may be worked on at once, over all runs.
    slots: Arc<Semaphore>,
    /// Clusters that could not be reached when they were last tried, by configured name.
    unreached: std::sync::Mutex<HashSet<String>>,
}

impl Exporter {
    /// An exporter. Nothing happens yet.
    #[must_use]
    pub fn new(
        lake: Lake,
        watermarks: Arc<dyn WatermarkStore>,
        clock: Arc<dyn Clock>,
        settings: ExportSettings,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let holder = Uuid::new_v4().to_string();
        let slots = Arc::new(Semaphore::new(settings.max_clusters.clamp(1, Semaphore::MAX_PERMITS)));
        let (tables, commits) = (Mutex::default(), Arc::default());
        Self {
            lake,
            watermarks,
            clock,
            settings,
            progress,
            holder,
            tables,
            commits,
            slots,
            incarnations: Mutex::default(),
            list: OnceCell::new(),
            unreached: std::sync::Mutex::default(),
        }
    }

    /// The lake.
    #[must_use]
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// This machine's time, microseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// The settings of exports.
    #[must_use]
    pub fn settings(&self) -> &ExportSettings {
        &self.settings
    }

    /// The watermark of one (cluster, table).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Watermarks`] if the store cannot be read.
    pub async fn watermark(&self, cluster_id: &str, table: &str) -> Result<Option<Watermark>> {
        self.watermarks.get(cluster_id, table).await
    }

    /// Every watermark.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Watermarks`] if the store cannot be read.
    pub async fn list_watermarks(&self) -> Result<Vec<(String, String, Watermark)>> {
        self.watermarks.list().await
    }

    /// The lake table for a system table, if it exists.
    ///
    /// # Errors
    /// As [`Lake::table`].
    pub async fn lake_table(&self, name: &str) -> Result<Option<Arc<LakeTable>>> {
        let mut tables = self.tables.lock().await;
        if let Some(table) = tables.get(name) {
            return Ok(Some(Arc::clone(table)));
        }
        let Some(table) = self.lake.table(name).await? else { return Ok(None) };
        let table = Arc::new(table);
        tables.insert(name.to_owned(), Arc::clone(&table));
        Ok(Some(table))
    }

    /// The lake table for a system table, created from the registry if it does not exist.
    async fn ensure_table(&self, spec: &TableSpec) -> Result<Arc<LakeTable>> {
        self.ensure(&spec.name, &documented_schema(spec)).await
    }

    async fn ensure(&self, name: &str, columns: &Schema) -> Result<Arc<LakeTable>> {
        if let Some(table) = self.lake_table(name).await? {
            return Ok(table);
        }
        let table = Arc::new(self.lake.ensure_table(name, columns).await?);
        self.tables.lock().await.insert(name.to_owned(), Arc::clone(&table));
        Ok(table)
    }

    /// Appends rows to the run ledger.
    ///
    /// # Errors
    /// As [`ledger::append`].
    pub(crate) async fn record(&self, rows: &[LedgerRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let table = self.ensure(LEDGER_TABLE, &ledger_schema()).await?;
        ledger::append(&table, rows).await
    }

    /// The `cluster_id` of a cluster's present incarnation.
    ///
    /// # Errors
    /// As [`Incarnations::cluster_id`].
    pub(crate) async fn cluster_id(&self, name: &str, incarnation: Option<&str>) -> Result<String> {
        // A server that cannot say which incarnation it is has only one.
        let Some(incarnation) = incarnation else { return Ok(name.to_owned()) };
        let key = (name.to_owned(), incarnation.to_owned());
        if let Some(known) = self.incarnations.lock().await.get(&key) {
            return Ok(known.clone());
        }
        let list = self
            .list
            .get_or_try_init(|| async {
                Ok::<_, Error>(Incarnations::new(self.ensure(CLUSTERS_TABLE, &clusters_schema()).await?))
            })
            .await?;
        let id = list.cluster_id(name, incarnation, self.clock.now()).await?;
        self.incarnations.lock().await.insert(key, id.clone());
        Ok(id)
    }

    /// Works through all clusters, at most `max_clusters` at once. A cluster or table that fails stops nothing else.
    pub async fn run(self: &Arc<Self>, jobs: &[ClusterJob], work: Work, cancel: &CancellationToken) -> Report {
        self.run_each(jobs, work, cancel, &|_, _| {}).await
    }

    /// As [`Exporter::run`]; tells of each cluster, once and with all of its reports, as soon as its work has ended.
    pub async fn run_each(
        self: &Arc<Self>,
        jobs: &[ClusterJob],
        work: Work,
        cancel: &CancellationToken,
        ended: &(dyn Fn(&str, &[TableReport]) + Send + Sync),
    ) -> Report {
        let run_id = Uuid::now_v7().to_string();
        // Spans are at the level of errors, so that every line that is shown has their fields.
        let span = error_span!("run", run_id);
        self.run_as(run_id, jobs, work, cancel, ended).instrument(span).await
    }

    async fn run_as(
        self: &Arc<Self>,
        run_id: String,
        jobs: &[ClusterJob],
        work: Work,
        cancel: &CancellationToken,
        ended: &(dyn Fn(&str, &[TableReport]) + Send + Sync),
    ) -> Report {
        // Those that could not be reached come last: while they time out, the places that they take are nobody's.
        let (doubtful, reached): (Vec<_>, Vec<_>) = {
            let unreached = self.unreached.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            jobs.iter().cloned().partition(|job| unreached.contains(&job.name))
        };
        let states = std::iter::repeat_n(true, reached.len()).chain(std::iter::repeat_n(false, doubtful.len()));
        let liveness = Arc::new(Liveness::new(states, self.settings.commit_linger, Instant::now()));
        let jobs = &[reached, doubtful].concat();
        let (commits, unopened) = self.group_commits(jobs, &liveness).await;
        let unopened = std::sync::Mutex::new(unopened);
        // Without threads, that is what each cluster reports.
        let workers = &Workers::start(self.settings.max_clusters.min(jobs.len()));
        let work_one = |(number, job): (usize, ClusterJob)| {
            let (exporter, commits, run_id, cancel) =
                (Arc::clone(self), commits.clone(), run_id.clone(), cancel.clone());
            let liveness = Arc::clone(&liveness);
            let unopened = &unopened;
            async move {
                let slot = Slot::new(&exporter.slots, &cancel);
                slot.take().await;
                let name = job.name.clone();
                let started = exporter.clock.now();
                let span = error_span!("cluster", cluster = %name);
                let worked = match workers {
                    Ok(workers) => {
                        let place = workers.place();
                        let thread = place.number();
                        slot.at(place);
                        liveness.begin(number, Instant::now());
                        let run = cluster::ClusterRun {
                            exporter,
                            number,
                            liveness,
                            job,
                            run_id,
                            commits,
                            cancel,
                            slot,
                            left: Default::default(),
                        };
                        workers.run(thread, move || run.work(work).instrument(span)).await
                    }
                    Err(e) => Err(std::io::Error::new(e.kind(), e.to_string())),
                };
                let mut tables = match worked {
                    Ok(tables) => tables,
                    Err(e) => {
                        let mut failed = TableReport::new(&name, "", "", RunKind::Export, started);
                        let error =
                            Error::new(crate::error::ErrorKind::Query, format!("cluster '{name}': internal error"))
                                .because(e);
                        failed.outcome = TableOutcome::Failed(error.advise("please report this"));
                        vec![failed]
                    }
                };
                self.remember(&name, &tables);
                let mut unopened = unopened.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                tables.extend(unopened.remove(&name).unwrap_or_default());
                drop(unopened);
                ended(&name, &tables);
                tables
            }
        };
        // As many as have a slot are at work; the others wait for one, or for their commit.
        let ending =
            futures::stream::iter(jobs.iter().cloned().enumerate().map(work_one)).buffer_unordered(jobs.len().max(1));
        let append = async |rows: Vec<LedgerRow>| self.record(&rows).await;
        let (tables, ledger_error) = gather::gather(Box::pin(ending), &run_id, gather::LONGEST_WAIT, append).await;
        Report { run_id, tables, ledger_error }
    }

    /// Notes whether a cluster was reached. A report without a table is that of a cluster as a whole.
    fn remember(&self, cluster: &str, tables: &[TableReport]) {
        let mut unreached = self.unreached.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let failed = |t: &TableReport| t.table.is_empty() && matches!(t.outcome, TableOutcome::Failed(_));
        if tables.iter().any(failed) {
            unreached.insert(cluster.to_owned());
        } else {
            unreached.remove(cluster);
        }
    }

    /// Opens every table once and prepares its shared commits. A table that cannot be opened is reported for each cluster.
    async fn group_commits(
        &self,
        jobs: &[ClusterJob],
        liveness: &Arc<Liveness>,
    ) -> (HashMap<String, GroupCommit>, HashMap<String, Vec<TableReport>>) {
        let mut wanted: HashMap<&str, (&'static TableSpec, HashSet<usize>)> = HashMap::new();
        for (number, spec) in jobs.iter().enumerate().flat_map(|(n, j)| j.tables.iter().map(move |t| (n, t))) {
            wanted.entry(&spec.name).or_insert((spec, HashSet::new())).1.insert(number);
        }
        let longest_wait = self.settings.commit_linger.saturating_mul(LONGEST_WAIT);
        let mut commits = HashMap::new();
        let mut unopened: HashMap<String, Vec<TableReport>> = HashMap::new();
        for (name, (spec, clusters)) in wanted {
            // Once for all clusters: each of them works from what this sees.
            let opened = match self.ensure_table(spec).await {
                Ok(table) => table.refresh().await.map(|_| table),
                Err(e) => Err(e),
            };
            match opened {
                Ok(table) => {
                    let (liveness, counts) = (Arc::clone(liveness), Arc::clone(&self.commits));
                    let commit = GroupCommit::start(table, clusters, liveness, longest_wait, counts);
                    commits.insert(name.to_owned(), commit);
                }
                Err(e) => {
                    let text = e.to_string();
                    for job in jobs.iter().filter(|j| j.tables.iter().any(|t| t.name == *name)) {
                        let mut failed = TableReport::new(&job.name, "", name, RunKind::Export, self.clock.now());
                        let error = Error::new(e.kind(), text.clone());
                        failed.outcome = TableOutcome::Failed(match e.advice() {
                            Some(advice) => error.advise(advice),
                            None => error,
                        });
                        unopened.entry(job.name.clone()).or_default().push(failed);
                    }
                }
            }
        }
        (commits, unopened)
    }
}

/// The lake schema of a table as documented, without partition columns.
#[must_use]
pub fn documented_schema(spec: &TableSpec) -> Schema {
    use arrow::datatypes::Field;
    use lookback_schemas::LakeType;
    let mut fields: Vec<Field> =
        spec.columns.iter().filter_map(|c| Some(Field::new(&c.name, c.lake_type()?.arrow(), true))).collect();
    if spec.parent.is_some() {
        fields.push(Field::new(LOG_TIME, LakeType::Timestamp.arrow(), true));
    }
    Schema::new(fields)
}
