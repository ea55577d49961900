//! Opens a lake and answers statements over it, under limits.
//!
//! Everything that asks (one-shot SQL, diagnostics, coverage) goes through here, so all of it is read-only, bounded and
//! consistent in the same way:
//!
//! - a statement sees one committed version of each table, read when it starts;
//! - a statement has one moment, which `getdate()` answers;
//! - memory, time and rows are limited; a limit that is reached is an error, never a silently shorter answer;
//! - a table that Redshift has and this lake does not have yet is empty, so that a script runs on a young lake.

mod answer;
mod bind;
mod bounded;
pub(crate) mod casts;
mod catalog;
mod describe;
mod kept;
mod limits;
mod live;
mod local;
mod memory;
mod progress;
mod reads;
mod rollups;
mod task;
mod threads;
mod timely;
mod views;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, SchemaProvider};
use datafusion::common::TableReference;
use datafusion::common::config::Dialect;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement as Parsed;
use object_store::prefix::PrefixStore;
use tokio::runtime::Handle;
use tokio::time::Instant;
use url::Url;

use crate::columns::Columns;
use crate::dialect::{Notice, aggregates, functions, meaning, policy, rewrite, understand};
use crate::error::{ErrorKind, QueryError};
use crate::footers::Reach;
use crate::lake::Lake;
use crate::live::Live;
use crate::provider::STORE_URL;
pub use answer::Answer;
pub use bind::{Described, Parameter};
use bounded::Stop;
use catalog::{Pins, Snapshot};
pub use describe::{Column, Contents, Relation, redshift_type};
pub(crate) use kept::{Kept, side_by_side};
pub use limits::Limits;
use local::Locals;
use memory::Shares;
pub use progress::{Progress, Read};
use rollups::Computed;
pub use rollups::PinnedRollup;
use threads::Threads;
use views::WithViews;

const CATALOG: &str = "lookback";
const SCHEMA: &str = "public";
const INFORMATION_SCHEMA: &str = "information_schema";

/// Beside the columns of data files, so much of their room is for days of rollups that are computed.
const COMPUTED_PART: usize = 4;

/// A lake that answers statements. Cheap to clone; clones share memory, caches, and the views and temporary tables that
/// statements left.
#[derive(Clone)]
pub struct Session {
    lake: Arc<Lake>,
    // Shared: each connection of a server has a session of its own.
    base: Arc<SessionState>,
    memory: Arc<Shares>,
    computed: Arc<Computed>,
    threads: Arc<Threads>,
    limits: Limits,
    as_of: Option<i64>,
    locals: Arc<Mutex<Locals>>,
    // Versions that all statements see; without them, each sees the newest.
    pins: Option<Arc<Pins>>,
    // A way to the clusters, if statements may read them.
    live: Option<Arc<dyn Live>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("lake", &self.lake).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A statement that was understood and may run.
#[derive(Debug, Clone)]
pub struct Statement {
    parsed: Parsed,
    notices: Vec<Notice>,
}

impl Statement {
    /// What the person who asks should know about the statement, although it runs; in the order of lines.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    pub(crate) fn parsed_mut(&mut self) -> &mut Parsed {
        &mut self.parsed
    }
}

impl std::fmt::Display for Statement {
    /// The statement as it is planned.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parsed.fmt(f)
    }
}

type Planned = (Arc<dyn ExecutionPlan>, Arc<TaskContext>, Vec<(String, u64)>);

impl Session {
    /// Opens the lake in a folder, given as a path or a `file://` URL.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] with what to do about it.
    pub async fn open(location: &str, limits: Limits) -> Result<Self, QueryError> {
        Self::over(Lake::open(location).await?, limits)
    }

