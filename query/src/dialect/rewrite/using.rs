//! `JOIN ... USING (a)` makes one column of two, which is written without a table: `a` is the left table's in an inner and a left
//! join, the right table's in a right join, and whichever is not NULL in a full join. DataFusion would call it ambiguous in some
//! places, and take the left table's in others.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectNamePart, OrderBy, OrderByKind, Query, Select, SelectItem,
    SetExpr, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use super::build::function;
use super::scope::{Scope, folded};
use crate::error::QueryError;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
}

/// A table that was joined before.
struct Joined {
    name: Option<Ident>,
    columns: Option<Vec<String>>,
}

impl Joined {
    fn of(factor: &TableFactor, scope: &mut Scope) -> Self {
        let name = match factor {
            TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
                Some(alias.name.clone())
            }
            TableFactor::Table { name, alias: None, .. } => name.0.last().and_then(ObjectNamePart::as_ident).cloned(),
            _ => None,
        };
        Self { name, columns: scope.of_one(factor) }
    }

    fn column(&self, column: &Ident) -> Option<Expr> {
        Some(Expr::CompoundIdentifier(vec![self.name.clone()?, column.clone()]))
    }
}

/// Writes out which table's the shared columns of a SELECT are.
pub(super) fn qualify(select: &mut Select, scope: &mut Scope) -> Result<(), QueryError> {
    let mut shared = Shared { columns: HashMap::new(), depth: 0 };
    let mut right = false;
    for from in &select.from {
        right |= add(from, scope, &mut shared.columns);
    }
    if shared.columns.is_empty() {
        return Ok(());
    }
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => {
                if let Some(meant) = shared.columns.get(&folded(name)) {
                    *item = SelectItem::ExprWithAlias { expr: meant.clone(), alias: name.clone() };
                }
            }
            SelectItem::Wildcard(_) if right => {
                return Err(QueryError::sql(
                    "SELECT * over a RIGHT or FULL JOIN with USING is not supported; name the columns",
                ));
            }
            _ => {}
        }
    }
    let _ = select.visit(&mut shared);
    Ok(())
}

/// As [`qualify`], for the ORDER BY of a query, where the names of the answer's columns come first.
pub(super) fn qualify_order(query: &mut Query, scope: &mut Scope) {
    let SetExpr::Select(select) = query.body.as_ref() else { return };
    let Some(OrderBy { kind: OrderByKind::Expressions(by), .. }) = &mut query.order_by else { return };
    let mut shared = Shared { columns: HashMap::new(), depth: 0 };
    for from in &select.from {
        add(from, scope, &mut shared.columns);
    }
    if shared.columns.is_empty() {
        return;
    }
    let of_answer = |name: &Ident| {
        select.projection.iter().any(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => folded(alias) == folded(name),
            SelectItem::UnnamedExpr(Expr::Identifier(own)) => folded(own) == folded(name),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(path)) => {
                path.last().is_some_and(|own| folded(own) == folded(name))
            }
            _ => false,
        })
    };
    for by in by {
        if !matches!(&by.expr, Expr::Identifier(name) if of_answer(name)) {
            let _ = by.expr.visit(&mut shared);
        }
    }
}

/// Adds the shared columns of a FROM's table and its joins; whether one of these is not the left table's.
fn add(from: &TableWithJoins, scope: &mut Scope, columns: &mut HashMap<String, Expr>) -> bool {
    let mut right = false;
    let mut before = vec![Joined::of(&from.relation, scope)];
    for join in &from.joins {
        let joined = Joined::of(&join.relation, scope);
        if let Some((names, side)) = using(&join.join_operator) {
            right |= side != Side::Left;
            for name in names {
                let key = folded(name);
                let has = |table: &&Joined| table.columns.as_ref().is_none_or(|columns| columns.contains(&key));
                let left = columns.get(&key).cloned().or_else(|| before.iter().find(has)?.column(name));
                let (Some(left), Some(other)) = (left, joined.column(name)) else { continue };
                let meant = match side {
                    Side::Left => left,
                    Side::Right => other,
                    Side::Both => function("coalesce", vec![left, other]),
                };
                columns.insert(key, meant);
            }
        }
        before.push(joined);
    }
    right
}

fn using(operator: &JoinOperator) -> Option<(impl Iterator<Item = &Ident>, Side)> {
    use JoinOperator as Op;
    let (constraint, side) = match operator {
        Op::Join(constraint) | Op::Inner(constraint) | Op::Left(constraint) | Op::LeftOuter(constraint) => {
            (constraint, Side::Left)
        }
        Op::Right(constraint) | Op::RightOuter(constraint) => (constraint, Side::Right),
        Op::FullOuter(constraint) => (constraint, Side::Both),
        _ => return None,
    };
    match constraint {
        JoinConstraint::Using(names) => {
            Some((names.iter().filter_map(|name| name.0.last().and_then(ObjectNamePart::as_ident)), side))
        }
        _ => None,
    }
}

struct Shared {
    columns: HashMap<String, Expr>,
    // The names of a sub-query are its own.
    depth: usize,
}

impl VisitorMut for Shared {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expr
            && self.depth == 0
            && let Some(meant) = self.columns.get(&folded(name))
        {
            *expr = meant.clone();
        }
        ControlFlow::Continue(())
    }
}
