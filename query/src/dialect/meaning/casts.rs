//! Conversions, those that are written and those that the planner added.
//!
//! - Decimals and floats are rounded to integers, a decimal's half away from zero, a float's half to the even number.
//! - Text is read without the blanks around it; dates and times in any of Redshift's forms.
//! - Times and floats become the text that Redshift shows; CHAR(n) and VARCHAR(n) have at most n bytes.
//! - Conversions that Redshift does not have, such as a timestamp as a number, are refused.
//!
//! Sources: Amazon Redshift Database Developer Guide, "CAST and CONVERT functions" and "Type compatibility and conversion".

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::functions::string::btrim;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use lookback_schemas::time::day_of;

use super::arithmetic::{is_decimal, is_interval};
use super::fit::Fit;
use super::texts::ToText;
use super::times::{ToTime, not_a_time, parse_time};
use super::types::{BYTES, PADDED};
use super::walk;
use crate::dialect::functions::{all_scalar, result, timestamp, wrong_arguments};

/// The rule of a statement with its moment.
#[derive(Debug)]
pub(super) struct Casts {
    now: i64,
}

impl Casts {
    pub(super) fn new(now: i64) -> Self {
        Self { now }
    }
}

impl AnalyzerRule for Casts {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        walk::expressions(plan, &|expr, schema| match expr {
            Expr::Cast(cast) => self.cast(cast, schema),
            other => Ok(Transformed::no(other)),
        })
    }

    fn name(&self) -> &str {
        "lookback_casts"
    }
}

impl Casts {
    fn cast(&self, cast: Cast, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let from = cast.expr.get_type(schema)?;
        let to = cast.field.data_type().clone();
        if from.is_null() {
            return Ok(Transformed::no(Expr::Cast(cast)));
        }
        refuse(&from, &to)?;
        if is_text(&to) {
            return Ok(to_text(cast, &from));
        }
        if is_text(&from) {
            return self.text_to(cast, &to);
        }
        if to.is_integer() && is_decimal(&from) {
            let rounded = Expr::Cast(Cast::new(cast.expr, DataType::Decimal128(38, 0)));
            return Ok(Transformed::yes(Expr::Cast(Cast::new_from_field(Box::new(rounded), cast.field))));
        }
        if to.is_integer() && from.is_floating() {
            let double = Expr::Cast(Cast::new(cast.expr, DataType::Float64));
            let rounded = call(RoundHalfEven::new(), double);
            return Ok(Transformed::yes(Expr::Cast(Cast::new_from_field(Box::new(rounded), cast.field))));
        }
        Ok(Transformed::no(Expr::Cast(cast)))
    }

    fn text_to(&self, cast: Cast, to: &DataType) -> Result<Transformed<Expr>> {
        match to {
            DataType::Date32 | DataType::Timestamp(..) => {
                let date = *to == DataType::Date32;
                if let Expr::Literal(value, _) = cast.expr.as_ref()
                    && let Some(Some(text)) = value.try_as_str()
                {
                    let time = parse_time(text, self.now).ok_or_else(|| not_a_time(text))?;
                    let literal = if date {
                        ScalarValue::Date32(Some(day_of(time)))
                    } else {
                        ScalarValue::TimestampMicrosecond(Some(time), None).cast_to(to)?
                    };
                    return Ok(Transformed::yes(Expr::Literal(literal, None)));
                }
                let text = Expr::Cast(Cast::new(cast.expr, DataType::Utf8));
                let time = call(ToTime::new(date, self.now), text);
                let direct = date || *to == timestamp();
                let time = if direct { time } else { Expr::Cast(Cast::new(Box::new(time), to.clone())) };
                Ok(Transformed::yes(time))
            }
            _ if to.is_numeric() || *to == DataType::Boolean => {
                let trimmed = Expr::ScalarFunction(ScalarFunction::new_udf(btrim(), vec![*cast.expr]));
                Ok(Transformed::yes(Expr::Cast(Cast::new_from_field(Box::new(trimmed), cast.field))))
            }
            _ => Ok(Transformed::no(Expr::Cast(cast))),
        }
    }
}

/// Conversions that Redshift does not have, and where a value would come out that means nothing there.
fn refuse(from: &DataType, to: &DataType) -> Result<()> {
    let is_time = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..) | DataType::Date32);
    if is_time(from) && to.is_numeric() {
        return plan_err!("a date or time cannot be cast to a number; use EXTRACT(EPOCH FROM ...) or DATEDIFF");
    }
    if from.is_numeric() && is_time(to) {
        return plan_err!("a number cannot be cast to a date or time; use DATEADD(second, n, '1970-01-01')");
    }
    if is_interval(from) && is_text(to) {
        return plan_err!("an interval cannot be cast to text here; use EXTRACT(EPOCH FROM ...) for its seconds");
    }
    Ok(())
}

fn to_text(cast: Cast, from: &DataType) -> Transformed<Expr> {
    let bytes = cast.field.metadata().get(BYTES).and_then(|bytes| bytes.parse::<usize>().ok());
    let padded = cast.field.metadata().contains_key(PADDED);
    let shown = matches!(from, DataType::Timestamp(..)) || from.is_floating();
    if bytes.is_none() && !shown {
        return Transformed::no(Expr::Cast(cast));
    }
    let to = cast.field.data_type().clone();
    let mut text = if shown { call(ToText::new(), *cast.expr) } else { *cast.expr };
    if shown || *from != DataType::Utf8 {
        text = in_type(text, if shown { &DataType::Utf8 } else { from }, &DataType::Utf8);
    }
    if let Some(bytes) = bytes {
        text = call(Fit::new(bytes, padded), text);
    }
    Transformed::yes(in_type(text, &DataType::Utf8, &to))
}

fn in_type(expr: Expr, from: &DataType, to: &DataType) -> Expr {
    if from == to { expr } else { Expr::Cast(Cast::new(Box::new(expr), to.clone())) }
}

fn call(function: impl ScalarUDFImpl + 'static, argument: Expr) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), vec![argument]))
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// A float without its fraction, as PostgreSQL's cast from `double precision` rounds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct RoundHalfEven {
    signature: Signature,
}

impl RoundHalfEven {
    fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Float64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for RoundHalfEven {
    fn name(&self) -> &str {
        "round_half_even"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return wrong_arguments("one float", &[]) };
        let scalar = all_scalar(&args.args);
        let value = value.to_array(if scalar { 1 } else { args.number_rows })?;
        let rounded = value.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even);
        result(Arc::new(rounded), scalar)
    }
}
