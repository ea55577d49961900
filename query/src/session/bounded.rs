//! A stream of rows that ends, with an error, when its time or its number of rows is used up.
//!
//! `DataFusion` looks at nothing else but its work until a scan gives out a batch. A join can make millions of batches of one,
//! so every join gives way as well ([`CooperativeExec`]), and one whose condition drops all it makes looks at the clock in the
//! condition ([`Watched`]). So a statement stops at its deadline, and shortly after nobody waits for its rows any more,
//! whatever it is at.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::datatypes::{DataType, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::Limits;
use crate::error::{ErrorKind, QueryError};

/// When a statement has to stop.
#[derive(Debug)]
pub(super) struct Stop {
    deadline: Instant,
    timeout: Duration,
    // Nobody waits for its rows any more.
    abandoned: AtomicBool,
}

impl Stop {
    pub(super) fn at(deadline: Instant, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { deadline, timeout, abandoned: AtomicBool::new(false) })
    }

    /// Nobody waits any more.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// If the time is up, or nobody waits.
    pub(super) fn check(&self) -> Result<()> {
        if self.abandoned.load(Ordering::Relaxed) || Instant::now() >= self.deadline {
            return Err(timed_out(self.timeout).into());
        }
        Ok(())
    }
}

/// Says so when the rows of a statement are dropped.
struct Waiting(Arc<Stop>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

pub(super) fn bounded(inner: SendableRecordBatchStream, limits: &Limits, stop: Arc<Stop>) -> SendableRecordBatchStream {
    let schema = inner.schema();
    let max_rows = limits.max_rows.unwrap_or(u64::MAX);
    let waiting = Waiting(stop);
    let batches = stream::unfold(Some((inner, max_rows, waiting)), move |state| async move {
        let (mut inner, left, waiting) = state?;
        // Looked at first: a reader that is slower than the statement finds every batch ready.
        if let Err(late) = waiting.0.check() {
            return Some((Err(late), None));
        }
        let batch = match timeout_at(waiting.0.deadline, inner.next()).await {
            Ok(None) => return None,
            Ok(Some(Err(error))) => return Some((Err(error), None)),
            Ok(Some(Ok(batch))) => batch,
            Err(_) => return Some((Err(timed_out(waiting.0.timeout).into()), None)),
        };
        match left.checked_sub(batch.num_rows() as u64) {
            Some(left) => Some((Ok(batch), Some((inner, left, waiting)))),
            None => Some((Err(DataFusionError::from(too_many(max_rows))), None)),
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, batches.map(|batch: Result<_>| batch)))
}

/// The same plan, with joins that stop when the statement has to.
pub(super) fn stoppable(plan: Arc<dyn ExecutionPlan>, stop: &Arc<Stop>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if node.children().len() < 2 {
            return Ok(Transformed::no(node));
        }
        let watched = |filter: Option<&JoinFilter>| filter.map(|filter| Watched::filter(filter, stop));
        let join: Arc<dyn ExecutionPlan> = if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            let builder = NestedLoopJoinExecBuilder::from(join);
            Arc::new(builder.with_filter(watched(join.filter())).build()?)
        } else if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            join.builder().with_filter(watched(join.filter())).build_exec()?
        } else {
            node
        };
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(join)) as Arc<dyn ExecutionPlan>))
    })
    .data()
}

/// The condition of a join that looks at the clock first.
#[derive(Debug)]
struct Watched {
    condition: Arc<dyn PhysicalExpr>,
    stop: Arc<Stop>,
}

impl Watched {
    fn filter(filter: &JoinFilter, stop: &Arc<Stop>) -> JoinFilter {
        let watched = Self { condition: Arc::clone(filter.expression()), stop: Arc::clone(stop) };
        JoinFilter::new(Arc::new(watched), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl PhysicalExpr for Watched {
    fn data_type(&self, input: &Schema) -> Result<DataType> {
        self.condition.data_type(input)
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.condition.nullable(input)
    }

    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.condition.return_field(input)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.stop.check()?;
        self.condition.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let condition = children.pop().unwrap_or_else(|| Arc::clone(&self.condition));
        Ok(Arc::new(Self { condition, stop: Arc::clone(&self.stop) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}

pub(super) fn timed_out(timeout: Duration) -> QueryError {
    let message = format!(
        "the query was stopped after {} s; narrow it by cluster_id, log_date or time, or allow more time",
        timeout.as_secs_f64()
    );
    QueryError::new(ErrorKind::Limit, message)
}

fn too_many(max_rows: u64) -> QueryError {
    QueryError::new(ErrorKind::Limit, format!("the answer has more than {max_rows} rows; add a LIMIT, or allow more"))
}
