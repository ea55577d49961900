//! What may run: statements that read the lake and nothing else.
//!
//! This is a list of what is allowed; what is not on it is refused. The plan is checked a second time when it is made, and
//! the tables of the lake have no way to be written.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use sqlparser::ast::{self, ObjectName, Select, TableFactor, Visit, Visitor};

use crate::error::{ErrorKind, QueryError};

/// Functions that may stand in `FROM`: none of them opens anything.
pub const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

/// Refuses a statement that is not reading.
///
/// # Errors
/// [`ErrorKind::ReadOnly`] with what was refused.
pub fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(inner) => match inner.visit(&mut Check) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(*error),
        },
        Statement::Explain(explain) => check(&explain.statement),
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

struct Check;

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
            | S::ShowFunctions { .. } => ControlFlow::Continue(()),
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
        if select.into.is_some() {
            ControlFlow::Break(Box::new(refused("SELECT INTO")))
        } else {
            ControlFlow::Continue(())
        }
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
        ControlFlow::Continue(())
    }
}
