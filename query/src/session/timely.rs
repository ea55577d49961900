//! Planning that ends when its statement has to.
//!
//! A plan is made by hundreds of steps, none of which looks at a clock or gives way. So it is made on the threads of its statement,
//! where it holds up nobody; whoever waits for it is told at the deadline; and before each step it is looked whether anybody still
//! waits. What one step can take is bounded by the size of what it is given: by `dialect/depth.rs` before there is a plan, and by
//! [`check_size`] once names of `WITH` and views are written out.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimizer::Optimizer;
use datafusion::optimizer::{AnalyzerRule, ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::{PhysicalOptimizer, PhysicalOptimizerContext};
use datafusion::physical_plan::ExecutionPlan;

use super::bounded::Stop;
use super::threads::Loan;
use crate::error::{ErrorKind, QueryError};
use crate::steps;

/// Steps of a plan, each counted wherever it stands. The largest view of the record has some hundreds.
const MOST_STEPS: usize = 20_000;

tokio::task_local! {
    /// When the plan that is being made has to be done.
    static STOP: Arc<Stop>;
}

/// Plans on the threads of a statement, until it is done or nobody waits for it.
pub(super) async fn on<T: Send + 'static>(
    threads: &Loan,
    stop: &Arc<Stop>,
    planning: impl Future<Output = Result<T, QueryError>> + Send + 'static,
) -> Result<T, QueryError> {
    let mut waiting = Waiting(Some(Arc::clone(stop)));
    let task = {
        let _inside = threads.enter();
        SpawnedTask::spawn(STOP.scope(Arc::clone(stop), planning))
    };
    let planned = task.join_unwind().await;
    waiting.0 = None;
    planned.map_err(|e| QueryError::with_source(ErrorKind::Internal, "planning was ended", e))?
}

/// Says that nobody waits for a plan any more, if it is dropped before.
struct Waiting(Option<Arc<Stop>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(stop) = &self.0 {
            stop.abandon();
        }
    }
}

/// Refuses a plan that would take long to go through, once.
pub(super) fn check_size(plan: &LogicalPlan) -> Result<(), QueryError> {
    let mut steps = 0_usize;
    plan.apply_with_subqueries(|_| {
        steps += 1;
        Ok(if steps > MOST_STEPS { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if steps > MOST_STEPS {
        let message = format!(
            "the statement has more than {MOST_STEPS} steps once every name of WITH is written out; keep parts of it in temporary \
             tables"
        );
        return Err(QueryError::new(ErrorKind::Limit, message));
    }
    Ok(())
}

fn check() -> Result<()> {
    // What is not planned for a statement has no deadline.
    STOP.try_with(|stop| stop.check()).unwrap_or(Ok(()))
}

/// A rule that is not begun when there is no time left.
#[derive(Debug)]
struct Timely<R: ?Sized>(Arc<R>);

type Analyzing = dyn AnalyzerRule + Send + Sync;
type Optimizing = dyn OptimizerRule + Send + Sync;
type OptimizingSteps = dyn PhysicalOptimizerRule + Send + Sync;

/// Rules of the analyzer, in time.
pub(super) fn analyzing(rules: Vec<Arc<Analyzing>>) -> Vec<Arc<Analyzing>> {
    rules.into_iter().map(|rule| Arc::new(Timely(rule)) as Arc<Analyzing>).collect()
}

/// The engine's rules for plans, in time.
pub(super) fn optimizing() -> Vec<Arc<Optimizing>> {
    Optimizer::new().rules.into_iter().map(|rule| Arc::new(Timely(rule)) as Arc<Optimizing>).collect()
}

/// The engine's rules for what runs, and after them ours, in time.
pub(super) fn optimizing_steps() -> Vec<Arc<OptimizingSteps>> {
    let all = PhysicalOptimizer::new().rules.into_iter().chain(steps::rules());
    all.map(|rule| Arc::new(Timely(rule)) as Arc<OptimizingSteps>).collect()
}

impl AnalyzerRule for Timely<Analyzing> {
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        check()?;
        self.0.analyze(plan, config)
    }

    fn name(&self) -> &str {
        self.0.name()
    }
}

impl OptimizerRule for Timely<Optimizing> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    // For a rule with an order, this is called for each node of the plan.
    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        check()?;
        self.0.rewrite(plan, config)
    }
}

impl PhysicalOptimizerRule for Timely<OptimizingSteps> {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        check()?;
        self.0.optimize(plan, config)
    }

    fn optimize_with_context(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &dyn PhysicalOptimizerContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        check()?;
        self.0.optimize_with_context(plan, context)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}
