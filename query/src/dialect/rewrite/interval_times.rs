//! `n * INTERVAL '1 hour'`, in either order: DataFusion multiplies numbers only.

use sqlparser::ast::{BinaryOperator, DataType, Expr};

use super::build::function;

pub(super) fn times(expr: &mut Expr) {
    let Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } = expr else { return };
    let (interval, number) = match (is_interval(left), is_interval(right)) {
        (true, false) => (left, right),
        (false, true) => (right, left),
        _ => return,
    };
    *expr = function("lookback_interval_times", vec![interval.as_ref().clone(), number.as_ref().clone()]);
}

fn is_interval(expr: &Expr) -> bool {
    match expr {
        Expr::Interval(_) => true,
        Expr::Cast { data_type: DataType::Interval { .. }, .. } => true,
        Expr::Nested(inner) => is_interval(inner),
        _ => false,
    }
}
