//! Functions that choose: `DECODE`, `NVL`, `CONCAT`, `CONVERT`; and casts that are written as functions, such as `DATE(x)`.

use sqlparser::ast::{BinaryOperator, CaseWhen, CastKind, DataType, Expr};

use super::build::{binary, case, cast, is_null, operand, plain_arguments};
use super::simple_name;
use crate::error::QueryError;

pub(super) fn rewrite(expr: &mut Expr) -> Result<(), QueryError> {
    match expr {
        Expr::Function(function) => {
            let replaced = match simple_name(function).as_deref() {
                Some("decode") => plain_arguments(function).and_then(decode),
                Some("concat") if function.over.is_none() => match plain_arguments(function) {
                    Some(args) => Some(concat(args, function.name.to_string())?),
                    None => None,
                },
                Some(name) if function.over.is_none() => {
                    let argument = plain_arguments(function).and_then(|args| <[Expr; 1]>::try_from(args).ok());
                    written_type(name).zip(argument).map(|(data_type, [value])| cast(value, data_type))
                }
                _ => None,
            };
            if let Some(replaced) = replaced {
                *expr = replaced;
            }
            Ok(())
        }
        Expr::Convert { is_try: false, expr: value, data_type: Some(data_type), charset: None, styles, .. }
            if styles.is_empty() =>
        {
            *expr = cast(value.as_ref().clone(), data_type.clone());
            Ok(())
        }
        // One spelling, so that what is printed is parsed as the same tree wherever it stands.
        Expr::Cast { kind: kind @ CastKind::DoubleColon, .. } => {
            *kind = CastKind::Cast;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The type that a function of its name converts to, as in PostgreSQL.
fn written_type(function: &str) -> Option<DataType> {
    Some(match function {
        "date" => DataType::Date,
        "text" => DataType::Varchar(None),
        "int2" => DataType::SmallInt(None),
        "int4" => DataType::Integer(None),
        "int8" => DataType::BigInt(None),
        "float4" => DataType::Real,
        "float8" => DataType::DoublePrecision,
        "bool" => DataType::Boolean,
        _ => return None,
    })
}

/// `DECODE(value, search, result, ..., default)`. Unlike `CASE`, a NULL is found by a NULL. With two arguments it is
/// DataFusion's function, which Redshift does not have.
fn decode(args: Vec<Expr>) -> Option<Expr> {
    if args.len() < 3 {
        return None;
    }
    let mut args = args.into_iter();
    let value = args.next()?;
    let mut conditions = Vec::new();
    let mut otherwise = None;
    while let Some(search) = args.next() {
        let Some(result) = args.next() else {
            otherwise = Some(search);
            break;
        };
        let value = operand(value.clone());
        let condition = match &search {
            null if is_null(null) => Expr::IsNull(Box::new(value)),
            // A literal is not NULL, and plain equality can prune files.
            Expr::Value(_) => binary(value, BinaryOperator::Eq, search),
            _ => Expr::IsNotDistinctFrom(Box::new(value), Box::new(operand(search))),
        };
        conditions.push(CaseWhen { condition, result });
    }
    Some(case(conditions, otherwise))
}

/// `CONCAT` of two values is NULL if one of them is; DataFusion's takes a NULL for an empty text.
fn concat(args: Vec<Expr>, name: String) -> Result<Expr, QueryError> {
    match <[Expr; 2]>::try_from(args) {
        Ok([left, right]) => Ok(Expr::Nested(Box::new(binary(left, BinaryOperator::StringConcat, right)))),
        Err(args) => Err(QueryError::sql(format!(
            "{name} takes two values in Redshift, not {}; write a || b || c for more",
            args.len()
        ))),
    }
}
