//! A plan that is driven by a task of its own, not by whoever reads its rows.
//!
//! An operator can compute for long between two points where it gives way. Whoever waits for its rows must stay able to notice
//! that time is up or that the reader gave up; dropping the stream then ends the task, and all tasks that it started.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;

use super::threads::Loan;

/// Batches that wait for their reader.
const AHEAD: usize = 2;

/// Starts a plan on threads that are its own until the stream is dropped.
pub(super) fn driven(
    plan: Arc<dyn ExecutionPlan>,
    tasks: Arc<TaskContext>,
    threads: Loan,
) -> Result<SendableRecordBatchStream> {
    let rows = {
        let _inside = threads.enter();
        let mut inner = execute_stream(plan, tasks)?;
        let mut builder = RecordBatchReceiverStream::builder(inner.schema(), AHEAD);
        let to = builder.tx();
        builder.spawn(async move {
            while let Some(batch) = inner.next().await {
                let last = batch.is_err();
                if to.send(batch).await.is_err() || last {
                    break;
                }
            }
            Ok(())
        });
        builder.build()
    };
    // The rows first: their tasks end before the threads are given back.
    let held = (rows, threads);
    let schema = held.0.schema();
    let rows = futures::stream::unfold(held, |(mut rows, threads)| async move {
        rows.next().await.map(|batch| (batch, (rows, threads)))
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}
