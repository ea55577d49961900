//! How deep a statement would nest: operators in a row make a tree that is as deep as the row is long, and everything that walks the
//! tree needs a piece of its thread's stack for each level. A stack that is used up ends the process, so what is too deep is
//! refused before it is parsed. Time is limited by it as well: whoever plans asks an operator for its type, which asks all below it,
//! so that the work grows with the square of the depth, and with more where an operator becomes a function.
//!
//! What is counted is an upper bound, by words alone: the operators between two commas or clauses, with those in the deepest of the
//! parentheses among them, each with its weight. A word begins a clause only where no operand can stand, since the parser takes
//! `t.from`, and even `a OR order`, for columns. What nests by parentheses only, the parser limits itself.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::script::is_space;
use crate::error::QueryError;

/// Levels that a statement may have. Threads that plan have stacks for several times as many.
const MOST: usize = 800;
/// Levels that a UNION counts for: a SELECT is walked with all that is in it.
const UNION: usize = 3;
/// Of a cast, which can become a function of ours.
const CAST: usize = 4;
/// Of a quotient: that of decimals or floats is a function of ours.
const QUOTIENT: usize = 8;
/// Of AT TIME ZONE, which is a function of ours with several in it.
const ZONE: usize = 16;
/// Tables that a FROM may join. Each join carries the columns of all before it.
const MOST_TABLES: usize = 128;

/// What is between a parenthesis, or CASE, and its end.
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
    /// Tables of the present FROM; `None` outside of one.
    tables: Option<usize>,
    /// Whether it ends with END.
    case: bool,
}

impl Level {
    fn end_part(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.inner);
        (self.operators, self.inner) = (0, 0);
    }

    fn end_clause(&mut self) {
        self.end_part();
        self.tables = None;
    }

    fn depth(&self) -> usize {
        self.deepest.max(self.operators + self.inner) + self.unions * UNION
    }

    fn join(&mut self) {
        self.tables = self.tables.map(|tables| tables + 1);
    }
}

/// The levels that are open, and what was read last.
#[derive(Debug, Default)]
struct Levels {
    open: Vec<Level>,
    now: Level,
    // Whether the last token ends a value, so that no operand can follow.
    after_value: bool,
    // Whether it is a point, so that any word is a name.
    after_point: bool,
    // Whether it is DISTINCT, which compares with a FROM of its own.
    after_distinct: bool,
}

impl Levels {
    fn begin(&mut self, case: bool) {
        self.open.push(std::mem::replace(&mut self.now, Level { case, ..Level::default() }));
    }

    fn end(&mut self) {
        let depth = self.now.depth() + 1;
        self.now = self.open.pop().unwrap_or_default();
        self.now.inner = self.now.inner.max(depth);
    }

    fn token(&mut self, token: &Token) {
        let mut value = false;
        match token {
            Token::LParen | Token::LBrace => self.begin(false),
            // What follows a value takes a part of it.
            Token::LBracket => {
                self.now.operators += 1;
                self.begin(false);
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                // A CASE without its END is an error that the parser tells.
                while self.now.case {
                    self.end();
                }
                self.end();
                value = true;
            }
            Token::Comma => {
                self.now.end_part();
                self.now.join();
            }
            Token::Word(word) if self.after_point || word.keyword == Keyword::NoKeyword => value = true,
            Token::Word(word) => {
                self.keyword(word.keyword);
                value = matches!(word.keyword, Keyword::END | Keyword::NULL | Keyword::TRUE | Keyword::FALSE);
            }
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) => value = true,
            Token::Period => {}
            Token::DoubleColon => self.now.operators += CAST,
            Token::Div | Token::Mod => self.now.operators += QUOTIENT,
            _ => self.now.operators += 1,
        }
        self.after_distinct = matches!(token, Token::Word(word) if word.keyword == Keyword::DISTINCT);
        (self.after_value, self.after_point) = (value, matches!(token, Token::Period));
    }

    fn keyword(&mut self, word: Keyword) {
        let (now, ends) = (&mut self.now, self.after_value);
        match word {
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => {
                now.unions += 1;
                if ends {
                    now.end_clause();
                }
            }
            Keyword::FROM if !self.after_distinct => {
                if ends {
                    now.end_clause();
                }
                now.tables = Some(1);
            }
            Keyword::JOIN => {
                if ends {
                    now.end_part();
                }
                now.join();
            }
            Keyword::LEFT | Keyword::RIGHT | Keyword::FULL | Keyword::INNER | Keyword::CROSS if ends => now.end_part(),
            Keyword::WHERE | Keyword::GROUP | Keyword::HAVING | Keyword::ORDER if ends => now.end_clause(),
            Keyword::CASE => self.begin(true),
            // Arms of one CASE are beside each other.
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE if ends && now.case => now.end_part(),
            Keyword::END if now.case => self.end(),
            Keyword::ZONE => now.operators += ZONE,
            Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::NOTNULL
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::SIMILAR
            | Keyword::MATCH
            | Keyword::MEMBER
            | Keyword::OVERLAPS
            | Keyword::OPERATOR
            | Keyword::BETWEEN
            | Keyword::COLLATE
            | Keyword::DIV => now.operators += 1,
            _ => {}
        }
    }
}

