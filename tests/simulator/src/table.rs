//! One system table of the source: its columns, every row of the current incarnation, and what of it can be read.
//!
//! - Rows are only ever appended. A purge or a user's access hides rows; it never removes them, so that a test can compare an
//!   archive with everything that ever was.
//! - Rows are kept in chunks of one Arrow batch each, beside the moments at which they become visible and their table time.
//! - What a reader sees is cached per kind of access for as long as neither the rows nor the clock can change it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, new_null_array};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use lookback_schemas::TableSpec;
use lookback_schemas::registry::CursorUnit;
use lookback_schemas::time::{Y2000, is_real};

use crate::types::SourceType;

/// Rows that hand-made inserts are gathered into before a new chunk begins.
const CHUNK_ROWS: usize = 1024;

/// Name of the trailing column of [`crate::Cluster::truth`]: from when on a row can be read.
pub const VISIBLE_AT: &str = "visible_at";

/// A column as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) redshift_type: String,
    pub(crate) source_type: SourceType,
}

impl Column {
    pub(crate) fn new(name: &str, redshift_type: &str) -> Option<Self> {
        let source_type = SourceType::parse(redshift_type)?;
        Some(Self { name: name.to_owned(), redshift_type: redshift_type.to_owned(), source_type })
    }
}

#[derive(Debug)]
struct Chunk {
    batch: RecordBatch,
    visible_at: Vec<i64>,
    /// The time by which retention purges each row; `None` where it has none of its own.
    times: Vec<Option<i64>>,
}

/// Which rows a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sight {
    All,
    OwnRows(i64),
}

/// What decides on the visibility of a row besides the reader.
pub(crate) struct Moment<'a> {
    /// The virtual clock.
    pub(crate) now: i64,
    /// Rows with an older table time are purged.
    pub(crate) floor: i64,
    /// Times of the parent's rows by key, and a number that changes with them; for driven tables while `floor` is set.
    pub(crate) parents: Option<(&'a HashMap<Vec<i64>, i64>, u64)>,
}

#[derive(Debug)]
struct View {
    version: u64,
    floor: i64,
    parents: u64,
    from: i64,
    until: i64,
    batches: Arc<Vec<RecordBatch>>,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) spec: &'static TableSpec,
    columns: Vec<Column>,
    schema: SchemaRef,
    chunks: Vec<Chunk>,
    version: u64,
    views: HashMap<Sight, View>,
}

fn schema_of(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|c| c.source_type.field(&c.name, &c.redshift_type)).collect::<Vec<_>>()))
}

impl Table {
    pub(crate) fn new(spec: &'static TableSpec) -> Self {
        let columns: Vec<Column> = spec.columns.iter().filter_map(|c| Column::new(&c.name, &c.redshift_type)).collect();
        let schema = schema_of(&columns);
        Self { spec, columns, schema, chunks: Vec::new(), version: 0, views: HashMap::new() }
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Changes with the rows and with the columns.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.touch();
    }

    fn touch(&mut self) {
        self.version += 1;
        self.views.clear();
    }

