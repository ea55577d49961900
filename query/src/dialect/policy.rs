//! What may run: statements that read the lake and nothing else.
//!
//! This is a list of what is allowed; what is not on it is refused. The plan is checked a second time when it is made, and
//! the tables of the lake have no way to be written.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use lookback_schemas::registry;
use sqlparser::ast::{self, Cte, Expr, ObjectName, Query, Select, Spanned, TableFactor, Visit, Visitor};
use sqlparser::tokenizer::{Location, TokenWithSpan};

use super::elsewhere;
use super::script::word;
use crate::error::{ErrorKind, QueryError};

/// Functions that may stand in `FROM`: none of them opens anything.
pub const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

/// Statements that do something to a cluster, by their first words.
const WRITING: [&str; 29] = [
    "alter",
    "analyze",
    "attach",
    "call",
    "cancel",
    "close",
    "comment",
    "copy",
    "deallocate",
    "declare",
    "delete",
    "detach",
    "execute",
    "fetch",
    "grant",
    "insert",
    "load",
    "lock",
    "merge",
    "prepare",
    "reassign",
    "refresh",
    "release",
    "revoke",
    "savepoint",
    "truncate",
    "unload",
    "update",
    "vacuum",
];

/// Functions that only a cluster's leader node can answer, or that speak of its session. Those that have a truthful answer are
/// among the functions (`functions/system.rs`).
/// Source: Amazon Redshift Database Developer Guide, "Leader node-only functions" and "System information functions".
const LEADER_FUNCTIONS: [&str; 29] = [
    "aclexplode",
    "array_lower",
    "array_upper",
    "change_query_priority",
    "change_session_priority",
    "change_user_priority",
    "col_description",
    "current_namespace",
    "current_setting",
    "format_type",
    "has_assumerole_privilege",
    "has_column_privilege",
    "has_database_privilege",
    "has_schema_privilege",
    "has_table_privilege",
    "obj_description",
    "pg_cancel_backend",
    "pg_get_cols",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_indexdef",
    "pg_get_late_binding_view_cols",
    "pg_get_userbyid",
    "pg_get_viewdef",
    "pg_last_copy_count",
    "pg_last_unload_count",
    "pg_table_is_visible",
    "pg_terminate_backend",
    "set_config",
];

/// Refuses a statement by the words that it begins with, so that it is named although it may not even parse.
pub(super) fn check_first_words(tokens: &[&TokenWithSpan]) -> Result<(), QueryError> {
    let name = |at: usize| tokens.get(at).and_then(|token| word(token)).map(str::to_lowercase).unwrap_or_default();
    let first = name(0);
    let what = match first.as_str() {
        "create" | "drop" => {
            let mut at = 1;
            while matches!(name(at).as_str(), "or" | "replace" | "local" | "temp" | "temporary") {
                at += 1;
            }
            if matches!(name(at).as_str(), "view" | "table" | "") {
                return Ok(());
            }
            format!("{first} {}", name(at))
        }
        "analyze" => "analyze compression".to_owned(),
        writing if WRITING.contains(&writing) => first.clone(),
        _ => return Ok(()),
    };
    let at = tokens.first().map_or(Location::empty(), |token| token.span.start);
    Err(refused(&what.to_uppercase()).at(at))
}

/// Refuses a statement that is not reading.
///
/// # Errors
/// [`ErrorKind::ReadOnly`] with what was refused.
pub fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(inner) => match inner.visit(&mut Check::default()) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(*error),
        },
        Statement::Explain(explain) => {
            if let Statement::Statement(inner) = explain.statement.as_ref()
                && !matches!(**inner, ast::Statement::Query(_))
            {
                let text = inner.to_string();
                return Err(refused(&format!("EXPLAIN {}", text.split_whitespace().next().unwrap_or_default())));
            }
            check(&explain.statement)
        }
        Statement::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => Err(refused("COPY")),
        Statement::Reset(_) => Err(refused("RESET")),
    }
}

fn refused(what: &str) -> QueryError {
    let message =
        format!("{what} is refused: lookback only reads; SELECT, WITH, EXPLAIN, SHOW and DESCRIBE are possible");
    QueryError::new(ErrorKind::ReadOnly, message)
}

