//! Rows of Arrow as PostgreSQL's clients read them: as text or binary, each type as Redshift would send it.
//!
//! The types of answers over a lake are written here, column by column and without an object for each value. What only the catalog has
//! (lists, names, intervals) is left to `arrow-pg`.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow_pg::datatypes::field_into_pg_type;
use arrow_pg::encoder::encode_value;
use bytes::{BufMut, BytesMut};
use chrono::{DateTime, NaiveDate};
use pgwire::api::Type;
use pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo};

use super::failure::{Failure, code};

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL's time begins.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;
/// Longest row, in bytes.
const MAX_ROW: usize = 1 << 30;

/// A column of an answer.
#[derive(Debug, Clone)]
pub(super) struct Column {
    field: FieldRef,
    pub(super) kind: Type,
    binary: bool,
}

/// Whether a column of the catalog says that it is more than its type: a name, or the number of a type.
fn is_special(field: &FieldRef) -> bool {
    field.metadata().keys().any(|key| key.starts_with("pg.") || key.starts_with("ARROW:extension"))
}

/// What a column is to clients.
pub(super) fn type_of(field: &FieldRef) -> Result<Type, Failure> {
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if !is_special(field) => Ok(Type::VARCHAR),
        DataType::Null => Ok(Type::VARCHAR),
        DataType::Dictionary(_, values) => type_of(&Arc::new(Field::new(field.name(), values.as_ref().clone(), true))),
        DataType::Decimal256(..) => Ok(Type::NUMERIC),
        _ => field_into_pg_type(field).map_err(|e| {
            Failure::new(code::NOT_SUPPORTED, format!("column '{}' has a type that cannot be sent: {e}", field.name()))
        }),
    }
}

/// The columns of an answer in the formats that a client asks for: none, one for all, or one each.
pub(super) fn columns(schema: &SchemaRef, formats: &[i16]) -> Result<Vec<Column>, Failure> {
    if formats.len() > 1 && formats.len() != schema.fields().len() {
        let message = format!("{} formats for {} columns", formats.len(), schema.fields().len());
        return Err(Failure::new(code::PROTOCOL_VIOLATION, message));
    }
    let format = |at: usize| formats.get(at).or_else(|| formats.first().filter(|_| formats.len() == 1)).copied();
    let column = |(at, field): (usize, &FieldRef)| {
        let binary = match format(at).unwrap_or(0) {
            0 => false,
            1 => true,
            other => return Err(Failure::new(code::PROTOCOL_VIOLATION, format!("there is no format {other}"))),
        };
        Ok(Column { field: Arc::clone(field), kind: type_of(field)?, binary })
    };
    schema.fields().iter().enumerate().map(column).collect()
}

/// What the columns are, as a message.
pub(super) fn description(columns: &[Column], to: &mut BytesMut) {
    message(to, b'T', |to| {
        to.put_u16(u16::try_from(columns.len()).unwrap_or(u16::MAX));
        for column in columns {
            to.put_slice(column.field.name().replace('\0', "").as_bytes());
            to.put_u8(0);
            // Neither a table's nor a column's number.
            to.put_u32(0);
            to.put_u16(0);
            to.put_u32(column.kind.oid());
            to.put_i16(size_of(&column.kind));
            to.put_i32(modifier(column.field.data_type()));
            to.put_i16(i16::from(column.binary));
        }
    });
}

fn size_of(kind: &Type) -> i16 {
    match *kind {
        Type::BOOL | Type::CHAR => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        _ => -1,
    }
}

/// Precision and scale of a decimal, as PostgreSQL packs them.
fn modifier(of: &DataType) -> i32 {
    match of {
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            ((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)) + 4
        }
        _ => -1,
    }
}

/// A message with the tag, of what `body` writes.
pub(super) fn message(to: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    to.put_u8(tag);
    let start = to.len();
    to.put_u32(0);
    body(to);
    let length = u32::try_from(to.len() - start).unwrap_or(u32::MAX);
    to[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// The batch with values in place of dictionaries of them.
pub(super) fn flat(batch: RecordBatch) -> Result<RecordBatch, Failure> {
    let of = |kind: &DataType| match kind {
        DataType::Dictionary(_, values) => Some(values.as_ref().clone()),
        _ => None,
    };
    if batch.schema().fields().iter().all(|field| of(field.data_type()).is_none()) {
        return Ok(batch);
    }
    let values = |array: &ArrayRef| match of(array.data_type()) {
        Some(kind) => cast(array, &kind),
        None => Ok(Arc::clone(array)),
    };
    let columns: Vec<ArrayRef> = batch.columns().iter().map(values).collect::<Result<_, _>>().map_err(unsent)?;
    let fields = batch
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()))
        .collect::<Vec<_>>();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(unsent)
}

/// A batch that is written row by row.
pub(super) struct Rows<'a> {
    columns: Vec<Reader<'a>>,
}

