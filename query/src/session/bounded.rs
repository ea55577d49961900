//! A stream of rows that ends, with an error, when its time or its number of rows is used up.

use std::time::Duration;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::Limits;
use crate::error::{ErrorKind, QueryError};

pub(super) fn bounded(
    inner: SendableRecordBatchStream,
    limits: &Limits,
    deadline: Instant,
) -> SendableRecordBatchStream {
    let schema = inner.schema();
    let (timeout, max_rows) = (limits.timeout, limits.max_rows.unwrap_or(u64::MAX));
    let batches = stream::unfold(Some((inner, max_rows)), move |state| async move {
        let (mut inner, left) = state?;
        let batch = match timeout_at(deadline, inner.next()).await {
            Ok(None) => return None,
            Ok(Some(Err(error))) => return Some((Err(error), None)),
            Ok(Some(Ok(batch))) => batch,
            Err(_) => return Some((Err(DataFusionError::from(timed_out(timeout))), None)),
        };
        match left.checked_sub(batch.num_rows() as u64) {
            Some(left) => Some((Ok(batch), Some((inner, left)))),
            None => Some((Err(DataFusionError::from(too_many(max_rows))), None)),
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, batches.map(|batch: Result<_>| batch)))
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
