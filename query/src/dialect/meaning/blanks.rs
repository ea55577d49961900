//! Trailing blanks do not matter when texts are compared, neither in CHAR nor in VARCHAR; they do for LIKE and regular
//! expressions. Source: Amazon Redshift Database Developer Guide, "Significance of trailing blanks".
//!
//! CHAR columns are in the lake without their padding, and a column says so ([`TRIMMED`]). So a literal is trimmed here,
//! once, and such columns are left as they are: comparisons with them prune files and row groups as before. Only what can
//! have trailing blanks is trimmed row by row. Keys of groups, partitions and DISTINCT are compared, too.

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, ExprSchema, Result, ScalarValue, plan_err};
use datafusion::functions::string::rtrim;
use datafusion::logical_expr::expr::{InList, ScalarFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{
    Between, BinaryExpr, Distinct, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, when,
};
use datafusion::optimizer::AnalyzerRule;

use super::arithmetic::is_comparison;
use super::casts::is_text;
use super::{TRIMMED, walk};

/// The rule. It runs when both sides of a comparison have one type.
#[derive(Debug)]
pub(super) struct Blanks;

impl AnalyzerRule for Blanks {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let in_node = |plan: LogicalPlan| -> Result<Transformed<LogicalPlan>> {
            let plan = walk::in_node(plan, &change)?.data;
            Ok(Transformed::yes(match plan {
                LogicalPlan::Join(mut join) => {
                    let (left, right) = (join.left.schema(), join.right.schema());
                    let pairs = std::mem::take(&mut join.on).into_iter();
                    let pairs = pairs.map(|(l, r)| Ok((without_blanks(l, left)?, without_blanks(r, right)?)));
                    join.on = pairs.collect::<Result<_>>()?;
                    LogicalPlan::Join(join)
                }
                LogicalPlan::Aggregate(mut aggregate) => {
                    let schema = walk::columns(&LogicalPlan::Aggregate(aggregate.clone()))?;
                    let keys = std::mem::take(&mut aggregate.group_expr).into_iter();
                    aggregate.group_expr = keys.map(|key| named(key, &schema)).collect::<Result<_>>()?;
                    LogicalPlan::Aggregate(aggregate).recompute_schema()?
                }
                LogicalPlan::Distinct(Distinct::All(input)) => LogicalPlan::Distinct(Distinct::All(all(input)?)),
                other => other,
            }))
        };
        plan.transform_up_with_subqueries(in_node).map(|transformed| transformed.data)
    }

    fn name(&self) -> &str {
        "lookback_blanks"
    }
}

fn change(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let trim = |expr: Box<Expr>| without_blanks(*expr, schema).map(Box::new);
    Ok(Transformed::yes(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            Expr::BinaryExpr(BinaryExpr::new(trim(left)?, op, trim(right)?))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            Expr::Between(Between::new(trim(expr)?, negated, trim(low)?, trim(high)?))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let list = list.into_iter().map(|one| without_blanks(one, schema)).collect::<Result<_>>()?;
            Expr::InList(InList::new(trim(expr)?, list, negated))
        }
        Expr::Case(mut case) if case.expr.is_some() => {
            case.expr = case.expr.map(trim).transpose()?;
            let arms = case.when_then_expr.into_iter();
            case.when_then_expr = arms.map(|(when, then)| Ok((trim(when)?, then))).collect::<Result<_>>()?;
            Expr::Case(case)
        }
        Expr::ScalarFunction(mut function) if function.name() == "nullif" && are_texts(&function.args, schema) => {
            let (second, first) = (function.args.pop(), function.args.pop());
            match (first, second) {
                (Some(first), Some(second)) => nullif(first, second, schema)?,
                _ => return plan_err!("the form is nullif(a, b)"),
            }
        }
        Expr::InSubquery(mut within) => {
            within.expr = trim(within.expr)?;
            within.subquery.subquery = all(within.subquery.subquery)?;
            Expr::InSubquery(within)
        }
        Expr::SetComparison(mut compared) => {
            compared.expr = trim(compared.expr)?;
            compared.subquery.subquery = all(compared.subquery.subquery)?;
            Expr::SetComparison(compared)
        }
        Expr::AggregateFunction(mut function) if function.params.distinct && function.func.name() == "count" => {
            let args = std::mem::take(&mut function.params.args).into_iter();
            function.params.args = args.map(|arg| without_blanks(arg, schema)).collect::<Result<_>>()?;
            Expr::AggregateFunction(function)
        }
        Expr::WindowFunction(mut window) => {
            let keys = std::mem::take(&mut window.params.partition_by).into_iter();
            window.params.partition_by = keys.map(|key| without_blanks(key, schema)).collect::<Result<_>>()?;
            let ranks = matches!(window.fun, WindowFunctionDefinition::WindowUDF(_));
            if ranks {
                for sort in &mut window.params.order_by {
                    sort.expr = without_blanks(sort.expr.clone(), schema)?;
                }
            }
            Expr::WindowFunction(window)
        }
        other => return Ok(Transformed::no(other)),
    }))
}

