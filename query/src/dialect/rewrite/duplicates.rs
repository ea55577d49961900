//! Two columns of an answer may have one name in Redshift, such as `SELECT getdate(), sysdate`, and not in DataFusion.

use std::collections::HashSet;

use sqlparser::ast::{Expr, Ident, Select, SelectItem};

/// Numbers the repetitions of an expression that has no name of its own.
pub(super) fn number(select: &mut Select) {
    let mut seen = HashSet::new();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let text = expr.to_string();
        if seen.insert(text.clone()) || matches!(expr, Expr::Wildcard(_) | Expr::QualifiedWildcard(..)) {
            continue;
        }
        let mut alias = text.clone();
        for n in 2.. {
            alias = format!("{text} {n}");
            if seen.insert(alias.clone()) {
                break;
            }
        }
        let alias = Ident::with_quote('"', alias);
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
    }
}
