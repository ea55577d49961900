//! Merging sorted files by time, a few rows of each in memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Schema, SchemaRef, TimestampMicrosecondType};
use futures::StreamExt;
use futures::stream::BoxStream;
use lookback_schemas::TableSpec;

use crate::error::{Result, lake};
use crate::placement::times;

/// Rows merged into one batch.
const OUT_ROWS: usize = 8_192;

/// What rows are put in order by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// The moment of a row of a log; files are sorted by it.
    Log(&'static TableSpec),
    /// A column with times; files are sorted by it.
    Time(&'static str),
    /// A column with times; a file has its rows as they came, which is about that order.
    Roughly(&'static str),
}

impl Order {
    /// The moment of each row; those without one come first.
    fn times(self, batch: &RecordBatch) -> Vec<i64> {
        let column = match self {
            Self::Log(spec) => return times(spec, batch).into_iter().map(|t| t.unwrap_or(i64::MIN)).collect(),
            Self::Time(column) | Self::Roughly(column) => column,
        };
        let stamps = batch.column_by_name(column);
        let stamps = stamps.and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
        let at = |row| stamps.filter(|all| all.is_valid(row)).map_or(i64::MIN, |all| all.value(row));
        (0..batch.num_rows()).map(at).collect()
    }

    /// The column that files are sorted by, exactly; empty if by none.
    pub(super) fn column(self) -> String {
        match self {
            Self::Log(spec) => spec.time_column().to_owned(),
            Self::Time(column) => column.to_owned(),
            Self::Roughly(_) => String::new(),
        }
    }
}

/// One sorted input.
struct Input {
    stream: BoxStream<'static, Result<RecordBatch>>,
    batch: Option<(RecordBatch, Vec<i64>)>,
    row: usize,
}

/// Merges inputs that are sorted by time, into batches sorted likewise; of inputs that are sorted only roughly, so is the result. Rows of the same moment come in the order of
/// the inputs, so that the same inputs give the same output.
pub(super) struct Merge {
    order: Order,
    schema: SchemaRef,
    inputs: Vec<Input>,
    /// (time, input) of the next row of each input.
    heap: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Merge {
    /// Starts a merge. Columns that an input lacks are null in the output.
    pub(super) async fn new(
        order: Order,
        schema: SchemaRef,
        streams: Vec<BoxStream<'static, Result<RecordBatch>>>,
    ) -> Result<Self> {
        let inputs = streams.into_iter().map(|stream| Input { stream, batch: None, row: 0 }).collect();
        let mut merge = Self { order, schema, inputs, heap: BinaryHeap::new() };
        for input in 0..merge.inputs.len() {
            merge.load(input).await?;
        }
        Ok(merge)
    }

    /// Reads the next batch of an input, and announces its first row.
    async fn load(&mut self, at: usize) -> Result<()> {
        let input = &mut self.inputs[at];
        input.batch = None;
        input.row = 0;
        while let Some(batch) = input.stream.next().await.transpose()? {
            if batch.num_rows() > 0 {
                let times = self.order.times(&batch);
                self.heap.push(Reverse((times[0], at)));
                input.batch = Some((fit(&batch, &self.schema)?, times));
                break;
            }
        }
        Ok(())
    }

    /// The next rows, `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut picks: Vec<(usize, usize)> = Vec::with_capacity(OUT_ROWS);
        // The batches that the picks are from: an input's next batch replaces its last one.
        let mut sources: Vec<RecordBatch> = Vec::new();
        let mut source_of: Vec<Option<usize>> = vec![None; self.inputs.len()];
        while picks.len() < OUT_ROWS {
            let Some(Reverse((_, at))) = self.heap.pop() else { break };
            let input = &mut self.inputs[at];
            let Some((batch, times)) = &input.batch else { continue };
            let source = *source_of[at].get_or_insert_with(|| {
                sources.push(batch.clone());
                sources.len() - 1
            });
            picks.push((source, input.row));
            input.row += 1;
            if let Some(&time) = times.get(input.row) {
                self.heap.push(Reverse((time, at)));
            } else {
                source_of[at] = None;
                self.load(at).await?;
            }
        }
        if picks.is_empty() {
            return Ok(None);
        }
        let references: Vec<&RecordBatch> = sources.iter().collect();
        interleave_record_batch(&references, &picks).map(Some).map_err(lake("merging files"))
    }
}

/// The batch with exactly the columns of a schema.
fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => std::sync::Arc::clone(column),
        None => arrow::array::new_null_array(field.data_type(), batch.num_rows()),
    });
    RecordBatch::try_new(SchemaRef::clone(schema), columns.collect()).map_err(lake("merging files"))
}

/// The columns of several schemas, in the order in which they first appear.
pub(super) fn union<'a>(schemas: impl Iterator<Item = &'a SchemaRef>) -> SchemaRef {
    let mut fields: Vec<arrow::datatypes::FieldRef> = Vec::new();
    for field in schemas.flat_map(|s| s.fields().iter()) {
        if !fields.iter().any(|f| f.name() == field.name()) {
            fields.push(std::sync::Arc::clone(field));
        }
    }
    std::sync::Arc::new(Schema::new(fields))
}
