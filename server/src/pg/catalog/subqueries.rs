//! Subqueries of clients' questions that look one thing up, such as the collation of a column's type.
//!
//! PostgreSQL finds out while it runs that there is one row; the engine wants to know before. The largest of one value is that value.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, GroupByExpr, Query, SelectItem, SetExpr, Statement, Visit, VisitMut, Visitor, VisitorMut};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::empty::AGGREGATES;

/// Lets every subquery that stands for a value give one row.
pub(super) fn mend(statement: &mut Statement) {
    let _: ControlFlow<()> = statement.visit(&mut Lookups);
}

struct Lookups;

impl VisitorMut for Lookups {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Subquery(query) = expr {
            give_one_row(query);
        }
        ControlFlow::Continue(())
    }
}

fn give_one_row(query: &mut Query) {
    if query.limit_clause.is_some() || query.fetch.is_some() {
        return;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let is_filtered = select.selection.is_some() && !select.from.is_empty();
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_mut_slice()
    else {
        return;
    };
    if is_grouped || !is_filtered || aggregates(value) {
        return;
    }
    let largest = Parser::new(&PostgreSqlDialect {}).try_with_sql(&format!("max({value})")).map(|mut p| p.parse_expr());
    if let Ok(Ok(largest)) = largest {
        *value = largest;
        query.order_by = None;
    }
}

fn aggregates(value: &Expr) -> bool {
    struct Found;
    impl Visitor for Found {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let name = match expr {
                Expr::Function(call) => call.name.to_string().to_lowercase(),
                _ => return ControlFlow::Continue(()),
            };
            let own = name.rsplit('.').next().unwrap_or_default();
            if AGGREGATES.contains(&own) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    value.visit(&mut Found).is_break()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(sql: &str) -> String {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        mend(&mut statement);
        statement.to_string()
    }

    #[test]
    fn what_looks_one_thing_up_is_aggregated_and_nothing_else() {
        assert_eq!(
            mended("SELECT (SELECT t.typcollation FROM pg_type AS t WHERE t.oid = a.atttypid) FROM pg_attribute AS a"),
            "SELECT (SELECT max(t.typcollation) FROM pg_type AS t WHERE t.oid = a.atttypid) FROM pg_attribute AS a"
        );
        for same in [
            "SELECT (SELECT count(*) FROM pg_class WHERE oid = 1) FROM t",
            "SELECT (SELECT a FROM t WHERE b = 1 LIMIT 1) FROM t",
            "SELECT (SELECT 1) FROM t",
            "SELECT a FROM (SELECT a FROM t WHERE b = 1) AS s",
            "SELECT a IN (SELECT a FROM t WHERE b = 1) FROM t",
        ] {
            assert_eq!(mended(same), same);
        }
    }
}
