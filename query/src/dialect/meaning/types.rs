//! SQL's names of types as Redshift reads them: FLOAT is a double, NUMERIC is NUMERIC(18,0), CHAR is CHAR(1), and the length
//! of a CHAR or VARCHAR is kept until the cast is planned. Source: Amazon Redshift Database Developer Guide, "Numeric types"
//! and "Character types".

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::planner::TypePlanner;
use sqlparser::ast::{CharacterLength, DataType as SqlType, ExactNumberInfo, TimezoneInfo};

/// Metadata of a cast's target: how many bytes the text may have.
pub(super) const BYTES: &str = "lookback.bytes";
/// Metadata of a cast's target: the text is a CHAR, whose trailing blanks are padding.
pub(super) const PADDED: &str = "lookback.padded";

/// Reads the names of types.
#[derive(Debug, Default)]
pub struct RedshiftTypes;

impl TypePlanner for RedshiftTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        use ExactNumberInfo as N;
        let data_type = match sql_type {
            SqlType::Character(length) | SqlType::Char(length) => return text(length.as_ref(), Some(1), true),
            SqlType::CharacterVarying(length)
            | SqlType::CharVarying(length)
            | SqlType::Varchar(length)
            | SqlType::Nvarchar(length) => return text(length.as_ref(), None, false),
            SqlType::Numeric(N::None) | SqlType::Decimal(N::None) | SqlType::Dec(N::None) => {
                DataType::Decimal128(18, 0)
            }
            SqlType::Float(N::Precision(bits)) if *bits < 25 => DataType::Float32,
            SqlType::Float(_) => DataType::Float64,
            SqlType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            SqlType::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}

fn text(length: Option<&CharacterLength>, default: Option<u64>, padded: bool) -> Result<Option<FieldRef>> {
    let bytes = match length {
        Some(CharacterLength::IntegerLength { length: 0, .. }) => {
            return plan_err!("a text type needs a length above 0");
        }
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        Some(CharacterLength::Max) => None,
        None => default,
    };
    let field = Field::new("", DataType::Utf8, true);
    let Some(bytes) = bytes else { return Ok(Some(Arc::new(field))) };
    let mut metadata = vec![(BYTES.to_owned(), bytes.to_string())];
    if padded {
        metadata.push((PADDED.to_owned(), "true".to_owned()));
    }
    Ok(Some(Arc::new(field.with_metadata(metadata.into_iter().collect()))))
}
