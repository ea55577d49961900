//! One lake table, and how it is committed.
//!
//! Invariants:
//! - a unit is committed only if nobody has committed the same application id since the version that the unit was computed
//!   from: rows that were new then might not be new any more;
//! - a commit whose answer is lost is looked for in the log before anything is said about it: won, lost or unknown becomes won
//!   or lost;
//! - files that a unit removes must all still be there.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, MetadataExt, StructType, Transaction};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::builder::DeltaTableBuilder;
use deltalake::{DeltaTable, DeltaTableError};
use futures::StreamExt;
use lookback_schemas::LakeType;
use lookback_schemas::encryption::{self, ACCOUNT_ID};
use lookback_schemas::names::{LOG_DATE, OWN_PREFIX, PARTITION_COLUMNS};
use lookback_schemas::rollups::rollup;
use object_store::ObjectStore;
use object_store::path::Path;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::debug;
use url::Url;
use uuid::Uuid;

use super::snapshot::Snapshot;
use crate::error::{Error, ErrorKind, Result, lake};

/// How many commits are read back for their transactions when a table is opened; older ones are asked for one by one.
const RECENT_COMMITS: u64 = 20;
/// How many commits' own ids are remembered; more than can land while one is tried.
const REMEMBERED_COMMITS: u64 = 200;
/// How often a commit is tried against others that land in between.
const COMMIT_ATTEMPTS: usize = 40;
/// Commits between two checkpoints of the log.
const CHECKPOINT_INTERVAL: u32 = 20;
/// The key of a commit's own id in its commitInfo.
const COMMIT_ID: &str = "lookbackCommitId";

/// What one cluster wants to commit.
#[derive(Debug, Clone)]
pub struct CommitUnit {
    /// Application id and version to record; `None` for work that needs no exclusion, such as the ledger.
    pub transaction: Option<(String, i64)>,
    /// The version that the unit was computed from.
    pub based_on: u64,
    /// Add actions.
    pub actions: Vec<Action>,
    /// Paths to remove, all of which must still be in the table.
    pub removes: Vec<String>,
    /// False for a rewrite of the same rows.
    pub data_change: bool,
}

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is in this version.
    Committed(u64),
    /// Somebody else was faster: compute it again from the present version.
    Conflict,
}

/// The last transaction of an application id, and the commit it came with.
#[derive(Debug, Clone, Copy)]
struct Txn {
    version: i64,
    commit: u64,
}

struct Inner {
    delta: DeltaTable,
    snapshot: Arc<Snapshot>,
    /// Transactions found in commits `scanned.0 ..= scanned.1`, and those looked up in older ones.
    txns: HashMap<String, Option<Txn>>,
    scanned: (u64, u64),
    /// Own commit ids found in the scanned commits.
    commit_ids: HashMap<String, u64>,
}

/// A lake table.
pub struct LakeTable {
    name: String,
    store: Arc<dyn ObjectStore>,
    folder: Path,
    inner: Mutex<Inner>,
}

/// Creates a table; of two that do so at once, both succeed.
pub(super) async fn create(name: &str, store: Arc<dyn ObjectStore>, url: Url, columns: &Schema) -> Result<()> {
    let what = || format!("creating lake table {name}");
    let partition = partition_columns(name);
    let partition_type =
        |column: &str| if column == LOG_DATE { LakeType::Date } else { LakeType::Text { trim: false } };
    let mut fields: Vec<Field> = partition.iter().map(|c| Field::new(c, partition_type(c).arrow(), true)).collect();
    fields.extend(columns.fields().iter().map(|f| f.as_ref().clone()));
    let delta_schema = delta_schema(&Schema::new(fields)).map_err(lake(what()))?;
    let log_store = DeltaTableBuilder::from_url(url.clone())
        .map_err(lake(what()))?
        .with_storage_backend(store, url)
        .build_storage()
        .map_err(lake(what()))?;
    let created = CreateBuilder::new()
        .with_log_store(log_store)
        .with_table_name(name)
        .with_columns(delta_schema.fields().cloned())
        .with_partition_columns(partition)
        .with_configuration_property(
            deltalake::TableProperty::CheckpointInterval,
            Some(CHECKPOINT_INTERVAL.to_string()),
        )
        .with_save_mode(SaveMode::Ignore)
        .await;
    match created {
        Ok(_) | Err(DeltaTableError::VersionAlreadyExists(_)) => Ok(()),
        Err(e) => Err(lake(what())(e)),
    }
}

