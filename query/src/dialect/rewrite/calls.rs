//! Functions with a syntax of their own, as plain calls, so that they mean what Redshift's functions mean:
//! `EXTRACT(part FROM time)`, `time AT TIME ZONE zone`, `POSITION(part IN text)`, `SUBSTRING(text FROM n FOR n)`. The names
//! are ones that the parser reads as plain calls, too.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, Value};

use super::{call, text};
use crate::dialect::DatePart;
use crate::error::QueryError;

pub(super) fn plain_call(expr: &mut Expr) -> Result<(), QueryError> {
    let (name, arguments) = match std::mem::replace(expr, Expr::value(Value::Null)) {
        Expr::Extract { field, expr: time, .. } => {
            let written = field.to_string();
            let word = written.trim_matches(['\'', '"']);
            let Some(part) = DatePart::of(word) else {
                return Err(QueryError::sql(format!(
                    "'{word}' is not a date part in extract(); parts are year, quarter, month, week, day, hour, minute, \
                     second, epoch and the like"
                )));
            };
            ("extract_part", vec![text(part.name()), argument(*time)])
        }
        Expr::AtTimeZone { timestamp, time_zone } => ("timezone", vec![argument(*time_zone), argument(*timestamp)]),
        Expr::Position { expr: part, r#in: whole } => ("strpos", vec![argument(*whole), argument(*part)]),
        Expr::Substring { expr: whole, substring_from: Some(from), substring_for, .. } => {
            let rest = substring_for.map(|length| argument(*length));
            ("SUBSTRING", [argument(*whole), argument(*from)].into_iter().chain(rest).collect())
        }
        other => {
            *expr = other;
            return Ok(());
        }
    };
    *expr = call(name);
    if let Expr::Function(function) = expr
        && let Some(list) = super::arguments(function)
    {
        *list = arguments;
    }
    Ok(())
}

fn argument(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}
