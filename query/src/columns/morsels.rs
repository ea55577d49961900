//! The files of a scan, each from memory or read.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileSource;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use datafusion::parquet::file::metadata::RowGroupMetaData;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::Projector;
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_expr_adapter::replace_columns_with_literals;
use datafusion::physical_optimizer::pruning::FilePruner;
use datafusion::physical_plan::metrics::Count;
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};

use super::{Columns, Found, Kept};
use crate::ahead::Ahead;
use crate::footers::Footers;

/// What a scan wants of every file.
pub(super) struct Scan {
    /// Columns of the files, and their names.
    fields: Vec<FieldRef>,
    names: Arc<[Arc<str>]>,
    /// Partition columns, by their number.
    partitions: Vec<usize>,
    partition_fields: Vec<FieldRef>,
    /// `fields`, then `partitions`: what rows are made of before the projection.
    schema: SchemaRef,
    projector: Projector,
    file_schema: SchemaRef,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    batch: usize,
}

impl Scan {
    /// What `source` wants, unless it wants no column of a file, or what memory cannot give.
    pub(super) fn of(source: &dyn FileSource, batch: usize) -> Result<Option<Self>> {
        let Some(projection) = source.projection() else { return Ok(None) };
        let table = source.table_schema();
        let all = table.table_schema();
        let columns = table.file_schema().fields().len();
        let wanted = projection.column_indices();
        let fields: Vec<FieldRef> = wanted
            .iter()
            .filter(|&&column| column < columns)
            .map(|&column| Arc::clone(&all.fields()[column]))
            .collect();
        let partition_fields = table.table_partition_cols().clone();
        let partitions: Vec<usize> =
            wanted.iter().filter(|&&column| column >= columns).map(|&column| column - columns).collect();
        if fields.is_empty() || batch == 0 || partitions.iter().any(|&column| column >= partition_fields.len()) {
            return Ok(None);
        }
        let of_partitions = partitions.iter().map(|&column| Arc::clone(&partition_fields[column]));
        let schema = Arc::new(Schema::new(fields.iter().cloned().chain(of_partitions).collect::<Vec<_>>()));
        let projection = projection.clone().try_map_exprs(|expr| reassign_expr_columns(expr, &schema))?;
        Ok(Some(Self {
            names: fields.iter().map(|field| field.name().as_str().into()).collect(),
            fields,
            partitions,
            partition_fields: partition_fields.to_vec(),
            projector: projection.make_projector(&schema)?,
            schema,
            file_schema: Arc::clone(table.file_schema()),
            predicate: source.filter(),
            batch,
        }))
    }

    /// Whether nothing of a file can match, as filters are by now: those of joins and limits tighten while a statement runs.
    fn is_ruled_out(&self, file: &PartitionedFile) -> Result<bool> {
        let Some(predicate) = self.predicate.clone() else { return Ok(false) };
        let values = self.partition_fields.iter().zip(&file.partition_values);
        let values: HashMap<&str, &ScalarValue> = values.map(|(field, value)| (field.name().as_str(), value)).collect();
        let predicate = replace_columns_with_literals(predicate, &values)?;
        match FilePruner::try_new(predicate, &self.file_schema, file, Count::new()) {
            Some(mut pruner) => pruner.should_prune(),
            None => Ok(false),
        }
    }

    fn rows(&self, kept: &[Arc<Kept>], constants: &[ArrayRef], rows: Range<usize>) -> Result<RecordBatch> {
        let mut arrays = Vec::with_capacity(self.schema.fields().len());
        for column in kept {
            arrays.push(column.slice(rows.start, rows.len())?);
        }
        arrays.extend(constants.iter().map(|constant| constant.slice(0, rows.len())));
        self.projector.project_batch(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }
}

/// Plans the files of one part of a scan.
pub(super) struct Morsels {
    inner: Arc<dyn Morselizer>,
    shared: Arc<Shared>,
}

/// What all files of a scan have in common.
pub(super) struct Shared {
    pub(super) scan: Scan,
    pub(super) columns: Arc<Columns>,
    pub(super) reader: Arc<Footers>,
    pub(super) ahead: Arc<Ahead>,
    /// What is read, for the metrics of the scan.
    pub(super) bytes: Count,
    /// What the scan may still add to what is kept.
    pub(super) room: Arc<AtomicU64>,
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
        let have = match shared.columns.find(file.object_meta.location.as_ref(), &shared.scan.names) {
            Found::All(kept) => {
                shared.ahead.passed();
                kept.into_iter().map(Some).collect()
            }
            found => {
                shared.ahead.opened(&shared.scan.names, &shared.bytes);
                match found {
                    Found::Due(have) if shared.room.load(Ordering::Relaxed) > 0 => have,
                    _ => return self.inner.plan_file(file),
                }
            }
        };
        let (inner, shared) = (Arc::clone(&self.inner), Arc::clone(shared));
        Ok(Box::new(Remembering { inner, shared, file: Box::new(file), have }))
    }
}

