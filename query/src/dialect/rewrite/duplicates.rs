//! Two columns of an answer may have one name in Redshift, such as `SELECT getdate(), sysdate`, and not in DataFusion.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    CaseWhen, Expr, Function, FunctionArg, FunctionArgExpr, Ident, Query, Select, SelectItem, SetExpr, Value, VisitMut,
    VisitorMut,
};

use super::build::{case, number as zero};
use super::{arguments, simple_name};

/// Aggregates, whose names DataFusion makes of their arguments without casts: `AVG(a::float)` and `AVG(a)` would be one column.
const AGGREGATES: [&str; 26] = [
    "any_value",
    "approx_distinct",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "count",
    "listagg",
    "max",
    "median",
    "min",
    "percentile_cont",
    "percentile_disc",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
    "first_value",
    "last_value",
    "nth_value",
];

/// Names the items that DataFusion would give the name of another item, after their text.
pub(super) fn number(select: &mut Select) {
    let (mut names, mut texts) = (HashSet::new(), HashSet::new());
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let text = expr.to_string();
        let new_name = names.insert(name(expr));
        let new_text = texts.insert(text.clone());
        if new_name || matches!(expr, Expr::Wildcard(_) | Expr::QualifiedWildcard(..)) {
            continue;
        }
        let mut alias = text.clone();
        if !new_text {
            for n in 2.. {
                alias = format!("{text} {n}");
                if texts.insert(alias.clone()) {
                    break;
                }
            }
        }
        let alias = Ident::with_quote('"', alias);
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
    }
}

/// What DataFusion's name of a column follows from: casts, parentheses and a sub-query add nothing to it.
fn name(expr: &Expr) -> String {
    match expr {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => name(expr),
        Expr::Subquery(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match select.projection.first() {
                Some(SelectItem::UnnamedExpr(expr)) => name(expr),
                Some(SelectItem::ExprWithAlias { alias, .. }) => alias.value.to_lowercase(),
                _ => expr.to_string(),
            },
            _ => expr.to_string(),
        },
        other => {
            let mut bare = other.clone();
            let _ = bare.visit(&mut WithoutCasts);
            bare.to_string().to_lowercase().replace(['(', ')'], "")
        }
    }
}

struct WithoutCasts;

impl VisitorMut for WithoutCasts {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Cast { expr: inner, .. } = expr {
            *expr = inner.as_ref().clone();
        }
        ControlFlow::Continue(())
    }
}

/// Tells aggregates apart that differ in casts only: the argument of the second becomes `CASE WHEN true THEN ... END`, which
/// the optimizer takes away again.
pub(super) fn tell_apart(query: &mut Query) {
    let mut apart = Apart::default();
    in_branches(&mut query.body, &mut apart);
    let _ = query.order_by.visit(&mut apart);
}

fn in_branches(body: &mut SetExpr, apart: &mut Apart) {
    match body {
        SetExpr::Select(select) => {
            let _ = select.visit(apart);
        }
        // No branch refers to the columns of another; what is ordered by are those of the answer.
        SetExpr::SetOperation { left, right, .. } => {
            in_branches(left, &mut Apart::default());
            in_branches(right, &mut Apart::default());
        }
        _ => {}
    }
}

#[derive(Default)]
struct Apart {
    // Of sub-queries, which have been visited themselves.
    depth: usize,
    // By name without casts: the texts that have it.
    texts: HashMap<String, Vec<String>>,
}

impl VisitorMut for Apart {
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
        let Expr::Function(call) = &*expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 || !is_aggregate(call) {
            return ControlFlow::Continue(());
        }
        let text = call.to_string();
        let texts = self.texts.entry(name(expr)).or_default();
        let number = texts.iter().position(|known| *known == text).unwrap_or_else(|| {
            texts.push(text);
            texts.len() - 1
        });
        if let Expr::Function(call) = expr
            && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))) =
                arguments(call).and_then(|args| args.first_mut())
        {
            for _ in 0..number {
                let result = std::mem::replace(argument, zero("0"));
                *argument = case(vec![CaseWhen { condition: Expr::value(Value::Boolean(true)), result }], None);
            }
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn is_aggregate(call: &Function) -> bool {
    call.over.is_some() || simple_name(call).is_some_and(|name| AGGREGATES.contains(&name.as_str()))
}
