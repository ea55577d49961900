//! Questions whose answer is known to be empty, because they join a table of PostgreSQL's catalog that has nothing to tell here: a lake
//! has no keys, indexes, triggers, policies or partitions. So clients may ask about them in whatever way they like.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArguments, GroupByExpr, JoinOperator, Query, Select, SetExpr, Statement, TableFactor,
    Value, Visit, VisitMut, Visitor, VisitorMut,
};

use super::titles;

/// Tables without a row about anything in the lake.
const EMPTY: [&str; 39] = [
    "pg_attrdef",
    "pg_auth_members",
    "pg_collation",
    "pg_constraint",
    "pg_default_acl",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_index",
    "pg_indexes",
    "pg_inherits",
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_matviews",
    "pg_partitioned_table",
    "pg_policies",
    "pg_policy",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_publication_tables",
    "pg_replication_slots",
    "pg_rewrite",
    "pg_rules",
    "pg_seclabel",
    "pg_sequence",
    "pg_sequences",
    "pg_shseclabel",
    "pg_statistic_ext",
    "pg_stats",
    "pg_subscription",
    "pg_subscription_rel",
    "pg_trigger",
    "pg_user_mapping",
    "pg_user_mappings",
    "pg_stat_activity",
];
/// Functions that give a row where there is none.
pub(super) const AGGREGATES: [&str; 9] =
    ["array_agg", "avg", "bool_and", "bool_or", "count", "max", "min", "string_agg", "sum"];

/// The names of the columns of an answer without rows; `None` if there may be rows. Within a statement that may have some, what is known to
/// be empty is replaced by what that means: NULL, or false.
pub(super) fn without_rows(statement: &mut Statement) -> Option<Vec<String>> {
    if let Statement::Query(query) = statement
        && is_empty(query)
    {
        return titles::of(&query.body);
    }
    let _: ControlFlow<()> = statement.visit(&mut Known);
    None
}

fn is_empty(query: &Query) -> bool {
    query.with.is_none() && is_empty_body(&query.body)
}

fn is_empty_body(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => is_empty_select(select),
        SetExpr::Query(query) => is_empty(query),
        SetExpr::SetOperation { left, right, .. } => is_empty_body(left) && is_empty_body(right),
        _ => false,
    }
}

fn is_empty_select(select: &Select) -> bool {
    let aggregates = || select.projection.iter().any(|item| item.visit(&mut Aggregates::default()).is_break());
    let joined = select.from.iter().any(|from| {
        // What a RIGHT or FULL JOIN keeps is not known here.
        let inner = |operator: &JoinOperator| {
            matches!(operator, JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_))
        };
        let left = |operator: &JoinOperator| matches!(operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_));
        from.joins.iter().all(|join| inner(&join.join_operator) || left(&join.join_operator))
            && (is_empty_table(&from.relation)
                || from.joins.iter().any(|join| inner(&join.join_operator) && is_empty_table(&join.relation)))
    });
    (joined || select.selection.as_ref().is_some_and(is_never)) && (is_grouped(&select.group_by) || !aggregates())
}

