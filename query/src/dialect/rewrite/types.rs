//! Types under the names that Redshift has for them, in casts and typed literals.
//!
//! - A length cuts: `'abcdef'::varchar(3)` is `abc`. DataFusion would ignore it.
//! - `FLOAT` is double precision, `NUMERIC` without precision is `NUMERIC(18,0)`, `TIMESTAMP` counts microseconds.
//!
//! Source: Amazon Redshift Database Developer Guide, "Numeric types", "Character types", "Datetime types".

use sqlparser::ast::{CharacterLength, DataType, ExactNumberInfo, Expr, TimezoneInfo, TypedString};

use super::build::{function, number};
use crate::error::QueryError;

pub(super) fn rewrite(expr: &mut Expr) -> Result<(), QueryError> {
    match expr {
        Expr::Cast { data_type, expr: value, .. } => {
            let length = known(data_type)?;
            if let Some(length) = length {
                let value = std::mem::replace(value.as_mut(), number("0"));
                let text = super::build::cast(value, DataType::Varchar(None));
                *expr = function("lookback_cut", vec![text, number(&length.to_string())]);
            }
            Ok(())
        }
        Expr::TypedString(TypedString { data_type, .. }) => known(data_type).map(|_| ()),
        _ => Ok(()),
    }
}

/// Replaces a type by DataFusion's name of it; returns the number of bytes that a text is cut to.
fn known(data_type: &mut DataType) -> Result<Option<u64>, QueryError> {
    let mut cut = None;
    let replaced = match data_type {
        DataType::Custom(name, modifiers) => match name.to_string().to_lowercase().as_str() {
            "oid" | "xid" => DataType::BigInt(None),
            "name" => DataType::Varchar(None),
            "bpchar" | "nchar" => {
                cut = modifiers.first().and_then(|length| length.parse().ok());
                DataType::Varchar(None)
            }
            "super" | "hllsketch" | "geometry" | "geography" | "varbyte" | "regclass" | "regtype" | "regproc" => {
                return Err(refused(data_type));
            }
            _ => return Ok(None),
        },
        DataType::Regclass => return Err(refused(data_type)),
        DataType::Time(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            return Err(QueryError::sql("the type TIMETZ is not supported; no log table has it, TIME is possible"));
        }
        DataType::Char(length)
        | DataType::Character(length)
        | DataType::Varchar(length)
        | DataType::CharacterVarying(length)
        | DataType::CharVarying(length)
        | DataType::Nvarchar(length) => {
            cut = match length {
                Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
                Some(CharacterLength::Max) | None => None,
            };
            DataType::Varchar(None)
        }
        DataType::Float(ExactNumberInfo::None) => DataType::DoublePrecision,
        DataType::Float(ExactNumberInfo::Precision(bits)) => {
            if *bits > 24 {
                DataType::DoublePrecision
            } else {
                DataType::Real
            }
        }
        DataType::Numeric(ExactNumberInfo::None)
        | DataType::Decimal(ExactNumberInfo::None)
        | DataType::Dec(ExactNumberInfo::None) => DataType::Decimal(ExactNumberInfo::PrecisionAndScale(18, 0)),
        DataType::Dec(info) => DataType::Decimal(*info),
        DataType::Timestamp(None, zone) => DataType::Timestamp(Some(6), *zone),
        _ => return Ok(None),
    };
    *data_type = replaced;
    Ok(cut)
}

fn refused(data_type: &DataType) -> QueryError {
    QueryError::sql(format!(
        "the type {data_type} is not supported: log tables have whole numbers, decimals, text, times and booleans"
    ))
}
