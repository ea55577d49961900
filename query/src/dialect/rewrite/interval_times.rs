//! `n * INTERVAL '1 hour'`, in either order, and `INTERVAL '1 hour' / n`: DataFusion multiplies and divides numbers only.

use sqlparser::ast::{BinaryOperator, DataType, Expr};

use super::build::function;
use super::simple_name;

pub(super) fn times(expr: &mut Expr) {
    let Expr::BinaryOp { left, op, right } = expr else { return };
    let (name, interval, number) = match (&*op, is_interval(left), is_interval(right)) {
        (BinaryOperator::Multiply, true, false) => ("lookback_interval_times", left, right),
        (BinaryOperator::Multiply, false, true) => ("lookback_interval_times", right, left),
        (BinaryOperator::Divide, true, false) => ("lookback_interval_divided", left, right),
        _ => return,
    };
    *expr = function(name, vec![interval.as_ref().clone(), number.as_ref().clone()]);
}

fn is_interval(expr: &Expr) -> bool {
    match expr {
        Expr::Interval(_) => true,
        Expr::Cast { data_type: DataType::Interval { .. }, .. } => true,
        Expr::Nested(inner) => is_interval(inner),
        Expr::Function(call) => simple_name(call)
            .is_some_and(|name| name == "lookback_interval_times" || name == "lookback_interval_divided"),
        _ => false,
    }
}