    /// A session over an opened lake.
    ///
    /// # Errors
    /// If the query engine cannot be set up.
    pub fn over(lake: Lake, limits: Limits) -> Result<Self, QueryError> {
        let mut config = configuration(&limits);
        let reach = match lake.folder() {
            Some(folder) => Some(Reach::Folder(folder)),
            None => Handle::try_current().ok().map(Reach::Network),
        };
        if let Some(reach) = reach {
            config = config.with_extension(Arc::new(reach));
        }
        if let Some(columns) = Columns::new(limits.columns_bytes) {
            config = config.with_extension(columns);
        }
        let runtime = runtime(&lake)?;
        let base = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .with_type_planner(Arc::new(meaning::RedshiftTypes))
            .with_optimizer_rules(timely::optimizing())
            .with_physical_optimizer_rules(timely::optimizing_steps())
            .build();
        let memory = Shares::new(limits.memory_bytes);
        let threads = Threads::new(limits.target_partitions);
        Ok(Self {
            lake: Arc::new(lake),
            base: Arc::new(base),
            memory,
            computed: Computed::new(limits.columns_bytes / COMPUTED_PART),
            threads,
            limits,
            as_of: None,
            locals: Arc::default(),
            pins: None,
            live: None,
        })
    }

    /// The same session at another moment (microseconds since 1970-01-01, UTC): `getdate()` and its kin answer it. Rows
    /// that came later are still seen.
    #[must_use]
    pub fn with_as_of(&self, as_of: Option<i64>) -> Self {
        Self { as_of, ..self.clone() }
    }

