//! Which statements are about the catalog, and how their text is made ready for it.

use std::ops::ControlFlow;

use lookback_query::session::Parameter;
use sqlparser::ast::{DataType, Expr, ObjectName, Query, Visit, Visitor};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::pg::script::Piece;

/// What a statement about the catalog has somewhere in its text. Others are not looked at closer.
const HINTS: [&str; 14] = [
    "pg_",
    "information_schema",
    "current_setting",
    "set_config",
    "version",
    "current_",
    "session_user",
    "has_",
    "_description",
    "txid_",
    "inet_",
    "to_reg",
    "regclass",
    "regproc",
];
/// Functions without `pg_` that only the catalog answers.
const FUNCTIONS: [&str; 30] = [
    "array_lower",
    "array_upper",
    "col_description",
    "current_catalog",
    "current_database",
    "current_schema",
    "current_schemas",
    "current_setting",
    "current_user",
    "format_type",
    "has_any_column_privilege",
    "has_column_privilege",
    "has_database_privilege",
    "has_function_privilege",
    "has_schema_privilege",
    "has_sequence_privilege",
    "has_table_privilege",
    "inet_client_addr",
    "inet_server_addr",
    "inet_server_port",
    "obj_description",
    "quote_ident",
    "session_user",
    "set_config",
    "shobj_description",
    "to_regclass",
    "to_regtype",
    "txid_current",
    "user",
    "version",
];

/// Types that only the catalog has: a name in them is the number of what is called so.
const TYPES: [&str; 7] = ["oid", "regclass", "regnamespace", "regproc", "regprocedure", "regrole", "regtype"];

/// Whether a statement asks the catalog, and no table of the lake.
pub(in crate::pg) fn is_about(text: &str) -> bool {
    let lower = text.to_lowercase();
    if !HINTS.iter().any(|hint| lower.contains(hint)) {
        return false;
    }
    // Some of what clients send only parses once it is mended.
    let Ok(statements) = Parser::parse_sql(&PostgreSqlDialect {}, &mended(text)) else {
        return lower.contains("pg_catalog.") || lower.contains("information_schema.");
    };
    let mut seen = Seen::default();
    for statement in &statements {
        let query = matches!(statement, sqlparser::ast::Statement::Query(_));
        let _: ControlFlow<()> = statement.visit(&mut seen);
        if !query {
            return false;
        }
    }
    !seen.lake && (seen.catalog || seen.function)
}

#[derive(Default)]
struct Seen {
    catalog: bool,
    lake: bool,
    function: bool,
    // Names of WITH, which hide tables.
    hidden: Vec<String>,
}

impl Visitor for Seen {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let names =
            query.with.iter().flat_map(|with| with.cte_tables.iter().map(|cte| cte.alias.name.value.to_lowercase()));
        self.hidden.extend(names);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let parts: Vec<String> =
            relation.0.iter().filter_map(|part| part.as_ident()).map(|part| part.value.to_lowercase()).collect();
        // Redshift has its system tables in pg_catalog, too.
        let of_redshift =
            |name: &String| ["stl_", "stv_", "svl_", "svv_", "svcs_", "sys_"].iter().any(|p| name.starts_with(p));
        match parts.as_slice() {
            [.., name] if of_redshift(name) => self.lake = true,
            [.., schema, _] if schema == "pg_catalog" || schema == "information_schema" => self.catalog = true,
            [name] if self.hidden.contains(name) => {}
            [name] if name.starts_with("pg_") => self.catalog = true,
            // Functions in FROM are nobody's table.
            [.., name]
                if ["generate_series", "unnest", "string_to_array"].contains(&name.as_str())
                    || FUNCTIONS.contains(&name.as_str()) => {}
            _ => self.lake = true,
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let name = match expr {
            Expr::Function(function) => function.name.0.last().and_then(|part| part.as_ident()),
            Expr::Identifier(name) => Some(name),
            Expr::Cast { data_type: DataType::Custom(name, _), .. } => name.0.last().and_then(|part| part.as_ident()),
            _ => None,
        };
        if let Some(name) = name.map(|name| name.value.to_lowercase()) {
            self.function |=
                name.starts_with("pg_") || FUNCTIONS.contains(&name.as_str()) || TYPES.contains(&name.as_str());
        }
        ControlFlow::Continue(())
    }
}

