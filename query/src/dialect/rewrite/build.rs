//! Pieces of syntax trees that the rewrites put together.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Value, ValueWithSpan,
};

use super::call;

/// An expression that stays one operand wherever it is put: trees are printed without the parentheses that they imply.
pub(super) fn operand(expr: Expr) -> Expr {
    match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Value(_)
        | Expr::Function(_)
        | Expr::Nested(_)
        | Expr::Case { .. }
        | Expr::Subquery(_) => expr,
        Expr::Cast { kind: CastKind::Cast, .. } => expr,
        other => Expr::Nested(Box::new(other)),
    }
}

pub(super) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(operand(left)), op, right: Box::new(operand(right)) }
}

/// All of the conditions, or one of them.
pub(super) fn joined(conditions: Vec<Expr>, op: &BinaryOperator) -> Option<Expr> {
    conditions.into_iter().reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: op.clone(),
        right: Box::new(operand(right)),
    })
}

pub(super) fn case(conditions: Vec<CaseWhen>, otherwise: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions,
        else_result: otherwise.map(Box::new),
    }
}

pub(super) fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

pub(super) fn function(name: &str, args: Vec<Expr>) -> Expr {
    let mut expr = call(name);
    if let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = &mut expr {
        list.args = args.into_iter().map(argument).collect();
    }
    expr
}

pub(super) fn argument(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

/// The arguments of a call, if all of them are plain expressions.
pub(super) fn plain_arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let expr = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    if list.clauses.is_empty() { list.args.iter().map(expr).collect() } else { None }
}

pub(super) fn number(text: &str) -> Expr {
    Expr::value(Value::Number(text.to_owned(), false))
}

/// The text of a literal.
pub(super) fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(ValueWithSpan {
            value:
                Value::SingleQuotedString(text)
                | Value::EscapedStringLiteral(text)
                | Value::DollarQuotedString(sqlparser::ast::DollarQuotedString { value: text, .. }),
            ..
        }) => Some(text),
        Expr::Nested(inner) => literal_text(inner),
        _ => None,
    }
}

pub(super) fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Null, .. }) => true,
        Expr::Cast { expr, .. } => is_null(expr),
        Expr::Nested(inner) => is_null(inner),
        _ => false,
    }
}
