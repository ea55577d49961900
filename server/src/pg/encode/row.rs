//! Rows as messages: each column of a batch is told apart once, and then written value by value.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow_pg::encoder::encode_value;
use bytes::{BufMut, BytesMut};
use pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo};

use super::written::{day, float, moment, numeric};
use super::{Column, is_special, message, unsent};
use crate::pg::failure::{Failure, code};

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL's time begins.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;
/// Longest row, in bytes.
const MAX_ROW: usize = 1 << 30;

/// A batch that is written row by row.
pub(in crate::pg) struct Rows<'a> {
    columns: Vec<Reader<'a>>,
}

impl<'a> Rows<'a> {
    /// Prepares the columns of a batch.
    pub(in crate::pg) fn new(batch: &'a RecordBatch, columns: &'a [Column]) -> Result<Self, Failure> {
        if batch.num_columns() != columns.len() {
            return Err(Failure::new(code::INTERNAL, "an answer has other columns than it was described with"));
        }
        let pairs = batch.columns().iter().zip(columns);
        Ok(Self { columns: pairs.map(|(array, column)| Reader::new(array, column)).collect::<Result<_, _>>()? })
    }

    /// Adds a row as a message.
    pub(in crate::pg) fn write(&self, row: usize, to: &mut BytesMut) -> Result<(), Failure> {
        let before = to.len();
        let mut failed = None;
        message(to, b'D', |to| {
            to.put_u16(u16::try_from(self.columns.len()).unwrap_or(u16::MAX));
            failed = self.columns.iter().find_map(|column| column.field(row, to).err());
        });
        if failed.is_none() && to.len() - before > MAX_ROW {
            failed = Some(Failure::new(code::LIMIT, "a row is longer than 1 GiB"));
        }
        match failed {
            Some(failure) => {
                // Half a message would be the end of the connection.
                to.truncate(before);
                Err(failure)
            }
            None => Ok(()),
        }
    }

    /// The text of each value of a row, none for NULL.
    pub(in crate::pg) fn texts(&self, row: usize, mut each: impl FnMut(usize, Option<&str>)) -> Result<(), Failure> {
        let mut bytes = BytesMut::new();
        for (at, column) in self.columns.iter().enumerate() {
            bytes.clear();
            column.field(row, &mut bytes)?;
            let (length, text) = bytes.split_at(4.min(bytes.len()));
            let text = (length != [0xff; 4]).then(|| String::from_utf8_lossy(text));
            each(at, text.as_deref());
        }
        Ok(())
    }
}