/// What clients write that the parser does not know, in a form that it knows. Each line names who writes it.
const MENDED: [(&str, &str); 8] = [
    // psql's `\\d+`: options of how a table is stored, of which there are none.
    (
        "pg_catalog.array_to_string(c.reloptions || array(select 'toast.' || x from pg_catalog.unnest(tc.reloptions) x), ', ')",
        "''",
    ),
    // SQLAlchemy's options of a table.
    ("pg_catalog.pg_class.reloptions, NULL AS relhasoids", "NULL AS reloptions, NULL AS relhasoids"),
    // psql writes operators with their schema.
    ("OPERATOR(pg_catalog.~)", "~"),
    ("OPERATOR(pg_catalog.=)", "="),
    ("OPERATOR(pg_catalog.!~)", "!~"),
    ("COLLATE pg_catalog.default", ""),
    ("COLLATE \"C\"", ""),
    ("pg_catalog.current_database()", "current_database()"),
];

/// The text with what the parser does not know replaced.
pub(super) fn mended(text: &str) -> String {
    MENDED.iter().fold(
        text.to_owned(),
        |text, (from, to)| {
            if text.contains(from) { text.replace(from, to) } else { text }
        },
    )
}

/// How many parameters there are: the highest number that is used.
pub(in crate::pg) fn parameters(piece: &Piece) -> usize {
    piece.tokens.iter().filter_map(number).max().unwrap_or(0)
}

fn number(token: &Token) -> Option<usize> {
    match token {
        Token::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
        _ => None,
    }
}

/// The text with the values in place of the parameters.
pub(in crate::pg) fn with_values(piece: &Piece, values: &[Parameter]) -> String {
    if parameters(piece) == 0 {
        return piece.text.clone();
    }
    let mut text = String::with_capacity(piece.text.len());
    for (at, token) in piece.tokens.iter().enumerate() {
        let whole = piece.between_raw(at);
        match number(token).and_then(|number| values.get(number.checked_sub(1)?)) {
            Some(value) => {
                text.push_str(&literal(value));
                let name = token.to_string();
                text.push_str(whole.strip_prefix(&name).unwrap_or(" "));
            }
            None => text.push_str(whole),
        }
    }
    text
}

fn literal(value: &Parameter) -> String {
    match value {
        Parameter::Null => "NULL".to_owned(),
        Parameter::Bool(truth) => truth.to_string(),
        Parameter::Int(number) => number.to_string(),
        Parameter::Float(number) => number.to_string(),
        Parameter::Number(text) if text.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b)) => text.clone(),
        Parameter::Number(text) | Parameter::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Parameter::Date(_) | Parameter::Timestamp(_) | Parameter::TimestampTz(_) => "NULL".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::script::split;

    #[test]
    fn questions_about_the_catalog_are_told_from_those_about_the_lake() {
        for about in [
            "SELECT n.nspname FROM pg_catalog.pg_namespace n",
            "select * from information_schema.tables",
            "SELECT version()",
            "select current_schema(), pg_catalog.pg_is_in_recovery()",
            "SELECT current_setting('server_version_num')::int/100 as version",
            "WITH t AS (SELECT oid FROM pg_class) SELECT * FROM t",
            "SELECT current_user",
            "SELECT 'svl_qlog'::pg_catalog.regclass::pg_catalog.oid",
            "SELECT 'now'::regproc",
        ] {
            assert!(is_about(about), "{about}");
        }
        for lake in [
            "SELECT 1",
            "SELECT count(*) FROM stl_query",
            "SELECT 'pg_class' FROM stl_query",
            "SELECT current_user, count(*) FROM stl_query",
            "SELECT * FROM stl_query WHERE pid <> pg_backend_pid()",
            "SELECT version FROM stl_connection_log",
            "SELECT count(*) FROM pg_catalog.stl_query",
            "SELECT q.query FROM stl_query q JOIN pg_class c ON c.oid = q.query",
            "CREATE VIEW v AS SELECT * FROM pg_class",
        ] {
            assert!(!is_about(lake), "{lake}");
        }
    }

    #[test]
    fn values_are_literals_that_cannot_end_early() {
        let piece = split("SELECT $1, $2::oid FROM pg_class WHERE relname = $1 AND x='$2'").unwrap().remove(0);
        assert_eq!(parameters(&piece), 2);
        let text = with_values(&piece, &[Parameter::Text("a'b".to_owned()), Parameter::Int(5)]);
        assert_eq!(text, "SELECT 'a''b', 5::oid FROM pg_class WHERE relname = 'a''b' AND x='$2'");
    }
}
