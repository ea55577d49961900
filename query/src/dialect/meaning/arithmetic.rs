//! Numbers and intervals before types are settled.
//!
//! - A quotient of decimals has the precision and scale that Redshift documents (see [`super::divide`]). An integer beside a
//!   decimal counts as DECIMAL(5,0), DECIMAL(10,0) or DECIMAL(19,0), after the type that it has in Redshift.
//! - Dividing a float by zero is an error, not infinity.
//! - A date moved by an interval is a timestamp.
//! - Intervals of either kind that Arrow has are compared by their length; a month counts as 30 days, as in PostgreSQL.
//!
//! Source: Amazon Redshift Database Developer Guide, "Computations with numeric values".

use std::sync::{Arc, LazyLock};

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ExprSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::{Between, Cast, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF};
use datafusion::optimizer::AnalyzerRule;

use super::divide::{DivideFloats, DivideNumerics};
use super::{REDSHIFT_TYPE, texts, walk};
use crate::dialect::functions::timestamp;

static NUMERICS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(DivideNumerics::new().into()));
static FLOATS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(DivideFloats::new().into()));
static MICROSECONDS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(texts::IntervalLength::new().into()));

/// The rule.
#[derive(Debug)]
pub(super) struct Arithmetic;

impl AnalyzerRule for Arithmetic {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        walk::expressions(plan, &change)
    }

    fn name(&self) -> &str {
        "lookback_arithmetic"
    }
}

fn change(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Literal(value, metadata) => match number(&value)? {
            Some(number) => Ok(Transformed::yes(Expr::Literal(number, metadata))),
            None => Ok(Transformed::no(Expr::Literal(value, metadata))),
        },
        Expr::BinaryExpr(binary) => operation(binary, schema),
        Expr::Between(between) if between.expr.get_type(schema).is_ok_and(|data_type| is_interval(&data_type)) => {
            let length = |expr: Box<Expr>| Box::new(call(&MICROSECONDS, vec![*expr]));
            let Between { expr, negated, low, high } = between;
            Ok(Transformed::yes(Expr::Between(Between::new(length(expr), negated, length(low), length(high)))))
        }
        // A window that is ordered by intervals is ordered by their length.
        Expr::WindowFunction(mut window) => {
            let mut changed = false;
            for by in &mut window.params.order_by {
                if by.expr.get_type(schema).is_ok_and(|data_type| is_interval(&data_type)) {
                    by.expr = call(&MICROSECONDS, vec![std::mem::take(&mut by.expr)]);
                    changed = true;
                }
            }
            let window = Expr::WindowFunction(window);
            Ok(if changed { Transformed::yes(window) } else { Transformed::no(window) })
        }
        other => Ok(Transformed::no(other)),
    }
}

/// A number as DataFusion's parser reads it, if Redshift has no such type: `1e6` with a negative scale, or unsigned.
fn number(value: &ScalarValue) -> Result<Option<ScalarValue>> {
    Ok(match value {
        ScalarValue::UInt64(Some(number)) => Some(ScalarValue::Decimal128(Some(i128::from(*number)), 20, 0)),
        ScalarValue::Decimal128(Some(number), precision, scale) if *scale < 0 => {
            let zeros = scale.unsigned_abs();
            let whole = 10_i128.checked_pow(u32::from(zeros)).and_then(|power| number.checked_mul(power));
            let digits = precision.saturating_add(zeros);
            match whole {
                Some(whole) if digits <= 38 => Some(ScalarValue::Decimal128(Some(whole), digits, 0)),
                _ => return plan_err!("a number has more than 38 digits; write it as a float: 1e40::float"),
            }
        }
        ScalarValue::Decimal256(..) => {
            return plan_err!("a number has more than 38 digits; write it as a float: '1e-40'::float");
        }
        _ => None,
    })
}

