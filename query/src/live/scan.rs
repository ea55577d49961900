//! The rows of all clusters of one statement's table, as one stream.
//!
//! Clusters are read some at once, in no order, and all that are under way go on whenever rows are asked for: a read that is held
//! up by its neighbour would hold its connection for nothing.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, stream};

use super::fit::fit;
use super::{Live, Read};

/// Reads of clusters, with the columns that they are to give.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) live: Arc<dyn Live>,
    pub(super) reads: Vec<Read>,
    pub(super) schema: SchemaRef,
}

impl Scan {
    /// How many are read at once, and the memory that they may hold: of the statement's part, as all that it uses.
    fn room(&self, tasks: &TaskContext) -> Result<(usize, MemoryReservation), DataFusionError> {
        let room = MemoryConsumer::new("rows of clusters").register(tasks.memory_pool());
        let held = |read: &Read| read.beside.map_or(0, |_| self.live.memory(read.table));
        let each = self.reads.iter().map(held).max().unwrap_or(0);
        let mut at_once = self.live.at_once().min(self.reads.len()).max(1);
        while let Err(e) = room.try_grow(each.saturating_mul(at_once)) {
            // One after the other needs less.
            if at_once == 1 {
                return Err(e);
            }
            at_once -= 1;
        }
        Ok((at_once, room))
    }
}

impl PartitionStream for Scan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, tasks: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let (at_once, room) = match self.room(&tasks) {
            Ok(room) => room,
            Err(e) => return Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter([Err(e)]))),
        };
        let live = Arc::clone(&self.live);
        let to = Arc::clone(&self.schema);
        let each = move |read: Read| {
            let (rows, to) = (live.read(read.clone()), Arc::clone(&to));
            rows.map(move |batch| Ok(fit(&read, &batch?, &to)?))
        };
        let rows = stream::iter(self.reads.clone()).map(each).flatten_unordered(at_once);
        // The memory is given back with the rows.
        let rows = rows.map(move |batch: Result<_, DataFusionError>| {
            let _held = &room;
            batch
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
