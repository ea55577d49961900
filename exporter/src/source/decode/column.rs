//! One column under construction: values of one wire type, as an array of one lake type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, NullBufferBuilder, PrimitiveArray, StringArray, StringBuilder,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use lookback_schemas::LakeType;
use lookback_schemas::time::{EARLIEST, LATEST, Y2000};
use tokio_postgres::types::Type;

/// Days from 1970-01-01 to 2000-01-01.
const DAYS_TO_2000: i32 = 10_957;

pub(super) struct Column {
    wire: Wire,
    lake_type: LakeType,
    nulls: NullBufferBuilder,
}

/// How values come, and the values so far.
enum Wire {
    Int2(Vec<i64>),
    Int4(Vec<i64>),
    Int8(Vec<i64>),
    Oid(Vec<i64>),
    Float4(Vec<f64>),
    Float8(Vec<f64>),
    Boolean(Vec<bool>),
    Text(Texts),
    Char(Texts),
    Time(Texts),
    Timestamp(Vec<i64>),
    Date(Vec<i32>),
    Decimal(Vec<i128>, i32),
}

/// Texts one after the other, and where each ends.
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

impl Column {
    pub(super) fn new(wire: &Type, lake_type: LakeType) -> Self {
        let texts = || Texts::new(0, 0);
        let wire = match *wire {
            Type::INT2 => Wire::Int2(Vec::new()),
            Type::INT4 => Wire::Int4(Vec::new()),
            Type::INT8 => Wire::Int8(Vec::new()),
            Type::OID => Wire::Oid(Vec::new()),
            Type::FLOAT4 => Wire::Float4(Vec::new()),
            Type::FLOAT8 => Wire::Float8(Vec::new()),
            Type::BOOL => Wire::Boolean(Vec::new()),
            Type::TIME => Wire::Time(texts()),
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Wire::Timestamp(Vec::new()),
            Type::DATE => Wire::Date(Vec::new()),
            _ => match lake_type {
                LakeType::Decimal { scale, .. } => Wire::Decimal(Vec::new(), i32::from(scale)),
                LakeType::Text { trim: true } => Wire::Char(texts()),
                _ => Wire::Text(texts()),
            },
        };
        Self { wire, lake_type, nulls: NullBufferBuilder::new(0) }
    }

    /// Adds a value. Gives the bytes that it takes, or says what is wrong with it.
    #[inline]
    pub(super) fn append(&mut self, raw: &[u8]) -> Result<usize, String> {
        let mut bytes = size_of::<i64>();
        match &mut self.wire {
            Wire::Int2(v) => v.push(i64::from(i16::from_be_bytes(fixed(raw)?))),
            Wire::Int4(v) => v.push(i64::from(i32::from_be_bytes(fixed(raw)?))),
            Wire::Int8(v) => v.push(i64::from_be_bytes(fixed(raw)?)),
            Wire::Oid(v) => v.push(i64::from(u32::from_be_bytes(fixed(raw)?))),
            Wire::Float4(v) => v.push(f64::from(f32::from_be_bytes(fixed(raw)?))),
            Wire::Float8(v) => v.push(f64::from_be_bytes(fixed(raw)?)),
            Wire::Boolean(v) => v.push(fixed::<1>(raw)? != [0]),
            Wire::Text(t) => bytes += t.push(raw)?,
            Wire::Char(t) => bytes += t.push(trim_blanks(raw))?,
            Wire::Time(t) => bytes += t.push(time_text(i64::from_be_bytes(fixed(raw)?)).as_bytes())?,
            Wire::Timestamp(v) => v.push(timestamp(i64::from_be_bytes(fixed(raw)?))),
            Wire::Date(v) => v.push(i32::from_be_bytes(fixed(raw)?).saturating_add(DAYS_TO_2000)),
            Wire::Decimal(v, scale) => v.push(numeric(raw, *scale)?),
        }
        self.nulls.append_non_null();
        Ok(bytes)
    }

    pub(super) fn append_null(&mut self) {
        match &mut self.wire {
            Wire::Int2(v) | Wire::Int4(v) | Wire::Int8(v) | Wire::Oid(v) | Wire::Timestamp(v) => v.push(0),
            Wire::Float4(v) | Wire::Float8(v) => v.push(0.0),
            Wire::Boolean(v) => v.push(false),
            Wire::Text(t) | Wire::Char(t) | Wire::Time(t) => t.ends.push(t.end()),
            Wire::Date(v) => v.push(0),
            Wire::Decimal(v, _) => v.push(0),
        }
        self.nulls.append_null();
    }

