//! A simulated cluster: its tables, users, faults and virtual clock. Everything that a test does to the source, it does here.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use lookback_schemas::registry;
use lookback_schemas::time::{day_of, day_start};

use crate::access::{Access, User, Users};
use crate::build::{Cell, ColumnBuilder};
use crate::fault::{ArmedFault, Fault, Faults};
use crate::table::{Column, Moment, Sight, Table};
use crate::value::{Row, Value};

/// A simulated Redshift cluster. Clones are handles of the same cluster.
#[derive(Debug, Clone)]
pub struct Cluster(pub(crate) Arc<Shared>);

/// What the handles of a cluster and its sessions share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: String,
    now: AtomicI64,
    served: AtomicU64,
    pub(crate) state: Mutex<State>,
    /// Sessions that can be cancelled, by process id: their secret and the signal.
    pub(crate) sessions: Mutex<HashMap<i32, (i32, Arc<tokio::sync::Notify>)>>,
    next_pid: AtomicI64,
}

/// Everything that changes under one lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) tables: BTreeMap<String, Table>,
    pub(crate) users: Users,
    pub(crate) faults: Faults,
    pub(crate) incarnation: u32,
    pub(crate) next_query: i64,
    pub(crate) log_own: bool,
    purged_before: i64,
    retention: Option<i64>,
    /// Times of parents' rows as last computed: by table, with the version of the parent that they are of.
    parent_times: HashMap<String, ParentTimes>,
}

/// The columns of a table and the rows that a user sees, at one moment.
pub(crate) type Snapshot = (SchemaRef, Arc<Vec<RecordBatch>>);

/// Times of a parent's rows by key, and the version of the parent.
type ParentTimes = (Arc<HashMap<Vec<i64>, i64>>, u64);

/// The lock's content, also after a panic of another thread: a test that failed elsewhere must not hide its cause here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, HashMap<i32, (i32, Arc<tokio::sync::Notify>)>> {
        locked(&self.sessions)
    }

    pub(crate) fn next_pid(&self) -> i32 {
        i32::try_from(self.next_pid.fetch_add(1, Ordering::Relaxed)).unwrap_or(i32::MAX)
    }

    pub(crate) fn count_statement(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn namespace(&self, incarnation: u32) -> String {
        namespace_of(&self.name, incarnation)
    }

    pub(crate) fn user(&self, name: &str) -> Option<User> {
        self.state().users.get(name).cloned()
    }

    /// The columns of a table as they are now.
    pub(crate) fn schema(&self, table: &str) -> Option<SchemaRef> {
        self.state().tables.get(table).map(|t| Arc::clone(t.schema()))
    }

    /// What a user of that access reads from a table now, with the columns that it has now.
    pub(crate) fn read(&self, table: &str, access: Access) -> Result<Option<Snapshot>, ArrowError> {
        let now = self.now();
        let mut state = self.state();
        let floor = state.floor(now);
        let sight = match access {
            Access::OwnRows { userid } => Sight::OwnRows(userid),
            _ => Sight::All,
        };
        let parents = state.parents(table, floor)?;
        let Some(table) = state.tables.get_mut(table) else { return Ok(None) };
        let moment =
            Moment { now, floor, parents: parents.as_ref().map(|(times, version)| (times.as_ref(), *version)) };
        Ok(Some((Arc::clone(table.schema()), table.view(sight, &moment)?)))
    }
}

impl State {
    fn floor(&self, now: i64) -> i64 {
        let by_retention = self.retention.map_or(i64::MIN, |kept| day_start(day_of(now.saturating_sub(kept))));
        by_retention.max(self.purged_before)
    }

    /// Times of the parent's rows, if retention needs them to judge the rows of a driven table.
    fn parents(&mut self, table: &str, floor: i64) -> Result<Option<ParentTimes>, ArrowError> {
        if floor == i64::MIN {
            return Ok(None);
        }
        let Some(spec) = self.tables.get(table).and_then(|t| t.spec.parent.as_ref()) else { return Ok(None) };
        let Some(parent) = self.tables.get(&spec.table) else { return Ok(None) };
        if let Some(known) = self.parent_times.get(table).filter(|(_, version)| *version == parent.version()) {
            return Ok(Some(known.clone()));
        }
        let times = (Arc::new(parent.times_by_key(&spec.on)?), parent.version());
        self.parent_times.insert(table.to_owned(), times.clone());
        Ok(Some(times))
    }
}

