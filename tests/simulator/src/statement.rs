//! Statements before they are planned: splitting a simple query, telling commands from questions, and bringing Redshift's
//! keyword functions into a form that the planner knows.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArgumentList, FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, SetExpr,
    Statement, TableFactor, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::error::SqlError;

/// What a statement asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// Nothing between two semicolons.
    Empty,
    /// A question that the planner answers, and the first table of its outermost FROM clause.
    Select(Box<Statement>, Option<String>),
    /// SET of a session variable; the value without quotes.
    Set(String, String),
    /// SHOW of a session variable.
    Show(String),
    /// BEGIN, COMMIT, ROLLBACK: the tag, and whether a transaction is open afterwards.
    Transaction(&'static str, bool),
    /// Accepted and without effect: the tag.
    Nothing(&'static str),
}

/// Splits at semicolons outside quotes and comments.
pub(crate) fn split(sql: &str) -> Vec<&str> {
    let bytes = sql.as_bytes();
    let (mut parts, mut start, mut i) = (Vec::new(), 0, 0);
    while i < bytes.len() {
        match bytes[i] {
            quote @ (b'\'' | b'"') => {
                i += 1;
                while i < bytes.len() && bytes[i] != quote {
                    i += 1;
                }
            }
            b'-' if bytes.get(i + 1) == Some(&b'-') => {
                while i < bytes.len() && bytes[i] != b'\n' {
                    i += 1;
                }
            }
            b'/' if bytes.get(i + 1) == Some(&b'*') => {
                i += 2;
                while i < bytes.len() && !bytes[i..].starts_with(b"*/") {
                    i += 1;
                }
            }
            b';' => {
                parts.push(&sql[start..i]);
                start = i + 1;
            }
            _ => {}
        }
        i += 1;
    }
    parts.push(&sql[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Reads one statement.
pub(crate) fn read(sql: &str) -> Result<Command, SqlError> {
    let bare = skip_comments(sql);
    let keyword: String = bare.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase();
    let rest = bare[keyword.len()..].trim().trim_end_matches(';').trim();
    Ok(match keyword.as_str() {
        "" if bare.is_empty() => Command::Empty,
        "SET" => set(rest)?,
        "RESET" => Command::Nothing("RESET"),
        "SHOW" => Command::Show(rest.to_ascii_lowercase()),
        "BEGIN" => Command::Transaction("BEGIN", true),
        "START" => Command::Transaction("START TRANSACTION", true),
        "COMMIT" | "END" => Command::Transaction("COMMIT", false),
        "ROLLBACK" | "ABORT" => Command::Transaction("ROLLBACK", false),
        "DEALLOCATE" => Command::Nothing("DEALLOCATE"),
        "DISCARD" => Command::Nothing("DISCARD ALL"),
        "COPY" => return Err(SqlError::unsupported("COPY to or from the client")),
        "SELECT" | "WITH" | "VALUES" | "EXPLAIN" | "" => select(sql)?,
        "UNLOAD" | "DECLARE" | "FETCH" | "CLOSE" | "INSERT" | "UPDATE" | "DELETE" | "CREATE" | "ALTER" | "DROP"
        | "TRUNCATE" | "GRANT" | "REVOKE" | "VACUUM" | "ANALYZE" | "CALL" | "LOCK" | "CANCEL" | "PREPARE"
        | "EXECUTE" => {
            return Err(SqlError::unsupported(&keyword));
        }
        other => return Err(SqlError::new("42601", format!("syntax error at or near \"{other}\""))),
    })
}

fn skip_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after).trim_start();
        } else {
            return rest;
        }
    }
}

fn set(rest: &str) -> Result<Command, SqlError> {
    let mut words = rest.split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    let rest = match first.as_str() {
        "session" | "local" => rest[first.len()..].trim_start(),
        _ => rest,
    };
    if rest.to_ascii_lowercase().starts_with("time zone") {
        return Ok(Command::Set("timezone".to_owned(), unquoted(&rest["time zone".len()..])));
    }
    let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
    let (name, value) = rest.split_at(end);
    let value = value.trim_start();
    let value = match value.get(..3) {
        Some(to) if to.eq_ignore_ascii_case("to ") => &value[3..],
        _ => value.strip_prefix('=').unwrap_or(value),
    };
    if name.is_empty() || value.trim().is_empty() {
        return Err(SqlError::new("42601", "syntax error in SET"));
    }
    Ok(Command::Set(name.to_ascii_lowercase(), unquoted(value)))
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    match value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
        Some(quoted) => quoted.replace("''", "'"),
        None => value.to_owned(),
    }
}

