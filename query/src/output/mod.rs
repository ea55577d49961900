//! Results for people and for programs.
//!
//! Every format is written batch by batch as rows come, so that memory does not grow with the answer; `table` first waits for
//! the rows that its columns' widths are taken from. A reader
//! that has seen enough and closes its end (`| head`) is no error: [`Written::Closed`] says so.
//!
//! Times are written as `2026-01-31 23:59:59.123456` without a zone; NULL is empty in `table`, `expanded` and `csv`, and a float
//! without a fraction has no point there.

mod expanded;
mod floats;
mod pipe;
mod table;

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::{JsonArray, LineDelimited};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::{ErrorKind, QueryError};
use pipe::Pipe;

pub use floats::printed;

/// How times are written, in chrono's notation; the fraction has 0, 3 or 6 digits.
pub const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S%.f";
/// How times with a zone are written.
pub const TIMESTAMP_TZ: &str = "%Y-%m-%d %H:%M:%S%.f%:z";

/// Bytes of rows at which a row group of a Parquet file is written. Not what the writer says it holds: its pages keep the room that
/// they had before they were compressed.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Columns for a person to read; the first [`MAX_TABLE_ROWS`](Self::MAX_TABLE_ROWS) rows.
    #[default]
    Table,
    /// A line for every column of every row, for rows that are wider than a screen.
    Expanded,
    /// RFC 4180 with a header line.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// A Parquet file, zstd.
    Parquet,
    /// An Arrow IPC file (Feather version 2).
    Arrow,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Table, Self::Expanded, Self::Csv, Self::Json, Self::Ndjson, Self::Parquet, Self::Arrow];

    /// Rows that a table shows; the others are counted.
    pub const MAX_TABLE_ROWS: usize = 10_000;

    /// Whether the result is text that a terminal can show.
    #[must_use]
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Parquet | Self::Arrow)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Table => "table",
            Self::Expanded => "expanded",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        })
    }
}

impl FromStr for Format {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let found = Self::ALL.into_iter().find(|format| format.to_string().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let all = Self::ALL.map(|format| format.to_string()).join(", ");
            QueryError::new(ErrorKind::Parameter, format!("'{text}' is not a format; formats are {all}"))
        })
    }
}

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// All rows of the answer were taken; a table may show fewer and says so.
    All {
        /// Rows of the answer.
        rows: u64,
    },
    /// The reader closed its end before the last row, which is its right.
    Closed {
        /// Rows handed over until then.
        rows: u64,
    },
}

impl Written {
    /// Rows written.
    #[must_use]
    pub fn rows(self) -> u64 {
        match self {
            Self::All { rows } | Self::Closed { rows } => rows,
        }
    }
}

/// Writes an answer's rows as they come. An answer without columns, as of CREATE VIEW, leaves nothing, not even a header.
///
/// # Errors
/// What stopped the statement, or [`ErrorKind::Write`] if the result cannot be written, or cannot be written in this format.
pub async fn write<W: Write + Send>(
    mut rows: SendableRecordBatchStream,
    format: Format,
    to: W,
) -> Result<Written, QueryError> {
    let mut pipe = Pipe::new(to);
    let broken = pipe.broken();
    let mut count = 0_u64;
    let outcome = async {
        let columns = rows.schema().fields().len();
        let mut encoder = (columns > 0).then(|| Encoder::new(format, rows.schema(), &mut pipe)).transpose()?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            if let Some(encoder) = &mut encoder {
                encoder.write(&batch)?;
            }
            count += batch.num_rows() as u64;
        }
        encoder.map_or(Ok(()), Encoder::finish)
    }
    .await
    .and_then(|()| pipe.flush().map_err(|e| unwritten(format, e)));
    match outcome {
        Ok(()) => Ok(Written::All { rows: count }),
        Err(_) if broken.get() => Ok(Written::Closed { rows: count }),
        Err(error) => Err(error),
    }
}

