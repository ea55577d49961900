//! Sums, differences and products of integers that do not fit are an error, as in Redshift; DataFusion would go on with what
//! is left of the number. Source: Amazon Redshift Database Developer Guide, "Computations with numeric values" (overflow is
//! checked for all numeric computations).
//!
//! Operations in a row are one call: `a + b - c` is a chain of two steps over three arguments, from left to right. A call in a call
//! in a call would cost the planner the fourth power of their number, since each is asked for its type by asking all inside it, and
//! for its name each time.

use std::sync::Arc;

use arrow::array::{ArrayRef, Datum, Scalar};
use arrow::compute::kernels::numeric::{add, div, mul, rem, sub};
use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use super::walk;
use crate::dialect::functions::{all_scalar, result, wrong_arguments};

/// The rule. It runs when both sides have one type.
#[derive(Debug)]
pub(super) struct Overflow;

impl AnalyzerRule for Overflow {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        walk::expressions(plan, &change)
    }

    fn name(&self) -> &str {
        "lookback_overflow"
    }
}

fn change(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return Ok(Transformed::no(expr)) };
    let unchanged = |left, right| Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr::new(left, op, right))));
    let Some(step) = Step::of(op) else { return unchanged(left, right) };
    let (of_left, of_right) = (left.get_type(schema)?, right.get_type(schema)?);
    if !(of_left.is_integer() && of_right.is_integer()) {
        return unchanged(left, right);
    }
    let before = match left.as_ref() {
        Expr::ScalarFunction(function) if of_left == of_right => steps_of(function).map(<[Step]>::to_vec),
        _ => None,
    };
    let (mut steps, mut args) = match (before, *left) {
        (Some(steps), Expr::ScalarFunction(function)) => (steps, function.args),
        // Where nothing is checked before it, a quotient stays what it is.
        (_, left) if matches!(step, Step::Divide | Step::Modulo) => return unchanged(Box::new(left), right),
        (_, left) => (Vec::new(), vec![left]),
    };
    steps.push(step);
    args.push(*right);
    let function = Arc::new(ScalarUDF::from(Checked::new(steps)));
    Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(function, args))))
}

/// The steps of a chain; `None` for any other function.
fn steps_of(function: &ScalarFunction) -> Option<&[Step]> {
    function.func.inner().downcast_ref::<Checked>().map(|chain| chain.steps.as_slice())
}

/// What is done with all before it and the next argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Step {
    fn of(op: Operator) -> Option<Self> {
        Some(match op {
            Operator::Plus => Self::Add,
            Operator::Minus => Self::Subtract,
            Operator::Multiply => Self::Multiply,
            Operator::Divide => Self::Divide,
            Operator::Modulo => Self::Modulo,
            _ => return None,
        })
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }

    fn take(self, before: &dyn Datum, next: &dyn Datum) -> Result<ArrayRef> {
        Ok(match self {
            Self::Add => add(before, next),
            Self::Subtract => sub(before, next),
            Self::Multiply => mul(before, next),
            Self::Divide => div(before, next),
            Self::Modulo => rem(before, next),
        }?)
    }
}

/// Integers of one type, one more than there are steps.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    // With the signs, for those who read a plan.
    name: String,
    steps: Vec<Step>,
    signature: Signature,
}

impl Checked {
    fn new(steps: Vec<Step>) -> Self {
        let name = std::iter::once("checked ").chain(steps.iter().map(|step| step.sign())).collect();
        Self { name, steps, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [first, others @ ..] if first.is_integer() && others.iter().all(|other| other == first) => {
                Ok(given.to_vec())
            }
            _ => wrong_arguments("integers", given),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        given.first().cloned().map_or_else(|| wrong_arguments("integers", given), Ok)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&args.args);
        let [first, others @ ..] = args.args.as_slice() else { return wrong_arguments("integers", &[]) };
        let mut before = datum(first)?;
        // Whether what is there is one value for all rows, as long as nothing else was met.
        let mut one = matches!(first, ColumnarValue::Scalar(_));
        for (step, next) in self.steps.iter().zip(others) {
            let array = step.take(before.as_ref(), datum(next)?.as_ref())?;
            one &= matches!(next, ColumnarValue::Scalar(_));
            before = if one { Box::new(Scalar::new(array)) } else { Box::new(array) };
        }
        let (array, _) = before.get();
        result(array.slice(0, array.len()), scalar)
    }
}

