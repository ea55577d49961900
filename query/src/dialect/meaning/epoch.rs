//! A whole number compared with a time: `stl_s3client.end_time >= DATEADD(day, -7, CURRENT_DATE)`.
//!
//! The log tables that keep times as whole numbers count microseconds since 2000-01-01, as the server does inside; such a number
//! is compared with the same count of the time. Decided while a statement is planned, which would else find no common type.
//!
//! Source: Amazon Redshift Database Developer Guide, "STL_S3CLIENT".

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, ScalarUDF, lit};
use sqlparser::ast::BinaryOperator;

use crate::dialect::functions::time_difference;

/// Plans such comparisons.
#[derive(Debug)]
pub(crate) struct EpochTimes(std::sync::Arc<ScalarUDF>);

impl EpochTimes {
    pub(crate) fn new() -> Self {
        Self(time_difference())
    }

    fn count(&self, time: Expr) -> Expr {
        let from = lit("2000-01-01");
        Expr::ScalarFunction(ScalarFunction::new_udf(self.0.clone(), vec![lit("microsecond"), from, time]))
    }
}

impl ExprPlanner for EpochTimes {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let operator = match expr.op {
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            BinaryOperator::Lt => Operator::Lt,
            BinaryOperator::LtEq => Operator::LtEq,
            BinaryOperator::Gt => Operator::Gt,
            BinaryOperator::GtEq => Operator::GtEq,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        // What has no type yet is for the planner to report.
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        let is_time = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..) | DataType::Date32);
        let (left, right) = match (left.is_integer(), right.is_integer()) {
            (true, false) if is_time(&right) => (expr.left, self.count(expr.right)),
            (false, true) if is_time(&left) => (self.count(expr.left), expr.right),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))))
    }
}
