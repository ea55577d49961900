//! The first argument of the date functions is a date part: a bare word in Redshift, which elsewhere would be a column.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, Ident, Value, ValueWithSpan};

use super::{arguments, simple_name, text};
use crate::dialect::DatePart;
use crate::error::QueryError;

pub(super) fn part_argument(function: &mut Function) -> Result<(), QueryError> {
    let Some(name) = simple_name(function) else { return Ok(()) };
    if !matches!(name.as_str(), "datediff" | "dateadd" | "date_part" | "pgdate_part" | "date_trunc") {
        return Ok(());
    }
    let Some(first) = arguments(function).and_then(|arguments| arguments.first_mut()) else { return Ok(()) };
    let word = match first {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(
            Expr::Identifier(Ident { value: word, .. })
            | Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(word), .. }),
        )) => word.clone(),
        _ => return Ok(()),
    };
    match DatePart::of(&word) {
        Some(part) => *first = text(part.name()),
        // date_part and date_trunc know a few more that Redshift does not have, such as 'isodow'.
        None if matches!(name.as_str(), "date_part" | "date_trunc") => *first = text(&word.to_lowercase()),
        None => {
            return Err(QueryError::sql(format!(
                "'{word}' is not a date part in {name}(); parts are year, quarter, month, week, day, hour, minute, second, \
                 millisecond, microsecond and their short forms"
            )));
        }
    }
    Ok(())
}
