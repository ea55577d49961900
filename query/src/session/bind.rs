//! Statements with parameters, `$1`, `$2`, ...: which types they have, which columns the answer will have, and their values.
//!
//! A value takes its place in the parsed statement as a literal of its type, so that a statement with parameters is planned, pruned
//! and checked as if it had been written with them. The type of a parameter is what the caller says, or what the statement casts it
//! to, or that of what it is compared with; otherwise it is text, which compares with anything that its text can be read as.

use std::collections::HashMap;
use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use datafusion::sql::parser::Statement as Parsed;
use lookback_schemas::time::sql_literal;
use sqlparser::ast::{
    CastKind, DataType as SqlType, Expr, LimitClause, Query, TimezoneInfo, UnaryOperator, Value, ValueWithSpan, Visit,
    Visitor,
};

use super::{Session, Statement, local};
use crate::diagnostics::params::{ParamType, literal, moment, substitute};
use crate::dialect::rewrite::text_literal;
use crate::error::QueryError;

/// Parameters that a statement may have, as in PostgreSQL.
const MOST: usize = 65_535;

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A decimal number, in digits with a sign and a point.
    Number(String),
    /// Text.
    Text(String),
    /// A day, since 1970-01-01.
    Date(i32),
    /// A time without zone, in microseconds since 1970-01-01.
    Timestamp(i64),
    /// A moment, in microseconds since 1970-01-01 UTC.
    TimestampTz(i64),
}

/// What a statement takes and gives.
#[derive(Debug, Clone)]
pub struct Described {
    /// The types of the parameters, in their order.
    pub parameters: Vec<DataType>,
    /// The columns of the answer; none for a statement that asks for nothing.
    pub schema: SchemaRef,
}

impl Statement {
    /// How many parameters there are: the highest number that is used.
    ///
    /// # Errors
    /// [`ErrorKind::Sql`](crate::ErrorKind::Sql) if a parameter is not written as `$1`.
    pub fn parameters(&self) -> Result<usize, QueryError> {
        Ok(self.found()?.highest)
    }

    /// Whether the statement asks for rows; it makes a view, say, if it does not.
    ///
    /// # Errors
    /// As when it runs.
    pub fn gives_rows(&self) -> Result<bool, QueryError> {
        Ok(local::effect(&self.parsed)?.is_none())
    }

    /// The same statement with values for its parameters.
    ///
    /// # Errors
    /// [`ErrorKind::Sql`](crate::ErrorKind::Sql) if there are too few, or a number is none.
    pub fn bind(&self, values: &[Parameter]) -> Result<Self, QueryError> {
        let wanted = self.parameters()?;
        if wanted == 0 {
            return Ok(self.clone());
        }
        if values.len() < wanted {
            return Err(QueryError::sql(format!("the statement has {wanted} parameters, and {} values", values.len())));
        }
        let literals: Result<HashMap<String, Expr>, QueryError> =
            values.iter().enumerate().map(|(at, value)| Ok((format!("${}", at + 1), expression(value)?))).collect();
        let mut bound = self.clone();
        replace(&mut bound.parsed, &literals?)?;
        Ok(bound)
    }

    fn found(&self) -> Result<Found, QueryError> {
        let mut found = Found::default();
        match visit(&self.parsed, &mut found) {
            ControlFlow::Continue(()) => Ok(found),
            ControlFlow::Break(name) => Err(QueryError::sql(format!("'{name}' is not a parameter; write $1, $2, ..."))),
        }
    }
}

impl Session {
    /// What a statement takes and gives, without running it. `known` are the types of parameters that the caller knows.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn describe(&self, statement: &Statement, known: &[Option<DataType>]) -> Result<Described, QueryError> {
        let deadline = tokio::time::Instant::now() + self.limits.timeout;
        match tokio::time::timeout_at(deadline, Box::pin(self.described(statement, known))).await {
            Ok(described) => described,
            Err(_) => Err(super::bounded::timed_out(self.limits.timeout)),
        }
    }

    async fn described(&self, statement: &Statement, known: &[Option<DataType>]) -> Result<Described, QueryError> {
        let found = statement.found()?;
        let mut types: Vec<Option<DataType>> = (0..found.highest)
            .map(|at| known.get(at).cloned().flatten().or_else(|| found.cast.get(&(at + 1)).cloned()))
            .collect();
        if types.iter().any(Option::is_none) {
            let asked = match local::effect(&statement.parsed)? {
                Some(local::Effect::Table { query, .. }) => *query,
                _ => statement.parsed.clone(),
            };
            // What cannot be planned without values may be with some.
            if let Ok((_, plan, _)) = self.plan(asked).await
                && let Ok(inferred) = plan.get_parameter_types()
            {
                for (at, known) in types.iter_mut().enumerate().filter(|(_, known)| known.is_none()) {
                    *known = inferred.get(&format!("${}", at + 1)).cloned().flatten();
                }
            }
        }
        let parameters: Vec<DataType> = types.into_iter().map(|known| known.unwrap_or(DataType::Utf8)).collect();
        if !statement.gives_rows()? {
            return Ok(Described { parameters, schema: Schema::empty().into() });
        }
        // NULL stands wherever a value can, but for some operators, which want a text that is one.
        let with_null = self.schema_with(statement, &parameters, &Parameter::Null).await;
        let schema = match with_null {
            Err(_) if parameters.contains(&DataType::Utf8) => {
                self.schema_with(statement, &parameters, &Parameter::Text(String::new())).await
            }
            other => other,
        }?;
        Ok(Described { parameters, schema })
    }

    /// The columns of the answer for values of the types; `text` is the value of those that are text.
    async fn schema_with(
        &self,
        statement: &Statement,
        parameters: &[DataType],
        text: &Parameter,
    ) -> Result<SchemaRef, QueryError> {
        let samples: Vec<Parameter> =
            parameters.iter().map(|kind| sample(kind).unwrap_or_else(|| text.clone())).collect();
        let (state, plan, _) = self.plan(statement.bind(&samples)?.parsed).await?;
        // Redshift's meaning of expressions can change their types, and it is a matter of analysis.
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
        Ok(plan.schema().as_arrow().clone().into())
    }
}

