//! The plans of a rollup: its statement over some days of the logs, and what is stored of the others.

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{DataType, Date32Type, Schema};
use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, Session as PlanSession, TableProvider};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::execution::SessionState;
use datafusion::logical_expr::utils::disjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, cast, lit};
use datafusion::physical_plan::ExecutionPlan;
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE, PARTITION_COLUMNS};
use lookback_schemas::rollups::{Key, Rollup};

use super::days::Days;
use super::{PinnedRollup, definition};
use crate::error::{ErrorKind, QueryError};
use crate::lake::FileList;
use crate::provider::LakeTable;

/// Some clusters' days.
#[derive(Debug)]
pub(super) enum Part<'a> {
    All,
    Only(Vec<(&'a str, i32)>),
    Except(Vec<(&'a str, i32)>),
}

impl Part<'_> {
    /// The table, narrowed down to these days.
    fn of(&self, files: &Arc<FileList>) -> Arc<dyn TableProvider> {
        let table = LakeTable::new(Arc::clone(files));
        let filter = match self {
            Self::All => None,
            Self::Only(days) => match among(days) {
                None => return Arc::new(EmptyTable::new(table.schema())),
                filter => filter,
            },
            Self::Except(days) => among(days).map(|filter| !filter),
        };
        match filter {
            None => Arc::new(table),
            Some(filter) => Arc::new(Narrowed { table, filter }),
        }
    }
}

/// Whether a row is of one of these days; `None` if there are none. Days have to be sorted by cluster.
fn among(days: &[(&str, i32)]) -> Option<Expr> {
    let column = |name: &str| Expr::Column(Column::new_unqualified(name));
    let of_cluster = days.chunk_by(|a, b| a.0 == b.0).filter_map(|days| {
        let dates = days.iter().map(|(_, day)| lit(ScalarValue::Date32(Some(*day)))).collect();
        let (cluster, _) = days.first()?;
        Some(column(CLUSTER_ID).eq(lit(*cluster)).and(column(LOG_DATE).in_list(dates, false)))
    });
    disjunction(of_cluster)
}

/// A table of the lake of which only some partitions are seen. The filter is over partition columns, which a scan decides for
/// each file as a whole; so rows of other days are not read, let alone shown.
#[derive(Debug)]
struct Narrowed {
    table: LakeTable,
    filter: Expr,
}

#[async_trait]
impl TableProvider for Narrowed {
    fn schema(&self) -> arrow::datatypes::SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    async fn scan(
        &self,
        state: &dyn PlanSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.table.supports_filters_pushdown(&[&self.filter])? != [TableProviderFilterPushDown::Exact] {
            return datafusion::common::internal_err!("days cannot be told apart by {}", self.filter);
        }
        let filters: Vec<Expr> = filters.iter().chain([&self.filter]).cloned().collect();
        self.table.scan(state, projection, &filters, limit).await
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }
}

impl PinnedRollup {
    /// The rollup's rows, computed from some days of the logs, and the state to run that in. The columns are those of
    /// [`columns`].
    pub(super) async fn over_logs(&self, part: &Part<'_>) -> Result<(SessionState, LogicalPlan), QueryError> {
        let tables = MemorySchemaProvider::new();
        for log in &self.logs {
            tables.register_table(log.table().to_owned(), part.of(log))?;
        }
        let state = self.session.state(Arc::new(tables))?;
        let statements = self.session.prepare(definition(self.rollup))?;
        let [statement] = statements.as_slice() else {
            return Err(QueryError::new(ErrorKind::Internal, format!("{} is not one statement", self.rollup.name)));
        };
        let plan = state.statement_to_plan(statement.parsed.clone()).await?;
        // Under a name of its own: a union right below a projection is taken apart by the optimizer, and filters get stuck in it.
        let plan = LogicalPlanBuilder::from(plan).alias(self.rollup.name)?.build()?;
        Ok((state, fitted(plan, self.rollup)?))
    }
}

/// What is stored of some days.
pub(super) fn stored(rollup: &Rollup, files: &Arc<FileList>, part: &Part<'_>) -> Result<LogicalPlan, QueryError> {
    let table: Arc<dyn TableProvider> = match part {
        // Rows that an older build has stored may lack a column, and are not current.
        Part::Only(days) if days.is_empty() => Arc::new(EmptyTable::new(Arc::new(columns(rollup)))),
        part => part.of(files),
    };
    let scan = LogicalPlanBuilder::scan(rollup.name, provider_as_source(table), None)?.build()?;
    fitted(scan, rollup)
}

/// Days that are computed when they are asked for.
pub(super) fn computed(rollup: Arc<PinnedRollup>, days: Vec<Key>) -> Result<LogicalPlan, QueryError> {
    let name = rollup.rollup.name;
    let table: Arc<dyn TableProvider> = if days.is_empty() {
        Arc::new(EmptyTable::new(Arc::new(columns(rollup.rollup))))
    } else {
        Arc::new(Days::new(rollup, days))
    };
    Ok(LogicalPlanBuilder::scan(name, provider_as_source(table), None)?.build()?)
}

/// The rows of both.
pub(super) fn union(one: LogicalPlan, other: LogicalPlan) -> Result<LogicalPlan, QueryError> {
    Ok(LogicalPlanBuilder::from(one).union(other)?.build()?)
}

/// Rows in the order in which they are stored: as the footers of files say, nulls first.
pub(super) fn sorted(plan: LogicalPlan, rollup: &Rollup) -> Result<LogicalPlan, QueryError> {
    let order = rollup.order.iter().map(|name| Expr::Column(Column::new_unqualified(*name)).sort(true, true));
    Ok(LogicalPlanBuilder::from(plan).sort(order.collect::<Vec<_>>())?.build()?)
}

/// The columns of a rollup as questions see them: its own, times without a zone, then the partition columns.
pub(super) fn columns(rollup: &Rollup) -> Schema {
    let files = FileList::empty(rollup.name, &rollup.schema(), &PARTITION_COLUMNS);
    files.schema().table_schema().as_ref().clone()
}

/// A plan with exactly the columns of a rollup, of exactly their types. A sum of integers may come as a wider number.
fn fitted(plan: LogicalPlan, rollup: &Rollup) -> Result<LogicalPlan, QueryError> {
    let mut fitted = Vec::new();
    for field in columns(rollup).fields() {
        let (qualifier, found) = plan.schema().qualified_field_with_unqualified_name(field.name())?;
        let column = Expr::Column(Column::from((qualifier, found)));
        let same = found.data_type() == field.data_type();
        let value = if same { column } else { cast(column, field.data_type().clone()) };
        fitted.push(value.alias(field.name()));
    }
    Ok(LogicalPlanBuilder::from(plan).project(fitted)?.build()?)
}

/// The cluster and day of every file of a table.
pub(super) fn keys(files: &FileList) -> Result<Vec<Key>, QueryError> {
    let broken =
        || QueryError::new(ErrorKind::Read, format!("{} is not partitioned by cluster and day", files.table()));
    let position = |name: &str| files.schema().table_partition_cols().iter().position(|field| field.name() == name);
    let column = |name: &str| position(name).and_then(|at| files.partition_arrays().get(at)).ok_or_else(broken);
    let clusters = arrow::compute::cast(column(CLUSTER_ID)?, &DataType::Utf8).map_err(|_| broken())?;
    let days = column(LOG_DATE)?.as_primitive_opt::<Date32Type>().ok_or_else(broken)?;
    let clusters: &StringArray = clusters.as_string_opt().ok_or_else(broken)?;
    Ok(clusters
        .iter()
        .zip(days.values())
        .map(|(cluster, day)| (cluster.unwrap_or_default().to_owned(), *day))
        .collect())
}
