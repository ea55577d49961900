//! Names in quotes. To Redshift they are the same in upper and lower case, `"Query"` and `query`; DataFusion tells them apart.
//!
//! What the statement itself calls something is kept as it is spelled, because people read it as the title of a column. Only
//! a name that means nothing as it is spelled is taken for the one that differs in case: a table's column, or what the
//! statement calls so. The latter only if the columns of all tables are known, because it could be one of them.
//!
//! Source: Amazon Redshift Database Developer Guide, "Names and identifiers", for `enable_case_sensitive_identifier` off.

use std::collections::HashSet;
use std::ops::ControlFlow;

use lookback_schemas::registry;
use sqlparser::ast::{
    Cte, Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, Statement, TableAlias,
    TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};

use super::scope::{Columns, folded};
use crate::views;

/// A table of Redshift's by its name in quotes.
pub(super) fn table(relation: &mut ObjectName) {
    let Some(ObjectNamePart::Identifier(name)) = relation.0.last_mut() else { return };
    let folded = name.value.to_lowercase();
    if name.quote_style.is_some() && (registry().table(&folded).is_some() || views::get(&folded).is_some()) {
        name.value = folded;
    }
}

/// Spells the columns of a statement as they are called.
pub(super) fn columns(statement: &mut Statement, tables: &Columns) {
    let mut own = Own::default();
    let _: ControlFlow<()> = Visit::visit(&*statement, &mut own);
    let taken: HashSet<&str> =
        tables.iter().flat_map(|(table, columns)| columns.iter().chain([table])).map(String::as_str).collect();
    let known = |table: &String| tables.contains_key(table) || own.names.contains(table);
    let whole = !own.open && own.tables.iter().all(known);
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut Spell { own: &own.names, taken, whole });
}

/// A name as DataFusion compares it.
fn seen(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

/// What the statement itself calls something, as it is spelled.
#[derive(Default)]
struct Own {
    names: HashSet<String>,
    // Tables that it reads, in lower case.
    tables: Vec<String>,
    // Whether it reads what has columns that nobody knows here, such as a function.
    open: bool,
}

impl Own {
    fn alias(&mut self, alias: &TableAlias) {
        self.names.insert(seen(&alias.name));
        self.names.extend(alias.columns.iter().map(|column| seen(&column.name)));
    }
}

impl Visitor for Own {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for Cte { alias, .. } in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.alias(alias);
        }
        self.open |= matches!(query.body.as_ref(), SetExpr::Values(_));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.names.insert(seen(alias));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                self.tables.extend(name.0.last().and_then(|part| part.as_ident()).map(folded));
                alias.iter().for_each(|alias| self.alias(alias));
            }
            TableFactor::Derived { alias, .. } => alias.iter().for_each(|alias| self.alias(alias)),
            TableFactor::NestedJoin { .. } => {}
            _ => self.open = true,
        }
        ControlFlow::Continue(())
    }
}

struct Spell<'a> {
    own: &'a HashSet<String>,
    // Names of tables and of their columns.
    taken: HashSet<&'a str>,
    // Whether these are the names of all columns.
    whole: bool,
}

impl Spell<'_> {
    fn name(&self, name: &mut Ident) {
        let (as_is, folded) = (seen(name), folded(name));
        if self.own.contains(&as_is) || self.taken.contains(as_is.as_str()) {
            return;
        }
        if self.own.contains(&folded) || self.taken.contains(folded.as_str()) {
            name.value = folded;
            return;
        }
        if !self.whole {
            return;
        }
        let mut alike = self.own.iter().filter(|own| own.to_lowercase() == folded);
        if let (Some(only), None) = (alike.next(), alike.next()) {
            *name = Ident { value: only.clone(), quote_style: Some('"'), span: name.span };
        }
    }
}

impl VisitorMut for Spell<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.name(name),
            Expr::CompoundIdentifier(path) => path.iter_mut().for_each(|name| self.name(name)),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

    use datafusion::sql::parser::Statement as Parsed;

    use super::*;
    use crate::dialect::parse;

    fn spelled(sql: &str) -> String {
        let known = ["query", "userid", "total"].map(str::to_owned).to_vec();
        match parse(sql).unwrap().pop_front().unwrap() {
            Parsed::Statement(mut statement) => {
                columns(&mut statement, &Columns::from([("stl_query".to_owned(), known)]));
                statement.to_string()
            }
            other => panic!("{other} is no statement"),
        }
    }

    #[test]
    fn a_name_that_means_nothing_is_the_one_that_differs_in_case() {
        for (sql, want) in [
            // Columns of tables.
            (r#"SELECT "QUERY", Q."UserId" FROM stl_query Q"#, r#"SELECT "query", Q."userid" FROM stl_query Q"#),
            (r#"SELECT "STL_QUERY".query FROM stl_query"#, r#"SELECT "stl_query".query FROM stl_query"#),
            // What the statement calls so, spelled otherwise.
            (
                r#"SELECT SUM(query) AS "Total_GB" FROM stl_query ORDER BY total_gb"#,
                r#"SELECT SUM(query) AS "Total_GB" FROM stl_query ORDER BY "Total_GB""#,
            ),
            (
                r#"SELECT "the NAME" FROM (SELECT 1 AS "The Name") AS "X" WHERE x."THE NAME" > 0"#,
                r#"SELECT "The Name" FROM (SELECT 1 AS "The Name") AS "X" WHERE "X"."The Name" > 0"#,
            ),
            (r#"SELECT 1 AS total_gb ORDER BY "Total_GB""#, r#"SELECT 1 AS total_gb ORDER BY "total_gb""#),
            // A column comes first, and what fits stays as it is.
            (
                r#"SELECT total AS "Total" FROM stl_query WHERE total > 1 ORDER BY "Total""#,
                r#"SELECT total AS "Total" FROM stl_query WHERE total > 1 ORDER BY "Total""#,
            ),
            (r#"SELECT 1 AS "A_b", 2 AS "a_B" ORDER BY a_b"#, r#"SELECT 1 AS "A_b", 2 AS "a_B" ORDER BY a_b"#),
            (r#"SELECT "Nothing" FROM stl_query"#, r#"SELECT "Nothing" FROM stl_query"#),
            // It could be a column.
            (
                r#"SELECT table_name AS "TABLE_NAME" FROM information_schema.tables"#,
                r#"SELECT table_name AS "TABLE_NAME" FROM information_schema.tables"#,
            ),
            (
                r#"SELECT value AS "Value" FROM generate_series(1, 2)"#,
                r#"SELECT value AS "Value" FROM generate_series(1, 2)"#,
            ),
            (
                r#"SELECT column1 AS "Column1" FROM (VALUES (1)) t"#,
                r#"SELECT column1 AS "Column1" FROM (VALUES (1)) t"#,
            ),
        ] {
            assert_eq!(spelled(sql), want, "{sql}");
        }
    }
}
