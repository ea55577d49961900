//! Rows on their way to a client: taken in parts, as many as it asks for.

use std::sync::{Arc, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};
use lookback_query::QueryError;
use tokio::sync::Mutex;

use super::failure::Failure;

/// An answer that is read in parts.
pub(super) struct Answer {
    schema: SchemaRef,
    // Never waited for: it only makes what can be sent between threads also something that they can share.
    rows: std::sync::Mutex<SendableRecordBatchStream>,
    // What is left of a batch that was not taken as a whole.
    left: Option<RecordBatch>,
}

/// An answer that FETCH reads from, statement after statement.
pub(super) type Cursor = Arc<Mutex<Answer>>;

impl Answer {
    pub(super) fn new(rows: SendableRecordBatchStream) -> Self {
        Self { schema: rows.schema(), rows: rows.into(), left: None }
    }

    /// An answer of texts that is there already.
    pub(super) fn texts(names: &[&str], rows: &[Vec<String>]) -> Result<Self, Failure> {
        let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let column = |at: usize| {
            Arc::new(rows.iter().map(|row| row.get(at).map(String::as_str)).collect::<StringArray>()) as ArrayRef
        };
        let columns = (0..names.len()).map(column).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)
            .map_err(DataFusionError::from)
            .map_err(QueryError::from)?;
        let rows = stream::iter([Ok(batch)]);
        Ok(Self::new(Box::pin(RecordBatchStreamAdapter::new(schema, rows))))
    }

    /// The next rows of a cursor as an answer of their own; `None` is all.
    pub(super) async fn fetched(cursor: &Cursor, most: Option<u64>) -> Self {
        let schema = cursor.lock().await.schema();
        let start = (Arc::clone(cursor), most.unwrap_or(u64::MAX));
        let rows = stream::unfold(start, |(cursor, left)| async move {
            if left == 0 {
                return None;
            }
            let part = cursor.lock().await.part(left).await?;
            let taken = part.as_ref().map_or(left, |batch| batch.num_rows() as u64);
            Some((part, (cursor, left.saturating_sub(taken))))
        });
        Self::new(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next rows, at most so many; `None` at the end.
    pub(super) async fn part(&mut self, most: u64) -> Option<Result<RecordBatch, DataFusionError>> {
        let batch = match self.left.take() {
            Some(batch) => batch,
            None => loop {
                let rows = self.rows.get_mut().unwrap_or_else(PoisonError::into_inner);
                match rows.next().await? {
                    Ok(batch) if batch.num_rows() == 0 => {}
                    Ok(batch) => break batch,
                    Err(error) => return Some(Err(error)),
                }
            },
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if batch.num_rows() > most {
            self.left = Some(batch.slice(most, batch.num_rows() - most));
            return Some(Ok(batch.slice(0, most)));
        }
        Some(Ok(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cursor_goes_on_where_the_last_fetch_ended() {
        let rows: Vec<Vec<String>> = (0..10).map(|n| vec![n.to_string()]).collect();
        let cursor: Cursor = Arc::new(Mutex::new(Answer::texts(&["n"], &rows).unwrap()));
        let mut taken = Vec::new();
        for most in [Some(3), Some(0), Some(4), None, None] {
            let mut fetched = Answer::fetched(&cursor, most).await;
            let mut count = 0;
            while let Some(part) = fetched.part(u64::MAX).await {
                count += part.unwrap().num_rows();
            }
            taken.push(count);
        }
        assert_eq!(taken, [3, 0, 4, 3, 0]);
    }
}