/// Whether a condition is met by nothing: it wants privileges of a column.
fn is_never(condition: &Expr) -> bool {
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => is_never(left) || is_never(right),
        Expr::Nested(condition) => is_never(condition),
        Expr::IsNotNull(value) => match value.as_ref() {
            Expr::Identifier(name) => name.value.eq_ignore_ascii_case("attacl"),
            Expr::CompoundIdentifier(parts) => {
                parts.last().is_some_and(|name| name.value.eq_ignore_ascii_case("attacl"))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether there is a row for each group, so that nothing gives none. Sets of groups can have one for all.
fn is_grouped(by: &GroupByExpr) -> bool {
    let of_sets = |expr: &Expr| matches!(expr, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_));
    matches!(by, GroupByExpr::Expressions(by, with) if with.is_empty() && !by.is_empty() && !by.iter().any(of_sets))
}

fn is_empty_table(table: &TableFactor) -> bool {
    match table {
        TableFactor::Table { name, args: None, .. } => {
            let parts: Vec<String> =
                name.0.iter().filter_map(|part| part.as_ident()).map(|part| part.value.to_lowercase()).collect();
            match parts.as_slice() {
                [schema, name] => schema == "pg_catalog" && EMPTY.contains(&name.as_str()),
                [name] => EMPTY.contains(&name.as_str()),
                _ => false,
            }
        }
        TableFactor::Derived { subquery, .. } => is_empty(subquery),
        _ => false,
    }
}

/// Looks for aggregates of a SELECT itself, not of those within it.
#[derive(Default)]
struct Aggregates {
    depth: usize,
}

impl Visitor for Aggregates {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth = self.depth.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && self.depth == 0
            && let Some(name) = function.name.0.last().and_then(|part| part.as_ident())
            && AGGREGATES.contains(&name.value.to_lowercase().as_str())
        {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

struct Known;

impl VisitorMut for Known {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let value = match expr {
            Expr::Subquery(query) if is_empty(query) => Value::Null,
            Expr::Exists { subquery, negated } if is_empty(subquery) => Value::Boolean(*negated),
            Expr::InSubquery { subquery, negated, .. } if is_empty(subquery) => Value::Boolean(*negated),
            // ARRAY(SELECT ...) of a table without rows, as psql lists the roles that a role is in.
            Expr::Function(call) if matches!(&call.args, FunctionArguments::Subquery(query) if is_empty(query)) => {
                Value::SingleQuotedString("{}".to_owned())
            }
            _ => return ControlFlow::Continue(()),
        };
        *expr = Expr::value(value);
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::parser::Parser;

    use super::*;

    fn of(sql: &str) -> (Option<Vec<String>>, String) {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        let names = without_rows(&mut statement);
        (names, statement.to_string())
    }

    #[test]
    fn what_joins_nothing_has_no_rows_and_keeps_its_columns() {
        let policies = "SELECT pol.polname, CASE WHEN pol.polroles = '{0}' THEN NULL END, pg_catalog.pg_get_expr(1, 2), \
                        oid::regclass AS x FROM pg_catalog.pg_policy pol WHERE pol.polrelid = '5'";
        assert_eq!(of(policies).0.unwrap(), ["polname", "case", "pg_get_expr", "x"]);
        for empty in [
            "SELECT a, count(*) FROM pg_constraint GROUP BY a",
            "SELECT c.oid FROM pg_class c, pg_inherits i WHERE c.oid = i.inhparent",
            "SELECT a FROM pg_class c LEFT JOIN pg_type t ON true JOIN pg_index i ON i.indrelid = c.oid",
            "SELECT pubname FROM pg_publication UNION SELECT prqual FROM pg_publication_rel ORDER BY 1",
            "SELECT * FROM (SELECT conname FROM pg_constraint) c",
            "SELECT (SELECT string_agg(attname, ',') FROM pg_attribute) FROM pg_publication_rel",
            "SELECT attname FROM pg_attribute a WHERE a.attrelid = 5 AND NOT attisdropped AND (a.attacl IS NOT NULL)",
        ] {
            assert!(of(empty).0.is_some(), "{empty}");
        }
        for not in [
            "SELECT count(*) FROM pg_index",
            "SELECT c.oid FROM pg_class c LEFT JOIN pg_index i ON true",
            "SELECT c.oid FROM pg_index i RIGHT JOIN pg_class c ON true",
            "SELECT oid FROM pg_class UNION SELECT indrelid FROM pg_index",
            "SELECT oid FROM mine.pg_index",
            "SELECT attname FROM pg_attribute WHERE attisdropped OR attacl IS NOT NULL",
        ] {
            assert!(of(not).0.is_none(), "{not}");
        }
    }

    #[test]
    fn within_a_statement_what_is_empty_is_null_or_false() {
        let sql = "SELECT (SELECT adbin FROM pg_attrdef d WHERE d.adnum = a.attnum) AS d FROM pg_attribute a \
                   WHERE NOT EXISTS (SELECT 1 FROM pg_inherits) AND a.attrelid IN (SELECT conrelid FROM pg_constraint)";
        let (names, text) = of(sql);
        assert_eq!((names, text.as_str()), (None, "SELECT NULL AS d FROM pg_attribute a WHERE true AND false"));
    }
}