/// What a table is partitioned by. lookback's own tables are small and are written once per run for all clusters; rollups are
/// rows of clusters like the logs, under the clusters' keys; the record of encryption is about accounts.
pub(crate) fn partition_columns(table: &str) -> Vec<String> {
    if encryption::table(table).is_some() {
        return vec![ACCOUNT_ID.to_owned(), LOG_DATE.to_owned()];
    }
    let own = table.starts_with(OWN_PREFIX) && rollup(table).is_none();
    PARTITION_COLUMNS.iter().filter(|c| !own || **c == LOG_DATE).map(|c| (*c).to_owned()).collect()
}

/// How the log calls a commit of rows.
fn write_operation(table: &str, mode: SaveMode) -> DeltaOperation {
    DeltaOperation::Write { mode, partition_by: Some(partition_columns(table)), predicate: None }
}

/// The Delta schema of an Arrow schema.
fn delta_schema(schema: &Schema) -> std::result::Result<StructType, arrow::error::ArrowError> {
    use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
    schema.try_into_kernel()
}

impl LakeTable {
    pub(super) async fn load(name: &str, store: Arc<dyn ObjectStore>, url: Url) -> Result<Option<Self>> {
        let what = || format!("opening lake table {name}");
        let folder = Path::from_url_path(url.path()).map_err(lake(what()))?;
        let builder = DeltaTableBuilder::from_url(url.clone()).map_err(lake(what()))?;
        let mut delta = builder.with_storage_backend(Arc::clone(&store), url).build().map_err(lake(what()))?;
        if !delta.verify_deltatable_existence().await.map_err(lake(what()))? {
            return Ok(None);
        }
        delta.load().await.map_err(lake(what()))?;
        let state = delta.snapshot().map_err(lake(what()))?.clone();
        let snapshot = Arc::new(Snapshot::new(state, None));
        let newest = snapshot.version;
        let mut inner =
            Inner { delta, snapshot, txns: HashMap::new(), scanned: (newest + 1, newest), commit_ids: HashMap::new() };
        let from = newest.saturating_sub(RECENT_COMMITS - 1);
        inner.scan(from, newest).await.map_err(lake(what()))?;
        Ok(Some(Self { name: name.to_owned(), store, folder, inner: Mutex::new(inner) }))
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The store its files are in.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Where a file of the table is in the store.
    #[must_use]
    pub fn object(&self, relative: &str) -> Path {
        // Names in the lake need no escaping; whatever another tool wrote is taken as the log spells it.
        let whole = format!("{}/{relative}", self.folder);
        Path::parse(&whole).unwrap_or_else(|_| Path::from(whole))
    }

    /// The folder of the table in the store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest version that this process has seen; nothing is asked for. Enough to compute a unit from: if somebody else has
    /// committed the same application id since, the commit is refused, and after that this is a newer one.
    pub async fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.inner.lock().await.snapshot)
    }

    /// The newest committed version.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if the log cannot be read.
    pub async fn refresh(&self) -> Result<Arc<Snapshot>> {
        let mut inner = self.inner.lock().await;
        inner.refresh().await.map_err(lake(format!("reading the log of lake table {}", self.name)))?;
        Ok(Arc::clone(&inner.snapshot))
    }

    /// The version of that number: what somebody else sees.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if there is none, or the log cannot be read.
    pub async fn at_version(&self, version: u64) -> Result<Arc<Snapshot>> {
        let what = || format!("reading version {version} of lake table {}", self.name);
        let (mut delta, newest) = {
            let mut inner = self.inner.lock().await;
            if inner.snapshot.version < version {
                inner.refresh().await.map_err(lake(what()))?;
            }
            if inner.snapshot.version == version {
                return Ok(Arc::clone(&inner.snapshot));
            }
            (inner.delta.clone(), Arc::clone(&inner.snapshot))
        };
        delta.load_version(version).await.map_err(lake(what()))?;
        let state = delta.snapshot().map_err(lake(what()))?.clone();
        Ok(Arc::new(Snapshot::new(state, Some(&newest))))
    }

    /// The version recorded for an application id, as of the last refresh.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if the log cannot be read.
    pub async fn transaction_version(&self, app_id: &str) -> Result<Option<i64>> {
        let mut inner = self.inner.lock().await;
        let found =
            inner.transaction(app_id).await.map_err(lake(format!("reading the log of lake table {}", self.name)))?;
        Ok(found.map(|t| t.version))
    }

    /// Commits units together, as one version. Units that lost against somebody else are answered with
    /// [`CommitOutcome::Conflict`], the others are committed without them.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if the log cannot be read or written, and [`ErrorKind::Conflict`] if others kept committing in
    /// between; nothing is committed then.
    pub async fn commit(&self, units: Vec<CommitUnit>) -> Result<Vec<CommitOutcome>> {
        let mut inner = self.inner.lock().await;
        let what = || format!("committing to lake table {}", self.name);
        let commit_id = Uuid::new_v4().to_string();
        for attempt in 0..COMMIT_ATTEMPTS {
            inner.refresh().await.map_err(lake(what()))?;
            let mut outcomes = Vec::with_capacity(units.len());
            let mut actions = Vec::new();
            let mut transactions = Vec::new();
            let (mut rewrite, mut replace) = (true, false);
            for unit in &units {
                let lost = inner.lost(unit).await.map_err(lake(what()))?;
                let removals = inner.snapshot.removals(&unit.removes, unit.data_change);
                let Some(removals) = removals.filter(|_| !lost) else {
                    outcomes.push(CommitOutcome::Conflict);
                    continue;
                };
                actions.extend(removals.into_iter().map(Action::Remove));
                actions.extend(unit.actions.iter().cloned());
                transactions.extend(unit.transaction.iter().map(|(id, version)| Transaction::new(id, *version)));
                rewrite &= !unit.removes.is_empty() && !unit.data_change;
                replace |= !unit.removes.is_empty();
                outcomes.push(CommitOutcome::Committed(inner.snapshot.version + 1));
            }
            if actions.is_empty() && transactions.is_empty() {
                return Ok(outcomes);
            }
            let operation = match (rewrite, replace) {
                (true, _) => DeltaOperation::Optimize { predicate: None, target_size: 0 },
                (false, true) => write_operation(&self.name, SaveMode::Overwrite),
                (false, false) => write_operation(&self.name, SaveMode::Append),
            };
            match inner.write(actions, transactions, operation, &commit_id).await {
                Ok(()) => return Ok(outcomes),
                Err(e) => {
                    // The log decides what happened, not the answer.
                    inner.refresh().await.map_err(lake(what()))?;
                    if let Some(&version) = inner.commit_ids.get(&commit_id) {
                        return Ok(outcomes.iter().map(|o| won(*o, version)).collect());
                    }
                    if !is_conflict(&e) {
                        return Err(lake(what())(e));
                    }
                    debug!(table = %self.name, attempt, "another commit was faster");
                }
            }
        }
        Err(Error::new(ErrorKind::Conflict, format!("{}: others were faster {COMMIT_ATTEMPTS} times", what()))
            .transient())
    }

    /// Adds nullable columns that the table does not have yet.
    ///
    /// # Errors
    /// As [`LakeTable::commit`].
    pub async fn add_columns(&self, fields: &[Field]) -> Result<()> {
        let what = || format!("adding columns to lake table {}", self.name);
        let mut inner = self.inner.lock().await;
        for _ in 0..COMMIT_ATTEMPTS {
            inner.refresh().await.map_err(lake(what()))?;
            let missing: Vec<&Field> =
                fields.iter().filter(|f| inner.snapshot.schema.field_with_name(f.name()).is_err()).collect();
            if missing.is_empty() {
                return Ok(());
            }
            let mut all: Vec<Field> = inner.snapshot.schema.fields().iter().map(|f| f.as_ref().clone()).collect();
            all.extend(missing.into_iter().map(|f| f.clone().with_nullable(true)));
            let schema = delta_schema(&Schema::new(all)).map_err(lake(what()))?;
            let metadata = inner.snapshot.state.metadata().clone().with_schema(&schema).map_err(lake(what()))?;
            let commit_id = Uuid::new_v4().to_string();
            let operation = write_operation(&self.name, SaveMode::Append);
            match inner.write(vec![Action::Metadata(metadata)], Vec::new(), operation, &commit_id).await {
                Ok(()) => return Ok(()),
                Err(e) if is_conflict(&e) => {}
                Err(e) => return Err(lake(what())(e)),
            }
        }
        Err(Error::new(ErrorKind::Conflict, what()).transient())
    }

    /// Removes commits of the log that are older than the table keeps (Delta's default: 30 days) and behind a checkpoint. Gives
    /// how many.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if they cannot be listed or deleted.
    pub async fn clean_log(&self) -> Result<usize> {
        let inner = self.inner.lock().await;
        let cleaned = deltalake::checkpoints::cleanup_metadata(&inner.delta, None).await;
        cleaned.map_err(lake(format!("cleaning up the log of lake table {}", self.name)))
    }

    /// Paths that were removed from the table and when, milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if the log cannot be read.
    pub async fn tombstones(&self) -> Result<HashMap<String, i64>> {
        let what = || format!("reading the log of lake table {}", self.name);
        let inner = self.inner.lock().await;
        let log_store = inner.delta.log_store();
        let mut stream = inner.snapshot.state.all_tombstones(log_store.as_ref());
        let mut found = HashMap::new();
        while let Some(tombstone) = stream.next().await {
            let tombstone = tombstone.map_err(lake(what()))?;
            found.insert(tombstone.path().into_owned(), tombstone.deletion_timestamp().unwrap_or(0));
        }
        Ok(found)
    }
}

