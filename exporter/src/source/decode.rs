//! From the wire's rows straight into Arrow columns, without a row or value type in between: this is the inner loop of an
//! export.
//!
//! The formats are PostgreSQL's binary ones (`*send` functions), which Redshift shares: integers big-endian, timestamps as
//! microseconds since 2000-01-01, numeric as digits of base 10,000, CHAR with its padding.

mod column;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::{Buf, Bytes};
use lookback_schemas::LakeType;
use lookback_schemas::types::FRAGMENT_WIDTH;
use tokio_postgres::types::Type;

use self::column::Column;
use super::SourceColumn;

/// Rows and bytes of values after which a batch is handed on.
const BATCH_ROWS: usize = 8_192;
const BATCH_BYTES: usize = 2 << 20;

/// What the wire calls a type, and its modifier: a length plus 4 for CHAR and VARCHAR, precision and scale for NUMERIC.
#[derive(Debug, Clone)]
pub(super) struct WireType {
    pub(super) name: String,
    pub(super) wire: Type,
    pub(super) modifier: i32,
}

/// The lake type of a column as the cluster describes it. Only the cluster knows; `documented` fills in what the wire leaves
/// out, which is the precision of a NUMERIC that has none.
pub(super) fn lake_type(column: &WireType, documented: Option<LakeType>) -> Option<LakeType> {
    Some(match column.wire {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => LakeType::Long,
        Type::FLOAT4 | Type::FLOAT8 => LakeType::Double,
        Type::BOOL => LakeType::Boolean,
        Type::BPCHAR => {
            let fragment = column.name == "text" && i64::from(column.modifier) == i64::from(FRAGMENT_WIDTH) + 4;
            LakeType::Text { trim: !fragment }
        }
        Type::CHAR => LakeType::Text { trim: true },
        Type::VARCHAR | Type::TEXT | Type::NAME | Type::TIME => LakeType::Text { trim: false },
        Type::TIMESTAMP | Type::TIMESTAMPTZ => LakeType::Timestamp,
        Type::DATE => LakeType::Date,
        Type::NUMERIC if column.modifier >= 4 => {
            let packed = column.modifier - 4;
            let precision = u8::try_from(packed >> 16).ok().filter(|p| (1..=38).contains(p))?;
            let scale = i8::try_from(packed & 0x7ff).ok().filter(|s| (0..=38).contains(s))?;
            LakeType::Decimal { precision, scale }
        }
        Type::NUMERIC => match documented {
            Some(decimal @ LakeType::Decimal { .. }) => decimal,
            _ => return None,
        },
        _ => return None,
    })
}

/// Collects rows into batches of one schema.
pub(super) struct Decoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

/// A value that is not what its type promises, or a row that is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    #[error("column '{column}': {problem}")]
    Value { column: String, problem: String },
    #[error("a row that is not one: {0}")]
    Row(&'static str),
}

impl Decoder {
    /// A decoder for rows whose columns have these wire types, into these lake types, in the same order.
    pub(super) fn new(schema: SchemaRef, wire: &[Type], columns: &[SourceColumn]) -> Self {
        let columns = wire.iter().zip(columns).map(|(w, c)| Column::new(w, c.lake_type)).collect();
        Self { schema, columns, rows: 0, bytes: 0 }
    }

    /// Whether nothing is collected.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the collected rows should be taken.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// Takes `DataRow` messages off the front of a run of them, until the run ends or the batch is full.
    pub(super) fn push(&mut self, run: &mut Bytes) -> Result<(), DecodeError> {
        while !run.is_empty() && !self.is_full() {
            let length = self.row(run)?;
            run.advance(length);
            self.rows += 1;
        }
        Ok(())
    }

    /// Decodes the first message of a run; returns its length. A tag, a length that does not count the tag, a count of values;
    /// each value as a length, or -1 for null, and as many bytes.
    fn row(&mut self, run: &[u8]) -> Result<usize, DecodeError> {
        const SHORT: DecodeError = DecodeError::Row("it ends early");
        let (&[b'D', a, b, c, d, e, f], _) = run.split_first_chunk::<7>().ok_or(SHORT)? else {
            return Err(DecodeError::Row("it has another tag"));
        };
        let length = usize::try_from(i32::from_be_bytes([a, b, c, d])).map_err(|_| SHORT)? + 1;
        if usize::from(u16::from_be_bytes([e, f])) != self.columns.len() {
            return Err(DecodeError::Row("it has another number of columns"));
        }
        let mut rest = run.get(7..length).ok_or(SHORT)?;
        for (i, column) in self.columns.iter_mut().enumerate() {
            let (size, behind) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
            let appended = match usize::try_from(i32::from_be_bytes(*size)) {
                Ok(size) => {
                    let (value, behind) = behind.split_at_checked(size).ok_or(SHORT)?;
                    rest = behind;
                    column.append(value)
                }
                Err(_) => {
                    rest = behind;
                    column.append_null();
                    Ok(0)
                }
            };
            match appended {
                Ok(bytes) => self.bytes += bytes,
                Err(problem) => {
                    let column = self.schema.fields().get(i).map(|f| f.name().clone()).unwrap_or_default();
                    return Err(DecodeError::Value { column, problem });
                }
            }
        }
        if rest.is_empty() { Ok(length) } else { Err(DecodeError::Row("it is longer than its values")) }
    }

    /// The collected rows; the decoder is empty afterwards.
    pub(super) fn take(&mut self) -> Result<RecordBatch, arrow::error::ArrowError> {
        let columns = self.columns.iter_mut().map(Column::finish).collect::<Result<_, _>>()?;
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

#[cfg(test)]
mod tests;
