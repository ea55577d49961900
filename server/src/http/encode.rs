//! Rows into bytes, batch by batch, in each form that can be asked for.
//!
//! - What an encoder holds is bounded: what was written since the last [`take`](Encoder::take), and of Parquet one row group of at
//!   most [`ROW_GROUP_BYTES`].
//! - JSON ends with what is known at the end; an error that comes after rows is a member there, and the last line of NDJSON. The
//!   other forms have no place for one: their body breaks off.
//! - Times and floats look as `lookback sql` writes them.
//! - Arrow has plain strings rather than views: not every reader knows those, and a slice of a view carries all of its text.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::json::StructMode;
use arrow::json::writer::{JsonFormat, LineDelimited, WriterBuilder};
use bytes::Bytes;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use lookback_query::output::{TIMESTAMP, TIMESTAMP_TZ, printed};
use lookback_query::session::redshift_type;
use lookback_query::{ErrorKind, Notice, QueryError};
use serde_json::{Value, json};

use super::accept::Form;

/// Bytes of rows at which a row group of Parquet is written.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// What is known before the first row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// The tables that are read, with their Delta versions.
    pub(crate) versions: Vec<(String, u64)>,
    /// What whoever asks should know.
    pub(crate) notices: Vec<Notice>,
}

/// What is known after the last row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    /// Rows that were sent.
    pub(crate) rows: u64,
    /// Whether there were more than were asked for.
    pub(crate) truncated: bool,
    /// From the question to the last row.
    pub(crate) seconds: f64,
    /// What ended the rows too early, as a problem.
    pub(crate) error: Option<Value>,
}

/// Writes rows in one form.
pub(crate) struct Encoder {
    form: Form,
    inner: Inner,
    sink: Sink,
}

enum Inner {
    /// An answer without columns, as of CREATE VIEW, in a form that has nothing beside rows.
    Nothing,
    Json(Box<arrow::json::Writer<Sink, Lists>>),
    Ndjson(Box<arrow::json::Writer<Sink, LineDelimited>>),
    Csv(Box<arrow::csv::Writer<Sink>>),
    Arrow(Box<StreamWriter<Sink>>),
    // With the bytes of the row group so far.
    Parquet(Box<ArrowWriter<Sink>>, usize),
}

impl Encoder {
    /// Begins an answer.
    ///
    /// # Errors
    /// [`ErrorKind::Write`] if the form cannot hold the columns.
    pub(crate) fn new(form: Form, schema: &SchemaRef, head: &Head) -> Result<Self, QueryError> {
        let sink = Sink::default();
        let to = sink.clone();
        let inner = match form {
            Form::Json => {
                sink.clone().write_all(opening(schema, head).as_bytes()).map_err(|e| unwritten(form, e))?;
                Inner::Json(Box::new(json_builder().with_struct_mode(StructMode::ListOnly).build(to)))
            }
            Form::Arrow => {
                let writer = StreamWriter::try_new(to, &plain(schema)).map_err(|e| unwritten(form, e))?;
                Inner::Arrow(Box::new(writer))
            }
            _ if schema.fields().is_empty() => Inner::Nothing,
            Form::Ndjson => Inner::Ndjson(Box::new(json_builder().build(to))),
            Form::Csv => {
                let builder = arrow::csv::WriterBuilder::new().with_header(true);
                let builder = builder.with_timestamp_format(TIMESTAMP.to_owned());
                let mut writer = builder.with_timestamp_tz_format(TIMESTAMP_TZ.to_owned()).build(to);
                // An answer without rows still has a header.
                writer.write(&RecordBatch::new_empty(Arc::clone(schema))).map_err(|e| unwritten(form, e))?;
                Inner::Csv(Box::new(writer))
            }
            Form::Parquet => {
                let compression = Compression::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(compression).build();
                let writer = ArrowWriter::try_new(to, Arc::clone(schema), Some(properties));
                Inner::Parquet(Box::new(writer.map_err(|e| unwritten(form, e))?), 0)
            }
        };
        Ok(Self { form, inner, sink })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// [`ErrorKind::Write`] if the form cannot hold a value.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let form = self.form;
        match &mut self.inner {
            Inner::Nothing => Ok(()),
            // Without columns there is nothing to list, and the writer makes no rows of nothing.
            Inner::Json(_) if batch.num_columns() == 0 => Ok(()),
            Inner::Json(writer) => writer.write(batch).map_err(|e| unwritten(form, e)),
            Inner::Ndjson(writer) => writer.write(batch).map_err(|e| unwritten(form, e)),
            Inner::Csv(writer) => printed(batch).and_then(|batch| writer.write(&batch)).map_err(|e| unwritten(form, e)),
            Inner::Arrow(writer) => {
                let columns = plain(&batch.schema());
                let texts =
                    batch.columns().iter().zip(columns.fields()).map(|(column, field)| cast(column, field.data_type()));
                let fitted = texts.collect::<Result<Vec<_>, _>>().and_then(|texts| {
                    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                    RecordBatch::try_new_with_options(columns, texts, &rows)
                });
                fitted.and_then(|batch| writer.write(&batch)).map_err(|e| unwritten(form, e))
            }
            Inner::Parquet(writer, bytes) => {
                let written = writer.write(batch);
                // A row group is kept until it is written, and its usual size is a number of rows, however wide.
                *bytes += batch.get_array_memory_size();
                let full = *bytes > ROW_GROUP_BYTES;
                if full {
                    *bytes = 0;
                }
                let written = if full { written.and_then(|()| writer.flush()) } else { written };
                written.map_err(|e| unwritten(form, e))
            }
        }
    }