    /// Appends rows whose columns are those of the table, in its order.
    pub(crate) fn append(&mut self, arrays: Vec<ArrayRef>, visible_at: Vec<i64>) -> Result<(), ArrowError> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        let times = self.own_times(&batch, &visible_at);
        match self.chunks.last_mut() {
            Some(last) if last.visible_at.len() + visible_at.len() <= CHUNK_ROWS => {
                last.batch = concat_batches(&self.schema, [&last.batch, &batch])?;
                last.visible_at.extend(visible_at);
                last.times.extend(times);
            }
            _ => self.chunks.push(Chunk { batch, visible_at, times }),
        }
        self.touch();
        Ok(())
    }

    /// The time of each row by the table's cursor, or its fallback where the cursor says "never". Rows of a driven table have
    /// none; other rows without any are placed by the moment at which they became visible.
    fn own_times(&self, batch: &RecordBatch, visible_at: &[i64]) -> Vec<Option<i64>> {
        let Some(cursor) = self.spec.cursor.as_deref() else { return vec![None; visible_at.len()] };
        let columns: Vec<_> = std::iter::once(cursor)
            .chain(self.spec.fallback.as_deref())
            .filter_map(|name| batch.column_by_name(name))
            .collect();
        let at = |row: usize| columns.iter().find_map(|array| self.time_in(array, row).filter(|t| is_real(*t)));
        visible_at.iter().enumerate().map(|(row, visible)| at(row).or(Some(*visible))).collect()
    }

    fn time_in(&self, array: &ArrayRef, row: usize) -> Option<i64> {
        if array.is_null(row) {
            return None;
        }
        match self.spec.cursor_unit {
            CursorUnit::Timestamp => array.as_primitive_opt::<TimestampMicrosecondType>().map(|a| a.value(row)),
            CursorUnit::MicrosSince2000 => array.as_primitive_opt::<Int64Type>().map(|a| a.value(row) + Y2000),
        }
    }

    /// The key of each row of a batch over integer columns; `None` where one is NULL.
    fn keys<'a>(
        batch: &RecordBatch,
        on: &'a [String],
    ) -> Result<impl Fn(usize) -> Option<Vec<i64>> + use<'a>, ArrowError> {
        let columns: Vec<Int64Array> = on
            .iter()
            .filter_map(|name| batch.column_by_name(name))
            .map(|array| cast(array, &DataType::Int64).map(|a| a.as_primitive::<Int64Type>().clone()))
            .collect::<Result<_, _>>()?;
        let whole = columns.len() == on.len();
        Ok(move |row: usize| {
            whole
                .then(|| columns.iter().map(|c| c.is_valid(row).then(|| c.value(row))).collect::<Option<Vec<i64>>>())?
        })
    }

    /// The earliest time of the rows of each key, as the parent of a driven table.
    pub(crate) fn times_by_key(&self, on: &[String]) -> Result<HashMap<Vec<i64>, i64>, ArrowError> {
        let mut times: HashMap<Vec<i64>, i64> = HashMap::new();
        for chunk in &self.chunks {
            let key = Self::keys(&chunk.batch, on)?;
            for (row, time) in chunk.times.iter().enumerate() {
                if let (Some(key), Some(time)) = (key(row), time) {
                    times.entry(key).and_modify(|t| *t = (*t).min(*time)).or_insert(*time);
                }
            }
        }
        Ok(times)
    }

    /// The rows that a reader sees at that moment.
    pub(crate) fn view(&mut self, sight: Sight, moment: &Moment<'_>) -> Result<Arc<Vec<RecordBatch>>, ArrowError> {
        let parents = moment.parents.map_or(0, |(_, version)| version);
        if let Some(view) = self.views.get(&sight)
            && view.version == self.version
            && view.floor == moment.floor
            && view.parents == parents
            && (view.from..view.until).contains(&moment.now)
        {
            return Ok(Arc::clone(&view.batches));
        }
        let (mut from, mut until) = (i64::MIN, i64::MAX);
        let mut batches = Vec::with_capacity(self.chunks.len());
        for chunk in &self.chunks {
            for &at in &chunk.visible_at {
                if at <= moment.now {
                    from = from.max(at);
                } else {
                    until = until.min(at);
                }
            }
            let mask = self.mask(chunk, sight, moment)?;
            match mask.true_count() {
                0 => {}
                n if n == mask.len() => batches.push(chunk.batch.clone()),
                _ => batches.push(filter_record_batch(&chunk.batch, &mask)?),
            }
        }
        let batches = Arc::new(batches);
        let view =
            View { version: self.version, floor: moment.floor, parents, from, until, batches: Arc::clone(&batches) };
        self.views.insert(sight, view);
        Ok(batches)
    }

    fn mask(&self, chunk: &Chunk, sight: Sight, moment: &Moment<'_>) -> Result<BooleanArray, ArrowError> {
        let mut seen: Vec<bool> = chunk.visible_at.iter().map(|at| *at <= moment.now).collect();
        if moment.floor > i64::MIN {
            let parent = match (&self.spec.parent, moment.parents) {
                (Some(spec), Some((times, _))) => Some((Self::keys(&chunk.batch, &spec.on)?, times)),
                _ => None,
            };
            for (row, seen) in seen.iter_mut().enumerate() {
                let time = match &parent {
                    Some((key, times)) => key(row).and_then(|key| times.get(&key).copied()),
                    None => chunk.times[row],
                };
                *seen &= time.unwrap_or(chunk.visible_at[row]) >= moment.floor;
            }
        }
        if let Sight::OwnRows(userid) = sight {
            match chunk.batch.column_by_name("userid") {
                Some(ids) => {
                    let ids = cast(ids, &DataType::Int64)?;
                    let ids = ids.as_primitive::<Int64Type>();
                    for (row, seen) in seen.iter_mut().enumerate() {
                        *seen &= ids.is_valid(row) && ids.value(row) == userid;
                    }
                }
                None => seen.fill(false),
            }
        }
        Ok(BooleanArray::from(seen))
    }

    /// Every row with its `visible_at`, or those that are visible at `now` or earlier; purged rows as well.
    pub(crate) fn truth(&self, now: Option<i64>) -> Result<RecordBatch, ArrowError> {
        let whole = concat_batches(&self.schema, self.chunks.iter().map(|c| &c.batch))?;
        let visible_at: Int64Array = self.chunks.iter().flat_map(|c| c.visible_at.iter().copied()).collect();
        let mut fields: Vec<Arc<Field>> = self.schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(VISIBLE_AT, DataType::Int64, false)));
        let mut arrays = whole.columns().to_vec();
        arrays.push(Arc::new(visible_at.clone()));
        let truth = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        match now {
            None => Ok(truth),
            Some(now) => {
                let mask: BooleanArray = visible_at.iter().map(|at| Some(at.is_some_and(|at| at <= now))).collect();
                filter_record_batch(&truth, &mask)
            }
        }
    }

    /// Changes the columns; `convert` makes the new arrays of a chunk from the old ones.
    fn alter(
        &mut self,
        columns: Vec<Column>,
        convert: impl Fn(&RecordBatch) -> Result<Vec<ArrayRef>, ArrowError>,
    ) -> Result<(), ArrowError> {
        let schema = schema_of(&columns);
        let batches = self
            .chunks
            .iter()
            .map(|c| RecordBatch::try_new(Arc::clone(&schema), convert(&c.batch)?))
            .collect::<Result<Vec<_>, _>>()?;
        for (chunk, batch) in self.chunks.iter_mut().zip(batches) {
            chunk.batch = batch;
        }
        self.columns = columns;
        self.schema = schema;
        self.touch();
        Ok(())
    }

    pub(crate) fn add_column(&mut self, column: Column) -> Result<(), ArrowError> {
        let data_type = column.source_type.arrow();
        let mut columns = self.columns.clone();
        columns.push(column);
        self.alter(columns, |batch| {
            let mut arrays = batch.columns().to_vec();
            arrays.push(new_null_array(&data_type, batch.num_rows()));
            Ok(arrays)
        })
    }

    pub(crate) fn drop_column(&mut self, index: usize) -> Result<(), ArrowError> {
        let mut columns = self.columns.clone();
        columns.remove(index);
        self.alter(columns, |batch| {
            let mut arrays = batch.columns().to_vec();
            arrays.remove(index);
            Ok(arrays)
        })
    }

    pub(crate) fn change_type(&mut self, index: usize, column: Column) -> Result<(), ArrowError> {
        let source_type = column.source_type;
        let mut columns = self.columns.clone();
        columns[index] = column;
        self.alter(columns, |batch| {
            let mut arrays = batch.columns().to_vec();
            let mut array = cast(&arrays[index], &source_type.arrow())?;
            if let Some(texts) = array.as_string_opt::<i32>() {
                let texts: arrow::array::StringArray =
                    texts.iter().map(|t| t.map(|t| source_type.store_text(t))).collect();
                array = Arc::new(texts);
            }
            arrays[index] = array;
            Ok(arrays)
        })
    }
}
