//! The names of an answer's columns that were given none, as Redshift gives them: `count` for `COUNT(*)`, `?column?` for `1 + 1`.
//!
//! Redshift lets several columns have one name. Programs that read an answer by its names would lose all but one of them, so
//! the second is called `count_2` here.
//!
//! Source: PostgreSQL 8.0's `FigureColname` in `parse_target.c`, from which Redshift's parser descends.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use sqlparser::ast::{Expr, Ident, Query, SelectItem, SetExpr, VisitMut, VisitorMut};

const NO_NAME: &str = "?column?";

/// Names the columns of a statement's answer, and of the queries in it: `SELECT max FROM (SELECT MAX(a) FROM t)` is allowed.
pub(super) fn give(statement: &mut Statement) {
    if let Statement::Statement(inner) = statement {
        let _: ControlFlow<()> = inner.as_mut().visit(&mut Give);
    }
}

struct Give;

impl VisitorMut for Give {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        of_body(&mut query.body);
        ControlFlow::Continue(())
    }
}

fn of_body(body: &mut SetExpr) {
    let select = match body {
        SetExpr::Select(select) => select,
        // The first branch names the columns of all.
        SetExpr::SetOperation { left, .. } => return of_body(left),
        _ => return,
    };
    let mut taken: HashSet<String> = select.projection.iter().filter_map(own_name).collect();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let Some(name) = name(expr) else { continue };
        let mut unique = name.clone();
        for n in 2.. {
            if taken.insert(unique.clone()) {
                break;
            }
            unique = format!("{name}_{n}");
        }
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', unique) };
    }
}

/// The name that an item has by itself.
fn own_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        SelectItem::UnnamedExpr(expr) if name(expr).is_none() => inner_name(expr),
        _ => None,
    }
}

fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The name to be given; `None` for what has one.
fn name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) if ident.quote_style.is_none() && super::rewrite::is_bare_function(&ident.value) => {
            Some(ident.value.to_lowercase())
        }
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => None,
        other => Some(inner_name(other).unwrap_or_else(|| NO_NAME.to_owned())),
    }
}

fn inner_name(expr: &Expr) -> Option<String> {
    let fixed = match expr {
        Expr::Identifier(column) => return Some(folded(column)),
        Expr::CompoundIdentifier(path) => return path.last().map(folded),
        Expr::Nested(inner) => return inner_name(inner),
        Expr::Cast { expr, data_type, .. } => {
            return inner_name(expr).or_else(|| type_name(&data_type.to_string()));
        }
        Expr::TypedString(typed) => return type_name(&typed.data_type.to_string()),
        Expr::Function(function) => {
            return function.name.0.last().and_then(|part| part.as_ident()).map(|name| inside(&folded(name)));
        }
        Expr::Subquery(query) => return first_name(&query.body),
        Expr::Case { .. } => "case",
        Expr::Extract { .. } => "date_part",
        Expr::Trim { .. } => "btrim",
        Expr::Substring { .. } => "substring",
        Expr::Position { .. } => "position",
        Expr::Overlay { .. } => "overlay",
        Expr::Ceil { .. } => "ceil",
        Expr::Floor { .. } => "floor",
        Expr::Convert { .. } => "convert",
        Expr::Interval(_) => "interval",
        Expr::AtTimeZone { .. } => "timezone",
        _ => return None,
    };
    Some(fixed.to_owned())
}

/// The functions that the server itself knows by another name. Source: the headings of the examples of "DATEADD function",
/// "DATEDIFF function" and "DATE_PART function" in the Amazon Redshift Database Developer Guide.
fn inside(function: &str) -> String {
    match function {
        "dateadd" => "date_add",
        "datediff" => "date_diff",
        "date_part" => "pgdate_part",
        other => other,
    }
    .to_owned()
}

fn first_name(body: &SetExpr) -> Option<String> {
    match body {
        SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
            SelectItem::UnnamedExpr(expr) => inner_name(expr),
            _ => None,
        },
        SetExpr::SetOperation { left, .. } => first_name(left),
        SetExpr::Query(query) => first_name(&query.body),
        _ => None,
    }
}

/// The name that the server itself has for a type, without its length.
fn type_name(written: &str) -> Option<String> {
    let lower = written.to_lowercase();
    let bare = lower.split('(').next()?.trim();
    Some(
        match bare {
            "int" | "integer" => "int4",
            "bigint" => "int8",
            "smallint" => "int2",
            "float" | "double precision" => "float8",
            "real" => "float4",
            "decimal" | "dec" => "numeric",
            "character varying" | "nvarchar" => "varchar",
            "char" | "character" | "nchar" => "bpchar",
            "boolean" => "bool",
            "timestamp without time zone" | "datetime" => "timestamp",
            "timestamp with time zone" => "timestamptz",
            other => other,
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::dialect::parse;

    #[test]
    fn columns_are_called_as_in_redshift() {
        for (sql, want) in [
            (
                "SELECT COUNT(*), count(a), SUM(b) AS total",
                r#"SELECT COUNT(*) AS "count", count(a) AS "count_2", SUM(b) AS total"#,
            ),
            ("SELECT 1, 'x', a + 1", r#"SELECT 1 AS "?column?", 'x' AS "?column?_2", a + 1 AS "?column?_3""#),
            ("SELECT a, t.b, *, t.*", "SELECT a, t.b, *, t.*"),
            ("SELECT SYSDATE, GETDATE()", r#"SELECT SYSDATE AS "sysdate", GETDATE() AS "getdate""#),
            (
                "SELECT a::varchar, (b)::int, '1'::int",
                r#"SELECT a::VARCHAR AS "a", (b)::INT AS "b", '1'::INT AS "int4""#,
            ),
            (
                "SELECT DATEDIFF(day, a, b), DATEADD(day, 1, a), DATE_PART(year, a) ORDER BY date_diff",
                r#"SELECT DATEDIFF(day, a, b) AS "date_diff", DATEADD(day, 1, a) AS "date_add", DATE_PART(year, a) AS "pgdate_part" ORDER BY date_diff"#,
            ),
            ("SELECT '2026-01-31'::datetime", r#"SELECT '2026-01-31'::DATETIME AS "timestamp""#),
            ("SELECT max, MAX(a)", r#"SELECT max, MAX(a) AS "max_2""#),
            ("SELECT CASE WHEN a THEN 1 END", r#"SELECT CASE WHEN a THEN 1 END AS "case""#),
            ("SELECT (SELECT MAX(a) FROM t)", r#"SELECT (SELECT MAX(a) AS "max" FROM t) AS "max""#),
            ("SELECT LEN(a) FROM t UNION SELECT 1", r#"SELECT LEN(a) AS "len" FROM t UNION SELECT 1"#),
            ("SELECT max FROM (SELECT MAX(a) FROM t) y", r#"SELECT max FROM (SELECT MAX(a) AS "max" FROM t) y"#),
        ] {
            let mut statement = parse(sql).unwrap().pop_front().unwrap();
            give(&mut statement);
            assert_eq!(statement.to_string(), want, "{sql}");
            let once = statement.to_string();
            give(&mut statement);
            assert_eq!(statement.to_string(), once);
        }
    }
}
