//! Comparisons of clients' questions that mean something else to the engine.
//!
//! - `LIKE ... ESCAPE` gets the one escape that the engine knows: the backslash. Patterns are put together from names, so that they are not
//!   known before the question is answered: they are rewritten as it is.
//! - The functions of a type (`typinput` and others) are kept by name, and compared with names rather than numbers of functions: pgjdbc asks
//!   of every type that it meets whether its input is `array_in`.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Statement, Value, VisitMut, VisitorMut};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// Columns of `pg_type` that hold the names of functions.
const FUNCTIONS_OF_TYPES: [&str; 8] =
    ["typanalyze", "typinput", "typmodin", "typmodout", "typoutput", "typreceive", "typsend", "typsubscript"];

/// Makes the comparisons of a statement mean what they mean in PostgreSQL.
pub(super) fn mend(statement: &mut Statement) {
    let _: ControlFlow<()> = statement.visit(&mut Patterns);
}

struct Patterns;

impl VisitorMut for Patterns {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } = expr
            && let Some(Value::SingleQuotedString(escape)) = escape_char.as_ref().map(|value| &value.value)
            && escape != "\\"
            && let Some(mended) = with_backslash(pattern, escape)
        {
            **pattern = mended;
            *escape_char = None;
        }
        if let Expr::BinaryOp { left, op: BinaryOperator::Eq | BinaryOperator::NotEq, right } = expr {
            if is_function_of_type(left) {
                by_name(right);
            } else if is_function_of_type(right) {
                by_name(left);
            }
        }
        ControlFlow::Continue(())
    }
}

fn is_function_of_type(expr: &Expr) -> bool {
    let name = match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    name.is_some_and(|name| FUNCTIONS_OF_TYPES.contains(&name.value.to_lowercase().as_str()))
}

/// A function's name as a text, in place of its number: `'pg_catalog.array_in'::regproc`.
fn by_name(function: &mut Expr) {
    if let Expr::Cast { expr, data_type, .. } = function
        && data_type.to_string().to_lowercase().rsplit('.').next() == Some("regproc")
        && let Expr::Value(value) = expr.as_ref()
        && let Value::SingleQuotedString(name) = &value.value
    {
        let own = name.strip_prefix("pg_catalog.").unwrap_or(name).to_owned();
        *function = Expr::value(Value::SingleQuotedString(own));
    }
}

/// The pattern with another escape: what is a backslash in it is one to find, and two escapes are one character to find.
fn with_backslash(pattern: &Expr, escape: &str) -> Option<Expr> {
    let mut characters = escape.chars();
    let (escape, None) = (characters.next()?, characters.next()) else { return None };
    let quoted = if escape == '\'' { "''".to_owned() } else { escape.to_string() };
    let text = format!(
        "replace(replace(replace(replace(({pattern}), chr(92), chr(92) || chr(92)), '{quoted}{quoted}', chr(1)), \
         '{quoted}', chr(92)), chr(1), '{quoted}')"
    );
    Parser::new(&PostgreSqlDialect {}).try_with_sql(&text).ok()?.parse_expr().ok()
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
    fn functions_of_types_are_compared_by_name() {
        assert_eq!(
            mended(
                "SELECT typinput = 'pg_catalog.array_in'::regproc AS is_array, 'x'::REGPROC <> t.typsend FROM pg_type AS t"
            ),
            "SELECT typinput = 'array_in' AS is_array, 'x' <> t.typsend FROM pg_type AS t"
        );
        for same in ["SELECT p.oid = 'now'::REGPROC FROM pg_proc AS p", "SELECT typinput = 'array_in' FROM pg_type"] {
            assert_eq!(mended(same), same);
        }
    }

    #[test]
    fn only_another_escape_is_rewritten() {
        for same in ["SELECT a LIKE 'x' FROM t", r"SELECT a LIKE 'x\_' ESCAPE '\' FROM t", "SELECT a ILIKE b FROM t"] {
            assert_eq!(mended(same), same);
        }
        let other = mended("SELECT a NOT LIKE 'pg/_' || '%' ESCAPE '/' FROM t");
        assert!(other.starts_with("SELECT a NOT LIKE replace(") && !other.contains("ESCAPE"), "{other}");
        assert!(other.contains("('pg/_' || '%')"), "{other}");
    }
}
