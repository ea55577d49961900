//! Two columns of an answer may have one name in Redshift, such as `SELECT getdate(), sysdate`, and not in DataFusion.

use std::collections::HashSet;

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, Select, SelectItem, SetExpr, VisitMut, VisitorMut};

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
