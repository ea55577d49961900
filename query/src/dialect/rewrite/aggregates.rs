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
        Some("listagg") if is_distinct(call) => {
            *expr = distinct_listagg(call)?;
            Ok(())
        }
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
    if let Some(over) = &mut call.over {
        order_window(over, order)?;
    } else if !order.is_empty() {
        for by in &mut order {
            by.with_fill = None;
        }
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    rename(call, "string_agg");
    Ok(())
}

fn is_distinct(call: &Function) -> bool {
    matches!(&call.args, FunctionArguments::List(list) if list.duplicate_treatment == Some(DuplicateTreatment::Distinct))
}

/// `LISTAGG(DISTINCT value [, delimiter]) [WITHIN GROUP (ORDER BY value)]`: the distinct values as an array, sorted as values
/// and not as texts, then joined. Without an order it is that of the values.
fn distinct_listagg(call: &Function) -> Result<Expr, QueryError> {
    if call.over.is_some() {
        return Err(QueryError::sql(
            "LISTAGG(DISTINCT ...) OVER is not supported; aggregate in a sub-query and join it",
        ));
    }
    let Some(args) = plain_arguments(call) else {
        return Err(QueryError::sql("LISTAGG(DISTINCT ...) takes a value and a delimiter"));
    };
    let mut args = args.into_iter();
    let (Some(value), delimiter, None) = (args.next(), args.next(), args.next()) else {
        return Err(QueryError::sql("LISTAGG(DISTINCT ...) takes a value and a delimiter"));
    };
    let descending = match call.within_group.as_slice() {
        [] => false,
        // Only the value itself can order distinct values.
        [by] if by.expr == value => by.options.asc == Some(false),
        _ => {
            return Err(QueryError::sql(format!("LISTAGG(DISTINCT {value}) can only be ordered by {value}")));
        }
    };
    let known = Expr::IsNotNull(Box::new(operand(value.clone())));
    let mut values = call.clone();
    values.name = ObjectName::from(Ident::new("array_agg"));
    values.within_group = Vec::new();
    values.filter = Some(Box::new(match values.filter.take() {
        Some(filter) => binary(Expr::Nested(filter), BinaryOperator::And, known),
        None => known,
    }));
    if let FunctionArguments::List(list) = &mut values.args {
        list.args = vec![argument(value)];
    }
    let direction = text_literal(if descending { "DESC" } else { "ASC" }.to_owned());
    let sorted = function("array_sort", vec![Expr::Function(values), direction]);
    let delimiter = delimiter.unwrap_or_else(|| text_literal(String::new()));
    Ok(function("array_to_string", vec![sorted, delimiter]))
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

/// `PERCENTILE_x(fraction) WITHIN GROUP (ORDER BY value [DESC])` as `percentile_x(value, fraction [, true])`, which may stand in
/// a window.
fn percentile(call: &mut Function, name: &str) -> Result<(), QueryError> {
    let upper = name.to_uppercase();
    let (Some(fraction), Ok([order])) = (
        plain_arguments(call).and_then(|args| <[Expr; 1]>::try_from(args).ok()),
        <[OrderByExpr; 1]>::try_from(std::mem::take(&mut call.within_group)),
    ) else {
        return Err(QueryError::sql(format!("the form is {upper}(fraction) WITHIN GROUP (ORDER BY value)")));
    };
    let [fraction] = fraction;
    let mut args = vec![argument(order.expr), argument(fraction)];
    if order.options.asc == Some(false) {
        args.push(argument(Expr::value(Value::Boolean(true))));
    }
    if let FunctionArguments::List(list) = &mut call.args {
        list.args = args;
    }
    rename(call, name);
    Ok(())
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