enum Values<'a> {
    Null,
    Bool(&'a BooleanArray),
    I8(&'a Int8Array),
    I16(&'a Int16Array),
    I32(&'a Int32Array),
    I64(&'a Int64Array),
    U8(&'a UInt8Array),
    U16(&'a UInt16Array),
    U32(&'a UInt32Array),
    U64(&'a UInt64Array),
    F32(&'a Float32Array),
    F64(&'a Float64Array),
    Dec128(&'a Decimal128Array),
    Dec256(&'a Decimal256Array),
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    TextView(&'a StringViewArray),
    Date(&'a Date32Array),
    // In microseconds, whatever they were.
    Time(TimestampMicrosecondArray, bool),
    Other(FieldInfo),
}

struct Reader<'a> {
    array: &'a ArrayRef,
    column: &'a Column,
    values: Values<'a>,
}

impl<'a> Reader<'a> {
    fn new(array: &'a ArrayRef, column: &'a Column) -> Result<Self, Failure> {
        let any = array.as_any();
        let plain = !is_special(&column.field);
        macro_rules! is {
            ($variant:ident) => {
                any.downcast_ref().filter(|_| plain).map(Values::$variant)
            };
        }
        let known = match array.data_type() {
            DataType::Null => Some(Values::Null),
            DataType::Boolean => is!(Bool),
            DataType::Int8 => is!(I8),
            DataType::Int16 => is!(I16),
            DataType::Int32 => is!(I32),
            DataType::Int64 => is!(I64),
            DataType::UInt8 => is!(U8),
            DataType::UInt16 => is!(U16),
            DataType::UInt32 => is!(U32),
            DataType::UInt64 => is!(U64),
            DataType::Float32 => is!(F32),
            DataType::Float64 => is!(F64),
            DataType::Decimal128(..) => is!(Dec128),
            DataType::Decimal256(..) => is!(Dec256),
            DataType::Utf8 => is!(Text),
            DataType::LargeUtf8 => is!(LargeText),
            DataType::Utf8View => is!(TextView),
            DataType::Date32 => is!(Date),
            DataType::Timestamp(_, zone) => {
                let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone())).map_err(unsent)?;
                let micros = micros.as_primitive_opt::<TimestampMicrosecondType>().cloned();
                micros.map(|micros| Values::Time(micros, zone.is_some()))
            }
            _ => None,
        };
        let other = || {
            let format = if column.binary { FieldFormat::Binary } else { FieldFormat::Text };
            Values::Other(FieldInfo::new(column.field.name().clone(), None, None, column.kind.clone(), format))
        };
        Ok(Self { array, column, values: known.unwrap_or_else(other) })
    }

    /// Adds the length and the value.
    fn field(&self, row: usize, to: &mut BytesMut) -> Result<(), Failure> {
        if self.array.is_null(row) || matches!(self.values, Values::Null) {
            to.put_i32(-1);
            return Ok(());
        }
        let start = to.len();
        to.put_u32(0);
        if let Values::Other(info) = &self.values {
            to.truncate(start);
            return self.other(info, row, to);
        }
        if self.column.binary {
            self.binary(row, to);
        } else {
            self.text(row, to);
        }
        let length =
            u32::try_from(to.len() - start - 4).map_err(|_| Failure::new(code::LIMIT, "a value is too long"))?;
        to[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn text(&self, row: usize, to: &mut BytesMut) {
        // Writing to memory does not fail.
        let _ = match &self.values {
            Values::Null | Values::Other(_) => Ok(()),
            Values::Bool(a) => to.write_str(if a.value(row) { "t" } else { "f" }),
            Values::I8(a) => write!(to, "{}", a.value(row)),
            Values::I16(a) => write!(to, "{}", a.value(row)),
            Values::I32(a) => write!(to, "{}", a.value(row)),
            Values::I64(a) => write!(to, "{}", a.value(row)),
            Values::U8(a) => write!(to, "{}", a.value(row)),
            Values::U16(a) => write!(to, "{}", a.value(row)),
            Values::U32(a) => write!(to, "{}", a.value(row)),
            Values::U64(a) => write!(to, "{}", a.value(row)),
            Values::F32(a) => to.write_str(&float(
                f64::from(a.value(row)),
                &a.value(row).to_string(),
                &format!("{:e}", a.value(row)),
                6,
            )),
            Values::F64(a) => {
                to.write_str(&float(a.value(row), &a.value(row).to_string(), &format!("{:e}", a.value(row)), 15))
            }
            Values::Dec128(a) => to.write_str(&a.value_as_string(row)),
            Values::Dec256(a) => to.write_str(&a.value_as_string(row)),
            Values::Text(a) => to.write_str(a.value(row)),
            Values::LargeText(a) => to.write_str(a.value(row)),
            Values::TextView(a) => to.write_str(a.value(row)),
            Values::Date(a) => write!(to, "{}", day(a.value(row))),
            Values::Time(a, zone) => to.write_str(&moment(a.value(row), *zone)),
        };
    }

    fn binary(&self, row: usize, to: &mut BytesMut) {
        match &self.values {
            Values::Null | Values::Other(_) => {}
            Values::Bool(a) => to.put_u8(u8::from(a.value(row))),
            Values::I8(a) => to.put_i16(a.value(row).into()),
            Values::I16(a) => to.put_i16(a.value(row)),
            Values::I32(a) => to.put_i32(a.value(row)),
            Values::I64(a) => to.put_i64(a.value(row)),
            Values::U8(a) => to.put_i16(a.value(row).into()),
            Values::U16(a) => to.put_i32(a.value(row).into()),
            Values::U32(a) => to.put_i64(a.value(row).into()),
            Values::U64(a) => numeric(&a.value(row).to_string(), to),
            Values::F32(a) => to.put_f32(a.value(row)),
            Values::F64(a) => to.put_f64(a.value(row)),
            Values::Dec128(a) => numeric(&a.value_as_string(row), to),
            Values::Dec256(a) => numeric(&a.value_as_string(row), to),
            Values::Text(_) | Values::LargeText(_) | Values::TextView(_) => self.text(row, to),
            Values::Date(a) => to.put_i32(a.value(row).saturating_sub(EPOCH_DAYS)),
            Values::Time(a, _) => to.put_i64(a.value(row).saturating_sub(EPOCH_MICROS)),
        }
    }

    fn other(&self, info: &FieldInfo, row: usize, to: &mut BytesMut) -> Result<(), Failure> {
        let mut encoder = DataRowEncoder::new(Arc::new(vec![info.clone()]));
        encode_value(&mut encoder, self.array, row, &self.column.field, info).map_err(unsent)?;
        to.put_slice(&encoder.take_row().data);
        Ok(())
    }
}
