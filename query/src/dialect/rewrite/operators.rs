//! Operators that DataFusion does not have, as the functions that they stand for: `|/ 25`, `||/ 27`, `@ -5`, `~ 5`. And the
//! types around operators and numberings that would be others than in Redshift.
//!
//! Source: Amazon Redshift Database Developer Guide, "Mathematical operator symbols".

use sqlparser::ast::{BinaryOperator, DataType, Expr, UnaryOperator};

use super::build::{binary, cast, function, number};
use super::simple_name;

pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        Expr::UnaryOp { op, expr: operand } => {
            let operand = || operand.as_ref().clone();
            let replaced = match op {
                UnaryOperator::PGSquareRoot => function("sqrt", vec![operand()]),
                UnaryOperator::PGCubeRoot => function("cbrt", vec![operand()]),
                UnaryOperator::PGAbs => function("abs", vec![operand()]),
                // All bits the other way round.
                UnaryOperator::BitwiseNot => {
                    Expr::Nested(Box::new(binary(number("-1"), BinaryOperator::Minus, operand())))
                }
                // `NOT aborted`: a whole number says so as well as a boolean.
                UnaryOperator::Not => match operand() {
                    column @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {
                        Expr::UnaryOp { op: *op, expr: Box::new(cast(column, DataType::Boolean)) }
                    }
                    _ => return,
                },
                _ => return,
            };
            *expr = replaced;
        }
        // Rows are numbered with BIGINT; DataFusion's numbers have no sign, and their difference would be an overflow.
        numbering @ Expr::Function(_) if is_numbering(numbering) => {
            *numbering = cast(numbering.clone(), DataType::BigInt(None));
        }
        Expr::Cast { expr: inner, data_type: DataType::BigInt(None), .. } => {
            if let Expr::Cast { expr: numbering, data_type: DataType::BigInt(None), .. } = inner.as_ref()
                && is_numbering(numbering)
            {
                *expr = inner.as_ref().clone();
            }
        }
        _ => {}
    }
}

fn is_numbering(expr: &Expr) -> bool {
    let Expr::Function(call) = expr else { return false };
    let name = simple_name(call);
    call.over.is_some() && matches!(name.as_deref(), Some("row_number" | "rank" | "dense_rank" | "ntile"))
}
