//! Result rows on the wire: Arrow batches become DataRow messages, in text or binary format.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array,
    Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use bytes::{BufMut, BytesMut};
use chrono::{DateTime, NaiveDate};
use lookback_schemas::time::Y2000;
use pgwire::messages::data::{FORMAT_CODE_BINARY, FieldDescription, MESSAGE_TYPE_BYTE_DATA_ROW};

use crate::types::SourceType;

/// Days from 1970-01-01 to 2000-01-01, the epoch of binary dates.
const Y2000_DAYS: i32 = 10_957;

/// A column of a result.
#[derive(Debug, Clone)]
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    pub(crate) source_type: SourceType,
    /// Whether values of another Arrow type than that of `source_type` must be cast to text.
    pub(crate) as_text: bool,
}

impl ResultColumn {
    pub(crate) fn description(&self, format: i16) -> FieldDescription {
        let t = self.source_type;
        FieldDescription::new(self.name.clone(), 0, 0, t.oid(), t.size(), t.modifier(), format)
    }
}

enum Values {
    Int2(Int16Array),
    Int4(Int32Array),
    Int8(Int64Array),
    Float4(Float32Array),
    Float8(Float64Array),
    Bool(BooleanArray),
    /// Texts and the width to which they are padded (0: not at all).
    Text(StringArray, usize),
    Timestamp(TimestampMicrosecondArray),
    Date(Date32Array),
    Numeric(Decimal128Array, i8),
}

/// The rows of one batch, ready to be written.
pub(crate) struct Rows {
    columns: Vec<(Values, bool)>,
    rows: usize,
}