fn no_files(what: &str) -> QueryError {
    let message = format!("{what} is refused: only the tables of the lake can be read, see SHOW TABLES");
    QueryError::new(ErrorKind::ReadOnly, message)
}

fn only_in_a_cluster(what: &str, why: &str, at: Location) -> Box<QueryError> {
    Box::new(QueryError::sql(format!("{what} {why}")).at(at))
}

#[derive(Default)]
struct Check {
    // Names of WITH, which hide tables; those of enclosing queries too.
    hidden: Vec<Vec<String>>,
}

impl Visitor for Check {
    // Boxed, because every step of a visit carries it.
    type Break = Box<QueryError>;

    fn pre_visit_statement(&mut self, statement: &ast::Statement) -> ControlFlow<Self::Break> {
        use ast::Statement as S;
        match statement {
            S::Query(_)
            | S::ExplainTable { .. }
            | S::ShowTables { .. }
            | S::ShowColumns { .. }
            | S::ShowVariable { .. }
            | S::ShowFunctions { .. }
            | S::CreateView(_) => ControlFlow::Continue(()),
            // For the session only, like CREATE VIEW.
            S::CreateTable(table) if table.query.is_some() && is_temporary(table.temporary, &table.name) => {
                ControlFlow::Continue(())
            }
            S::Drop { object_type: ast::ObjectType::View | ast::ObjectType::Table, names, .. }
                if !names.iter().any(is_system_table) =>
            {
                ControlFlow::Continue(())
            }
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                let two = matches!(words.first(), Some(&("CREATE" | "DROP" | "ALTER" | "START" | "TRUNCATE")));
                let name = if two { words.join(" ") } else { words.first().copied().unwrap_or("this").to_owned() };
                ControlFlow::Break(Box::new(refused(&name)))
            }
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        match &select.into {
            Some(into) if !is_temporary(into.temporary, &into.name) => {
                ControlFlow::Break(Box::new(refused("SELECT INTO").at(into.name.span().start)))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let names = |cte: &Cte| cte.alias.name.value.to_lowercase();
        self.hidden.push(query.with.iter().flat_map(|with| with.cte_tables.iter().map(names)).collect());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Self::Break> {
        self.hidden.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        if let Expr::Function(function) = expr
            && let Some(name) = function.name.0.last().and_then(|part| part.as_ident())
            && LEADER_FUNCTIONS.contains(&name.value.to_lowercase().as_str())
        {
            let what = format!("{}()", name.value.to_lowercase());
            let why = "can only be answered by a cluster, about its own catalog or session";
            return ControlFlow::Break(only_in_a_cluster(&what, why, name.span.start));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        let function = match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => name.to_string(),
            TableFactor::TableFunction { expr, .. } => expr.to_string(),
            _ => return ControlFlow::Continue(()),
        };
        if TABLE_FUNCTIONS.contains(&function.to_lowercase().as_str()) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(Box::new(no_files(&format!("the table function {function}"))))
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Self::Break> {
        let text = |part: &ast::ObjectNamePart| part.as_ident().is_some_and(|ident| ident.quote_style == Some('\''));
        if relation.0.iter().any(text) {
            return ControlFlow::Break(Box::new(no_files(&format!("reading {relation}"))));
        }
        let Some(name) = relation.0.last().and_then(|part| part.as_ident()) else { return ControlFlow::Continue(()) };
        let table = name.value.to_lowercase();
        let hidden = relation.0.len() == 1 && self.hidden.iter().flatten().any(|hidden| *hidden == table);
        match elsewhere::why(&table) {
            Some(why) if !hidden => {
                ControlFlow::Break(only_in_a_cluster(&format!("table '{table}'"), &why, relation.span().start))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn is_system_table(name: &ObjectName) -> bool {
    let last = name.0.last().and_then(|part| part.as_ident());
    last.is_some_and(|name| registry().table(&name.value.to_lowercase()).is_some())
}

/// Whether a table would live in its session only: as in Redshift, a name with `#` is temporary by itself.
pub(crate) fn is_temporary(declared: bool, name: &ObjectName) -> bool {
    declared || matches!(name.0.as_slice(), [ast::ObjectNamePart::Identifier(name)] if name.value.starts_with('#'))
}
