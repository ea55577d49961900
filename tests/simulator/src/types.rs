//! Redshift column types as this source stores them (Arrow) and reports them on the wire (OID, size, type modifier).

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, TimeUnit};
use lookback_schemas::types::FRAGMENT_WIDTH;

/// Key of the Arrow field metadata that carries the Redshift type of a column through a query plan.
pub(crate) const TYPE_KEY: &str = "redshift_type";

/// A column type of Redshift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceType {
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Bool,
    /// `character(n)`: reported padded with blanks to n characters.
    Char(u32),
    /// `character varying(n)`; `None` without a length.
    Varchar(Option<u32>),
    Text,
    Timestamp,
    Timestamptz,
    Date,
    Numeric(u8, i8),
}

impl SourceType {
    /// The type of that name, as Redshift's documentation writes it; `None` for a type this source does not have.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        let (base, args) = match name.split_once('(') {
            Some((base, rest)) => (base.trim(), Some(rest.trim_end_matches(')'))),
            None => (name, None),
        };
        let length = || args.and_then(|a| a.trim().parse::<u32>().ok());
        Some(match base {
            "smallint" | "int2" => Self::Int2,
            "integer" | "int" | "int4" => Self::Int4,
            "bigint" | "int8" => Self::Int8,
            "real" | "float4" => Self::Float4,
            "double precision" | "float" | "float8" => Self::Float8,
            "boolean" | "bool" => Self::Bool,
            "character" | "char" | "bpchar" => Self::Char(length().unwrap_or(1)),
            "character varying" | "varchar" => Self::Varchar(length()),
            "text" => Self::Text,
            "timestamp" | "timestamp without time zone" => Self::Timestamp,
            "timestamptz" | "timestamp with time zone" => Self::Timestamptz,
            "date" => Self::Date,
            "numeric" | "decimal" => {
                let args = args.unwrap_or("18,0");
                let (precision, scale) = args.split_once(',').unwrap_or((args, "0"));
                let precision = precision.trim().parse().ok().filter(|p| (1..=38).contains(p))?;
                Self::Numeric(precision, scale.trim().parse().ok().filter(|s| (0..=38).contains(s))?)
            }
            _ => return None,
        })
    }

    /// How values are kept in memory.
    pub(crate) fn arrow(self) -> DataType {
        match self {
            Self::Int2 => DataType::Int16,
            Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Char(_) | Self::Varchar(_) | Self::Text => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Date => DataType::Date32,
            Self::Numeric(precision, scale) => DataType::Decimal128(precision, scale),
        }
    }

    /// The type that a result column without a Redshift type of its own is reported as. `None`: it must be cast to text.
    pub(crate) fn of_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Int8 | DataType::Int16 | DataType::UInt8 => Self::Int2,
            DataType::Int32 | DataType::UInt16 => Self::Int4,
            DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Self::Int8,
            DataType::Float32 => Self::Float4,
            DataType::Float64 => Self::Float8,
            DataType::Boolean => Self::Bool,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Varchar(None),
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Timestamptz,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Decimal128(precision, scale) => Self::Numeric(*precision, *scale),
            _ => return None,
        })
    }

    /// The Arrow field of a column of this type, with the Redshift type in its metadata.
    pub(crate) fn field(self, name: &str, redshift_type: &str) -> Field {
        let metadata = HashMap::from([(TYPE_KEY.to_owned(), redshift_type.to_owned())]);
        Field::new(name, self.arrow(), true).with_metadata(metadata)
    }

    /// PostgreSQL's object id of the type.
    pub(crate) fn oid(self) -> u32 {
        match self {
            Self::Bool => 16,
            Self::Int8 => 20,
            Self::Int2 => 21,
            Self::Int4 => 23,
            Self::Text => 25,
            Self::Float4 => 700,
            Self::Float8 => 701,
            Self::Char(_) => 1042,
            Self::Varchar(_) => 1043,
            Self::Date => 1082,
            Self::Timestamp => 1114,
            Self::Timestamptz => 1184,
            Self::Numeric(..) => 1700,
        }
    }

    /// Bytes of a binary value; -1 where the length varies.
    pub(crate) fn size(self) -> i16 {
        match self {
            Self::Bool => 1,
            Self::Int2 => 2,
            Self::Int4 | Self::Float4 | Self::Date => 4,
            Self::Int8 | Self::Float8 | Self::Timestamp | Self::Timestamptz => 8,
            Self::Text | Self::Char(_) | Self::Varchar(_) | Self::Numeric(..) => -1,
        }
    }

    /// PostgreSQL's type modifier: length plus four for text, packed precision and scale for numeric, -1 without one.
    pub(crate) fn modifier(self) -> i32 {
        match self {
            Self::Char(n) | Self::Varchar(Some(n)) => i32::try_from(n).map_or(-1, |n| n.saturating_add(4)),
            Self::Numeric(precision, scale) => ((i32::from(precision) << 16) | i32::from(scale)) + 4,
            _ => -1,
        }
    }

    /// Whether values are kept with their padding: in a 200-character fragment a trailing blank can be part of the text.
    pub(crate) fn keeps_padding(self) -> bool {
        self == Self::Char(FRAGMENT_WIDTH)
    }

    /// A text value as a column of this type keeps it: cut to its length, without padding or, for fragments, with it.
    pub(crate) fn store_text(self, text: &str) -> String {
        let cut = |n: u32| -> &str {
            let n = n as usize;
            if text.len() <= n { text } else { text.char_indices().nth(n).map_or(text, |(end, _)| &text[..end]) }
        };
        match self {
            Self::Char(n) if self.keeps_padding() => {
                let mut kept = cut(n).to_owned();
                let missing = (n as usize).saturating_sub(kept.chars().count());
                kept.extend(std::iter::repeat_n(' ', missing));
                kept
            }
            Self::Char(n) => cut(n).trim_end_matches(' ').to_owned(),
            Self::Varchar(Some(n)) => cut(n).to_owned(),
            _ => text.to_owned(),
        }
    }
}