/// A file of which every column is kept, or will be if there is room.
struct Remembering {
    inner: Arc<dyn Morselizer>,
    shared: Arc<Shared>,
    file: Box<PartitionedFile>,
    have: Vec<Option<Arc<Kept>>>,
}

impl fmt::Debug for Remembering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembering").field("file", &self.file.object_meta.location).finish_non_exhaustive()
    }
}

impl MorselPlanner for Remembering {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Self { inner, shared, file, have } = *self;
        if shared.scan.is_ruled_out(&file)? {
            return Ok(None);
        }
        if let Some(kept) = have.iter().cloned().collect::<Option<Vec<_>>>() {
            let morsel: Box<dyn Morsel> = Box::new(FromMemory { shared, file, kept });
            return Ok(Some(MorselPlan::new().with_morsels(vec![morsel])));
        }
        let reading = async move {
            match shared.read(&file, have).await? {
                Some(kept) => {
                    let have = kept.into_iter().map(Some).collect();
                    Ok(Box::new(Self { inner, shared, file, have }) as Box<dyn MorselPlanner>)
                }
                None => inner.plan_file(*file),
            }
        };
        Ok(Some(MorselPlan::new().with_pending_planner(reading)))
    }
}

impl Shared {
    /// Reads what is missing of a file's columns, and keeps it; none, if it takes more than the room that the scan has.
    async fn read(&self, file: &PartitionedFile, mut have: Vec<Option<Arc<Kept>>>) -> Result<Option<Vec<Arc<Kept>>>> {
        let reader = self.reader.open(file.object_meta.clone(), self.bytes.clone());
        let mut builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
        let groups = builder.metadata().row_groups();
        let rows = groups.iter().map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).sum::<usize>();
        let missing: Vec<usize> = (0..have.len()).filter(|&column| have[column].is_none()).collect();
        let present = Arc::clone(builder.schema());
        let number = |column: usize| present.index_of(self.scan.fields[column].name()).ok();
        let roots: Vec<usize> = missing.iter().filter_map(|&column| number(column)).collect();
        if groups.iter().map(|group| decoded(group, &roots)).sum::<u64>() > self.room.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        builder = builder.with_projection(mask).with_batch_size(rows.max(1));
        let stream = builder.build()?;
        let schema = Arc::clone(stream.schema());
        let batches: Vec<RecordBatch> = stream.try_collect().await?;
        for column in missing {
            let field = &self.scan.fields[column];
            let array = match schema.index_of(field.name()) {
                Ok(number) => cast(&whole(&batches, number, field)?, field.data_type())?,
                Err(_) => new_null_array(field.data_type(), rows),
            };
            let kept = Arc::new(Kept::new(array));
            self.take_room(kept.bytes() as u64);
            self.columns.keep(file.object_meta.location.as_ref(), &self.scan.names[column], &kept);
            have[column] = Some(kept);
        }
        Ok(have.into_iter().collect())
    }

    fn take_room(&self, bytes: u64) {
        let less = |room: u64| Some(room.saturating_sub(bytes));
        // It always changes: the closure never refuses.
        let _ = self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// Bytes that columns of a row group take once they are decoded, about.
fn decoded(group: &RowGroupMetaData, columns: &[usize]) -> u64 {
    let rows = u64::try_from(group.num_rows()).unwrap_or(0);
    // The tables are flat: a column is one leaf.
    let chunks = columns.iter().filter_map(|&column| group.columns().get(column));
    chunks
        .map(|chunk| {
            let texts = chunk.unencoded_byte_array_data_bytes().unwrap_or(0).max(chunk.uncompressed_size());
            u64::try_from(texts).unwrap_or(0) + 8 * rows
        })
        .sum()
}

/// One column of all batches.
fn whole(batches: &[RecordBatch], column: usize, field: &FieldRef) -> Result<ArrayRef> {
    Ok(match batches {
        [] => new_null_array(field.data_type(), 0),
        [one] => Arc::clone(one.column(column)),
        some => concat(&some.iter().map(|batch| batch.column(column).as_ref()).collect::<Vec<&dyn Array>>())?,
    })
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
        let batch = shared.scan.batch;
        let constants = shared.scan.partitions.iter().map(|&column| match file.partition_values.get(column) {
            Some(value) => value.to_array_of_size(rows.min(batch)),
            None => Err(DataFusionError::Internal(format!("a file without its partition column {column}"))),
        });
        let constants: Vec<ArrayRef> = match constants.collect() {
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
