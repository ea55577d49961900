//! Types whose names DataFusion's planner does not know, in casts and typed literals: as those that it does. What the others
//! mean is told to the planner in [`meaning`](crate::dialect::meaning).
//!
//! Source: Amazon Redshift Database Developer Guide, "Data types".

use sqlparser::ast::{CharacterLength, DataType, Expr, TimezoneInfo, TypedString};

use crate::error::QueryError;

/// Bytes of a BPCHAR without a length.
const BPCHAR_BYTES: u64 = 256;

pub(super) fn rewrite(expr: &mut Expr) -> Result<(), QueryError> {
    match expr {
        Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) => known(data_type),
        _ => Ok(()),
    }
}

fn known(data_type: &mut DataType) -> Result<(), QueryError> {
    *data_type = match data_type {
        DataType::Custom(name, modifiers) => match name.to_string().to_lowercase().as_str() {
            "oid" | "xid" => DataType::BigInt(None),
            "name" => DataType::Varchar(None),
            kind @ ("bpchar" | "nchar") => {
                let given = modifiers.first().and_then(|length| length.parse().ok());
                let length = given.or((kind == "bpchar").then_some(BPCHAR_BYTES));
                DataType::Char(length.map(|length| CharacterLength::IntegerLength { length, unit: None }))
            }
            "super" | "hllsketch" | "geometry" | "geography" | "varbyte" | "regclass" | "regtype" | "regproc" => {
                return Err(refused(data_type));
            }
            _ => return Ok(()),
        },
        DataType::Regclass => return Err(refused(data_type)),
        DataType::Time(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            return Err(QueryError::sql("the type TIMETZ is not supported; no log table has it, TIME is possible"));
        }
        DataType::Dec(info) => DataType::Decimal(*info),
        DataType::Datetime(_) => DataType::Timestamp(None, TimezoneInfo::None),
        _ => return Ok(()),
    };
    Ok(())
}

fn refused(data_type: &DataType) -> QueryError {
    QueryError::sql(format!(
        "the type {data_type} is not supported: log tables have whole numbers, decimals, text, times and booleans"
    ))
}
