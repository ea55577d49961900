//! From the wire's binary values straight into Arrow builders, without a value type in between: this is the inner loop of an
//! export.
//!
//! The formats are PostgreSQL's binary ones (`*send` functions), which Redshift shares: integers big-endian, timestamps as
//! microseconds since 2000-01-01, numeric as digits of base 10,000, CHAR with its padding.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, RecordBatch,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::SchemaRef;
use lookback_schemas::LakeType;
use lookback_schemas::time::{EARLIEST, LATEST, Y2000};
use lookback_schemas::types::FRAGMENT_WIDTH;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::SourceColumn;

/// Days from 1970-01-01 to 2000-01-01.
const DAYS_TO_2000: i32 = 10_957;

/// A value as it came over the wire.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

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

enum Builder {
    Int2(Int64Builder),
    Int4(Int64Builder),
    Int8(Int64Builder),
    Oid(Int64Builder),
    Float4(Float64Builder),
    Float8(Float64Builder),
    Boolean(BooleanBuilder),
    Text(StringBuilder),
    Char(StringBuilder),
    Time(StringBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    Decimal(Decimal128Builder, i32),
}

/// Collects rows into batches of one schema.
pub(super) struct Decoder {
    schema: SchemaRef,
    builders: Vec<Builder>,
    rows: usize,
    bytes: usize,
}

/// A value that is not what its type promises.
#[derive(Debug, thiserror::Error)]
#[error("column '{column}': {problem}")]
pub(super) struct DecodeError {
    column: String,
    problem: String,
}

impl Decoder {
    /// A decoder for rows whose columns have these wire types, into these lake types, in the same order.
    pub(super) fn new(schema: SchemaRef, wire: &[Type], columns: &[SourceColumn]) -> Self {
        let builders = wire.iter().zip(columns).map(|(w, c)| Builder::new(w, c.lake_type)).collect();
        Self { schema, builders, rows: 0, bytes: 0 }
    }

    /// Rows collected so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that the collected rows had on the wire.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: &Row) -> Result<(), DecodeError> {
        for (i, builder) in self.builders.iter_mut().enumerate() {
            let value = row.try_get::<_, Option<Raw<'_>>>(i).map_err(|e| e.to_string());
            value.and_then(|raw| builder.append(raw.map(|r| r.0))).map_err(|problem| DecodeError {
                column: self.schema.fields().get(i).map(|f| f.name().clone()).unwrap_or_default(),
                problem,
            })?;
        }
        self.rows += 1;
        self.bytes += row.raw_size_bytes();
        Ok(())
    }

