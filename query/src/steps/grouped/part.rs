//! A part of a grouped scan, and the files that all parts take from.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::metrics::{BaselineMetrics, Count, MetricBuilder};
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};

use super::asked::Asked;
use super::table::Table;
use crate::steps::scans;

/// Most bytes that the groups of a part take: what comes after it needs memory too.
const MOST_BYTES: usize = 16 << 20;
/// There are at least as many rows to each group as this, once there are enough rows to tell.
const ROWS_PER_GROUP: usize = 4;
const ENOUGH_ROWS: usize = 20_000;
/// Files that a part may give to the engine before it looks whether they are the most.
const LEFT: usize = 4;

/// The files that nobody has taken yet, for all parts of the step.
pub(super) struct Queue {
    files: VecDeque<PartitionedFile>,
    parts: usize,
    /// Once values turned out to be many: what each part gives to the engine.
    left: Option<Vec<Vec<PartitionedFile>>>,
}

impl Queue {
    pub(super) fn new(files: VecDeque<PartitionedFile>, parts: usize) -> Self {
        Self { files, parts, left: None }
    }

    fn next(&mut self) -> Option<PartitionedFile> {
        self.files.pop_front()
    }

    /// All that is left is the engine's, in equal shares.
    fn give_up(&mut self) {
        if self.left.is_none() {
            let mut shares = vec![Vec::new(); self.parts.max(1)];
            let parts = shares.len();
            for (number, file) in self.files.drain(..).enumerate() {
                shares[number % parts].push(file);
            }
            self.left = Some(shares);
        }
    }

    fn share(&mut self, part: usize) -> Vec<PartitionedFile> {
        self.left.as_mut().and_then(|shares| shares.get_mut(part)).map(std::mem::take).unwrap_or_default()
    }
}

/// One part of the step, while it runs.
pub(super) struct Part {
    pub(super) number: usize,
    pub(super) engine: Arc<dyn ExecutionPlan>,
    pub(super) asked: Arc<Asked>,
    pub(super) queue: Arc<Mutex<Queue>>,
    pub(super) context: Arc<TaskContext>,
    pub(super) reservation: MemoryReservation,
    /// Files that the engine was given.
    pub(super) left: Count,
}

impl Part {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All files, and then the groups; after them, what the engine makes of files that do not fit.
    pub(super) async fn run(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let opened = MetricBuilder::new(&self.asked.metrics).counter("files_opened", self.number);
        let scanned = BaselineMetrics::new(&self.asked.metrics, self.number);
        let mut table = Table::new(&self.asked)?;
        let (mut left, mut done, mut all) = (Vec::new(), 0, 0);
        // A filter can choose a few rows, which the engine finds without reading whole files.
        let any = self.asked.predicate.is_none();
        loop {
            let Some(file) = self.queue().next() else { break };
            // Files in memory never wait: others have a turn, and a statement that nobody waits for ends here.
            tokio::task::yield_now().await;
            if self.asked.files.scan.is_ruled_out(&file) {
                continue;
            }
            // A part of a file is none of its columns.
            let kept = match file.range {
                None => self.asked.files.columns(&file, any).await?,
                Some(_) => None,
            };
            let Some(kept) = kept else {
                left.push(file);
                // Where more are not in memory than are, the rest is shared out to all parts.
                if left.len() > LEFT.max(done) {
                    self.queue().give_up();
                    break;
                }
                continue;
            };
            let Some(rows) = self.asked.add(&mut table, &file, &kept)? else {
                left.push(file);
                self.queue().give_up();
                break;
            };
            opened.add(1);
            done += 1;
            scanned.record_output(rows);
            all += rows;
            let bytes = table.bytes();
            // Groups that are about as many as rows are better handed on as they come, as the engine does.
            let many = bytes > MOST_BYTES || (all > ENOUGH_ROWS && table.len() > all / ROWS_PER_GROUP);
            if many || self.reservation.try_resize(bytes).is_err() {
                self.queue().give_up();
                break;
            }
        }
        left.extend(self.queue().share(self.number));
        self.left.add(left.len());
        let groups = table.into_batch(&self.asked.schema)?.into_iter().map(Ok::<_, DataFusionError>);
        let of_engine = match left.is_empty() {
            true => stream::empty().boxed(),
            false => over(&self.engine, left)?.execute(0, Arc::clone(&self.context))?.boxed(),
        };
        let batch = self.context.session_config().batch_size().max(1);
        let sliced = stream::iter(groups).map_ok(move |all: RecordBatch| {
            // Until its rows are handed on.
            let _held = &self.reservation;
            let rows = all.num_rows();
            stream::iter((0..rows).step_by(batch).map(move |from| Ok(all.slice(from, batch.min(rows - from)))))
        });
        Ok(sliced.try_flatten().chain(of_engine).boxed())
    }
}

/// The engine's step over these files.
fn over(plan: &Arc<dyn ExecutionPlan>, files: Vec<PartitionedFile>) -> Result<Arc<dyn ExecutionPlan>> {
    if scans::config(plan.as_ref()).is_some() {
        return scans::over(plan.as_ref(), files);
    }
    match plan.children().as_slice() {
        [one] => {
            let input = over(one, files)?;
            replace_children_if_necessary(Arc::clone(plan), vec![input])
        }
        _ => internal_err!("an aggregate over a scan has one input"),
    }
}