    /// The values as an array. The column is empty afterwards, with room for as many values again.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        let to = self.lake_type.arrow();
        match &mut self.wire {
            Wire::Int2(v) | Wire::Int4(v) | Wire::Int8(v) | Wire::Oid(v) => primitive::<Int64Type>(v, nulls, to),
            Wire::Float4(v) | Wire::Float8(v) => primitive::<Float64Type>(v, nulls, to),
            Wire::Boolean(v) => Ok(Arc::new(BooleanArray::new(std::mem::take(v).into(), nulls))),
            Wire::Text(t) | Wire::Char(t) | Wire::Time(t) => t.finish(nulls),
            Wire::Timestamp(v) => primitive::<TimestampMicrosecondType>(v, nulls, to),
            Wire::Date(v) => primitive::<Date32Type>(v, nulls, to),
            Wire::Decimal(v, _) => primitive::<Decimal128Type>(v, nulls, to),
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
    to: DataType,
) -> Result<ArrayRef, ArrowError> {
    let room = Vec::with_capacity(values.len());
    let values = std::mem::replace(values, room);
    let array = PrimitiveArray::<T>::try_new(values.into(), nulls)?;
    Ok(Arc::new(array.with_data_type(to)))
}

impl Texts {
    fn new(rows: usize, bytes: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { bytes: Vec::with_capacity(bytes), ends }
    }

    fn end(&self) -> i32 {
        self.ends.last().copied().unwrap_or(0)
    }

    #[inline]
    fn push(&mut self, text: &[u8]) -> Result<usize, String> {
        self.bytes.extend_from_slice(text);
        self.ends.push(i32::try_from(self.bytes.len()).map_err(|_| "2 GiB of text in one batch")?);
        Ok(text.len())
    }

    /// Redshift cuts long texts by bytes, which can leave half a character at the end; it becomes U+FFFD, the same on every
    /// read.
    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        // A little more than this time, so that it seldom has to grow at the end.
        let room = Self::new(self.ends.len(), self.bytes.len() + self.bytes.len() / 8);
        let Self { bytes, ends } = std::mem::replace(self, room);
        let offsets = OffsetBuffer::new(ends.into());
        let bytes = Buffer::from_vec(bytes);
        // All of the text is checked at once; only if it is not UTF-8 are the values looked at.
        if let Ok(array) = StringArray::try_new(offsets.clone(), bytes.clone(), nulls.clone()) {
            return Ok(Arc::new(array));
        }
        let mut builder = StringBuilder::with_capacity(offsets.len(), bytes.len());
        for (row, range) in offsets.windows(2).enumerate() {
            let (from, to) = (usize::try_from(range[0]).unwrap_or(0), usize::try_from(range[1]).unwrap_or(0));
            let text = bytes.get(from..to).unwrap_or_default();
            if nulls.as_ref().is_some_and(|n| n.is_null(row)) {
                builder.append_null();
            } else {
                builder.append_value(String::from_utf8_lossy(text));
            }
        }
        Ok(Arc::new(builder.finish()))
    }
}

#[inline]
fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], String> {
    raw.try_into().map_err(|_| format!("{} bytes where {N} were expected", raw.len()))
}

/// Without the padding of a CHAR. Statements are padded to 4,000 characters, so most of it goes in large steps.
fn trim_blanks(mut raw: &[u8]) -> &[u8] {
    while let Some((rest, step)) = raw.split_last_chunk::<64>() {
        // No early end within a step: the compiler makes a few wide comparisons of it.
        if step.iter().fold(0, |other, byte| other | (byte ^ b' ')) != 0 {
            break;
        }
        raw = rest;
    }
    let end = raw.iter().rposition(|&b| b != b' ').map_or(0, |i| i + 1);
    raw.get(..end).unwrap_or(raw)
}

/// Microseconds since 2000 to microseconds since 1970; the wire's infinities become the ends of the printable range.
fn timestamp(micros: i64) -> i64 {
    micros.saturating_add(Y2000).clamp(EARLIEST, LATEST)
}

fn time_text(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    format!("{:02}:{:02}:{:02}.{fraction:06}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A NUMERIC as an integer of units of `10^-scale`: header of four 16-bit words (digit groups, weight of the first, sign,
/// display scale), then the groups, each 0 to 9999.
fn numeric(raw: &[u8], scale: i32) -> Result<i128, String> {
    let word = |i: usize| -> Result<i32, String> {
        let bytes = raw.get(2 * i..2 * i + 2).ok_or("a NUMERIC that ends early")?;
        Ok(i32::from(i16::from_be_bytes(fixed(bytes)?)))
    };
    let (groups, weight, sign) = (word(0)?, word(1)?, word(2)? & 0xffff);
    if sign != 0 && sign != 0x4000 {
        return Err("NaN or infinity in a NUMERIC".to_owned());
    }
    let mut value: i128 = 0;
    for i in 0..groups {
        let digits = i128::from(word(4 + usize::try_from(i).map_err(|_| "a NUMERIC with too many digits")?)?);
        let exponent = 4 * (weight - i) + scale;
        let part = if exponent >= 0 {
            10_i128.checked_pow(exponent.unsigned_abs()).and_then(|p| digits.checked_mul(p))
        } else {
            let divisor = 10_i128.pow(exponent.unsigned_abs().min(4));
            if digits % divisor != 0 {
                return Err(format!("a NUMERIC with more than {scale} digits behind the point"));
            }
            Some(digits / divisor)
        };
        value = part.and_then(|p| value.checked_add(p)).ok_or("a NUMERIC of more than 38 digits")?;
    }
    Ok(if sign == 0 { value } else { -value })
}

#[cfg(test)]
mod tests;
