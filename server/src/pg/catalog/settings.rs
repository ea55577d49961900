//! `pg_settings`. Each connection has settings of its own, so a function that knows those of the one that asks stands in for the table.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use datafusion::catalog::{TableFunctionArgs as Called, TableFunctionImpl, TableProvider};
use datafusion::common::Result;
use sqlparser::ast::{Ident, ObjectName, Statement, TableAlias, TableFactor, TableFunctionArgs, VisitMut, VisitorMut};

use super::built::in_memory;
use super::tables::{Column, table};
use crate::pg::parameters::Parameters;

/// The table, and the function that PostgreSQL has behind it.
const TABLE: &str = "pg_settings";
pub(super) const FUNCTION: &str = "pg_show_all_settings";

/// Calls the function where a statement names the table.
pub(super) fn mend(statement: &mut Statement) {
    let _: ControlFlow<()> = statement.visit(&mut Tables);
}

struct Tables;

impl VisitorMut for Tables {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, args, .. } = factor else { return ControlFlow::Continue(()) };
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident()).map(|part| part.value.to_lowercase()).collect();
        let (own, called) = match parts.as_slice() {
            [own] => (own, args.is_some()),
            [schema, own] if schema == "pg_catalog" => (own, args.is_some()),
            _ => return ControlFlow::Continue(()),
        };
        if own == TABLE && !called {
            *args = Some(TableFunctionArgs { args: Vec::new(), settings: None });
        } else if own != FUNCTION || !called {
            return ControlFlow::Continue(());
        }
        *name = ObjectName::from(vec![Ident::new(FUNCTION)]);
        let known_as = || TableAlias { explicit: true, name: Ident::new(own), columns: Vec::new(), at: None };
        alias.get_or_insert_with(known_as);
        ControlFlow::Continue(())
    }
}

/// The settings of one connection.
#[derive(Debug)]
pub(super) struct Settings(RecordBatch);

impl Settings {
    pub(super) fn new(parameters: &Parameters) -> Result<Self, ArrowError> {
        let all: Vec<_> = parameters.settings().collect();
        let nothing = || vec![None; all.len()];
        let text = |of: fn(&crate::pg::parameters::Setting) -> Option<String>| all.iter().map(of).collect();
        Ok(Self(table(vec![
            Column::Text("name", text(|one| Some(one.name.to_owned()))),
            Column::Text("setting", text(|one| Some(one.value.clone()))),
            Column::Text("unit", text(|one| one.unit.map(str::to_owned))),
            Column::Text("category", nothing()),
            Column::Text("short_desc", nothing()),
            Column::Text("extra_desc", nothing()),
            Column::Text("context", text(|one| Some(if one.fixed { "internal" } else { "user" }.to_owned()))),
            Column::Text("vartype", text(|one| Some(kind_of(&one.default).to_owned()))),
            Column::Text(
                "source",
                text(|one| Some(if one.value == one.default { "default" } else { "session" }.to_owned())),
            ),
            Column::Text("min_val", nothing()),
            Column::Text("max_val", nothing()),
            Column::Text("enumvals", nothing()),
            Column::Text("boot_val", text(|one| Some(one.default.clone()))),
            Column::Text("reset_val", text(|one| Some(one.default.clone()))),
            Column::Text("sourcefile", nothing()),
            Column::Number("sourceline", vec![None; all.len()]),
            Column::Truth("pending_restart", vec![Some(false); all.len()]),
        ])?))
    }
}

impl TableFunctionImpl for Settings {
    fn call_with_args(&self, _: Called<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        in_memory(self.0.clone())
    }
}

/// What a value looks like.
fn kind_of(value: &str) -> &'static str {
    match value {
        "on" | "off" => "bool",
        number if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => "integer",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn the_table_is_the_function_and_nothing_else_is() {
        let mended = |sql: &str| {
            let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
            mend(&mut statement);
            statement.to_string()
        };
        for (sql, called) in [
            ("SELECT setting FROM pg_catalog.pg_settings", "SELECT setting FROM pg_show_all_settings() AS pg_settings"),
            ("SELECT s.name FROM pg_settings AS s", "SELECT s.name FROM pg_show_all_settings() AS s"),
            (
                "SELECT name FROM pg_catalog.pg_show_all_settings()",
                "SELECT name FROM pg_show_all_settings() AS pg_show_all_settings",
            ),
            ("SELECT 1 FROM mine.pg_settings", "SELECT 1 FROM mine.pg_settings"),
        ] {
            assert_eq!(mended(sql), called);
        }
    }
}
