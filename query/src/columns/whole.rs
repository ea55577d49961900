//! Columns of whole files: from memory, or read.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::types::Int32Type;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileSource;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use datafusion::parquet::basic::Encoding;
use datafusion::parquet::file::metadata::RowGroupMetaData;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::{ProjectionExprs, Projector};
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_expr_adapter::replace_columns_with_literals;
use datafusion::physical_optimizer::pruning::FilePruner;
use datafusion::physical_plan::metrics::Count;
use futures::TryStreamExt;

use super::{Columns, Found, Kept};
use crate::ahead::Ahead;
use crate::footers::Footers;

/// Most bytes of columns that are read whole without being kept.
const MOST_AT_ONCE: u64 = 32 << 20;

/// What a scan wants of every file.
pub(crate) struct Scan {
    /// Columns of the files, and their names; the projection takes so many of the first.
    fields: Vec<FieldRef>,
    names: Arc<[Arc<str>]>,
    used: usize,
    /// Partition columns, by their number.
    partitions: Vec<usize>,
    partition_fields: Vec<FieldRef>,
    /// Those of `fields` that are used, then `partitions`: what rows are made of before the projection.
    schema: SchemaRef,
    projector: Projector,
    file_schema: SchemaRef,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    batch: usize,
}

impl Scan {
    /// What `projection` takes of the files of `source`, and besides these columns of theirs, by number. None if that is no column
    /// of a file, or what memory cannot give.
    pub(super) fn wanting(
        source: &dyn FileSource,
        projection: &ProjectionExprs,
        more: &[usize],
        batch: usize,
    ) -> Result<Option<Self>> {
        let table = source.table_schema();
        let all = table.table_schema();
        let columns = table.file_schema().fields().len();
        let wanted = projection.column_indices();
        let field = |column: &usize| all.fields().get(*column).cloned();
        let mut fields: Vec<FieldRef> = wanted.iter().filter(|&&column| column < columns).filter_map(field).collect();
        let used = fields.len();
        fields.extend(more.iter().filter(|column| !wanted.contains(column)).filter_map(field));
        let partition_fields = table.table_partition_cols().clone();
        let partitions: Vec<usize> =
            wanted.iter().filter(|&&column| column >= columns).map(|&column| column - columns).collect();
        if fields.is_empty() || batch == 0 || partitions.iter().any(|&column| column >= partition_fields.len()) {
            return Ok(None);
        }
        let of_partitions = partitions.iter().map(|&column| Arc::clone(&partition_fields[column]));
        let of_files = fields.iter().take(used).cloned();
        let schema = Arc::new(Schema::new(of_files.chain(of_partitions).collect::<Vec<_>>()));
        let projection = projection.clone().try_map_exprs(|expr| reassign_expr_columns(expr, &schema))?;
        Ok(Some(Self {
            names: fields.iter().map(|field| field.name().as_str().into()).collect(),
            fields,
            used,
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
    pub(crate) fn is_ruled_out(&self, file: &PartitionedFile) -> Result<bool> {
        let Some(predicate) = self.predicate.clone() else { return Ok(false) };
        let values = self.partition_fields.iter().zip(&file.partition_values);
        let values: HashMap<&str, &ScalarValue> = values.map(|(field, value)| (field.name().as_str(), value)).collect();
        let predicate = replace_columns_with_literals(predicate, &values)?;
        match FilePruner::try_new(predicate, &self.file_schema, file, Count::new()) {
            Some(mut pruner) => pruner.should_prune(),
            None => Ok(false),
        }
    }

    /// What [`Scan::rows`] gives.
    pub(crate) fn gives(&self) -> &SchemaRef {
        self.projector.output_schema()
    }

    /// The place of a column of files among those that are read, by its name.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|wanted| **wanted == *name)
    }

    /// How many rows [`Scan::rows`] may be asked for at a time.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// The partition columns of a file, which are the same for all of its rows.
    pub(crate) fn constants(&self, file: &PartitionedFile) -> Result<Vec<ArrayRef>> {
        let constant = |&column: &usize| match file.partition_values.get(column) {
            Some(value) => value.to_array_of_size(self.batch),
            None => Err(DataFusionError::Internal(format!("a file without its partition column {column}"))),
        };
        self.partitions.iter().map(constant).collect()
    }

    /// Some rows of a file, as the projection has them.
    pub(crate) fn rows(&self, kept: &[Arc<Kept>], constants: &[ArrayRef], rows: Range<usize>) -> Result<RecordBatch> {
        let mut arrays = Vec::with_capacity(self.schema.fields().len());
        for column in kept.iter().take(self.used) {
            arrays.push(column.slice(rows.start, rows.len())?);
        }
        arrays.extend(constants.iter().map(|constant| constant.slice(0, rows.len())));
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        self.projector.project_batch(&RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
    }
}

/// What all files of a scan have in common.
pub(crate) struct Shared {
    pub(crate) scan: Scan,
    pub(super) columns: Arc<Columns>,
    pub(super) reader: Arc<Footers>,
    pub(super) ahead: Arc<Ahead>,
    /// What is read, for the metrics of the scan.
    pub(super) bytes: Count,
    /// What the scan may still add to what is kept.
    pub(super) room: Arc<AtomicU64>,
}

/// What there is of a file's columns.
pub(super) enum Looked {
    /// All of them.
    Kept(Vec<Arc<Kept>>),
    /// Those that are missing are to be read, and kept.
    Keep(Vec<Option<Arc<Kept>>>),
    /// They are to be read, and not kept.
    Read,
}

impl Shared {
    /// Looks for a file's columns: it is the next one to be read.
    pub(super) fn look(&self, file: &PartitionedFile) -> Looked {
        let found = self.columns.find(file.object_meta.location.as_ref(), &self.scan.names);
        if let Found::All(kept) = found {
            self.ahead.passed();
            return Looked::Kept(kept);
        }
        self.ahead.opened(&self.scan.names, &self.bytes);
        match found {
            Found::Due(have) if self.room.load(Ordering::Relaxed) > 0 => Looked::Keep(have),
            _ => Looked::Read,
        }
    }

    /// The files are read in this order.
    pub(crate) fn order<'a>(&self, files: impl Iterator<Item = &'a PartitionedFile>) {
        self.ahead.order(files.map(|file| file.object_meta.clone()));
    }

    /// All columns of a file; none if they are too large to be had at once, or not in memory, unless files that are not to be kept
    /// shall be `read` as well.
    pub(crate) async fn columns(&self, file: &PartitionedFile, read: bool) -> Result<Option<Vec<Arc<Kept>>>> {
        match self.look(file) {
            Looked::Kept(kept) => Ok(Some(kept)),
            Looked::Keep(have) => self.read(file, have, true).await,
            Looked::Read if read => self.read(file, vec![None; self.scan.fields.len()], false).await,
            Looked::Read => Ok(None),
        }
    }

    /// Reads what is missing of a file's columns, and keeps it or does not; none, if it takes more than the room there is.
    pub(super) async fn read(
        &self,
        file: &PartitionedFile,
        mut have: Vec<Option<Arc<Kept>>>,
        keep: bool,
    ) -> Result<Option<Vec<Arc<Kept>>>> {
        let mut reader = self.reader.open(file.object_meta.clone(), self.bytes.clone());
        let mut footer = ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::new()).await?;
        let groups = footer.metadata().row_groups();
        let rows = groups.iter().map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).sum::<usize>();
        let missing: Vec<usize> = (0..have.len()).filter(|&column| have[column].is_none()).collect();
        let number = |column: usize| footer.schema().index_of(self.scan.fields[column].name()).ok();
        let roots: Vec<usize> = missing.iter().filter_map(|&column| number(column)).collect();
        let room = if keep { self.room.load(Ordering::Relaxed) } else { MOST_AT_ONCE };
        if groups.iter().map(|group| decoded(group, &roots)).fold(0, u64::saturating_add) > room {
            return Ok(None);
        }
        if let Some(schema) = with_listed(footer.schema(), groups, &roots) {
            let options = ArrowReaderOptions::new().with_schema(schema);
            footer = ArrowReaderMetadata::try_new(Arc::clone(footer.metadata()), options)?;
        }
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, footer);
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let stream = builder.with_projection(mask).with_batch_size(rows.max(1)).build()?;
        let schema = Arc::clone(stream.schema());
        let batches: Vec<RecordBatch> = stream.try_collect().await?;
        for column in missing {
            let field = &self.scan.fields[column];
            let array = match schema.index_of(field.name()) {
                Ok(number) => whole(&batches, number, field)?,
                Err(_) => new_null_array(field.data_type(), rows),
            };
            let kept = match array.as_dictionary_opt::<Int32Type>() {
                Some(listed) => Kept::listed(listed)?,
                None if keep => Kept::new(cast(&array, field.data_type())?),
                None => Kept::once(cast(&array, field.data_type())?),
            };
            let kept = Arc::new(kept);
            if keep {
                self.take_room(kept.bytes() as u64);
                self.columns.keep(file.object_meta.location.as_ref(), &self.scan.names[column], &kept);
            }
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

/// The schema with those of these columns as lists of values that are nothing else in the file: their texts need not be written out,
/// nor compared to find which are the same. None if there are none.
fn with_listed(schema: &SchemaRef, groups: &[RowGroupMetaData], columns: &[usize]) -> Option<SchemaRef> {
    let listed = |&column: &usize| {
        *schema.field(column).data_type() == DataType::Utf8
            && groups.iter().filter_map(|group| group.columns().get(column)).all(|chunk| {
                let only = |encoding| chunk.page_encoding_stats_mask().is_some_and(|mask| mask.is_only(encoding));
                chunk.dictionary_page_offset().is_some()
                    && (only(Encoding::RLE_DICTIONARY) || only(Encoding::PLAIN_DICTIONARY))
            })
    };
    let listed: Vec<usize> = columns.iter().copied().filter(listed).collect();
    if listed.is_empty() {
        return None;
    }
    let texts = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let field = |(number, field): (usize, &FieldRef)| match listed.contains(&number) {
        true => Arc::new(field.as_ref().clone().with_data_type(texts.clone())),
        false => Arc::clone(field),
    };
    Some(Arc::new(Schema::new(schema.fields().iter().enumerate().map(field).collect::<Vec<_>>())))
}

/// One column of all batches.
fn whole(batches: &[RecordBatch], column: usize, field: &FieldRef) -> Result<ArrayRef> {
    Ok(match batches {
        [] => new_null_array(field.data_type(), 0),
        [one] => Arc::clone(one.column(column)),
        some => concat(&some.iter().map(|batch| batch.column(column).as_ref()).collect::<Vec<&dyn Array>>())?,
    })
}
