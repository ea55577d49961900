//! The files of a scan, each from memory or read.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::stream::{self, BoxStream, StreamExt};

use super::Kept;
use super::whole::{Looked, Shared};

/// Plans the files of one part of a scan.
pub(super) struct Morsels {
    inner: Arc<dyn Morselizer>,
    shared: Arc<Shared>,
}

impl Morsels {
    pub(super) fn new(inner: Box<dyn Morselizer>, shared: Shared) -> Self {
        Self { inner: inner.into(), shared: Arc::new(shared) }
    }
}

impl fmt::Debug for Morsels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Morsels").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Morselizer for Morsels {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let shared = &self.shared;
        if file.range.is_some() {
            return self.inner.plan_file(file);
        }
        let (have, keep) = match shared.look(&file) {
            Looked::Kept(kept) => (kept.into_iter().map(Some).collect(), false),
            Looked::Keep(have) => (have, true),
            Looked::Read { whole: true } => (shared.nothing(), false),
            Looked::Read { whole: false } => return self.inner.plan_file(file),
        };
        let (inner, shared) = (Arc::clone(&self.inner), Arc::clone(shared));
        Ok(Box::new(Remembering { inner, shared, file: Box::new(file), have, keep }))
    }
}

/// A file whose columns are kept, or are to be read as a whole.
struct Remembering {
    inner: Arc<dyn Morselizer>,
    shared: Arc<Shared>,
    file: Box<PartitionedFile>,
    have: Vec<Option<Arc<Kept>>>,
    /// Whether what is read is to be kept.
    keep: bool,
}

impl fmt::Debug for Remembering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembering").field("file", &self.file.object_meta.location).finish_non_exhaustive()
    }
}

impl MorselPlanner for Remembering {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Self { inner, shared, file, have, keep } = *self;
        if shared.scan.is_ruled_out(&file) {
            return Ok(None);
        }
        if let Some(kept) = have.iter().cloned().collect::<Option<Vec<_>>>() {
            let morsel: Box<dyn Morsel> = Box::new(FromMemory { shared, file, kept });
            return Ok(Some(MorselPlan::new().with_morsels(vec![morsel])));
        }
        let reading = async move {
            match shared.read(&file, have, keep).await? {
                Some(kept) => {
                    let have = kept.into_iter().map(Some).collect();
                    Ok(Box::new(Self { inner, shared, file, have, keep }) as Box<dyn MorselPlanner>)
                }
                None => inner.plan_file(*file),
            }
        };
        Ok(Some(MorselPlan::new().with_pending_planner(reading)))
    }
}

/// The rows of a file whose columns are in memory.
struct FromMemory {
    shared: Arc<Shared>,
    file: Box<PartitionedFile>,
    kept: Vec<Arc<Kept>>,
}

impl fmt::Debug for FromMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromMemory").field("file", &self.file.object_meta.location).finish_non_exhaustive()
    }
}

impl Morsel for FromMemory {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { shared, file, kept } = *self;
        let rows = kept.iter().map(|column| column.rows()).min().unwrap_or(0);
        let batch = shared.scan.batch();
        let constants = match shared.scan.constants(&file) {
            Ok(constants) => constants,
            Err(e) => return stream::once(async { Err(e) }).boxed(),
        };
        let parts = (0..rows).step_by(batch).map(move |from| {
            let to = rows.min(from + batch);
            shared.scan.rows(&kept, &constants, from..to)
        });
        stream::iter(parts).boxed()
    }
}
