//! Names of the SELECT list that are used beside it: `SELECT a * 2 AS b, b + 1 AS c ... WHERE b > 10`.
//!
//! Redshift takes such a name for the expression that it stands for, unless a table of the FROM has a column of that name:
//! the column comes first. In the list itself, a name is known to the items after it.
//!
//! Source: Amazon Redshift Database Developer Guide, "SELECT list": an alias is known right after it is defined, and a column
//! of the FROM with its name takes precedence.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, VisitMut, VisitorMut,
};

use super::build::{number, operand};
use super::scope::{Relation, folded};
use crate::error::QueryError;

/// Bytes that the names of one SELECT may grow to; each name can hold the one before it twice.
const MAX_EXPANSION: usize = 1 << 20;

pub(super) fn substitute(select: &mut Select, relations: &[Relation]) -> Result<(), QueryError> {
    let mut known: HashMap<String, Expr> = HashMap::new();
    let mut positions = HashMap::new();
    let mut names = Names { relations, known: &mut known, columns: Columns::Keep, depth: 0, grown: 0 };
    for (position, item) in (1_usize..).zip(&mut select.projection) {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let written = if let Expr::Identifier(name) = &*expr { Some(name.clone()) } else { None };
                names.apply(expr)?;
                if let (Some(name), false) = (written, matches!(expr, Expr::Identifier(_))) {
                    // A second column of one name, which DataFusion does not allow.
                    let alias = Ident::with_quote('"', format!("{} 2", name.value));
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                }
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                names.apply(expr)?;
                let name = folded(alias);
                positions.entry(name.clone()).or_insert((position, matches!(expr, Expr::Value(_))));
                names.known.entry(name).or_insert_with(|| expr.clone());
            }
            _ => {}
        }
    }
    if names.known.is_empty() {
        return Ok(());
    }
    if let Some(filter) = &mut select.selection {
        names.apply(filter)?;
    }
    if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
        for expr in exprs {
            match expr {
                // DataFusion knows names here, but would take a literal number for a position.
                Expr::Identifier(name) if !names.is_column(name) => {
                    if let Some((position, true)) = positions.get(&folded(name)) {
                        *expr = number(&position.to_string());
                    }
                }
                other => names.apply(other)?,
            }
        }
    }
    // DataFusion would take a name for the item although a table has such a column.
    names.columns = Columns::Qualify;
    for filter in [&mut select.having, &mut select.qualify].into_iter().flatten() {
        names.apply(filter)?;
    }
    Ok(())
}

/// `SELECT max(a) AS a ... ORDER BY max(a)`: in an expression, a name is a column, and not an item, as DataFusion thinks. The
/// expression of an item is put as the item's position.
pub(super) fn order(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_ref() else { return };
    let Some(OrderBy { kind: OrderByKind::Expressions(by), .. }) = &mut query.order_by else { return };
    for by in by {
        if matches!(by.expr, Expr::Identifier(_) | Expr::Value(_)) {
            continue;
        }
        let text = by.expr.to_string();
        let same =
            |item: &SelectItem| matches!(item, SelectItem::ExprWithAlias { expr, .. } if expr.to_string() == text);
        let all_items = !select
            .projection
            .iter()
            .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
        if let (Some(position), true) = (select.projection.iter().position(same), all_items) {
            by.expr = number(&(position + 1).to_string());
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Columns {
    Keep,
    Qualify,
}

struct Names<'a> {
    relations: &'a [Relation],
    known: &'a mut HashMap<String, Expr>,
    columns: Columns,
    depth: usize,
    grown: usize,
}

impl Names<'_> {
    fn apply(&mut self, expr: &mut Expr) -> Result<(), QueryError> {
        match VisitMut::visit(expr, self) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(*error),
        }
    }

    /// Whether a table has the column, or could have it.
    fn is_column(&self, name: &Ident) -> bool {
        let name = folded(name);
        self.relations.iter().any(|relation| relation.columns.as_ref().is_none_or(|columns| columns.contains(&name)))
    }

    /// The table of a column, if it is one table's only.
    fn table_of(&self, name: &Ident) -> Option<String> {
        let folded = folded(name);
        let has = |relation: &&Relation| relation.columns.as_ref().is_some_and(|columns| columns.contains(&folded));
        let mut with = self.relations.iter().filter(has);
        match (with.next(), with.next()) {
            (Some(relation), None) => relation.name.clone(),
            _ => None,
        }
    }
}

impl VisitorMut for Names<'_> {
    type Break = Box<QueryError>;

    // The names of a sub-query are its own.
    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::Identifier(name) = expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        let Some(meant) = self.known.get(&folded(name)) else { return ControlFlow::Continue(()) };
        if !self.is_column(name) {
            let meant = operand(meant.clone());
            self.grown += meant.to_string().len();
            if self.grown > MAX_EXPANSION {
                let message =
                    format!("'{name}' stands for an expression that is too long, because it names others in turn");
                return ControlFlow::Break(Box::new(QueryError::sql(message)));
            }
            *expr = meant;
        } else if self.columns == Columns::Qualify
            && let Some(table) = self.table_of(name)
        {
            *expr = Expr::CompoundIdentifier(vec![Ident::with_quote('"', table), name.clone()]);
        }
        ControlFlow::Continue(())
    }
}
