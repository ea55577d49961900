//! Comparisons of rows: `(a, b) = (c, d)`, `(a, b) IN ((1, 2), (3, 4))`, `(a, b) IN (SELECT ...)`.

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, Query, Select, SelectItem, SetExpr, TableAlias,
    TableAliasColumnDef, TableFactor, UnaryOperator,
};

use super::build::{binary, joined};
use crate::error::QueryError;

/// Comparisons with rows that are written out.
pub(super) fn written_out(expr: &mut Expr) -> Result<(), QueryError> {
    match expr {
        Expr::BinaryOp { left, op, right } => {
            let (Expr::Tuple(left), Expr::Tuple(right)) = (left.as_ref(), right.as_ref()) else { return Ok(()) };
            *expr = match op {
                BinaryOperator::Eq => equal(left, right)?,
                BinaryOperator::NotEq => negated(equal(left, right)?),
                other => {
                    return Err(QueryError::sql(format!("rows can be compared with =, <> and IN, not with {other}")));
                }
            };
        }
        Expr::InList { expr: row, list, negated: not } => {
            let Expr::Tuple(row) = row.as_ref() else { return Ok(()) };
            let mut choices = Vec::new();
            for candidate in list {
                let Expr::Tuple(candidate) = candidate else {
                    return Err(QueryError::sql(format!("{candidate} is not a row of {} values", row.len())));
                };
                choices.push(equal(row, candidate)?);
            }
            let Some(any) = joined(choices, &BinaryOperator::Or) else { return Ok(()) };
            let any = Expr::Nested(Box::new(any));
            *expr = if *not { negated(any) } else { any };
        }
        _ => {}
    }
    Ok(())
}

fn equal(left: &[Expr], right: &[Expr]) -> Result<Expr, QueryError> {
    if left.len() != right.len() {
        return Err(QueryError::sql(format!("a row of {} values is compared with one of {}", left.len(), right.len())));
    }
    let pairs = left.iter().zip(right).map(|(left, right)| binary(left.clone(), BinaryOperator::Eq, right.clone()));
    let all = joined(pairs.collect(), &BinaryOperator::And);
    all.map(|all| Expr::Nested(Box::new(all))).ok_or_else(|| QueryError::sql("a row has no values"))
}

fn negated(expr: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) }))
}

/// `(a, b) IN (SELECT ...)` where it filters rows: there, NULL and false are the same, and `EXISTS` says which rows stay.
pub(super) fn in_filters(select: &mut Select) -> Result<(), QueryError> {
    for filter in [&mut select.selection, &mut select.having, &mut select.qualify].into_iter().flatten() {
        in_filter(filter)?;
    }
    for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
        if let JoinOperator::Join(JoinConstraint::On(on)) | JoinOperator::Inner(JoinConstraint::On(on)) =
            &mut join.join_operator
        {
            in_filter(on)?;
        }
    }
    Ok(())
}

fn in_filter(filter: &mut Expr) -> Result<(), QueryError> {
    match filter {
        Expr::Nested(inner) => in_filter(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
            in_filter(left)?;
            in_filter(right)
        }
        Expr::InSubquery { expr: row, subquery, negated: false } => {
            let Expr::Tuple(row) = row.as_ref() else { return Ok(()) };
            *filter = exists(row, subquery)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What [`in_filters`] left.
pub(super) fn refuse_others(expr: &Expr) -> Result<(), QueryError> {
    match expr {
        Expr::InSubquery { expr: row, .. } if matches!(**row, Expr::Tuple(_)) => Err(QueryError::sql(
            "(a, b) IN (SELECT ...) is possible as a filter; for NOT IN, or as a value, write [NOT] EXISTS (SELECT ... WHERE ...)",
        )),
        _ => Ok(()),
    }
}

const CANDIDATE: &str = "lookback_candidate";

fn exists(row: &[Expr], candidates: &Query) -> Result<Expr, QueryError> {
    let name = |n: usize| Ident::new(format!("{CANDIDATE}_{n}"));
    let columns = (0..row.len()).map(|n| TableAliasColumnDef { name: name(n), data_type: None }).collect();
    let alias = TableAlias { explicit: true, name: Ident::new(CANDIDATE), columns, at: None };
    let same = row.iter().enumerate().map(|(n, value)| {
        let column = Expr::CompoundIdentifier(vec![Ident::new(CANDIDATE), name(n)]);
        binary(column, BinaryOperator::Eq, value.clone())
    });
    let mut query = super::parse_query("SELECT 1 FROM lookback_candidate")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection =
            vec![SelectItem::UnnamedExpr(Expr::value(sqlparser::ast::Value::Number("1".into(), false)))];
        select.selection = joined(same.collect(), &BinaryOperator::And);
        if let Some(from) = select.from.first_mut() {
            from.relation = TableFactor::Derived {
                lateral: false,
                subquery: Box::new(candidates.clone()),
                alias: Some(alias),
                sample: None,
            };
        }
    }
    Ok(Expr::Exists { subquery: Box::new(query), negated: false })
}
