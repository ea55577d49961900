//! The answer to a statement.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;

use super::Progress;
use crate::error::QueryError;

/// The answer to a statement, as it comes.
pub struct Answer {
    pub(super) stream: SendableRecordBatchStream,
    pub(super) plan: Arc<dyn ExecutionPlan>,
    pub(super) versions: Vec<(String, u64)>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("versions", &self.versions).finish_non_exhaustive()
    }
}

impl Answer {
    /// The columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }

    /// The tables that the statement reads, each with the Delta version that it sees.
    #[must_use]
    pub fn versions(&self) -> &[(String, u64)] {
        &self.versions
    }

    /// The running plan, for its metrics.
    #[must_use]
    pub fn plan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.plan
    }

    /// What the statement has read, also after the answer is gone.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress::of(&self.plan)
    }

    /// The rows as they come; an error ends them. Dropping the stream stops the statement.
    #[must_use]
    pub fn into_stream(self) -> SendableRecordBatchStream {
        self.stream
    }

    /// All rows. For answers that are known to be small.
    ///
    /// # Errors
    /// What stopped the statement.
    pub async fn collect(self) -> Result<Vec<RecordBatch>, QueryError> {
        Ok(self.stream.try_collect().await?)
    }
}
