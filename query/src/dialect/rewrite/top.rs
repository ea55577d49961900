//! `SELECT TOP n` is `LIMIT n` of the query that it stands in, and so is `FETCH FIRST n ROWS ONLY`.

use sqlparser::ast::{Expr, Fetch, LimitClause, Query, SetExpr, Top, TopQuantity, Value};

use crate::error::QueryError;

/// Moves the `TOP` of a query's own SELECT to its LIMIT; a SELECT inside a set operation becomes a query of its own, so
/// that the limit holds for it alone.
pub(super) fn top_to_limit(query: &mut Query) -> Result<(), QueryError> {
    match query.body.as_mut() {
        SetExpr::Select(select) => {
            let Some(top) = select.top.take() else { return Ok(()) };
            select.top_before_distinct = false;
            if query.limit_clause.is_some() || query.fetch.is_some() {
                return Err(QueryError::sql("TOP and LIMIT cannot be used together"));
            }
            query.limit_clause = Some(limit(top)?);
            Ok(())
        }
        SetExpr::SetOperation { left, right, .. } => {
            in_branch(left)?;
            in_branch(right)
        }
        _ => Ok(()),
    }
}

/// Moves a `FETCH` to the LIMIT. Without a number it is one row.
pub(super) fn fetch_to_limit(query: &mut Query) -> Result<(), QueryError> {
    let Some(Fetch { with_ties, percent, quantity }) = query.fetch.take() else { return Ok(()) };
    if with_ties || percent {
        return Err(QueryError::sql("FETCH ... PERCENT and FETCH ... WITH TIES are not supported; write LIMIT n"));
    }
    let first = Some(quantity.unwrap_or_else(|| Expr::value(Value::Number("1".to_owned(), false))));
    match &mut query.limit_clause {
        None => {
            query.limit_clause = Some(LimitClause::LimitOffset { limit: first, offset: None, limit_by: Vec::new() });
        }
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => *limit = first,
        Some(_) => return Err(QueryError::sql("FETCH and LIMIT cannot be used together")),
    }
    Ok(())
}

fn in_branch(branch: &mut SetExpr) -> Result<(), QueryError> {
    match branch {
        SetExpr::SetOperation { left, right, .. } => {
            in_branch(left)?;
            in_branch(right)
        }
        SetExpr::Select(select) => {
            let Some(top) = select.top.take() else { return Ok(()) };
            select.top_before_distinct = false;
            let limit_clause = Some(limit(top)?);
            *branch = SetExpr::Query(Box::new(Query {
                with: None,
                body: Box::new(SetExpr::Select(select.clone())),
                order_by: None,
                limit_clause,
                fetch: None,
                locks: Vec::new(),
                for_clause: None,
                settings: None,
                format_clause: None,
                pipe_operators: Vec::new(),
            }));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn limit(top: Top) -> Result<LimitClause, QueryError> {
    if top.percent || top.with_ties {
        return Err(QueryError::sql("TOP n PERCENT and TOP n WITH TIES are not supported; Redshift has TOP n"));
    }
    let limit = match top.quantity {
        Some(TopQuantity::Constant(n)) => Expr::value(Value::Number(n.to_string(), false)),
        Some(TopQuantity::Expr(expr)) => expr,
        None => return Err(QueryError::sql("TOP needs a number of rows")),
    };
    Ok(LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by: Vec::new() })
}