/// `NULLIF(a, b)` keeps `a` as it is, but compares it without blanks.
fn nullif(first: Expr, second: Expr, schema: &DFSchema) -> Result<Expr> {
    let (a, b) = (without_blanks(first.clone(), schema)?, without_blanks(second, schema)?);
    when(a.eq(b), Expr::Literal(ScalarValue::try_from(first.get_type(schema)?)?, None)).otherwise(first)
}

fn are_texts(args: &[Expr], schema: &DFSchema) -> bool {
    args.len() == 2 && args.iter().all(|arg| arg.get_type(schema).is_ok_and(|data_type| is_text(&data_type)))
}

/// The expression without trailing blanks, if it is a text that can have any.
fn without_blanks(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match expr {
        Expr::Literal(value, metadata) => Ok(Expr::Literal(trimmed(value), metadata)),
        expr if !is_text(&expr.get_type(schema)?) || has_none(&expr, schema) => Ok(expr),
        expr => Ok(Expr::ScalarFunction(ScalarFunction::new_udf(rtrim(), vec![expr]))),
    }
}

fn trimmed(value: ScalarValue) -> ScalarValue {
    let cut = |text: String| Some(text.trim_end_matches(' ').to_owned());
    match value {
        ScalarValue::Utf8(Some(text)) => ScalarValue::Utf8(cut(text)),
        ScalarValue::LargeUtf8(Some(text)) => ScalarValue::LargeUtf8(cut(text)),
        ScalarValue::Utf8View(Some(text)) => ScalarValue::Utf8View(cut(text)),
        other => other,
    }
}

/// Whether a text cannot end in a blank.
fn has_none(expr: &Expr, schema: &DFSchema) -> bool {
    match expr {
        Expr::Column(column) => schema.field_from_column(column).is_ok_and(|field| is_trimmed(field)),
        Expr::OuterReferenceColumn(field, _) => is_trimmed(field),
        Expr::Alias(alias) => has_none(&alias.expr, schema),
        Expr::Cast(cast) => match cast.expr.get_type(schema) {
            Ok(from) if is_text(&from) => has_none(&cast.expr, schema),
            Ok(_) => true,
            Err(_) => false,
        },
        Expr::ScalarFunction(function) => match (function.name(), function.args.as_slice()) {
            ("rtrim" | "btrim" | "trim", [_]) | ("fit_char" | "to_text", _) => true,
            ("upper" | "lower", [inner]) => has_none(inner, schema),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a column's texts are stored without trailing blanks.
fn is_trimmed(field: &Field) -> bool {
    field.metadata().contains_key(TRIMMED)
}

/// A key of a group under the name that it had.
fn named(key: Expr, schema: &DFSchema) -> Result<Expr> {
    if matches!(key, Expr::GroupingSet(_)) {
        return Ok(key);
    }
    let (relation, name) = key.qualified_name();
    let trimmed = without_blanks(key.clone(), schema)?;
    Ok(if trimmed == key { key } else { trimmed.alias_qualified(relation, name) })
}

/// The rows of a plan without trailing blanks in any column.
fn all(plan: Arc<LogicalPlan>) -> Result<Arc<LogicalPlan>> {
    let schema = Arc::clone(plan.schema());
    let columns = schema.iter().map(|(relation, field)| Expr::Column(Column::new(relation.cloned(), field.name())));
    let columns: Vec<Expr> = columns.collect();
    let trimmed = columns.iter().cloned().map(|column| named(column, &schema)).collect::<Result<Vec<_>>>()?;
    if trimmed == columns {
        return Ok(plan);
    }
    Ok(Arc::new(LogicalPlanBuilder::from(Arc::unwrap_or_clone(plan)).project(trimmed)?.build()?))
}
