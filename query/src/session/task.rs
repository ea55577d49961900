//! A stream that is driven by a task of its own, not by whoever reads it.
//!
//! An operator can compute for long between two points where it gives way. Whoever waits for its rows must stay able to notice
//! that time is up or that the reader gave up; dropping the stream then ends the task, and all tasks that it started.

use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use futures::StreamExt;

/// Batches that wait for their reader.
const AHEAD: usize = 2;

pub(super) fn driven(mut inner: SendableRecordBatchStream) -> SendableRecordBatchStream {
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
}
