//! Sums, differences and products of integers that do not fit are an error, as in Redshift; DataFusion would go on with what
//! is left of the number. Source: Amazon Redshift Database Developer Guide, "Computations with numeric values" (overflow is
//! checked for all numeric computations).

use std::sync::{Arc, LazyLock};

use arrow::array::Datum;
use arrow::compute::kernels::numeric::{add, mul, sub};
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

static ADD: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(Checked::new(Operation::Add).into()));
static SUBTRACT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(Checked::new(Operation::Subtract).into()));
static MULTIPLY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(Checked::new(Operation::Multiply).into()));

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
    let function = match op {
        Operator::Plus => &ADD,
        Operator::Minus => &SUBTRACT,
        Operator::Multiply => &MULTIPLY,
        _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr::new(left, op, right)))),
    };
    if left.get_type(schema)?.is_integer() && right.get_type(schema)?.is_integer() {
        let args = vec![*left, *right];
        return Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), args))));
    }
    Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr::new(left, op, right))))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Operation {
    Add,
    Subtract,
    Multiply,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    operation: Operation,
    signature: Signature,
}

impl Checked {
    fn new(operation: Operation) -> Self {
        Self { operation, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "checked_add",
            Operation::Subtract => "checked_subtract",
            Operation::Multiply => "checked_multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [a, b] if a == b && a.is_integer() => Ok(given.to_vec()),
            _ => wrong_arguments("integer and integer", given),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        given.first().cloned().map_or_else(|| wrong_arguments("integer and integer", given), Ok)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&args.args);
        let [a, b] = args.args.as_slice() else { return wrong_arguments("integer and integer", &[]) };
        let (a, b) = (datum(a)?, datum(b)?);
        let array = match self.operation {
            Operation::Add => add(a.as_ref(), b.as_ref()),
            Operation::Subtract => sub(a.as_ref(), b.as_ref()),
            Operation::Multiply => mul(a.as_ref(), b.as_ref()),
        }?;
        result(array, scalar)
    }
}

/// One value for all rows stays one value.
fn datum(value: &ColumnarValue) -> Result<Box<dyn Datum>> {
    Ok(match value {
        ColumnarValue::Array(array) => Box::new(Arc::clone(array)),
        ColumnarValue::Scalar(scalar) => Box::new(scalar.to_scalar()?),
    })
}