/// One value for all rows stays one value.
fn datum(value: &ColumnarValue) -> Result<Box<dyn Datum>> {
    Ok(match value {
        ColumnarValue::Array(array) => Box::new(Arc::clone(array)),
        ColumnarValue::Scalar(scalar) => Box::new(scalar.to_scalar()?),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{Field, Int64Type};
    use datafusion::common::ScalarValue;
    use proptest::prelude::*;

    use super::*;

    /// What a chain gives for one row: an error if any step does not fit.
    fn expected(first: Option<i64>, steps: &[(Step, Option<i64>)]) -> Result<Option<i64>, ()> {
        let mut before = first;
        for (step, next) in steps {
            before = match (before, next) {
                (Some(a), Some(b)) => Some(
                    match step {
                        Step::Add => a.checked_add(*b),
                        Step::Subtract => a.checked_sub(*b),
                        Step::Multiply => a.checked_mul(*b),
                        Step::Divide => a.checked_div(*b),
                        Step::Modulo if *b == 0 => None,
                        Step::Modulo => Some(a.wrapping_rem(*b)),
                    }
                    .ok_or(())?,
                ),
                _ => None,
            };
        }
        Ok(before)
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![Just(Step::Add), Just(Step::Subtract), Just(Step::Multiply), Just(Step::Divide), Just(Step::Modulo)]
    }

    fn number() -> impl Strategy<Value = Option<i64>> {
        prop_oneof![Just(None), (-9_i64..9).prop_map(Some), any::<i64>().prop_map(Some), Just(Some(i64::MIN))]
    }

    proptest! {
        /// Columns and constants in any order: each row is what doing one step after the other gives.
        #[test]
        fn a_chain_is_its_steps_one_after_the_other(
            first in (any::<bool>(), number(), number()),
            others in prop::collection::vec((step(), any::<bool>(), number(), number()), 1..7),
        ) {
            let value = |constant: bool, rows: [Option<i64>; 2]| match constant {
                true => ColumnarValue::Scalar(ScalarValue::Int64(rows[0])),
                false => ColumnarValue::Array(Arc::new(Int64Array::from(rows.to_vec()))),
            };
            let mut args = vec![value(first.0, [first.1, first.2])];
            args.extend(others.iter().map(|(_, constant, a, b)| value(*constant, [*a, *b])));
            let of_row = |row: usize| {
                let pick = |constant: bool, a, b| if row == 0 || constant { a } else { b };
                let steps: Vec<_> =
                    others.iter().map(|(step, constant, a, b)| (*step, pick(*constant, *a, *b))).collect();
                expected(pick(first.0, first.1, first.2), &steps)
            };
            let chain = Checked::new(others.iter().map(|(step, ..)| *step).collect());
            let field = Arc::new(Field::new("x", DataType::Int64, true));
            let arg_fields = vec![Arc::clone(&field); args.len()];
            let given = ScalarFunctionArgs {
                args, arg_fields, number_rows: 2, return_field: field, config_options: Arc::default(),
            };
            match (chain.invoke_with_args(given), of_row(0), of_row(1)) {
                (Ok(rows), Ok(a), Ok(b)) => {
                    let rows = rows.into_array(2).unwrap();
                    let rows: Vec<_> = rows.as_primitive::<Int64Type>().iter().collect();
                    prop_assert_eq!(rows, vec![a, b]);
                }
                (got, a, b) => prop_assert!(got.is_err() && (a.is_err() || b.is_err()), "{got:?} {a:?} {b:?}"),
            }
        }
    }
}