    /// The same lake, memory and caches, with views and temporary tables of its own: none at first.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { locals: Arc::default(), ..self.clone() }
    }

    /// The same session, whose statements may take no longer than this.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { limits: Limits { timeout, ..self.limits }, ..self.clone() }
    }

    /// The same session, whose answers may have no more rows than this.
    #[must_use]
    pub fn with_max_rows(&self, max_rows: Option<u64>) -> Self {
        Self { limits: Limits { max_rows, ..self.limits }, ..self.clone() }
    }

    /// What its statements may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same session over one version of the lake: these tables as they are now, any other as it is when it is first asked
    /// for, whatever is committed in between. What a session has pinned already stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Read`] if the log of a table cannot be read.
    pub async fn pinned(&self, tables: &[&str]) -> Result<Self, QueryError> {
        let pinned = Self { pins: Some(self.pins.clone().unwrap_or_default()), ..self.clone() };
        let snapshot = Snapshot::new(Arc::clone(&self.lake), None, HashMap::new()).with_session(&pinned);
        for table in tables {
            snapshot.pinned(table).await?;
        }
        Ok(pinned)
    }

    /// The tables that a pinned session has seen so far and their Delta versions; none for another session.
    pub async fn versions(&self) -> Vec<(String, u64)> {
        let snapshot = Snapshot::new(Arc::clone(&self.lake), None, HashMap::new()).with_session(self);
        snapshot.versions().await
    }

    /// The lake.
    #[must_use]
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The statements of a text, separated by `;`, all of them understood and allowed before any of them runs.
    ///
    /// # Errors
    /// [`ErrorKind::Sql`] or [`ErrorKind::ReadOnly`].
    pub fn prepare(&self, sql: &str) -> Result<Vec<Statement>, QueryError> {
        let understood = understand(sql)?.into_iter();
        Ok(understood.map(|one| Statement { parsed: one.parsed, notices: one.notices }).collect())
    }

    /// Starts a statement. One that makes or drops a view or a temporary table has done so when this returns, and its answer
    /// has no columns; so has that of a statement without effect.
    ///
    /// # Errors
    /// [`ErrorKind::Sql`] if a table, column or function does not exist or types do not fit, [`ErrorKind::Limit`] if
    /// planning takes too long, [`ErrorKind::Read`] if the lake cannot be read.
    pub async fn run(&self, statement: &Statement) -> Result<Answer, QueryError> {
        let deadline = Instant::now() + self.limits.timeout;
        match tokio::time::timeout_at(deadline, Box::pin(self.start(statement, deadline))).await {
            Ok(answer) => answer,
            Err(_) => Err(bounded::timed_out(self.limits.timeout)),
        }
    }

    /// Starts the one statement of a text.
    ///
    /// # Errors
    /// As [`Session::prepare`] and [`Session::run`], and [`ErrorKind::Sql`] if there are several.
    pub async fn query(&self, sql: &str) -> Result<Answer, QueryError> {
        match self.prepare(sql)?.as_slice() {
            [one] => self.run(one).await,
            many => Err(QueryError::sql(format!("one statement is expected here, not {}", many.len()))),
        }
    }

    async fn start(&self, statement: &Statement, deadline: Instant) -> Result<Answer, QueryError> {
        match local::effect(&statement.parsed)? {
            Some(effect) => self.apply(effect, deadline).await,
            None => self.ask(statement.parsed.clone(), deadline).await,
        }
    }

    async fn ask(&self, parsed: Parsed, deadline: Instant) -> Result<Answer, QueryError> {
        let (stop, threads) = (Stop::at(deadline, self.limits.timeout), self.threads.lend()?);
        let planning = self.clone().planned(parsed, Arc::clone(&stop));
        let (plan, tasks, versions) = timely::on(&threads, &stop, planning).await?;
        let stream = task::driven(Arc::clone(&plan), tasks, threads)?;
        let stream = bounded::bounded(stream, &self.limits, stop);
        Ok(Answer { stream, plan, versions })
    }

    /// What will run, in what, and the versions of the tables that it reads.
    async fn planned(self, parsed: Parsed, stop: Arc<Stop>) -> Result<Planned, QueryError> {
        let (state, plan, snapshot) = self.plan(parsed).await?;
        timely::check_size(&plan)?;
        let (state, plan) = casts::optimized(state, &plan)?;
        let tasks = Arc::new(TaskContext::from(&state));
        let plan = state.query_planner().create_physical_plan(&plan, &state).await?;
        let plan = bounded::stoppable(plan, &stop)?;
        Ok((plan, tasks, snapshot.versions().await))
    }

    /// The plan of a statement that asks for rows, over one version of each table.
    async fn plan(&self, mut parsed: Parsed) -> Result<(SessionState, LogicalPlan, Arc<Snapshot>), QueryError> {
        let tables = {
            let locals = self.locals();
            locals.expand(&mut parsed)?;
            locals.tables()
        };
        let references = self.base.resolve_table_references(&parsed)?;
        let lists_tables = lists_tables(&parsed, &references);
        let names = if lists_tables { Some(self.lake.tables().await?) } else { None };
        let snapshot = Arc::new(Snapshot::new(Arc::clone(&self.lake), names, tables).with_session(self));
        let views = Arc::new(WithViews::new(Arc::clone(&snapshot), self.clone()));
        let mut columns = rewrite::Columns::new();
        for reference in &references {
            self.check_reference(&snapshot, reference).await?;
            let of_table = snapshot.columns(reference.table()).await?;
            let of_table = match of_table.or_else(|| crate::views::columns(reference.table())) {
                Some(of_table) => Some(of_table),
                None => views.columns(reference.table()).await?,
            };
            if let Some(of_table) = of_table {
                columns.insert(reference.table().to_lowercase(), of_table);
            }
        }
        rewrite::resolve(&mut parsed, &columns)?;
        let state = self.state_over(views, Some(&snapshot))?;
        let plan = state.statement_to_plan(parsed).await?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        Ok((state, plan, snapshot))
    }

    /// A table that does not exist is answered with the names that do, before the planner sees it.
    async fn check_reference(&self, snapshot: &Snapshot, reference: &TableReference) -> Result<(), QueryError> {
        if Self::is_live(reference) {
            return self.check_live(reference);
        }
        match reference.schema() {
            None | Some(SCHEMA) if reference.catalog().is_none_or(|catalog| catalog == CATALOG) => {
                if rollups::is_derived(reference.table()) {
                    return Ok(());
                }
                match snapshot.pinned(reference.table()).await? {
                    Some(_) => Ok(()),
                    None if snapshot.is_local(reference.table()) => Ok(()),
                    // The planner's list of references has functions in it.
                    None if policy::TABLE_FUNCTIONS.contains(&reference.table()) => Ok(()),
                    None if crate::views::get(reference.table()).is_some() => Ok(()),
                    None => Err(catalog::unknown_table(reference.table(), &self.lake.tables().await?)),
                }
            }
            Some(INFORMATION_SCHEMA) => Ok(()),
            _ => Err(QueryError::sql(format!(
                "there is no '{reference}': the tables of a lake have no schema, write '{}'",
                reference.table()
            ))),
        }
    }

    /// The moment that `getdate()` answers.
    fn moment(&self) -> i64 {
        self.as_of.unwrap_or_else(|| chrono::Utc::now().timestamp_micros())
    }

    /// The state of one statement: the tables that it sees, and the functions that know its moment.
    fn state(&self, tables: Arc<dyn SchemaProvider>) -> Result<SessionState, QueryError> {
        self.state_over(tables, None)
    }

    /// The same, with the tables of clusters beside those of a snapshot.
    fn state_over(
        &self,
        tables: Arc<dyn SchemaProvider>,
        beside: Option<&Arc<Snapshot>>,
    ) -> Result<SessionState, QueryError> {
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, tables)?;
        if let Some(snapshot) = beside {
            self.add_live(&catalog, snapshot)?;
        }
        let catalogs = MemoryCatalogProviderList::new();
        datafusion::catalog::CatalogProviderList::register_catalog(&catalogs, CATALOG.to_owned(), Arc::new(catalog));
        let now = self.moment();
        let mut state = SessionStateBuilder::new_from_existing(SessionState::clone(&self.base))
            .with_catalog_list(Arc::new(catalogs))
            .with_runtime_env(self.statement_runtime()?)
            .with_analyzer_rules(timely::analyzing(meaning::rules(now)))
            .build();
        for function in functions::all(now) {
            state.register_udf(function)?;
        }
        state.register_expr_planner(Arc::new(meaning::EpochTimes::new()))?;
        // Last: a copied state would register DataFusion's own again, which it still has under their other names.
        for aggregate in aggregates::all() {
            state.register_udaf(aggregate)?;
        }
        Ok(state)
    }

    /// What a statement runs in: memory and temporary files of its own, everybody's caches.
    fn statement_runtime(&self) -> Result<Arc<RuntimeEnv>, QueryError> {
        let files = DiskManagerBuilder::default().with_max_temp_directory_size(self.limits.spill_bytes);
        let builder = RuntimeEnvBuilder::from_runtime_env(self.base.runtime_env());
        Ok(builder.with_memory_pool(self.memory.part()).with_disk_manager_builder(files).build_arc()?)
    }
}

