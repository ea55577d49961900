//! Groups of rows of whole files, by columns of few values.
//!
//! "Bytes by table", "queueing by queue and day": what such questions group by has few values in a file, and is in memory, or in the
//! file, as a list of them and a small number for each row. The engine would write the texts out, and hash and compare them, row by
//! row. Here a row's group is looked up by its numbers; of the values only those are looked at that have not been seen in the file.
//!
//! [`GroupInScan`] finds the first half of such an aggregate over a scan, and [`GroupedScan`] makes it. Files that this does not fit
//! are given to the engine's own step, and if values turn out to be many, so is all that is left. The second half of the aggregate
//! puts together what both made.

mod asked;
mod part;
mod table;

use std::fmt;
use std::sync::{Arc, Mutex};

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::TryStreamExt;
use futures::stream;

use super::by_cluster::ByCluster;
use asked::Asked;
use part::{Part, Queue};

/// Puts [`GroupedScan`] where an aggregate is one over whole files.
#[derive(Debug)]
pub(super) struct GroupInScan;

impl PhysicalOptimizerRule for GroupInScan {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let batch = config.execution.batch_size.get();
        plan.transform_down(|step| {
            if step.downcast_ref::<ByCluster>().is_some() {
                // Its template is not run as it stands.
                return Ok(Transformed::new(step, false, TreeNodeRecursion::Jump));
            }
            match GroupedScan::of(&step, batch)? {
                Some(grouped) => {
                    let grouped = Arc::new(grouped) as Arc<dyn ExecutionPlan>;
                    Ok(Transformed::new(grouped, true, TreeNodeRecursion::Jump))
                }
                None => Ok(Transformed::no(step)),
            }
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "group_in_scan"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The first half of an aggregate, over the files of a scan.
pub(super) struct GroupedScan {
    /// The engine's own step, for what this does not fit.
    engine: Arc<dyn ExecutionPlan>,
    asked: Arc<Asked>,
    batch: usize,
    queue: Arc<Mutex<Queue>>,
    metrics: ExecutionPlanMetricsSet,
}

impl fmt::Debug for GroupedScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupedScan").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl GroupedScan {
    /// The step in the place of `plan`, if that is the first half of an aggregate over files that are read whole.
    fn of(plan: &Arc<dyn ExecutionPlan>, batch: usize) -> Result<Option<Self>> {
        let Some(aggregate) = plan.downcast_ref::<AggregateExec>() else { return Ok(None) };
        let Some((asked, files)) = Asked::of(aggregate, batch)? else { return Ok(None) };
        asked.files.order(files.iter());
        let queue = Queue::new(files, plan.output_partitioning().partition_count());
        Ok(Some(Self {
            engine: Arc::clone(plan),
            asked: Arc::new(asked),
            batch,
            queue: Arc::new(Mutex::new(queue)),
            metrics: ExecutionPlanMetricsSet::new(),
        }))
    }

    /// The step in the place of another of the engine's, or that one.
    fn over(engine: Arc<dyn ExecutionPlan>, batch: usize) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(match Self::of(&engine, batch)? {
            Some(grouped) => Arc::new(grouped),
            None => engine,
        })
    }
}

impl DisplayAs for GroupedScan {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(t, DisplayFormatType::TreeRender) {
            return writeln!(f, "groups={}", self.asked.groups.len());
        }
        let by: Vec<String> = self.asked.groups.iter().map(|group| group.expr.to_string()).collect();
        let functions: Vec<&str> = self.asked.aggregates.iter().map(|function| function.name()).collect();
        write!(f, "GroupedScan: gby=[{}], aggr=[{}]", by.join(", "), functions.join(", "))
    }
}

impl ExecutionPlan for GroupedScan {
    fn name(&self) -> &'static str {
        "GroupedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.engine.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.engine.children()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Self::over(replace_children_if_necessary(Arc::clone(&self.engine), children)?, self.batch)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.engine.apply_expressions(f)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Self::over(Arc::clone(&self.engine).reset_state()?, self.batch)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let part = Part {
            number: partition,
            engine: Arc::clone(&self.engine),
            asked: Arc::clone(&self.asked),
            queue: Arc::clone(&self.queue),
            reservation: MemoryConsumer::new(format!("GroupedScan[{partition}]")).register(context.memory_pool()),
            context,
            left: MetricBuilder::new(&self.metrics).counter("files_left", partition),
        };
        let made = BaselineMetrics::new(&self.metrics, partition);
        let rows = stream::once(part.run()).try_flatten().inspect_ok(move |batch| {
            made.record_output(batch.num_rows());
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
