//! A sub-query that stands for one value, and looks at the row around it: `(SELECT u.text FROM u WHERE u.query = t.query)`.
//!
//! DataFusion joins such a sub-query, and wants an aggregate in it, so that it has one row. Redshift runs it as it is, and a
//! second row is an error. Here the values become an array, and beside the join `lookback_only` takes its one value: an array
//! of two is the same error, and only where a row asks for it. With `LIMIT 1` it is the first value.
//! And `EXISTS` beside columns, which stands for a boolean.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, GroupByExpr,
    LimitClause, OrderByKind, Query, Select, SelectItem, SetExpr, Visit, VisitMut, Visitor, VisitorMut,
};

use super::build::{binary, function, number};
use super::duplicates::is_aggregate;
use super::scope::{Relation, Scope, folded};
use super::{arguments, call};

pub(super) fn value(expr: &mut Expr, scope: &mut Scope) {
    let Expr::Subquery(query) = expr else { return };
    let Some(first_only) = asks_for_first(query) else { return };
    if query.with.is_some() || query.fetch.is_some() {
        return;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let relations = scope.of_from(&select.from);
    if !is_plain(select) || !looks_outside(select, &relations) {
        return;
    }
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_mut_slice()
    else {
        return;
    };
    let mut taken = function(if first_only { "first_value" } else { "array_agg" }, vec![value.clone()]);
    let order = query.order_by.take().map(|order| order.kind);
    if let (true, Some(OrderByKind::Expressions(order)), Expr::Function(call)) = (first_only, order, &mut taken)
        && let FunctionArguments::List(list) = &mut call.args
    {
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    *value = taken;
    query.limit_clause = None;
    if !first_only {
        *expr = function("lookback_only", vec![expr.clone()]);
    }
}

/// `SELECT EXISTS (...)`, which DataFusion knows in filters only: whether there are rows, by their number.
pub(super) fn exists(select: &mut Select) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _: ControlFlow<()> = VisitMut::visit(expr, &mut Existence { depth: 0 });
        }
    }
}

struct Existence {
    // Of sub-queries, which have been visited themselves.
    depth: usize,
}

impl VisitorMut for Existence {
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
        let Expr::Exists { subquery, negated } = expr else { return ControlFlow::Continue(()) };
        let unlimited = subquery.with.is_none() && subquery.limit_clause.is_none() && subquery.fetch.is_none();
        if let SetExpr::Select(inner) = subquery.body.as_mut()
            && self.depth == 0
            && unlimited
            && is_plain(inner)
        {
            let mut count = call("count");
            if let Expr::Function(count) = &mut count
                && let Some(arguments) = arguments(count)
            {
                arguments.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
            }
            inner.projection = vec![SelectItem::UnnamedExpr(count)];
            subquery.order_by = None;
            let op = if *negated { BinaryOperator::Eq } else { BinaryOperator::Gt };
            *expr = Expr::Nested(Box::new(binary(Expr::Subquery(subquery.clone()), op, number("0"))));
        }
        ControlFlow::Continue(())
    }
}

/// Whether it ends in `LIMIT 1`; `None` if it has another limit.
fn asks_for_first(query: &Query) -> Option<bool> {
    match &query.limit_clause {
        None => Some(false),
        Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by }) => {
            (limit_by.is_empty() && limit.to_string() == "1").then_some(true)
        }
        Some(_) => None,
    }
}

/// One value for each row of the FROM: no aggregate, no group.
fn is_plain(select: &Select) -> bool {
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let mut aggregates = Aggregates { depth: 0, found: false };
    let _: ControlFlow<()> = select.projection.visit(&mut aggregates);
    ungrouped
        && !aggregates.found
        && select.distinct.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && !select.from.is_empty()
}

struct Aggregates {
    // Of sub-queries, which have aggregates of their own.
    depth: usize,
    found: bool,
}

impl Visitor for Aggregates {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.found |= self.depth == 0 && matches!(expr, Expr::Function(call) if is_aggregate(call));
        ControlFlow::Continue(())
    }
}

/// Whether it names a column that none of its own tables has.
fn looks_outside(select: &Select, relations: &[Relation]) -> bool {
    let names: HashSet<&str> = relations.iter().filter_map(|relation| relation.name.as_deref()).collect();
    let mut outside = Outside { relations, names, depth: 0, found: false };
    let _: ControlFlow<()> = select.projection.visit(&mut outside);
    let _: ControlFlow<()> = select.selection.visit(&mut outside);
    outside.found
}

struct Outside<'a> {
    relations: &'a [Relation],
    names: HashSet<&'a str>,
    depth: usize,
    found: bool,
}

impl Visitor for Outside<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        self.found |= match expr {
            Expr::CompoundIdentifier(path) => match path.as_slice() {
                [.., table, _] => !self.names.contains(folded(table).as_str()),
                _ => false,
            },
            Expr::Identifier(name) => {
                let name = folded(name);
                self.relations.iter().all(|table| table.columns.as_ref().is_some_and(|own| !own.contains(&name)))
            }
            _ => false,
        };
        ControlFlow::Continue(())
    }
}
