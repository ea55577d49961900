//! Columns of whole files: from memory, or read.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::types::Int32Type;
use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileSource;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::{ProjectionExprs, Projector};
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_expr_common::physical_expr::snapshot_generation;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use datafusion::physical_plan::metrics::Count;

use super::file::DataFile;
use super::{Columns, Found, Kept};
use crate::ahead::Ahead;
use crate::footers::Footers;

/// Most bytes of columns that are read whole without being kept.
const MOST_AT_ONCE: u64 = 32 << 20;

/// Most rows of a file whose columns are read whole although they are not kept, if filters say nothing about bounds: the engine's
/// reader would find nothing to step over, and takes longer to find that out than to read.
const FEW_ROWS: usize = 1 << 16;

/// What a scan wants of every file.
pub(crate) struct Scan {
    /// Columns of the files, and their names; the projection takes so many of the first.
    fields: Vec<FieldRef>,
    names: Arc<[Arc<str>]>,
    used: usize,
    /// Partition columns, by their number.
    partitions: Vec<usize>,
    /// Those of `fields` that are used, then `partitions`: what rows are made of before the projection.
    schema: SchemaRef,
    projector: Projector,
    table_schema: SchemaRef,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    ruling: Mutex<Option<Ruling>>,
    batch: usize,
}

/// What filters say about the bounds of files, when they were those of a generation.
struct Ruling {
    generation: u64,
    bounds: Option<Arc<PruningPredicate>>,
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
        let partition_fields = table.table_partition_cols();
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
            projector: projection.make_projector(&schema)?,
            schema,
            table_schema: Arc::clone(all),
            predicate: source.filter(),
            ruling: Mutex::new(None),
            batch,
        }))
    }

    /// Whether nothing of a file can match, as filters are by now: those of joins and limits tighten while a statement runs.
    pub(crate) fn is_ruled_out(&self, file: &PartitionedFile) -> bool {
        let Some(statistics) = &file.statistics else { return false };
        // Bounds of a partition column that is NULL say that it is not.
        if file.partition_values.iter().any(ScalarValue::is_null) {
            return false;
        }
        let Some(bounds) = self.bounds() else { return false };
        let statistics = PrunableStatistics::new(vec![Arc::clone(statistics)], Arc::clone(&self.table_schema));
        // A file whose bounds cannot be compared is read.
        bounds.prune(&statistics).is_ok_and(|possible| possible == [false])
    }

    /// What filters say about bounds, as they are by now; none if they say nothing. Found out once for all files: it takes longer
    /// than to read a small one.
    fn bounds(&self) -> Option<Arc<PruningPredicate>> {
        let predicate = self.predicate.as_ref()?;
        let generation = snapshot_generation(predicate);
        let mut known = self.ruling.lock().unwrap_or_else(PoisonError::into_inner);
        match known.as_ref() {
            Some(ruling) if ruling.generation == generation => ruling.bounds.clone(),
            _ => {
                let schema = Arc::clone(&self.table_schema);
                let bounds = PruningPredicateBuilder::new().with_file_schema(schema).build(Arc::clone(predicate));
                *known = Some(Ruling { generation, bounds: bounds.clone() });
                bounds
            }
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
    /// They are to be read, as a whole or by the engine, and not kept.
    Read { whole: bool },
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
            _ => {
                let rows = file.statistics.as_ref().and_then(|statistics| statistics.num_rows.get_value());
                Looked::Read { whole: rows.is_some_and(|&rows| rows <= FEW_ROWS) && self.scan.bounds().is_none() }
            }
        }
    }

    /// The files are read in this order.
    pub(crate) fn order<'a>(&self, files: impl Iterator<Item = &'a PartitionedFile>) {
        self.ahead.order(files.map(|file| file.object_meta.clone()));
    }

    /// All columns of a file; none if they are too large to be had at once, or better read by the engine, unless files that are not
    /// to be kept shall be `read` as well.
    pub(crate) async fn columns(&self, file: &PartitionedFile, read: bool) -> Result<Option<Vec<Arc<Kept>>>> {
        match self.look(file) {
            Looked::Kept(kept) => Ok(Some(kept)),
            Looked::Keep(have) => self.read(file, have, true).await,
            Looked::Read { whole } if read || whole => self.read(file, self.nothing(), false).await,
            Looked::Read { .. } => Ok(None),
        }
    }

    /// Reads what is missing of a file's columns, and keeps it or does not; none, if it takes more than the room there is.
    pub(super) async fn read(
        &self,
        file: &PartitionedFile,
        mut have: Vec<Option<Arc<Kept>>>,
        keep: bool,
    ) -> Result<Option<Vec<Arc<Kept>>>> {
        let mut source = DataFile::open(self.reader.open(file.object_meta.clone(), self.bytes.clone())).await?;
        let missing: Vec<usize> = (0..have.len()).filter(|&column| have[column].is_none()).collect();
        let numbers = missing.iter().map(|&column| source.number(self.scan.fields[column].name()));
        let numbers = numbers.collect::<Result<Vec<_>>>()?;
        let there: Vec<usize> = numbers.iter().copied().flatten().collect();
        let room = if keep { self.room.load(Ordering::Relaxed) } else { MOST_AT_ONCE };
        if source.bytes(&there) > room {
            return Ok(None);
        }
        let mut arrays = source.read(&there).await?.into_iter();
        for (column, number) in missing.into_iter().zip(numbers) {
            let field = &self.scan.fields[column];
            let array = match number.and_then(|_| arrays.next()) {
                Some(array) => array,
                None => new_null_array(field.data_type(), source.rows()),
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

    /// What is known of a file of which no column is kept.
    pub(super) fn nothing(&self) -> Vec<Option<Arc<Kept>>> {
        vec![None; self.scan.fields.len()]
    }

    fn take_room(&self, bytes: u64) {
        let less = |room: u64| Some(room.saturating_sub(bytes));
        // It always changes: the closure never refuses.
        let _ = self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}