    /// The collected rows; the decoder is empty afterwards.
    pub(super) fn take(&mut self) -> Result<RecordBatch, arrow::error::ArrowError> {
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

impl Builder {
    fn new(wire: &Type, lake_type: LakeType) -> Self {
        match *wire {
            Type::INT2 => Self::Int2(Int64Builder::new()),
            Type::INT4 => Self::Int4(Int64Builder::new()),
            Type::INT8 => Self::Int8(Int64Builder::new()),
            Type::OID => Self::Oid(Int64Builder::new()),
            Type::FLOAT4 => Self::Float4(Float64Builder::new()),
            Type::FLOAT8 => Self::Float8(Float64Builder::new()),
            Type::BOOL => Self::Boolean(BooleanBuilder::new()),
            Type::TIME => Self::Time(StringBuilder::new()),
            Type::TIMESTAMP | Type::TIMESTAMPTZ => {
                Self::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(LakeType::Timestamp.arrow()))
            }
            Type::DATE => Self::Date(Date32Builder::new()),
            _ => match lake_type {
                LakeType::Decimal { scale, .. } => {
                    Self::Decimal(Decimal128Builder::new().with_data_type(lake_type.arrow()), i32::from(scale))
                }
                LakeType::Text { trim: true } => Self::Char(StringBuilder::new()),
                _ => Self::Text(StringBuilder::new()),
            },
        }
    }

    fn append(&mut self, raw: Option<&[u8]>) -> Result<(), String> {
        let Some(raw) = raw else {
            self.append_null();
            return Ok(());
        };
        match self {
            Self::Int2(b) => b.append_value(i64::from(i16::from_be_bytes(fixed(raw)?))),
            Self::Int4(b) => b.append_value(i64::from(i32::from_be_bytes(fixed(raw)?))),
            Self::Int8(b) => b.append_value(i64::from_be_bytes(fixed(raw)?)),
            Self::Oid(b) => b.append_value(i64::from(u32::from_be_bytes(fixed(raw)?))),
            Self::Float4(b) => b.append_value(f64::from(f32::from_be_bytes(fixed(raw)?))),
            Self::Float8(b) => b.append_value(f64::from_be_bytes(fixed(raw)?)),
            Self::Boolean(b) => b.append_value(fixed::<1>(raw)? != [0]),
            Self::Text(b) => append_text(b, raw),
            Self::Char(b) => append_text(b, trim_blanks(raw)),
            Self::Time(b) => b.append_value(time_text(i64::from_be_bytes(fixed(raw)?))),
            Self::Timestamp(b) => b.append_value(timestamp(i64::from_be_bytes(fixed(raw)?))),
            Self::Date(b) => b.append_value(i32::from_be_bytes(fixed(raw)?).saturating_add(DAYS_TO_2000)),
            Self::Decimal(b, scale) => b.append_value(numeric(raw, *scale)?),
        }
        Ok(())
    }

    fn append_null(&mut self) {
        match self {
            Self::Int2(b) | Self::Int4(b) | Self::Int8(b) | Self::Oid(b) => b.append_null(),
            Self::Float4(b) | Self::Float8(b) => b.append_null(),
            Self::Boolean(b) => b.append_null(),
            Self::Text(b) | Self::Char(b) | Self::Time(b) => b.append_null(),
            Self::Timestamp(b) => b.append_null(),
            Self::Date(b) => b.append_null(),
            Self::Decimal(b, _) => b.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int2(b) | Self::Int4(b) | Self::Int8(b) | Self::Oid(b) => Arc::new(b.finish()),
            Self::Float4(b) | Self::Float8(b) => Arc::new(b.finish()),
            Self::Boolean(b) => Arc::new(b.finish()),
            Self::Text(b) | Self::Char(b) | Self::Time(b) => Arc::new(b.finish()),
            Self::Timestamp(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Decimal(b, _) => Arc::new(b.finish()),
        }
    }
}

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], String> {
    raw.try_into().map_err(|_| format!("{} bytes where {N} were expected", raw.len()))
}

/// Redshift cuts long texts by bytes, which can leave half a character at the end; it becomes U+FFFD, the same on every read.
fn append_text(builder: &mut StringBuilder, raw: &[u8]) {
    match std::str::from_utf8(raw) {
        Ok(text) => builder.append_value(text),
        Err(_) => builder.append_value(String::from_utf8_lossy(raw)),
    }
}

/// Without the padding of a CHAR. Statements are padded to 4,000 characters, so most of it goes in large steps.
fn trim_blanks(mut raw: &[u8]) -> &[u8] {
    const BLANKS: [u8; 64] = [b' '; 64];
    while let Some(rest) = raw.strip_suffix(&BLANKS) {
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(groups: &[i16], weight: i16, negative: bool) -> Vec<u8> {
        let sign: i16 = if negative { 0x4000 } else { 0 };
        let header = [i16::try_from(groups.len()).unwrap_or(0), weight, sign, 0];
        header.iter().chain(groups).flat_map(|w| w.to_be_bytes()).collect()
    }

    #[test]
    fn numerics() {
        assert_eq!(numeric(&wire(&[], 0, false), 2), Ok(0));
        assert_eq!(numeric(&wire(&[1, 2345], 0, false), 4), Ok(12_345));
        assert_eq!(numeric(&wire(&[1, 2300], 0, true), 2), Ok(-123));
        assert_eq!(numeric(&wire(&[5], 2, false), 0), Ok(500_000_000));
        assert_eq!(numeric(&wire(&[500], -1, false), 2), Ok(5));
        assert!(numeric(&wire(&[1, 2345], 0, false), 2).is_err());
        assert!(numeric(&[0, 1, 0], 2).is_err());
        assert!(numeric(&wire(&[9999], 30, false), 0).is_err());
    }

    #[test]
    fn blanks_at_the_end_are_padding_only_there() {
        assert_eq!(trim_blanks(b"  a b  "), b"  a b");
        assert_eq!(trim_blanks(b"   "), b"");
        assert_eq!(trim_blanks(b""), b"");
        assert_eq!(trim_blanks(b"a\t"), b"a\t");
        for blanks in [63, 64, 65, 200, 4_000] {
            let padded = [b"a b".as_slice(), &vec![b' '; blanks]].concat();
            assert_eq!(trim_blanks(&padded), b"a b");
            assert_eq!(trim_blanks(&padded[3..]), b"");
        }
    }

    #[test]
    fn infinities_are_printable() {
        assert_eq!(timestamp(i64::MAX), LATEST);
        assert_eq!(timestamp(i64::MIN), EARLIEST);
        assert_eq!(timestamp(0), Y2000);
        assert_eq!(time_text(86_399_000_001), "23:59:59.000001");
    }

    #[test]
    fn types_come_from_the_cluster() {
        let column = |name: &str, wire: Type, modifier| WireType { name: name.into(), wire, modifier };
        assert_eq!(lake_type(&column("text", Type::BPCHAR, 204), None), Some(LakeType::Text { trim: false }));
        assert_eq!(lake_type(&column("text", Type::BPCHAR, 104), None), Some(LakeType::Text { trim: true }));
        assert_eq!(lake_type(&column("label", Type::BPCHAR, 204), None), Some(LakeType::Text { trim: true }));
        let numeric = (38 << 16 | 2) + 4;
        assert_eq!(
            lake_type(&column("n", Type::NUMERIC, numeric), None),
            Some(LakeType::Decimal { precision: 38, scale: 2 })
        );
        assert_eq!(lake_type(&column("n", Type::NUMERIC, -1), None), None);
        assert_eq!(lake_type(&column("p", Type::POINT, -1), None), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_number_or_an_error(raw in prop::collection::vec(any::<u8>(), 0..40), scale in 0..38_i32) {
            let _ = numeric(&raw, scale);
        }

        #[test]
        fn a_number_is_read_back(value in -10_i128.pow(30)..10_i128.pow(30), scale in 0_i32..12) {
            // As the server writes it: groups of four digits around the point.
            let shift = (4 - scale % 4) % 4;
            let mut rest = value.unsigned_abs() * 10_u128.pow(shift.unsigned_abs());
            let mut groups = Vec::new();
            while rest > 0 {
                groups.insert(0, i16::try_from(rest % 10_000).unwrap_or(0));
                rest /= 10_000;
            }
            let weight = groups.len() as i32 - 1 - (scale + shift) / 4;
            prop_assert_eq!(numeric(&wire(&groups, weight as i16, value < 0), scale), Ok(value));
        }
    }
}
