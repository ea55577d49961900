//! Redshift's views beside the tables of one statement.
//!
//! A view is planned when a statement names it, over the same snapshot: its tables are pinned, pruned and listed as if the
//! statement named them itself. If the lake has a table of the view's name, the table is what is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::{TableType, ViewTable, provider_as_source};
use datafusion::logical_expr::{LogicalPlanBuilder, ident, lit};

use super::catalog::{Snapshot, declared};
use super::{Session, Statement};
use crate::diagnostics::params::{moment, substitute};
use crate::error::{ErrorKind, QueryError};
use crate::views::{self, View};

/// What stands for the session's moment in a view: what came later is not seen.
const AS_OF: &str = ":as_of";

/// The tables of a snapshot, and the views over them.
#[derive(Debug)]
pub(super) struct WithViews {
    tables: Arc<Snapshot>,
    session: Session,
    // Inside a view every table has all documented columns: a lake of old clusters lacks those that AWS added since, and
    // the view shall have them as NULL.
    complete: bool,
    // Views stand on each other, and a statement may name one often: each is planned once.
    planned: Planned,
}

type Planned = Arc<Mutex<HashMap<&'static str, Arc<ViewTable>>>>;

impl WithViews {
    pub(super) fn new(tables: Arc<Snapshot>, session: Session) -> Self {
        Self { tables, session, complete: false, planned: Arc::default() }
    }

    /// The names of a view's columns; `None` if there is no such view.
    pub(super) async fn columns(&self, name: &str) -> Result<Option<Vec<String>>, QueryError> {
        let Some(view) = views::get(name) else { return Ok(None) };
        let plan = self.plan(view).await?;
        Ok(Some(plan.schema().fields().iter().map(|field| field.name().to_lowercase()).collect()))
    }

    async fn plan(&self, view: &View) -> Result<Arc<ViewTable>, QueryError> {
        let known = |planned: &Planned| planned.lock().unwrap_or_else(PoisonError::into_inner).get(view.name).cloned();
        if let Some(planned) = known(&self.planned) {
            return Ok(planned);
        }
        let inside = Self {
            tables: Arc::clone(&self.tables),
            session: self.session.clone(),
            complete: true,
            planned: Arc::clone(&self.planned),
        };
        let state = self.session.state(Arc::new(inside))?;
        let Some(Statement { mut parsed, .. }) = self.session.prepare(view.sql)?.pop() else {
            return Err(QueryError::new(ErrorKind::Internal, format!("view '{}' is empty", view.name)));
        };
        substitute(&mut parsed, &HashMap::from([(AS_OF.to_owned(), moment(self.session.moment()))]))?;
        let plan = Box::pin(state.statement_to_plan(parsed)).await?;
        let planned = Arc::new(ViewTable::new(plan, Some(view.sql.to_owned())));
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).insert(view.name, Arc::clone(&planned));
        Ok(planned)
    }
}

#[async_trait]
impl SchemaProvider for WithViews {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.tables.table_names();
        // Without names the statement does not ask for them.
        if !names.is_empty() {
            names.extend(views::all().map(|view| view.name.to_owned()));
            names.sort_unstable();
            names.dedup();
        }
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        match (self.tables.table(name).await?, views::get(name)) {
            (Some(table), _) if self.complete => completed(name, table).map(Some),
            (None, Some(view)) => Ok(Some(self.plan(view).await?)),
            (table, _) => Ok(table),
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>, DataFusionError> {
        if views::get(name).is_some() && !self.tables.table_exist(name) {
            return Ok(Some(TableType::View));
        }
        self.tables.table_type(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.table_exist(name) || views::get(name).is_some()
    }
}

/// The table with the documented columns that it lacks, as NULL.
fn completed(name: &str, table: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let Some(declared) = declared(name) else { return Ok(table) };
    let schema = table.schema();
    let documented = declared.schema().table_schema().fields().iter();
    let lacking: Vec<_> = documented.filter(|field| schema.index_of(field.name()).is_err()).collect();
    if lacking.is_empty() {
        return Ok(table);
    }
    let mut columns: Vec<_> = schema.fields().iter().map(|field| ident(field.name())).collect();
    for field in lacking {
        columns.push(lit(ScalarValue::try_from(field.data_type())?).alias(field.name()));
    }
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(table), None)?.project(columns)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
