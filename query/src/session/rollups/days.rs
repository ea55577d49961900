//! Days of a rollup as a table: what is asked for of them is computed when the statement runs, or there already.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, Date32Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session as PlanSession, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::TryStreamExt;
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE};
use lookback_schemas::rollups::Key;

use super::PinnedRollup;
use super::plan::columns;
use crate::provider::{is_over, truths};

/// Days of a rollup.
#[derive(Debug)]
pub(super) struct Days {
    rollup: Arc<PinnedRollup>,
    days: Vec<Key>,
    schema: SchemaRef,
    // Those that a day as a whole has one value of.
    of_day: Vec<FieldRef>,
}

impl Days {
    pub(super) fn new(rollup: Arc<PinnedRollup>, days: Vec<Key>) -> Self {
        let schema = Arc::new(columns(rollup.rollup));
        let of_day = schema.fields().iter().filter(|field| [CLUSTER_ID, LOG_DATE].contains(&field.name().as_str()));
        let of_day = of_day.cloned().collect();
        Self { rollup, days, schema, of_day }
    }

    /// The days that can have rows for all filters.
    fn asked(&self, state: &dyn PlanSession, filters: &[Expr]) -> Result<Vec<Key>> {
        let of_day = filters.iter().filter(|filter| is_over(filter, &self.of_day)).cloned();
        let Some(filter) = conjunction(of_day) else { return Ok(self.days.clone()) };
        let clusters = self.days.iter().map(|(cluster, _)| Some(cluster)).collect::<StringArray>();
        let dates = self.days.iter().map(|(_, day)| Some(*day)).collect::<Date32Array>();
        let columns = self.of_day.iter().map(|field| {
            let values: &dyn Array = if field.name() == CLUSTER_ID { &clusters } else { &dates };
            cast(values, field.data_type())
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let days = RecordBatch::try_new(Arc::new(Schema::new(self.of_day.clone())), columns)?;
        let wanted = truths(state, filter, &days)?;
        let days = self.days.iter().zip(wanted.iter()).filter(|(_, wanted)| *wanted == Some(true));
        Ok(days.map(|(day, _)| day.clone()).collect())
    }
}

#[async_trait]
impl TableProvider for Days {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn PlanSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&columns)?);
        let days = self.asked(state, filters)?;
        if days.is_empty() {
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        Ok(Arc::new(DaysComputed::new(Arc::clone(&self.rollup), days.into(), columns.into(), schema)))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let kind = |filter: &&Expr| match is_over(filter, &self.of_day) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(kind).collect())
    }
}

/// The rows of days, computed or kept.
#[derive(Debug)]
struct DaysComputed {
    rollup: Arc<PinnedRollup>,
    days: Arc<[Key]>,
    columns: Arc<[usize]>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl DaysComputed {
    fn new(rollup: Arc<PinnedRollup>, days: Arc<[Key]>, columns: Arc<[usize]>, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { rollup, days, columns, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for DaysComputed {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(t, DisplayFormatType::TreeRender) {
            return writeln!(f, "days={}", self.days.len());
        }
        write!(f, "DaysComputed: rollup={}, days={}", self.rollup.rollup.name, self.days.len())
    }
}

impl ExecutionPlan for DaysComputed {
    fn name(&self) -> &'static str {
        "DaysComputed"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let made = BaselineMetrics::new(&self.metrics, partition);
        let computed = MetricBuilder::new(&self.metrics).counter("days_computed", partition);
        let columns = Arc::clone(&self.columns);
        let rows = Arc::clone(&self.rollup).rows_of(&self.days, computed);
        let rows = rows.and_then(move |batch| {
            let projected = batch.project(&columns).map_err(Into::into);
            if let Ok(batch) = &projected {
                made.record_output(batch.num_rows());
            }
            std::future::ready(projected)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
