//! A whole number beside a time: `stl_s3client.end_time >= DATEADD(day, -7, CURRENT_DATE)` and `GETDATE() - 7`.
//!
//! The log tables that keep times as whole numbers count microseconds since 2000-01-01, as the server does inside; such a number
//! is compared with the same count of the time. Decided while a statement is planned, which would else find no common type.
//!
//! Added to a timestamp, a whole number is days, as it is with a date. And a literal beside a boolean is a boolean:
//! `result_cache_hit = 't'`.
//!
//! Source: Amazon Redshift Database Developer Guide, "STL_S3CLIENT"; `SYSDATE - 1` in scripts that run on clusters.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, ScalarUDF, lit};
use sqlparser::ast::BinaryOperator;

use crate::dialect::functions::{interval_scaled, time_difference, time_moved};

/// Plans such comparisons and sums, and the products of intervals that are not written out, such as `(endtime - starttime) * 2`.
#[derive(Debug)]
pub(crate) struct EpochTimes {
    difference: Arc<ScalarUDF>,
    moved: Arc<ScalarUDF>,
    times: Arc<ScalarUDF>,
    divided: Arc<ScalarUDF>,
}

impl EpochTimes {
    pub(crate) fn new() -> Self {
        let [times, divided] = interval_scaled();
        Self { difference: time_difference(), moved: time_moved(), times, divided }
    }

    fn count(&self, time: Expr) -> Expr {
        let from = lit("2000-01-01");
        Expr::ScalarFunction(ScalarFunction::new_udf(
            Arc::clone(&self.difference),
            vec![lit("microsecond"), from, time],
        ))
    }

    /// A timestamp some days later.
    fn later(&self, time: Expr, days: Expr) -> Expr {
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&self.moved), vec![lit("day"), days, time]))
    }

    fn computed(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        let is_timestamp = |data_type: &DataType| *data_type == DataType::Timestamp(TimeUnit::Microsecond, None);
        let is_span = |data_type: &DataType| matches!(data_type, DataType::Interval(_) | DataType::Duration(_));
        let scaled = |function: &Arc<ScalarUDF>, span: Expr, by: Expr| {
            Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), vec![span, by]))
        };
        let planned = match expr.op {
            BinaryOperator::Multiply if is_span(&left) && right.is_numeric() => {
                scaled(&self.times, expr.left, expr.right)
            }
            BinaryOperator::Multiply if left.is_numeric() && is_span(&right) => {
                scaled(&self.times, expr.right, expr.left)
            }
            BinaryOperator::Divide if is_span(&left) && right.is_numeric() => {
                scaled(&self.divided, expr.left, expr.right)
            }
            BinaryOperator::Plus if is_timestamp(&left) && right.is_integer() => self.later(expr.left, expr.right),
            BinaryOperator::Plus if left.is_integer() && is_timestamp(&right) => self.later(expr.right, expr.left),
            BinaryOperator::Minus if is_timestamp(&left) && right.is_integer() => {
                self.later(expr.left, Expr::Negative(Box::new(expr.right)))
            }
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(planned))
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
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply | BinaryOperator::Divide => {
                return self.computed(expr, schema);
            }
            _ => return Ok(PlannerResult::Original(expr)),
        };
        // What has no type yet is for the planner to report.
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        let is_time = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..) | DataType::Date32);
        let is_literal = |expr: &Expr| matches!(expr, Expr::Literal(value, _) if value.try_as_str().is_some());
        let truth = |literal: Expr| Expr::Cast(Cast::new(Box::new(literal), DataType::Boolean));
        let (left, right) = match (left.is_integer(), right.is_integer()) {
            (true, false) if is_time(&right) => (expr.left, self.count(expr.right)),
            (false, true) if is_time(&left) => (self.count(expr.left), expr.right),
            _ if left == DataType::Boolean && is_literal(&expr.right) => (expr.left, truth(expr.right)),
            _ if right == DataType::Boolean && is_literal(&expr.left) => (truth(expr.left), expr.right),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))))
    }
}
