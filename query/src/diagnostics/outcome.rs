//! The rows of a diagnostic as texts and numbers, for reports.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use crate::error::{ErrorKind, QueryError};
use crate::output::TIMESTAMP;
use crate::session::Answer;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    /// How it is shown: times without a zone, empty for NULL. It can hold anything that a log holds.
    pub text: String,
    /// A number as itself, a time in microseconds and a day in days since 1970-01-01; `None` for text and NULL.
    pub number: Option<f64>,
}

/// An answer that was read to its end.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, at most as many as were asked for.
    pub rows: Vec<Vec<Cell>>,
    /// How many more there were.
    pub left_out: usize,
}

impl Outcome {
    /// Reads an answer, and keeps its first rows.
    ///
    /// # Errors
    /// What stopped the statement, or [`ErrorKind::Internal`] if a value cannot be shown.
    pub async fn read(answer: Answer, most: usize) -> Result<Self, QueryError> {
        Self::of_stream(answer.into_stream(), most).await
    }

    /// The same of rows as they come.
    ///
    /// # Errors
    /// As [`Outcome::read`].
    pub async fn of_stream(mut batches: SendableRecordBatchStream, most: usize) -> Result<Self, QueryError> {
        let columns = batches.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut outcome = Self { columns, ..Self::default() };
        while let Some(batch) = batches.try_next().await? {
            let kept = batch.num_rows().min(most - outcome.rows.len());
            outcome.left_out += batch.num_rows() - kept;
            let rows = cells(&batch.slice(0, kept));
            let unshown = |e: ArrowError| QueryError::with_source(ErrorKind::Internal, "the result cannot be shown", e);
            outcome.rows.extend(rows.map_err(unshown)?);
        }
        Ok(outcome)
    }
}

fn cells(batch: &RecordBatch) -> Result<Vec<Vec<Cell>>, ArrowError> {
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    let options = FormatOptions::new().with_null("").with_timestamp_format(Some(TIMESTAMP));
    for column in batch.columns() {
        let texts = ArrayFormatter::try_new(column.as_ref(), &options)?;
        let numbers = numbers(column.as_ref())?;
        for (row, cells) in rows.iter_mut().enumerate() {
            let number = numbers.as_ref().and_then(|numbers| numbers[row]);
            cells.push(Cell { text: texts.value(row).try_to_string()?, number });
        }
    }
    Ok(rows)
}

fn numbers(column: &dyn Array) -> Result<Option<Vec<Option<f64>>>, ArrowError> {
    let whole = match column.data_type() {
        kind if kind.is_numeric() => cast(column, &DataType::Float64)?,
        DataType::Timestamp(..) => {
            let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            cast(&cast(&micros, &DataType::Int64)?, &DataType::Float64)?
        }
        DataType::Date32 => cast(&cast(column, &DataType::Int32)?, &DataType::Float64)?,
        _ => return Ok(None),
    };
    Ok(Some(whole.as_primitive::<Float64Type>().iter().collect()))
}
