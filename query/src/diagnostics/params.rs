//! Parameters: their types, their values, and how a value takes its place in a statement.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::ControlFlow;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::sql::parser::Statement;
use lookback_schemas::time::{DAY, sql_literal};
use sqlparser::ast::{
    CastKind, DataType, Expr, TimezoneInfo, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use crate::dialect::rewrite::text_literal;
use crate::error::{ErrorKind, QueryError};
use crate::names;

/// What a diagnostic takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name, without the colon.
    pub name: &'static str,
    /// Its type.
    pub param_type: ParamType,
    /// Its value if none is given; NULL without one.
    pub default: Option<&'static str>,
    /// Whether the question makes no sense without it.
    pub required: bool,
    /// What it does.
    pub description: &'static str,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParamType {
    /// A whole number.
    Int,
    /// Any text.
    Text,
    /// A time as [`parse_time`] takes it.
    Timestamp,
}

impl fmt::Display for ParamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Int => "int",
            Self::Text => "text",
            Self::Timestamp => "timestamp",
        })
    }
}

/// A time in UTC, in microseconds since 1970-01-01: `2026-01-31`, `2026-01-31 23:59`, `2026-01-31T23:59:59.123456`, or with
/// a zone (`Z`, `+02:00`).
///
/// # Errors
/// [`ErrorKind::Parameter`] with the forms that are possible.
pub fn parse_time(text: &str) -> Result<i64, QueryError> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp_micros());
    }
    for form in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Ok(time.and_utc().timestamp_micros());
        }
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(i64::from(day.to_epoch_days()) * DAY);
    }
    let message = format!("'{text}' is not a time; write 2026-01-31, 2026-01-31 23:59:59 or 2026-01-31T23:59:59Z");
    Err(QueryError::new(ErrorKind::Parameter, message))
}

/// The value of every parameter of a question, as an expression under the placeholder's name.
pub(crate) fn values(
    question: &str,
    params: &[Param],
    given: &BTreeMap<String, String>,
) -> Result<HashMap<String, Expr>, QueryError> {
    if let Some(unknown) = given.keys().find(|name| params.iter().all(|param| param.name != **name)) {
        let known: Vec<&str> = params.iter().map(|param| param.name).collect();
        let near = names::nearest(unknown, known.iter().copied(), 1);
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}", names::quoted(&near)) };
        let message = format!("'{question}' has no parameter '{unknown}'{hint}; it takes {}", known.join(", "));
        return Err(QueryError::new(ErrorKind::Parameter, message));
    }
    let is_missing = |param: &&Param| param.required && !given.contains_key(param.name);
    if let Some(missing) = params.iter().find(is_missing) {
        let message = format!("'{question}' needs a value for '{}': {}", missing.name, missing.description);
        return Err(QueryError::new(ErrorKind::Parameter, message));
    }
    let values = params.iter().map(|param| {
        let value = given.get(param.name).map(String::as_str).or(param.default);
        let literal = literal(param.param_type, value).map_err(|e| {
            QueryError::new(ErrorKind::Parameter, format!("parameter '{}': {}", param.name, e.message()))
        })?;
        Ok((format!(":{}", param.name), literal))
    });
    values.collect()
}

/// A moment as a literal.
pub(crate) fn moment(micros: i64) -> Expr {
    typed(text_literal(sql_literal(micros)), ParamType::Timestamp)
}

/// A value as a typed literal; no value is a typed NULL.
pub(crate) fn literal(param_type: ParamType, value: Option<&str>) -> Result<Expr, QueryError> {
    let text = |text: &str| text_literal(text.to_owned());
    match (param_type, value) {
        (ParamType::Int, Some(value)) => {
            let wrong = |_| QueryError::new(ErrorKind::Parameter, format!("'{value}' is not a whole number"));
            let number: i64 = value.trim().parse().map_err(wrong)?;
            let digits = Expr::value(Value::Number(number.unsigned_abs().to_string(), false));
            let negative = |expr| Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(expr) };
            Ok(if number < 0 { negative(digits) } else { digits })
        }
        (ParamType::Text, Some(value)) => Ok(text(value)),
        (ParamType::Timestamp, Some(value)) => Ok(moment(parse_time(value)?)),
        (_, None) => Ok(typed(Expr::value(Value::Null), param_type)),
    }
}

fn typed(expr: Expr, param_type: ParamType) -> Expr {
    let data_type = match param_type {
        ParamType::Int => DataType::BigInt(None),
        ParamType::Text => DataType::Varchar(None),
        ParamType::Timestamp => DataType::Timestamp(None, TimezoneInfo::None),
    };
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

/// Puts the values where their placeholders are.
pub(crate) fn substitute(statement: &mut Statement, values: &HashMap<String, Expr>) -> Result<(), QueryError> {
    let Statement::Statement(inner) = statement else { return Ok(()) };
    match inner.as_mut().visit(&mut Substitute { values }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => {
            Err(QueryError::new(ErrorKind::Internal, format!("the statement uses {name}, which its header lacks")))
        }
    }
}

struct Substitute<'a> {
    values: &'a HashMap<String, Expr>,
}

impl VisitorMut for Substitute<'_> {
    type Break = String;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        if let Expr::Value(ValueWithSpan { value: Value::Placeholder(name), .. }) = expr {
            match self.values.get(name.as_str()) {
                Some(value) => *expr = value.clone(),
                None => return ControlFlow::Break(name.clone()),
            }
        }
        ControlFlow::Continue(())
    }
}