/// The values in place of the placeholders, also of a statement that is explained.
fn replace(statement: &mut Parsed, values: &HashMap<String, Expr>) -> Result<(), QueryError> {
    match statement {
        Parsed::Explain(explain) => replace(&mut explain.statement, values),
        other => substitute(other, values),
    }
}

fn visit(statement: &Parsed, found: &mut Found) -> ControlFlow<String> {
    match statement {
        Parsed::Statement(inner) => inner.visit(found),
        Parsed::Explain(explain) => visit(&explain.statement, found),
        _ => ControlFlow::Continue(()),
    }
}

/// The parameters of a statement.
#[derive(Default)]
struct Found {
    highest: usize,
    // Those whose type the statement says itself.
    cast: HashMap<usize, DataType>,
}

fn number_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Placeholder(name), .. }) => name.strip_prefix('$')?.parse().ok(),
        _ => None,
    }
}

impl Visitor for Found {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let (limit, offset) = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
            None => (None, None),
        };
        for number in [limit, offset].into_iter().flatten().filter_map(number_of) {
            self.cast.insert(number, DataType::Int64);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Value(ValueWithSpan { value: Value::Placeholder(name), .. }) => match number_of(expr) {
                Some(number @ 1..=MOST) => {
                    self.highest = self.highest.max(number);
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(name.clone()),
            },
            Expr::Cast { expr, data_type, .. } => {
                if let (Some(number), Some(known)) = (number_of(expr), arrow_type(data_type)) {
                    self.cast.entry(number).or_insert(known);
                }
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn arrow_type(sql: &SqlType) -> Option<DataType> {
    Some(match sql {
        SqlType::Boolean | SqlType::Bool => DataType::Boolean,
        SqlType::SmallInt(_) | SqlType::Int2(_) => DataType::Int16,
        SqlType::Int(_) | SqlType::Integer(_) | SqlType::Int4(_) => DataType::Int32,
        SqlType::BigInt(_) | SqlType::Int8(_) => DataType::Int64,
        SqlType::Real | SqlType::Float4 => DataType::Float32,
        SqlType::DoublePrecision | SqlType::Double(_) | SqlType::Float8 | SqlType::Float(_) => DataType::Float64,
        SqlType::Numeric(_) | SqlType::Decimal(_) => DataType::Decimal128(38, 9),
        SqlType::Date => DataType::Date32,
        SqlType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        SqlType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        SqlType::Varchar(_) | SqlType::Text | SqlType::Char(_) | SqlType::String(_) => DataType::Utf8,
        _ => return None,
    })
}

/// A value of the type, to plan with; `None` for texts, and for what has no literal.
fn sample(of: &DataType) -> Option<Parameter> {
    Some(match of {
        DataType::Boolean => Parameter::Bool(true),
        whole if whole.is_integer() => Parameter::Int(1),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Parameter::Float(1.0),
        DataType::Decimal128(..) | DataType::Decimal256(..) => Parameter::Number("1.0".to_owned()),
        DataType::Date32 => Parameter::Date(0),
        DataType::Timestamp(_, None) => Parameter::Timestamp(0),
        DataType::Timestamp(_, Some(_)) => Parameter::TimestampTz(0),
        _ => return None,
    })
}

fn expression(value: &Parameter) -> Result<Expr, QueryError> {
    let cast = |text: String, data_type| Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(text_literal(text)),
        data_type,
        array: false,
        format: None,
    };
    Ok(match value {
        Parameter::Null => Expr::value(Value::Null),
        Parameter::Bool(truth) => Expr::value(Value::Boolean(*truth)),
        Parameter::Int(number) => literal(ParamType::Int, Some(&number.to_string()))?,
        Parameter::Float(number) => cast(number.to_string(), SqlType::DoublePrecision),
        Parameter::Number(text) => {
            let (negative, digits) = match text.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, text.strip_prefix('+').unwrap_or(text)),
            };
            let digit = |c: char| c.is_ascii_digit() || c == '.';
            if !digits.contains(|c: char| c.is_ascii_digit())
                || !digits.chars().all(digit)
                || digits.matches('.').count() > 1
            {
                return Err(QueryError::sql(format!("'{text}' is not a number")));
            }
            let digits = Expr::value(Value::Number(digits.to_owned(), false));
            if negative { Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(digits) } } else { digits }
        }
        Parameter::Text(text) => text_literal(text.clone()),
        Parameter::Date(days) => {
            let day =
                chrono::NaiveDate::from_epoch_days(*days).ok_or_else(|| QueryError::sql("a date is out of range"))?;
            cast(day.to_string(), SqlType::Date)
        }
        Parameter::Timestamp(micros) => moment(*micros),
        Parameter::TimestampTz(micros) => {
            cast(format!("{}+00:00", sql_literal(*micros)), SqlType::Timestamp(None, TimezoneInfo::WithTimeZone))
        }
    })
}
