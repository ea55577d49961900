//! Aggregates whose order is written outside of them: `LISTAGG`, `PERCENTILE_CONT`, `PERCENTILE_DISC`; and `RATIO_TO_REPORT`.

use sqlparser::ast::{
    BinaryOperator, DataType, DuplicateTreatment, Expr, Function, FunctionArgumentClause, FunctionArguments, Ident,
    ObjectName, OrderByExpr, Value, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowType,
};

use super::build::{argument, binary, cast, function, number, operand, plain_arguments};
use super::{rename, simple_name};
use crate::dialect::rewrite::text_literal;
use crate::error::QueryError;

pub(super) fn rewrite(expr: &mut Expr) -> Result<(), QueryError> {
    let Expr::Function(call) = expr else { return Ok(()) };
    match simple_name(call).as_deref() {
        Some("listagg") => listagg(call),
        Some(name @ ("percentile_cont" | "percentile_disc")) if !call.within_group.is_empty() => {
            let name = name.to_owned();
            percentile(call, &name)
        }
        Some("ratio_to_report") => {
            *expr = ratio(call)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `LISTAGG(value [, delimiter]) [WITHIN GROUP (ORDER BY ...)] [OVER (PARTITION BY ...)]` as `string_agg`. The delimiter is
/// empty if there is none. In a window, the order is that of the window, whose frame is the whole partition.
fn listagg(call: &mut Function) -> Result<(), QueryError> {
    let mut order = std::mem::take(&mut call.within_group);
    let FunctionArguments::List(list) = &mut call.args else { return Ok(()) };
    match list.args.len() {
        1 => list.args.push(argument(text_literal(String::new()))),
        2 => {}
        n => return Err(QueryError::sql(format!("LISTAGG takes a value and a delimiter, not {n} arguments"))),
    }
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    if let Some(over) = &mut call.over {
        if distinct {
            return Err(QueryError::sql(
                "LISTAGG(DISTINCT ...) OVER is not supported; aggregate in a sub-query and join it",
            ));
        }
        order_window(over, order)?;
    } else if !order.is_empty() {
        if distinct && order.len() == 1 {
            // Only the value itself can order distinct values.
            let value = list.args[0].to_string();
            if order[0].expr.to_string() != value {
                return Err(QueryError::sql(format!(
                    "LISTAGG(DISTINCT {value}) can only be ordered by {value}, not by {}",
                    order[0].expr
                )));
            }
        }
        for by in &mut order {
            by.with_fill = None;
        }
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    rename(call, "string_agg");
    Ok(())
}

fn order_window(over: &mut WindowType, order: Vec<OrderByExpr>) -> Result<(), QueryError> {
    match over {
        WindowType::WindowSpec(spec) if spec.order_by.is_empty() && spec.window_frame.is_none() => {
            if !order.is_empty() {
                spec.order_by = order;
                spec.window_frame = Some(WindowFrame {
                    units: WindowFrameUnits::Rows,
                    start_bound: WindowFrameBound::Preceding(None),
                    end_bound: Some(WindowFrameBound::Following(None)),
                });
            }
            Ok(())
        }
        WindowType::WindowSpec(_) => Err(QueryError::sql(
            "LISTAGG ... OVER takes PARTITION BY only; its order is in WITHIN GROUP (ORDER BY ...)",
        )),
        WindowType::NamedWindow(name) => {
            Err(QueryError::sql(format!("LISTAGG ... OVER {name}: write the window out, as OVER (PARTITION BY ...)")))
        }
    }
}

/// `PERCENTILE_x(fraction) WITHIN GROUP (ORDER BY value)` as `percentile_x(value, fraction)`, which may stand in a window.
fn percentile(call: &mut Function, name: &str) -> Result<(), QueryError> {
    let upper = name.to_uppercase();
    let (Some(fraction), Ok([order])) = (
        plain_arguments(call).and_then(|args| <[Expr; 1]>::try_from(args).ok()),
        <[OrderByExpr; 1]>::try_from(std::mem::take(&mut call.within_group)),
    ) else {
        return Err(QueryError::sql(format!("the form is {upper}(fraction) WITHIN GROUP (ORDER BY value)")));
    };
    let [mut fraction] = fraction;
    if order.options.asc == Some(false) {
        if name == "percentile_disc" {
            return Err(QueryError::sql(
                "PERCENTILE_DISC ... ORDER BY ... DESC is not supported; order ascending and give 1 - fraction",
            ));
        }
        fraction = complement(fraction);
    }
    if let FunctionArguments::List(list) = &mut call.args {
        list.args = vec![argument(order.expr), argument(fraction)];
    }
    rename(call, name);
    Ok(())
}

/// `1 - fraction`, exactly if it is written out: 0.1 for 0.9, not 0.09999999999999998.
fn complement(fraction: Expr) -> Expr {
    if let Expr::Value(value) = &fraction
        && let Value::Number(text, _) = &value.value
        && let Some(rest) = one_less(text)
    {
        return number(&rest);
    }
    Expr::Nested(Box::new(binary(number("1"), BinaryOperator::Minus, fraction)))
}

fn one_less(text: &str) -> Option<String> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let width = digits.len();
    if width > 15 {
        return None;
    }
    let one = 10_u64.pow(u32::try_from(width).ok()?);
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: u64 = format!("0{digits}").parse().ok()?;
    let rest = one.checked_sub(whole.checked_mul(one)?.checked_add(part)?)?;
    Some(if width == 0 { rest.to_string() } else { format!("{}.{:0width$}", rest / one, rest % one) })
}

/// `RATIO_TO_REPORT(x) OVER (...)`: each value's part of the sum. The part of a sum of zero is NULL.
fn ratio(call: &Function) -> Result<Expr, QueryError> {
    let (Some(args), Some(over)) = (plain_arguments(call), call.over.clone()) else {
        return Err(QueryError::sql("the form is RATIO_TO_REPORT(value) OVER ([PARTITION BY ...])"));
    };
    let Ok([value]) = <[Expr; 1]>::try_from(args) else {
        return Err(QueryError::sql("RATIO_TO_REPORT takes one value"));
    };
    let mut sum = call.clone();
    sum.name = ObjectName::from(Ident::new("sum"));
    sum.over = Some(over);
    let double = |expr| cast(expr, DataType::DoublePrecision);
    let sum = function("nullif", vec![double(Expr::Function(sum)), number("0")]);
    Ok(Expr::Nested(Box::new(binary(double(operand(value)), BinaryOperator::Divide, sum))))
}
