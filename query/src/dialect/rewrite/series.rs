//! `SELECT generate_series(1, 3)` answers with a row for each number; DataFusion's function makes one array of them.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Select, SelectItem, VisitMut, VisitorMut};

use super::build::function;
use super::simple_name;

pub(super) fn rows(select: &mut Select) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _: ControlFlow<()> = VisitMut::visit(expr, &mut Series { unnested: 0 });
        }
    }
}

struct Series {
    // Calls of `unnest` around.
    unnested: usize,
}

fn calls(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Function(call) if simple_name(call).as_deref() == Some(name))
}

impl VisitorMut for Series {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.unnested += usize::from(calls(expr, "unnest"));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if calls(expr, "unnest") {
            self.unnested -= 1;
        } else if self.unnested == 0 && calls(expr, "generate_series") {
            *expr = function("unnest", vec![expr.clone()]);
        }
        ControlFlow::Continue(())
    }
}