enum Encoder<'a, W: Write + Send> {
    Table(table::Table<&'a mut Pipe<W>>),
    Expanded(expanded::Expanded<&'a mut Pipe<W>>),
    Csv(Box<arrow::csv::Writer<&'a mut Pipe<W>>>),
    Json(Box<arrow::json::Writer<&'a mut Pipe<W>, JsonArray>>),
    Ndjson(Box<arrow::json::Writer<&'a mut Pipe<W>, LineDelimited>>),
    // With the bytes of the row group so far.
    Parquet(Box<ArrowWriter<&'a mut Pipe<W>>>, usize),
    Arrow(Box<arrow::ipc::writer::FileWriter<&'a mut Pipe<W>>>),
}

impl<'a, W: Write + Send> Encoder<'a, W> {
    fn new(format: Format, schema: SchemaRef, to: &'a mut Pipe<W>) -> Result<Self, QueryError> {
        Ok(match format {
            Format::Expanded if !table::is_plan(&schema) => Self::Expanded(expanded::Expanded::new(&schema, to)),
            Format::Table | Format::Expanded => Self::Table(table::Table::new(schema, Format::MAX_TABLE_ROWS, to)),
            Format::Csv => {
                let mut writer = arrow::csv::WriterBuilder::new()
                    .with_header(true)
                    .with_timestamp_format(TIMESTAMP.to_owned())
                    .with_timestamp_tz_format(TIMESTAMP_TZ.to_owned())
                    .build(to);
                // An answer without rows still has a header.
                writer.write(&RecordBatch::new_empty(schema)).map_err(|e| unwritten(format, e))?;
                Self::Csv(Box::new(writer))
            }
            Format::Json => Self::Json(Box::new(json_builder().build(to))),
            Format::Ndjson => Self::Ndjson(Box::new(json_builder().build(to))),
            Format::Parquet => {
                let compression = Compression::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(compression).build();
                let writer = ArrowWriter::try_new(to, schema, Some(properties)).map_err(|e| unwritten(format, e))?;
                Self::Parquet(Box::new(writer), 0)
            }
            Format::Arrow => {
                let writer = arrow::ipc::writer::FileWriter::try_new(to, &schema).map_err(|e| unwritten(format, e))?;
                Self::Arrow(Box::new(writer))
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        match self {
            Self::Table(table) => table.add(batch).map_err(|e| unwritten(Format::Table, e)),
            Self::Expanded(rows) => rows.add(batch).map_err(|e| unwritten(Format::Expanded, e)),
            Self::Csv(writer) => {
                let printed = floats::printed(batch).and_then(|batch| writer.write(&batch));
                printed.map_err(|e| unwritten(Format::Csv, e))
            }
            Self::Json(writer) => writer.write(batch).map_err(|e| unwritten(Format::Json, e)),
            Self::Ndjson(writer) => writer.write(batch).map_err(|e| unwritten(Format::Ndjson, e)),
            Self::Parquet(writer, bytes) => {
                let written = writer.write(batch);
                // A row group is kept until it is written, and its usual size is a number of rows, however wide.
                *bytes += batch.get_array_memory_size();
                let full = *bytes > ROW_GROUP_BYTES;
                let written = if full { written.and_then(|()| writer.flush()) } else { written };
                if full {
                    *bytes = 0;
                }
                written.map_err(|e| unwritten(Format::Parquet, e))
            }
            Self::Arrow(writer) => writer.write(batch).map_err(|e| unwritten(Format::Arrow, e)),
        }
    }

    fn finish(self) -> Result<(), QueryError> {
        match self {
            Self::Table(table) => table.finish().map_err(|e| unwritten(Format::Table, e)),
            Self::Expanded(rows) => rows.finish().map_err(|e| unwritten(Format::Expanded, e)),
            Self::Csv(_) => Ok(()),
            Self::Json(mut writer) => writer
                .finish()
                .and_then(|()| writer.get_mut().write_all(b"\n").map_err(Into::into))
                .map_err(|e| unwritten(Format::Json, e)),
            Self::Ndjson(mut writer) => writer.finish().map_err(|e| unwritten(Format::Ndjson, e)),
            Self::Parquet(writer, _) => writer.close().map(|_| ()).map_err(|e| unwritten(Format::Parquet, e)),
            Self::Arrow(mut writer) => writer.finish().map_err(|e| unwritten(Format::Arrow, e)),
        }
    }
}

fn json_builder() -> arrow::json::WriterBuilder {
    arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_format(TIMESTAMP.to_owned())
        .with_timestamp_tz_format(TIMESTAMP_TZ.to_owned())
}

fn unwritten(format: Format, e: impl std::error::Error + Send + Sync + 'static) -> QueryError {
    QueryError::with_source(ErrorKind::Write, format!("the result cannot be written as {format}: {e}"), e)
}
