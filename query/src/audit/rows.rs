//! Rows of small answers, by the names of their columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;

use crate::error::{ErrorKind, QueryError};
use crate::session::{Answer, Session};

/// A moment as text, without a zone: `2026-01-31 08:00:00.000000`.
pub(super) fn moment_text(micros: i64) -> String {
    lookback_schemas::time::sql_literal(micros)
}

/// One row. A column that is missing reads as NULL.
#[derive(Clone)]
pub(super) struct Row {
    batch: Arc<Batch>,
    row: usize,
}

struct Batch {
    rows: RecordBatch,
    columns: HashMap<String, usize>,
}

impl Row {
    fn column(&self, name: &str) -> Option<&dyn Array> {
        let column = self.batch.columns.get(name).map(|at| self.batch.rows.column(*at).as_ref())?;
        column.is_valid(self.row).then_some(column)
    }

    /// A text; empty for NULL.
    pub(super) fn text(&self, name: &str) -> String {
        self.text_or_none(name).unwrap_or_default()
    }

    /// A text; `None` for NULL.
    pub(super) fn text_or_none(&self, name: &str) -> Option<String> {
        let column = self.column(name)?;
        match column.as_string_opt::<i32>() {
            Some(texts) => Some(texts.value(self.row).to_owned()),
            None => {
                let options = FormatOptions::new();
                let formatter = ArrayFormatter::try_new(column, &options).ok()?;
                formatter.value(self.row).try_to_string().ok()
            }
        }
    }

    /// A time in microseconds since 1970-01-01, UTC.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        Some(self.column(name)?.as_primitive_opt::<TimestampMicrosecondType>()?.value(self.row))
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        let column = self.column(name)?;
        match column.as_primitive_opt::<Int64Type>() {
            Some(numbers) => Some(numbers.value(self.row)),
            #[allow(clippy::cast_possible_truncation, reason = "counts of rows are whole and small")]
            None => Some(column.as_primitive_opt::<Float64Type>()?.value(self.row) as i64),
        }
    }

    /// True or false.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        Some(self.column(name)?.as_boolean_opt()?.value(self.row))
    }
}

/// The rows of a statement.
pub(super) async fn rows_of(session: &Session, sql: &str) -> Result<Vec<Row>, QueryError> {
    rows_in(session.query(sql).await?).await
}

/// The rows of an answer.
pub(super) async fn rows_in(answer: Answer) -> Result<Vec<Row>, QueryError> {
    let mut rows = Vec::new();
    let mut batches = answer.into_stream();
    while let Some(batch) = batches.try_next().await? {
        let schema = batch.schema();
        let columns = schema.fields().iter().enumerate().map(|(at, field)| (field.name().clone(), at)).collect();
        let batch = Arc::new(Batch { rows: plain(&batch)?, columns });
        rows.extend((0..batch.rows.num_rows()).map(|row| Row { batch: Arc::clone(&batch), row }));
    }
    Ok(rows)
}

/// The batch with one type for each kind of value.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
    let wrong = |e| QueryError::with_source(ErrorKind::Internal, format!("an answer cannot be read: {e}"), e);
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let to = match column.data_type() {
            DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..) => DataType::Utf8,
            DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Decimal128(..) | DataType::Float32 => DataType::Float64,
            whole if whole.is_integer() => DataType::Int64,
            other => other.clone(),
        };
        Ok((field.name().clone(), cast(column, &to)?))
    });
    let columns = columns.collect::<Result<Vec<_>, arrow::error::ArrowError>>().map_err(wrong)?;
    if columns.is_empty() {
        return Ok(batch.clone());
    }
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .map_err(wrong)
}
