//! How deep a statement would nest: operators in a row make a tree that is as deep as the row is long, and everything that walks the
//! tree needs a piece of its thread's stack for each level. A stack that is used up ends the process, so what is too deep is
//! refused before it is parsed.
//!
//! What is counted is an upper bound, by words alone: the operators between two commas or clauses, with those in the deepest of the
//! parentheses among them. What nests by parentheses only, the parser limits itself.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::script::is_space;
use crate::error::QueryError;

/// Levels that a statement may have. Threads that plan have stacks for several times as many.
const MOST: usize = 800;
/// Levels that a UNION counts for: a SELECT is walked with all that is in it.
const UNION: usize = 3;

/// What is between a parenthesis and its end.
#[derive(Debug, Default)]
struct Level {
    /// The deepest of the parts that have ended.
    deepest: usize,
    /// Operators of the present part.
    operators: usize,
    /// The deepest of the parentheses in it.
    inner: usize,
    /// UNION and the like.
    unions: usize,
}

impl Level {
    fn end_part(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.inner);
        (self.operators, self.inner) = (0, 0);
    }

    fn depth(&self) -> usize {
        self.deepest.max(self.operators + self.inner) + self.unions * UNION
    }
}

/// Refuses a statement that would nest too deep.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let mut open = Vec::new();
    let mut level = Level::default();
    for token in tokens.iter().filter(|token| !is_space(token)) {
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => open.push(std::mem::take(&mut level)),
            Token::RParen | Token::RBracket | Token::RBrace => {
                let depth = level.depth() + 1;
                level = open.pop().unwrap_or_default();
                level.inner = level.inner.max(depth);
            }
            Token::Comma => level.end_part(),
            Token::Word(word) => match word.keyword {
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => {
                    level.end_part();
                    level.unions += 1;
                }
                Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::GROUP
                | Keyword::HAVING
                | Keyword::ORDER => {
                    level.end_part();
                }
                Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE => {
                    level.operators += 1;
                }
                _ => {}
            },
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Period | Token::Placeholder(_) => {}
            _ => level.operators += 1,
        }
        if open.len() > MOST || level.depth() > MOST {
            let message =
                format!("more than {MOST} operators in a row: write IN (...) for many values, or ask in parts");
            return Err(QueryError::sql(format!("{message}{}", token.span.start)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::tokenizer::Tokenizer;

    use super::check;

    fn refused(sql: &str) -> bool {
        check(&Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().unwrap()).is_err()
    }

    #[test]
    fn rows_of_operators_are_limited_wherever_they_are() {
        let many = |one: &str, between: &str, times: usize| vec![one; times].join(between);
        for (sql, want) in [
            (format!("SELECT {}", many("1", " + ", 400)), false),
            (format!("SELECT {}", many("1", " + ", 900)), true),
            (format!("SELECT 1 FROM t WHERE {}", many("a = 1", " OR ", 300)), false),
            (format!("SELECT 1 FROM t WHERE {}", many("a = 1", " OR ", 600)), true),
            (format!("SELECT 1{}", many("", "::int", 900)), true),
            (many("SELECT 1 AS a", " UNION ALL ", 200), false),
            (many("SELECT 1 AS a", " UNION ALL ", 300), true),
            // Parts of one level do not add up, those of several do.
            (format!("SELECT {} FROM t", many("a + b + c", ", ", 2_000)), false),
            (format!("SELECT a FROM t WHERE a IN ({})", many("1", ", ", 20_000)), false),
            (format!("SELECT ({}) * {}", many("1", " + ", 500), many("2", " * ", 500)), true),
            (format!("SELECT {} * ({})", many("2", " * ", 500), many("1", " + ", 500)), true),
            (format!("SELECT ({}), ({})", many("1", " + ", 500), many("2", " * ", 500)), false),
        ] {
            assert_eq!(refused(&sql), want, "{}", &sql[..40]);
        }
    }
}
