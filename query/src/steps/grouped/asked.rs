//! What a grouped scan is asked for, from the engine's plan.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileGroup;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, aggregate_expressions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};

use crate::columns::{Remembered, Shared};
use crate::steps::scans;

/// What is asked of every file.
pub(super) struct Asked {
    pub(super) files: Shared,
    pub(super) groups: Vec<Group>,
    pub(super) group_schema: SchemaRef,
    pub(super) predicate: Option<Arc<dyn PhysicalExpr>>,
    pub(super) aggregates: Vec<Arc<AggregateFunctionExpr>>,
    pub(super) arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    pub(super) filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    pub(super) schema: SchemaRef,
    /// Those of the scan, which say what was read.
    pub(super) metrics: ExecutionPlanMetricsSet,
}

/// One of the expressions that rows are grouped by, over one column.
pub(super) struct Group {
    pub(super) column: Source,
    /// That column alone.
    pub(super) schema: SchemaRef,
    pub(super) expr: Arc<dyn PhysicalExpr>,
}

pub(super) enum Source {
    /// A column of files, by its place among those that are read.
    File(usize),
    /// A partition column, by its number.
    Partition(usize),
}

impl Asked {
    /// What `aggregate` asks for, and of which files, if it is the first half of an aggregate over files that are read whole.
    pub(super) fn of(aggregate: &AggregateExec, batch: usize) -> Result<Option<(Self, VecDeque<PartitionedFile>)>> {
        let by = aggregate.group_expr();
        let filter = aggregate.input().downcast_ref::<FilterExec>();
        let fits = *aggregate.mode() == AggregateMode::Partial
            && by.is_single()
            && !by.is_empty()
            && aggregate.limit_options().is_none()
            && *aggregate.input_order_mode() == InputOrderMode::Linear
            && aggregate.aggr_expr().iter().all(|function| function.order_bys().is_empty())
            && filter.is_none_or(|filter| filter.fetch().is_none());
        let scan = filter.map_or(aggregate.input(), FilterExec::input);
        let Some(config) = scans::config(scan.as_ref()).filter(|config| fits && config.limit.is_none()) else {
            return Ok(None);
        };
        let source = config.file_source();
        let (Some(remembered), Some(projection)) = (source.downcast_ref::<Remembered>(), source.projection()) else {
            return Ok(None);
        };
        let arguments = aggregate_expressions(aggregate.aggr_expr(), aggregate.mode(), by.expr().len())?;
        let filters = aggregate.filter_expr();
        // Of what the scan gives out, only what is computed with.
        let used = arguments.iter().flatten().chain(filters.iter().flatten()).chain(filter.map(FilterExec::predicate));
        let used: Vec<String> = used.flat_map(collect_columns).map(|column| column.name().to_owned()).collect();
        let used: Vec<ProjectionExpr> =
            projection.as_ref().iter().filter(|expr| used.contains(&expr.alias)).cloned().collect();
        // Texts that are computed with are long, and no text is read whole that is not kept by its values.
        let of_files = source.table_schema().file_schema().fields();
        let is_text =
            |column: Column| of_files.get(column.index()).is_some_and(|field| *field.data_type() == DataType::Utf8);
        if used.iter().flat_map(|used| collect_columns(&used.expr)).any(is_text) {
            return Ok(None);
        }

        let Some(wanted) = wanted(aggregate, projection)? else { return Ok(None) };
        let more: Vec<usize> = wanted.iter().map(|one| one.column.index()).filter(|&n| n < of_files.len()).collect();
        let Some(files) = remembered.whole(&ProjectionExprs::from(used), &more, batch)? else { return Ok(None) };
        let group = |one: Wanted| {
            let column = match one.column.index().checked_sub(of_files.len()) {
                Some(partition) => Source::Partition(partition),
                None => Source::File(files.scan.place(one.column.name())?),
            };
            Some(Group { column, schema: one.schema, expr: one.expr })
        };
        let Some(groups) = wanted.into_iter().map(group).collect::<Option<Vec<_>>>() else { return Ok(None) };
        let columns = Arc::clone(files.scan.gives());
        let over = |expr: &Arc<dyn PhysicalExpr>| reassign_expr_columns(Arc::clone(expr), &columns);
        let asked = Self {
            groups,
            group_schema: by.group_schema(&aggregate.input().schema())?,
            predicate: filter.map(|filter| over(filter.predicate())).transpose()?,
            aggregates: aggregate.aggr_expr().to_vec(),
            arguments: arguments.iter().map(|of_one| of_one.iter().map(over).collect()).collect::<Result<_>>()?,
            filters: filters.iter().map(|one| one.as_ref().map(over).transpose()).collect::<Result<_>>()?,
            schema: aggregate.schema(),
            metrics: source.metrics().clone(),
            files,
        };
        Ok(Some((asked, config.file_groups.iter().flat_map(FileGroup::iter).cloned().collect())))
    }
}

/// A group while it is not known yet where its column is read.
struct Wanted {
    /// By its name and its number in the table: columns of files, then partition columns.
    column: Column,
    schema: SchemaRef,
    expr: Arc<dyn PhysicalExpr>,
}

/// What rows are grouped by, if each of the expressions is one over a column as it is in files.
fn wanted(aggregate: &AggregateExec, projection: &ProjectionExprs) -> Result<Option<Vec<Wanted>>> {
    let input = aggregate.input().schema();
    let mut wanted = Vec::new();
    for (expr, _) in aggregate.group_expr().expr() {
        let columns = collect_columns(expr);
        let Some(column) = columns.iter().next().filter(|_| columns.len() == 1 && !is_volatile(expr)) else {
            return Ok(None);
        };
        // A filter gives out columns under the names that the scan gave them.
        let mut named = projection.as_ref().iter().filter(|expr| expr.alias == column.name());
        let (Some(taken), None) = (named.next(), named.next()) else { return Ok(None) };
        let Some(raw) = taken.expr.downcast_ref::<Column>() else { return Ok(None) };
        let schema = Arc::new(Schema::new(vec![input.field(column.index()).clone()]));
        let expr = reassign_expr_columns(Arc::clone(expr), &schema)?;
        wanted.push(Wanted { column: raw.clone(), schema, expr });
    }
    Ok(Some(wanted))
}