    /// What was written since the last time.
    pub(crate) fn take(&self) -> Bytes {
        self.sink.take()
    }

    /// Ends the answer and gives the rest of it; `None` if it cannot say that something went wrong, and has to break off.
    ///
    /// # Errors
    /// [`ErrorKind::Write`] if the end cannot be written.
    pub(crate) fn finish(self, tail: &Tail) -> Result<Option<Bytes>, QueryError> {
        let (form, mut sink) = (self.form, self.sink);
        let closing = match (self.inner, &tail.error) {
            (Inner::Json(_), _) => Some(closing(tail)),
            (Inner::Ndjson(_), Some(error)) => Some(format!("{}\n", json!({ "error": error }))),
            (_, Some(_)) => return Ok(None),
            (Inner::Nothing | Inner::Ndjson(_) | Inner::Csv(_), None) => None,
            (Inner::Arrow(mut writer), None) => writer.finish().map(|()| None).map_err(|e| unwritten(form, e))?,
            (Inner::Parquet(writer, _), None) => writer.close().map(|_| None).map_err(|e| unwritten(form, e))?,
        };
        if let Some(closing) = closing {
            sink.write_all(closing.as_bytes()).map_err(|e| unwritten(form, e))?;
        }
        Ok(Some(sink.take()))
    }
}

/// The same columns without views.
fn plain(schema: &SchemaRef) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        DataType::BinaryView => Arc::new(field.as_ref().clone().with_data_type(DataType::Binary)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// The document up to its first row.
fn opening(schema: &SchemaRef, head: &Head) -> String {
    let column = |field: &Field| json!({ "name": field.name(), "type": redshift_type(field.data_type()) });
    let columns: Vec<Value> = schema.fields().iter().map(|field| column(field)).collect();
    let version = |(table, version): &(String, u64)| json!({ "table": table, "version": version });
    let versions: Vec<Value> = head.versions.iter().map(version).collect();
    let notice = |notice: &Notice| {
        let line = (notice.line() > 0).then(|| notice.line());
        json!({ "line": line, "text": notice.text() })
    };
    let notices: Vec<Value> = head.notices.iter().map(notice).collect();
    format!(
        "{{\"columns\":{},\"versions\":{},\"notices\":{},\n\"rows\":[",
        Value::from(columns),
        Value::from(versions),
        Value::from(notices)
    )
}

/// The document from its last row on.
fn closing(tail: &Tail) -> String {
    let error = tail.error.as_ref().map(|error| format!(",\"error\":{error}")).unwrap_or_default();
    format!(
        "],\n\"row_count\":{},\"truncated\":{},\"seconds\":{:.6}{error}}}\n",
        tail.rows, tail.truncated, tail.seconds
    )
}

/// Rows as members of a list that others open and close.
#[derive(Debug, Default)]
struct Lists;

impl JsonFormat for Lists {
    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        writer.write_all(if is_first_row { b"\n" } else { b",\n" })?;
        Ok(())
    }
}

fn json_builder() -> WriterBuilder {
    WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_format(TIMESTAMP.to_owned())
        .with_timestamp_tz_format(TIMESTAMP_TZ.to_owned())
}

fn unwritten(form: Form, e: impl std::error::Error + Send + Sync + 'static) -> QueryError {
    QueryError::with_source(ErrorKind::Write, format!("the answer cannot be written as {}: {e}", form.name()), e)
}

/// Where writers write to, and the answer takes from.
#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