/// A UUID-shaped id that depends on the name and the incarnation only.
fn namespace_of(name: &str, incarnation: u32) -> String {
    // FNV-1a over name and incarnation, twice with different ends: stable across builds, unlike the standard hasher.
    let hash = |end: u8| {
        name.bytes()
            .chain(incarnation.to_be_bytes())
            .chain([end])
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (a, b) = (hash(1), hash(2));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

#[expect(clippy::panic, reason = "a table, column or value that cannot be is a mistake in the test that names it")]
fn misuse(what: &str) -> ! {
    panic!("simulated cluster: {what}")
}

impl Cluster {
    /// A cluster that has every STL table of the registry without rows, its clock at `now` (microseconds since 1970-01-01
    /// UTC). Its only user is `lookback` with password `lookback` and unrestricted syslog access.
    #[must_use]
    pub fn empty(name: &str, now: i64) -> Self {
        let stl = registry().tables().iter().filter(|t| t.family == "STL");
        let tables = stl.map(|spec| (spec.name.clone(), Table::new(spec))).collect();
        let state = State {
            tables,
            users: Users::default(),
            faults: Faults::default(),
            incarnation: 1,
            next_query: 1,
            log_own: false,
            purged_before: i64::MIN,
            retention: None,
            parent_times: HashMap::new(),
        };
        Self(Arc::new(Shared {
            name: name.to_owned(),
            now: AtomicI64::new(now),
            served: AtomicU64::new(0),
            state: Mutex::new(state),
            sessions: Mutex::new(HashMap::new()),
            next_pid: AtomicI64::new(10_000),
        }))
    }

    /// The name it was made with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The virtual clock: microseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.0.now()
    }

    /// Sets the virtual clock, forwards or backwards.
    pub fn set_now(&self, us: i64) {
        self.0.now.store(us, Ordering::SeqCst);
    }

    /// Moves the virtual clock by that many microseconds.
    pub fn advance(&self, us: i64) {
        self.0.now.fetch_add(us, Ordering::SeqCst);
    }

    /// Adds rows to a table.
    ///
    /// # Panics
    /// If there is no such table or column, or the column cannot hold the value.
    pub fn insert(&self, table: &str, rows: Vec<Row>) {
        if let Err(problem) = self.0.state().insert(table, &rows) {
            misuse(&problem);
        }
    }

    /// Every row that the current incarnation ever had, also those that are purged or not yet visible: the columns as they
    /// are now, CHAR values without padding except in 200-character fragments, and a last column `visible_at` (bigint,
    /// microseconds since 1970-01-01 UTC).
    ///
    /// # Panics
    /// If there is no such table.
    #[must_use]
    pub fn truth(&self, table: &str) -> RecordBatch {
        self.truth_at(table, None)
    }

    /// As [`Cluster::truth`], without the rows that become visible after the current moment of the virtual clock.
    ///
    /// # Panics
    /// If there is no such table.
    #[must_use]
    pub fn truth_visible(&self, table: &str) -> RecordBatch {
        self.truth_at(table, Some(self.now()))
    }

    fn truth_at(&self, table: &str, now: Option<i64>) -> RecordBatch {
        match self.0.state().tables.get(table).map(|t| t.truth(now)) {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => misuse(&format!("truth of {table}: {error}")),
            None => misuse(&format!("no table {table}")),
        }
    }

    /// The names of all tables, sorted.
    #[must_use]
    pub fn tables(&self) -> Vec<String> {
        self.0.state().tables.keys().cloned().collect()
    }

    /// Purges: rows whose table time is older than `us` cannot be read any more, now and later. The table time of a row is its
    /// cursor, the fallback where the cursor says "never", or for a driven table the time of its parent's row.
    pub fn purge_before(&self, us: i64) {
        let mut state = self.0.state();
        state.purged_before = state.purged_before.max(us);
    }

    /// Lets rows be purged by the day as the clock advances: those of days (UTC) before the day of `now - us`. `None` keeps
    /// everything.
    pub fn set_retention(&self, us: Option<i64>) {
        self.0.state().retention = us;
    }

    fn alter(&self, table: &str, change: impl FnOnce(&mut Table) -> Result<(), String>) {
        let mut state = self.0.state();
        let Some(table_) = state.tables.get_mut(table) else { misuse(&format!("no table {table}")) };
        if let Err(problem) = change(table_) {
            drop(state);
            misuse(&format!("{table}: {problem}"));
        }
    }

    /// Adds a column at the end, NULL in the rows that exist, as a patch of Redshift does. `redshift_type` is a type as
    /// Redshift's documentation writes it.
    ///
    /// # Panics
    /// If there is no such table or type, or the column exists.
    pub fn add_column(&self, table: &str, column: &str, redshift_type: &str) {
        self.alter(table, |t| {
            if t.columns().iter().any(|c| c.name == column) {
                return Err(format!("column {column} exists"));
            }
            let new = Column::new(column, redshift_type).ok_or_else(|| format!("no type {redshift_type}"))?;
            t.add_column(new).map_err(|e| e.to_string())
        });
    }

    /// Takes a column away.
    ///
    /// # Panics
    /// If there is no such table or column.
    pub fn drop_column(&self, table: &str, column: &str) {
        self.alter(table, |t| {
            let index = position(t, column)?;
            t.drop_column(index).map_err(|e| e.to_string())
        });
    }

    /// Changes the type of a column and casts the values that exist.
    ///
    /// # Panics
    /// If there is no such table, column or type, or a value cannot be cast.
    pub fn change_type(&self, table: &str, column: &str, redshift_type: &str) {
        self.alter(table, |t| {
            let index = position(t, column)?;
            let new = Column::new(column, redshift_type).ok_or_else(|| format!("no type {redshift_type}"))?;
            t.change_type(index, new).map_err(|e| e.to_string())
        });
    }

    /// Creates or replaces a user. Sessions that are open keep the access they began with.
    pub fn set_user(&self, name: &str, password: &str, access: Access) {
        self.0.state().users.set(name, password, access);
    }

    /// Arms a fault: a [`Fault`] until cleared, or one that fires a number of times (`Fault::Refuse.times(2)`).
    pub fn fault(&self, fault: impl Into<ArmedFault>) {
        self.0.state().faults.arm(fault.into());
    }

    /// Disarms every fault. Statements that hang already stay so.
    pub fn clear_faults(&self) {
        self.0.state().faults.clear();
    }

    /// Becomes another cluster under the same name, as after a restore: a new namespace, no rows, query ids that start again.
    /// Columns, users, faults and the clock stay; open sessions end at their next statement.
    pub fn new_incarnation(&self) {
        let mut state = self.0.state();
        state.incarnation += 1;
        state.next_query = 1;
        state.purged_before = i64::MIN;
        state.tables.values_mut().for_each(Table::clear);
    }

    /// The id of the current incarnation, as `SELECT current_namespace` answers.
    #[must_use]
    pub fn namespace(&self) -> String {
        let incarnation = self.0.state().incarnation;
        self.0.namespace(incarnation)
    }

    /// Statements executed so far, over all connections.
    #[must_use]
    pub fn queries_served(&self) -> u64 {
        self.0.served.load(Ordering::Relaxed)
    }

    /// Whether statements that read system tables are themselves logged in `stl_query` and `stl_querytext`, with the session's
    /// `query_group` as label. Off at first.
    pub fn log_own_queries(&self, on: bool) {
        self.0.state().log_own = on;
    }
}

fn position(table: &Table, column: &str) -> Result<usize, String> {
    table.columns().iter().position(|c| c.name == column).ok_or_else(|| format!("no column {column}"))
}

impl State {
    /// Adds hand-made rows to a table.
    pub(crate) fn insert(&mut self, table: &str, rows: &[Row]) -> Result<(), String> {
        let target = self.tables.get_mut(table).ok_or_else(|| format!("no table {table}"))?;
        for row in rows {
            for (column, _) in &row.values {
                position(target, column).map_err(|e| format!("{table}: {e}"))?;
            }
        }
        let mut arrays = Vec::with_capacity(target.columns().len());
        for column in target.columns() {
            let mut builder = ColumnBuilder::new(column.source_type);
            for row in rows {
                let value =
                    row.values.iter().rev().find(|(name, _)| *name == column.name).map_or(&Value::Null, |(_, v)| v);
                if !builder.append(Cell::from(value)) {
                    return Err(format!("{table}.{} ({}) cannot hold {value:?}", column.name, column.redshift_type));
                }
            }
            arrays.push(builder.finish());
        }
        target.append(arrays, rows.iter().map(|r| r.visible_at).collect()).map_err(|e| format!("{table}: {e}"))
    }

    /// Whether a fault that matches is armed; it stays armed.
    pub(crate) fn faulty(&self, matches: impl Fn(&Fault) -> bool) -> bool {
        self.faults.armed(matches)
    }
}
