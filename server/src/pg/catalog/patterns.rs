//! `LIKE ... ESCAPE` of clients' questions, with the one escape that the engine knows: the backslash.
//!
//! Patterns are put together from names, so that they are not known before the question is answered: they are rewritten as it is.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Statement, Value, VisitMut, VisitorMut};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// Gives every `LIKE` of a statement the engine's escape.
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
        ControlFlow::Continue(())
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
    fn only_another_escape_is_rewritten() {
        for same in ["SELECT a LIKE 'x' FROM t", r"SELECT a LIKE 'x\_' ESCAPE '\' FROM t", "SELECT a ILIKE b FROM t"] {
            assert_eq!(mended(same), same);
        }
        let other = mended("SELECT a NOT LIKE 'pg/_' || '%' ESCAPE '/' FROM t");
        assert!(other.starts_with("SELECT a NOT LIKE replace(") && !other.contains("ESCAPE"), "{other}");
        assert!(other.contains("('pg/_' || '%')"), "{other}");
    }
}