impl<'a> Rows<'a> {
    /// Prepares the columns of a batch.
    pub(super) fn new(batch: &'a RecordBatch, columns: &'a [Column]) -> Result<Self, Failure> {
        if batch.num_columns() != columns.len() {
            return Err(Failure::new(code::INTERNAL, "an answer has other columns than it was described with"));
        }
        let pairs = batch.columns().iter().zip(columns);
        Ok(Self { columns: pairs.map(|(array, column)| Reader::new(array, column)).collect::<Result<_, _>>()? })
    }

    /// Adds a row as a message.
    pub(super) fn write(&self, row: usize, to: &mut BytesMut) -> Result<(), Failure> {
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
    pub(super) fn texts(&self, row: usize, mut each: impl FnMut(usize, Option<&str>)) -> Result<(), Failure> {
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
                let micros = micros.as_primitive_opt::<arrow::datatypes::TimestampMicrosecondType>().cloned();
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

fn unsent(error: impl std::fmt::Display) -> Failure {
    Failure::new(code::INTERNAL, format!("a value cannot be sent: {error}"))
}

/// As PostgreSQL writes floats since version 12: the fewest digits that are read back as the same, with an exponent from `large` digits.
fn float(value: f64, plain: &str, scientific: &str, large: i32) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    match scientific.split_once('e').and_then(|(digits, power)| Some((digits, power.parse::<i32>().ok()?))) {
        Some((digits, power)) if value != 0.0 && (power < -4 || power >= large) => {
            format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
        }
        _ => plain.to_owned(),
    }
}

fn day(days: i32) -> String {
    NaiveDate::from_epoch_days(days).map_or_else(|| "infinity".to_owned(), |day| day.format("%Y-%m-%d").to_string())
}

fn moment(micros: i64, zone: bool) -> String {
    let Some(time) = DateTime::from_timestamp_micros(micros) else { return "infinity".to_owned() };
    let mut text = time.format("%Y-%m-%d %H:%M:%S").to_string();
    let fraction = time.timestamp_subsec_micros();
    if fraction > 0 {
        let digits = format!(".{fraction:06}");
        text.push_str(digits.trim_end_matches('0'));
    }
    if zone {
        text.push_str("+00");
    }
    text
}

/// A decimal in groups of four digits.
fn numeric(text: &str, to: &mut BytesMut) {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let group = |digits: &[u8]| digits.iter().fold(0u16, |group, digit| group * 10 + u16::from(digit - b'0'));
    let first = whole.len() % 4;
    let (head, rest) = whole.as_bytes().split_at(first);
    let mut groups: Vec<u16> = if first > 0 { vec![group(head)] } else { Vec::new() };
    groups.extend(rest.chunks(4).map(group));
    let mut weight = i16::try_from(groups.len()).unwrap_or(i16::MAX) - 1;
    groups
        .extend(fraction.as_bytes().chunks(4).map(|chunk| (chunk.len()..4).fold(group(chunk), |group, _| group * 10)));
    let leading = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..leading);
    weight = weight.saturating_sub(i16::try_from(leading).unwrap_or(i16::MAX));
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    to.put_u16(u16::try_from(groups.len()).unwrap_or(u16::MAX));
    to.put_i16(weight);
    to.put_u16(if negative && !groups.is_empty() { 0x4000 } else { 0 });
    to.put_u16(u16::try_from(fraction.len()).unwrap_or(u16::MAX));
    for group in groups {
        to.put_u16(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_and_times_are_written_as_postgresql_writes_them() {
        let double = |value: f64| float(value, &value.to_string(), &format!("{value:e}"), 15);
        let expected = [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (100_000.0, "100000"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e300, "1e+300"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in expected {
            assert_eq!(double(value), text);
        }
        assert_eq!(moment(1_700_000_000_120_000, false), "2023-11-14 22:13:20.12");
        assert_eq!(moment(1_700_000_000_000_000, true), "2023-11-14 22:13:20+00");
        assert_eq!(moment(-1, false), "1969-12-31 23:59:59.999999");
        assert_eq!(day(-719_162), "0001-01-01");
    }

    #[test]
    fn decimals_are_groups_of_four_digits() {
        let of = |text: &str| {
            let mut bytes = BytesMut::new();
            numeric(text, &mut bytes);
            let words: Vec<u16> = bytes.chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
            (words[1].cast_signed(), words[2], words[3], words[4..].to_vec())
        };
        assert_eq!(of("0.00"), (0, 0, 2, vec![]));
        assert_eq!(of("12345.678"), (1, 0, 3, vec![1, 2345, 6780]));
        assert_eq!(of("-0.0001"), (-1, 0x4000, 4, vec![1]));
        assert_eq!(of("0.00001"), (-2, 0, 5, vec![1000]));
        assert_eq!(of("10000"), (1, 0, 0, vec![1]));
        assert_eq!(of("99999999999999999999999999999999999999").3.len(), 10);
    }
}