impl Rows {
    /// `formats[i]` is the format code of column i.
    pub(crate) fn new(batch: &RecordBatch, columns: &[ResultColumn], formats: &[i16]) -> Result<Self, ArrowError> {
        let mut ready = Vec::with_capacity(columns.len());
        for ((column, array), format) in columns.iter().zip(batch.columns()).zip(formats) {
            ready.push((values(column, array)?, *format == FORMAT_CODE_BINARY));
        }
        Ok(Self { columns: ready, rows: batch.num_rows() })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Appends row `row` as a DataRow message.
    pub(crate) fn write(&self, row: usize, out: &mut BytesMut) {
        let start = out.len();
        out.put_u8(MESSAGE_TYPE_BYTE_DATA_ROW);
        out.put_i32(0);
        out.put_i16(i16::try_from(self.columns.len()).unwrap_or(i16::MAX));
        for (values, binary) in &self.columns {
            values.write(row, *binary, out);
        }
        set_length(out, start + 1);
    }
}

/// Writes the length of what follows `at`, itself included, at `at`.
fn set_length(out: &mut BytesMut, at: usize) {
    let length = i32::try_from(out.len() - at).unwrap_or(i32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

fn values(column: &ResultColumn, array: &ArrayRef) -> Result<Values, ArrowError> {
    let t = column.source_type;
    let want = if column.as_text { DataType::Utf8 } else { t.arrow() };
    let array = if *array.data_type() == want { Arc::clone(array) } else { cast(array, &want)? };
    Ok(match t {
        SourceType::Int2 => Values::Int2(array.as_primitive().clone()),
        SourceType::Int4 => Values::Int4(array.as_primitive().clone()),
        SourceType::Int8 => Values::Int8(array.as_primitive().clone()),
        SourceType::Float4 => Values::Float4(array.as_primitive().clone()),
        SourceType::Float8 => Values::Float8(array.as_primitive().clone()),
        SourceType::Bool => Values::Bool(array.as_boolean().clone()),
        SourceType::Char(n) => Values::Text(array.as_string::<i32>().clone(), n as usize),
        SourceType::Varchar(_) | SourceType::Text => Values::Text(array.as_string::<i32>().clone(), 0),
        SourceType::Timestamp | SourceType::Timestamptz => Values::Timestamp(array.as_primitive().clone()),
        SourceType::Date => Values::Date(array.as_primitive().clone()),
        SourceType::Numeric(_, scale) => Values::Numeric(array.as_primitive().clone(), scale),
    })
}

impl Values {
    fn write(&self, row: usize, binary: bool, out: &mut BytesMut) {
        let null = match self {
            Self::Int2(a) => a.is_null(row),
            Self::Int4(a) => a.is_null(row),
            Self::Int8(a) => a.is_null(row),
            Self::Float4(a) => a.is_null(row),
            Self::Float8(a) => a.is_null(row),
            Self::Bool(a) => a.is_null(row),
            Self::Text(a, _) => a.is_null(row),
            Self::Timestamp(a) => a.is_null(row),
            Self::Date(a) => a.is_null(row),
            Self::Numeric(a, _) => a.is_null(row),
        };
        if null {
            out.put_i32(-1);
            return;
        }
        let at = out.len();
        out.put_i32(0);
        if binary {
            self.binary(row, out);
        } else {
            self.text(row, out);
        }
        let length = i32::try_from(out.len() - at - 4).unwrap_or(i32::MAX);
        out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }

    fn binary(&self, row: usize, out: &mut BytesMut) {
        match self {
            Self::Int2(a) => out.put_i16(a.value(row)),
            Self::Int4(a) => out.put_i32(a.value(row)),
            Self::Int8(a) => out.put_i64(a.value(row)),
            Self::Float4(a) => out.put_f32(a.value(row)),
            Self::Float8(a) => out.put_f64(a.value(row)),
            Self::Bool(a) => out.put_u8(a.value(row).into()),
            Self::Text(a, width) => padded(a.value(row), *width, out),
            Self::Timestamp(a) => out.put_i64(match a.value(row) {
                // The two ends are infinity in both epochs.
                end @ (i64::MAX | i64::MIN) => end,
                us => us.saturating_sub(Y2000),
            }),
            Self::Date(a) => out.put_i32(a.value(row).saturating_sub(Y2000_DAYS)),
            Self::Numeric(a, scale) => numeric(a.value(row), *scale, out),
        }
    }

    fn text(&self, row: usize, out: &mut BytesMut) {
        // Writing into a BytesMut cannot fail.
        let _ = match self {
            Self::Int2(a) => write!(out, "{}", a.value(row)),
            Self::Int4(a) => write!(out, "{}", a.value(row)),
            Self::Int8(a) => write!(out, "{}", a.value(row)),
            Self::Float4(a) => float(f64::from(a.value(row)), a.value(row).to_string(), out),
            Self::Float8(a) => float(a.value(row), a.value(row).to_string(), out),
            Self::Bool(a) => out.write_str(if a.value(row) { "t" } else { "f" }),
            Self::Text(a, width) => {
                padded(a.value(row), *width, out);
                Ok(())
            }
            Self::Timestamp(a) => timestamp(a.value(row), out),
            Self::Date(a) => match NaiveDate::from_epoch_days(a.value(row)) {
                Some(day) => write!(out, "{}", day.format("%Y-%m-%d")),
                None => out.write_str("infinity"),
            },
            Self::Numeric(a, _) => out.write_str(&a.value_as_string(row)),
        };
    }
}

fn padded(text: &str, width: usize, out: &mut BytesMut) {
    out.put_slice(text.as_bytes());
    if width > 0 {
        let length = if text.is_ascii() { text.len() } else { text.chars().count() };
        out.put_bytes(b' ', width.saturating_sub(length));
    }
}

fn float(value: f64, text: String, out: &mut BytesMut) -> std::fmt::Result {
    if value.is_infinite() {
        out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        out.write_str(&text)
    }
}

/// PostgreSQL's ISO style: a fraction only if there is one, without trailing zeros.
fn timestamp(us: i64, out: &mut BytesMut) -> std::fmt::Result {
    match (us, DateTime::from_timestamp_micros(us)) {
        (i64::MAX, _) => out.write_str("infinity"),
        (i64::MIN, _) | (_, None) => out.write_str("-infinity"),
        (_, Some(time)) => {
            let fraction = us.rem_euclid(1_000_000);
            write!(out, "{}", time.format("%Y-%m-%d %H:%M:%S"))?;
            if fraction != 0 {
                out.write_str(format!(".{fraction:06}").trim_end_matches('0'))?;
            }
            Ok(())
        }
    }
}

/// PostgreSQL's binary numeric: digits to the base of 10000, the weight of the first, sign and displayed scale.
fn numeric(value: i128, scale: i8, out: &mut BytesMut) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let mut digits = value.unsigned_abs().to_string();
    if digits.len() <= scale {
        digits = format!("{digits:0>width$}", width = scale + 1);
    }
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let whole = format!("{whole:0>width$}", width = whole.len().div_ceil(4) * 4);
    let fraction = format!("{fraction:0<width$}", width = fraction.len().div_ceil(4) * 4);
    let group = |text: &str| -> Vec<i16> {
        text.as_bytes()
            .chunks(4)
            .map(|four| four.iter().fold(0_i16, |n, digit| n * 10 + i16::from(digit - b'0')))
            .collect()
    };
    let mut groups = group(&whole);
    let mut weight = i16::try_from(groups.len()).unwrap_or(0) - 1;
    groups.extend(group(&fraction));
    while groups.first() == Some(&0) {
        groups.remove(0);
        weight -= 1;
    }
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    out.put_i16(i16::try_from(groups.len()).unwrap_or(0));
    out.put_i16(weight);
    out.put_u16(if value < 0 { 0x4000 } else { 0 });
    out.put_i16(i16::try_from(scale).unwrap_or(0));
    for group in groups {
        out.put_i16(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_digits_and_weight() {
        let encoded = |value, scale| {
            let mut out = BytesMut::new();
            numeric(value, scale, &mut out);
            out.to_vec()
        };
        // 12345.67: groups 1, 2345, 6700; weight 1; scale 2.
        assert_eq!(encoded(1_234_567, 2), [0, 3, 0, 1, 0, 0, 0, 2, 0, 1, 9, 41, 26, 44]);
        // -0.0001: one group of weight -1.
        assert_eq!(encoded(-1, 4), [0, 1, 0xff, 0xff, 0x40, 0, 0, 4, 0, 1]);
        assert_eq!(encoded(0, 0), [0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_timestamp_has_a_fraction_only_if_it_is_not_zero() {
        let written = |us| {
            let mut out = BytesMut::new();
            timestamp(us, &mut out).map(|()| String::from_utf8_lossy(&out).into_owned())
        };
        assert_eq!(written(Y2000).as_deref(), Ok("2000-01-01 00:00:00"));
        assert_eq!(written(Y2000 + 120_000).as_deref(), Ok("2000-01-01 00:00:00.12"));
        assert_eq!(written(i64::MAX).as_deref(), Ok("infinity"));
    }
}