fn operation(binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    use Operator as O;
    let unchanged = |binary| Ok(Transformed::no(Expr::BinaryExpr(binary)));
    // What has no type yet is for the planner to report.
    let (Ok(left), Ok(right)) = (binary.left.get_type(schema), binary.right.get_type(schema)) else {
        return unchanged(binary);
    };
    if is_comparison(binary.op) && is_interval(&left) && is_interval(&right) {
        let BinaryExpr { left, op, right } = binary;
        let length = |expr: Box<Expr>| Box::new(call(&MICROSECONDS, vec![*expr]));
        return Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(length(left), op, length(right)))));
    }
    if !matches!(binary.op, O::Plus | O::Minus | O::Multiply | O::Divide | O::Modulo) {
        return unchanged(binary);
    }
    let BinaryExpr { left: l, op, right: r } = binary;
    let moves = matches!(op, O::Plus | O::Minus);
    if moves && left == DataType::Date32 && is_interval(&right) {
        return Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(midnight(l), op, r))));
    }
    if op == O::Plus && is_interval(&left) && right == DataType::Date32 {
        return Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(l, op, midnight(r)))));
    }
    if (left.is_floating() && right.is_numeric()) || (left.is_numeric() && right.is_floating()) {
        if op == O::Divide && !is_nonzero(&r) {
            return Ok(Transformed::yes(call(&FLOATS, vec![*l, *r])));
        }
        return unchanged(BinaryExpr::new(l, op, r));
    }
    let decimals = (is_decimal(&left), is_decimal(&right));
    if decimals == (false, false) || !(left.is_numeric() && right.is_numeric()) {
        return unchanged(BinaryExpr::new(l, op, r));
    }
    let l = if decimals.0 { *l } else { as_decimal(*l, &left, schema) };
    let r = if decimals.1 { *r } else { as_decimal(*r, &right, schema) };
    Ok(Transformed::yes(match op {
        O::Divide => call(&NUMERICS, vec![l, r]),
        _ => Expr::BinaryExpr(BinaryExpr::new(Box::new(l), op, Box::new(r))),
    }))
}

fn call(function: &Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), args))
}

pub(super) fn is_comparison(op: Operator) -> bool {
    use Operator as O;
    matches!(op, O::Eq | O::NotEq | O::Lt | O::LtEq | O::Gt | O::GtEq | O::IsDistinctFrom | O::IsNotDistinctFrom)
}

pub(super) fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..))
}

pub(super) fn is_interval(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(_) | DataType::Duration(_))
}

/// A date as the timestamp that it begins with: a date and an interval make a timestamp.
fn midnight(date: Box<Expr>) -> Box<Expr> {
    Box::new(Expr::Cast(Cast::new(date, timestamp())))
}

/// Whether a divisor is known not to be zero.
fn is_nonzero(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => {
            !value.is_null() && ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| *value != zero)
        }
        Expr::Cast(cast) => is_nonzero(&cast.expr),
        Expr::Negative(inner) => is_nonzero(inner),
        _ => false,
    }
}

fn as_decimal(expr: Expr, data_type: &DataType, schema: &DFSchema) -> Expr {
    let precision = digits(&expr, data_type, schema);
    Expr::Cast(Cast::new(Box::new(expr), DataType::Decimal128(precision, 0)))
}

/// How many digits an integer has beside a decimal. The lake keeps every integer in 64 bits; a column says what it is in
/// Redshift, and a literal is an INTEGER if it fits.
fn digits(expr: &Expr, data_type: &DataType, schema: &DFSchema) -> u8 {
    match (data_type, expr) {
        (DataType::Int8 | DataType::UInt8 | DataType::Int16, _) => 5,
        (DataType::UInt16 | DataType::Int32, _) => 10,
        (DataType::Int64, Expr::Negative(inner)) => digits(inner, data_type, schema),
        (DataType::Int64, Expr::Literal(ScalarValue::Int64(Some(value)), _)) if i32::try_from(*value).is_ok() => 10,
        (DataType::Int64, Expr::Column(column)) => {
            let field = schema.field_from_column(column).ok();
            match field.and_then(|field| field.metadata().get(REDSHIFT_TYPE)).map(String::as_str) {
                Some("smallint" | "int2") => 5,
                Some("integer" | "int" | "int4") => 10,
                _ => 19,
            }
        }
        (DataType::UInt64, _) => 20,
        _ => 19,
    }
}