fn won(outcome: CommitOutcome, version: u64) -> CommitOutcome {
    match outcome {
        CommitOutcome::Committed(_) => CommitOutcome::Committed(version),
        CommitOutcome::Conflict => CommitOutcome::Conflict,
    }
}

/// Whether another writer took the version.
fn is_conflict(error: &DeltaTableError) -> bool {
    use deltalake::kernel::transaction::TransactionError as T;
    matches!(
        error,
        DeltaTableError::Transaction {
            source: T::MaxCommitAttempts(_) | T::VersionAlreadyExists(_) | T::CommitConflict(_)
        } | DeltaTableError::VersionAlreadyExists(_)
    )
}

impl Inner {
    async fn refresh(&mut self) -> std::result::Result<(), DeltaTableError> {
        self.delta.update_state().await?;
        let version = self.delta.snapshot()?.version();
        if version != self.snapshot.version {
            self.snapshot = Arc::new(Snapshot::new(self.delta.snapshot()?.clone(), Some(&self.snapshot)));
            self.scan(self.scanned.1 + 1, version).await?;
        }
        Ok(())
    }

    /// Reads the transactions of commits `from ..= to`. Newer commits replace what older ones said.
    async fn scan(&mut self, from: u64, to: u64) -> std::result::Result<(), DeltaTableError> {
        let log_store = self.delta.log_store();
        let mut start = self.scanned.0.min(from);
        for commit in from..=to {
            let Some(bytes) = log_store.read_commit_entry(commit).await? else {
                // Cleaned up behind a checkpoint: ask for what is older one by one.
                start = commit + 1;
                continue;
            };
            for line in bytes.split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
                // Most lines are add actions with long statistics: look before parsing.
                if line.starts_with(br#"{"txn""#) {
                    let action: Value = serde_json::from_slice(line)?;
                    let txn = action.get("txn");
                    let id = txn.and_then(|t| t.get("appId")).and_then(Value::as_str);
                    let version = txn.and_then(|t| t.get("version")).and_then(Value::as_i64);
                    if let (Some(id), Some(version)) = (id, version) {
                        self.txns.insert(id.to_owned(), Some(Txn { version, commit }));
                    }
                } else if line.starts_with(br#"{"commitInfo""#) {
                    let action: Value = serde_json::from_slice(line)?;
                    if let Some(id) = action.get("commitInfo").and_then(|c| c.get(COMMIT_ID)).and_then(Value::as_str) {
                        self.commit_ids.insert(id.to_owned(), commit);
                    }
                }
            }
        }
        self.scanned = (start, to);
        // They are asked for right after a commit: a process that stays must not keep them all.
        self.commit_ids.retain(|_, commit| *commit + REMEMBERED_COMMITS > to);
        Ok(())
    }

    async fn transaction(&mut self, app_id: &str) -> std::result::Result<Option<Txn>, DeltaTableError> {
        if let Some(found) = self.txns.get(app_id) {
            return Ok(*found);
        }
        let found = if self.scanned.0 == 0 {
            None
        } else {
            let log_store = self.delta.log_store();
            let version = self.snapshot.state.transaction_version(log_store.as_ref(), app_id.to_owned()).await?;
            // Its commit is older than the scanned ones; any such number compares alike.
            version.map(|version| Txn { version, commit: 0 })
        };
        self.txns.insert(app_id.to_owned(), found);
        Ok(found)
    }

    /// Whether somebody has committed the unit's application id since the unit was computed.
    async fn lost(&mut self, unit: &CommitUnit) -> std::result::Result<bool, DeltaTableError> {
        let Some((app_id, _)) = &unit.transaction else { return Ok(false) };
        if unit.based_on + 1 < self.scanned.0 {
            // Older than what is known commit by commit: do not guess.
            return Ok(true);
        }
        Ok(self.transaction(app_id).await?.is_some_and(|t| t.commit > unit.based_on))
    }

    /// Writes exactly the version after the snapshot, or fails.
    async fn write(
        &mut self,
        actions: Vec<Action>,
        transactions: Vec<Transaction>,
        operation: DeltaOperation,
        commit_id: &str,
    ) -> std::result::Result<(), DeltaTableError> {
        let properties = CommitProperties::default()
            .with_metadata([(COMMIT_ID.to_owned(), Value::from(commit_id))])
            .with_application_transactions(transactions)
            .with_max_retries(0)
            // Left to `maintain`: an exporter need not be able to delete.
            .with_cleanup_expired_logs(Some(false));
        let state = self.snapshot.state.clone();
        let reference: &dyn TableReference = &state;
        CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(reference), self.delta.log_store(), operation)
            .await?;
        Ok(())
    }
}

impl std::fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeTable").field("name", &self.name).finish_non_exhaustive()
    }
}