fn select(sql: &str) -> Result<Command, SqlError> {
    let mut statements =
        Parser::parse_sql(&PostgreSqlDialect {}, sql).map_err(|e| SqlError::new("42601", e.to_string()))?;
    let Some(mut statement) = statements.pop() else { return Ok(Command::Empty) };
    if !statements.is_empty() {
        return Err(SqlError::new("42601", "cannot insert multiple commands into a prepared statement"));
    }
    if !matches!(statement, Statement::Query(_) | Statement::Explain { .. }) {
        return Err(SqlError::unsupported("this statement"));
    }
    let _ = visit_expressions_mut(&mut statement, |expr| -> ControlFlow<()> {
        call_keywords(expr);
        ControlFlow::Continue(())
    });
    let first = match &statement {
        Statement::Query(query) => first_table(query),
        _ => None,
    };
    Ok(Command::Select(Box::new(statement), first))
}

/// Names that Redshift reads as functions although they are written without parentheses.
const KEYWORDS: [&str; 7] =
    ["current_namespace", "current_user", "current_user_id", "session_user", "user", "sysdate", "current_database"];

fn call_keywords(expr: &mut Expr) {
    let name = match expr {
        Expr::Identifier(ident) if ident.quote_style.is_none() => ident.value.to_ascii_lowercase(),
        Expr::Function(function) if matches!(function.args, FunctionArguments::None) => {
            function.name.to_string().to_ascii_lowercase()
        }
        _ => return,
    };
    if !KEYWORDS.contains(&name.as_str()) {
        return;
    }
    let no_arguments = FunctionArgumentList { duplicate_treatment: None, args: Vec::new(), clauses: Vec::new() };
    *expr = Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(no_arguments),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    });
}

fn first_table(query: &Query) -> Option<String> {
    let mut body = query.body.as_ref();
    let select = loop {
        match body {
            SetExpr::Select(select) => break select,
            SetExpr::Query(inner) => body = inner.body.as_ref(),
            SetExpr::SetOperation { left, .. } => body = left.as_ref(),
            _ => return None,
        }
    };
    match &select.from.first()?.relation {
        TableFactor::Table { name, .. } => match name.0.last()? {
            ObjectNamePart::Identifier(ident) => Some(ident.value.to_ascii_lowercase()),
            ObjectNamePart::Function(_) => None,
        },
        TableFactor::Derived { subquery, .. } => first_table(subquery),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_split_only_outside_quotes_and_comments() {
        assert_eq!(split("SET a TO ';'; SELECT 1 -- ;\n;;"), ["SET a TO ';'", " SELECT 1 -- ;\n"]);
        assert_eq!(split("SELECT /* ; */ 1"), ["SELECT /* ; */ 1"]);
    }

    #[test]
    fn set_in_its_forms() {
        for (sql, name, value) in [
            ("SET timezone TO 'UTC'", "timezone", "UTC"),
            ("set query_group to lookback;", "query_group", "lookback"),
            ("SET statement_timeout = 600000", "statement_timeout", "600000"),
            ("SET TIME ZONE 'UTC'", "timezone", "UTC"),
            ("SET SESSION a='it''s'", "a", "it's"),
        ] {
            assert_eq!(read(sql).unwrap(), Command::Set(name.to_owned(), value.to_owned()), "{sql}");
        }
    }

    #[test]
    fn the_first_table_of_a_statement() {
        let first = |sql: &str| match read(sql).unwrap() {
            Command::Select(_, first) => first,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            first("SELECT * FROM pg_catalog.STL_Query q JOIN stl_scan USING (query)").as_deref(),
            Some("stl_query")
        );
        assert_eq!(first("SELECT n FROM (SELECT count(*) n FROM stl_scan) t").as_deref(), Some("stl_scan"));
        assert_eq!(first("SELECT getdate()"), None);
    }
}
