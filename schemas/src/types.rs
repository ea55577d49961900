//! Column types: what Redshift's documentation names, and what the lake stores.

use arrow::datatypes::{DataType, TimeUnit};

/// Width of the text fragments in which Redshift stores statements (`character(200)`): blanks at the end of a fragment can
/// be blanks of the statement. Source: Redshift Database Developer Guide, STL_QUERYTEXT.
pub const FRAGMENT_WIDTH: u32 = 200;

/// The type of a column in the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LakeType {
    /// Every integer, as 64 bits: the documentation and clusters disagree about the width of identifiers.
    Long,
    /// `double precision` and `real`.
    Double,
    /// `boolean`.
    Boolean,
    /// Text of any kind. `trim` says that trailing blanks are padding of a CHAR and are not stored.
    Text {
        /// Whether trailing blanks are padding.
        trim: bool,
    },
    /// Microseconds, UTC.
    Timestamp,
    /// A calendar day.
    Date,
    /// Exact numeric: precision 1 to 38, scale 0 to precision.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: i8,
    },
}

impl LakeType {
    /// The lake type of a Redshift type as documented, such as `character varying(128)`. `None` for a type that no log
    /// table has; such a column cannot be exported.
    #[must_use]
    pub fn of_redshift(name: &str) -> Option<Self> {
        let name = name.trim();
        let (base, args) = match name.split_once('(') {
            Some((base, rest)) => (base.trim(), rest.trim_end_matches(')')),
            None => (name, ""),
        };
        Some(match base {
            "smallint" | "integer" | "bigint" | "int" | "int2" | "int4" | "int8" | "oid" => Self::Long,
            "double precision" | "real" | "float" | "float4" | "float8" => Self::Double,
            "boolean" | "bool" => Self::Boolean,
            "character" | "char" | "bpchar" => Self::Text { trim: args.parse::<u32>() != Ok(FRAGMENT_WIDTH) },
            "character varying" | "varchar" | "text" | "time" => Self::Text { trim: false },
            "timestamp" | "timestamp without time zone" | "timestamptz" | "timestamp with time zone" => Self::Timestamp,
            "date" => Self::Date,
            "numeric" | "decimal" => {
                let (precision, scale) = args.split_once(',').unwrap_or((args, "0"));
                let precision = precision.trim().parse().ok().filter(|p| (1..=38).contains(p))?;
                let scale = scale.trim().parse().ok().filter(|s| (0..=38).contains(s))?;
                Self::Decimal { precision, scale }
            }
            _ => return None,
        })
    }

    /// The Arrow type of the lake's data files.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Long => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Text { .. } => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Date => DataType::Date32,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
        }
    }

    /// The lake type that a column of the lake has, whatever wrote it. `None` for a type that lookback never writes.
    #[must_use]
    pub fn of_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Int64 => Self::Long,
            DataType::Float64 => Self::Double,
            DataType::Boolean => Self::Boolean,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text { trim: false },
            DataType::Timestamp(TimeUnit::Microsecond, _) => Self::Timestamp,
            DataType::Date32 => Self::Date,
            DataType::Decimal128(precision, scale) => Self::Decimal { precision: *precision, scale: *scale },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_types() {
        for (name, want) in [
            ("integer", LakeType::Long),
            ("bigint", LakeType::Long),
            ("character(128)", LakeType::Text { trim: true }),
            ("character(200)", LakeType::Text { trim: false }),
            ("character", LakeType::Text { trim: true }),
            ("character varying(200)", LakeType::Text { trim: false }),
            ("timestamp", LakeType::Timestamp),
            ("numeric(38,2)", LakeType::Decimal { precision: 38, scale: 2 }),
            ("numeric(27,0)", LakeType::Decimal { precision: 27, scale: 0 }),
            ("time", LakeType::Text { trim: false }),
        ] {
            assert_eq!(LakeType::of_redshift(name), Some(want), "{name}");
        }
        assert_eq!(LakeType::of_redshift("hllsketch"), None);
        assert_eq!(LakeType::of_redshift("numeric(99,2)"), None);
    }

    #[test]
    fn what_the_lake_stores_is_read_back_as_the_same_arrow_type() {
        for t in [
            LakeType::Long,
            LakeType::Double,
            LakeType::Boolean,
            LakeType::Timestamp,
            LakeType::Date,
            LakeType::Text { trim: true },
            LakeType::Decimal { precision: 38, scale: 2 },
        ] {
            assert_eq!(LakeType::of_arrow(&t.arrow()).map(LakeType::arrow), Some(t.arrow()));
        }
    }
}