/// Whether a statement asks which tables there are.
fn lists_tables(statement: &Parsed, references: &[TableReference]) -> bool {
    use sqlparser::ast::Statement as S;
    let shows = matches!(statement, Parsed::Statement(inner) if !matches!(**inner, S::Query(_)));
    shows || references.iter().any(|reference| reference.schema() == Some(INFORMATION_SCHEMA))
}

fn configuration(limits: &Limits) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(limits.target_partitions.max(1))
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, SCHEMA);
    let options = config.options_mut();
    options.sql_parser.dialect = Dialect::PostgreSQL;
    // A literal such as 1024.0 is a NUMERIC in Redshift.
    options.sql_parser.parse_float_as_decimal = true;
    options.execution.time_zone = Some("UTC".to_owned());
    // What every sort keeps free to merge what it spilled, out of the same memory.
    options.execution.sort_spill_reservation_bytes = (limits.memory_bytes / 64).min(10 << 20);
    // The Delta log supplies statistics; footers are read for the files that survive it, and no others.
    options.execution.collect_statistics = false;
    config
}

fn runtime(lake: &Lake) -> Result<Arc<RuntimeEnv>, QueryError> {
    let runtime = RuntimeEnvBuilder::new().build_arc()?;
    let (store, prefix) = lake.store();
    let url = Url::parse(STORE_URL).map_err(|e| QueryError::with_source(ErrorKind::Internal, "no store URL", e))?;
    runtime.register_object_store(&url, Arc::new(PrefixStore::new(store, prefix.clone())));
    Ok(runtime)
}