/// Refuses a statement that would nest too deep.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let mut levels = Levels::default();
    for token in tokens.iter().filter(|token| !is_space(token)) {
        levels.token(&token.token);
        let at = token.span.start;
        if levels.open.len() > MOST || levels.now.depth() > MOST {
            let message = format!(
                "more than {MOST} operators in a row (a division counts as {QUOTIENT}, a cast as {CAST}): write IN (...) for many \
                 values, or ask in parts"
            );
            return Err(QueryError::sql(format!("{message}{at}")));
        }
        if levels.now.tables.is_some_and(|tables| tables > MOST_TABLES) {
            let message = format!("more than {MOST_TABLES} tables in one FROM: join some of them in a temporary table");
            return Err(QueryError::sql(format!("{message}{at}")));
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
            // Words that are clauses elsewhere are columns here, and begin nothing.
            (format!("SELECT 1 FROM t WHERE {}", many("t.from", " OR ", 900)), true),
            (format!("SELECT 1 FROM t WHERE {}", many("order", " OR ", 900)), true),
            (format!("SELECT 1 FROM t WHERE {}", many("a IS DISTINCT FROM b", " OR ", 900)), true),
            (format!("SELECT {}", many("listagg(a) WITHIN GROUP (ORDER BY b)", " || ", 900)), true),
            (format!("SELECT 1 AS case FROM t WHERE {}", many("t.when", " OR ", 900)), true),
            (format!("SELECT a{}", " NOTNULL".repeat(900)), true),
            (format!("SELECT a{}", "[1]".repeat(900)), true),
            (format!("SELECT a{}", " AT TIME ZONE 'UTC'".repeat(40)), false),
            (format!("SELECT a{}", " AT TIME ZONE 'UTC'".repeat(60)), true),
            (format!("SELECT {}", many("1", " / ", 90)), false),
            (format!("SELECT {}", many("1", " / ", 110)), true),
            // Arms of a CASE are beside each other, what stands before it goes on after it.
            (format!("SELECT CASE {} END", "WHEN a = 1 THEN b + 1 ".repeat(2_000)), false),
            (format!("SELECT {}", many("CASE WHEN a THEN b END", " + ", 900)), true),
            (format!("SELECT CASE WHEN a THEN {} END", many("1", " + ", 900)), true),
            ("SELECT (CASE (CASE a))))".to_owned(), false),
            (format!("SELECT 1 FROM {}", many("t", " JOIN ", 128)), false),
            (format!("SELECT 1 FROM {}", many("t", " JOIN ", 129)), true),
            (format!("SELECT 1 FROM {}", many("t", ", ", 129)), true),
            (format!("SELECT 1 FROM t ORDER BY {}", many("a", ", ", 500)), false),
            (format!("SELECT {} FROM t", many("a IS DISTINCT FROM b", ", ", 500)), false),
            (format!("SELECT * FROM {}", many("t", ", ", 129)), true),
            (format!("SELECT 1 FROM t WHERE a IN ({})", many("(SELECT 1 FROM t, t)", ", ", 300)), false),
        ] {
            assert_eq!(refused(&sql), want, "{}", &sql[..40]);
        }
    }
}
