//! From a diagnostic's statement to one that Grafana can complete: parameters become macros and variables.
//!
//! What Grafana puts into a statement is text, so that every place has to hold against whatever a variable may be:
//!
//! | parameter | becomes |
//! |---|---|
//! | `from`, `to` | `CAST($__timeFrom() AS TIMESTAMP)`, `CAST($__timeTo() AS TIMESTAMP)`; always given, so `:from IS NULL OR` goes |
//! | `cluster` | a list: `= :cluster` becomes `IN (${cluster:sqlstring})`, and `:cluster IS NULL` asks for [`ALL`], which no cluster is called |
//! | a number | `CAST('${top:percentencode}' AS BIGINT)` |
//! | a text | `'${name:percentencode}'` |
//!
//! `sqlstring` doubles quotes but leaves backslashes, and in Redshift's SQL, which is ours, `\'` does not end a literal. So it
//! stands only where values come from a list that nobody can type into, and where no name can have either. What people type is
//! percent-encoded: neither quotes nor backslashes nor blanks are left of it. A number that is none is then an error of the
//! cast, and a text parameter with other than plain characters finds nothing.
//!
//! Everything else of the statement stays as it is written, comments included: people will read it in Grafana.

use std::collections::BTreeMap;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::dialect::LookbackDialect;

/// What the variable `cluster` is when all are meant: a value that is no cluster's name.
pub(super) const ALL: &str = "*";

/// What stands for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    /// The beginning of the time range.
    From,
    /// Its end.
    To,
    /// The clusters that were chosen.
    Clusters,
    /// A number that somebody typed into the variable of this name.
    Number(String),
    /// A text that somebody typed into the variable of this name.
    Text(String),
    /// Always this number.
    Fixed(i64),
}

impl Stand {
    /// The expression, where one value is asked for.
    fn expression(&self) -> Option<String> {
        Some(match self {
            Self::From => "CAST($__timeFrom() AS TIMESTAMP)".to_owned(),
            Self::To => "CAST($__timeTo() AS TIMESTAMP)".to_owned(),
            Self::Number(variable) => format!("CAST('${{{variable}:percentencode}}' AS BIGINT)"),
            Self::Text(variable) => format!("'${{{variable}:percentencode}}'"),
            Self::Fixed(number) => number.to_string(),
            Self::Clusters => return None,
        })
    }
}

/// The statement with everything in its place.
///
/// # Errors
/// What about it cannot be done for Grafana.
pub(super) fn statement(sql: &str, stands: &BTreeMap<&str, Stand>) -> Result<String, String> {
    let body = sql.lines().skip_while(|line| line.starts_with("--")).collect::<Vec<_>>().join("\n");
    if let Some(taken) = taken_for_a_variable(&body) {
        return Err(format!("Grafana would take '{taken}' in the statement for a variable"));
    }
    let tokens = Tokenizer::new(&LookbackDialect::default(), &body).with_unescape(false).tokenize();
    let tokens = tokens.map_err(|e| format!("the statement cannot be read: {e}"))?;
    let mut texts: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    if texts.concat() != body {
        return Err("the statement cannot be taken apart and put together again".to_owned());
    }
    for at in 0..tokens.len() {
        let Some(name) = placeholder(&tokens, at) else { continue };
        let stand = stands.get(name).ok_or_else(|| format!("nothing stands for the parameter '{name}'"))?;
        put(&tokens, &mut texts, at, stand).map_err(|why| format!("the parameter '{name}' {why}"))?;
    }
    Ok(texts.concat().trim_end().to_owned())
}

/// What Grafana's templates begin with: `$name`, `${name}`, `[[name]]`.
fn taken_for_a_variable(sql: &str) -> Option<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let found = |mark: &str, next: &dyn Fn(char) -> bool| {
        sql.match_indices(mark)
            .find(|(at, _)| sql[at + mark.len()..].starts_with(next))
            .map(|(at, _)| &sql[at..=at + mark.len()])
    };
    found("$", &|c| word(c) || c == '{').or_else(|| found("[[", &word))
}

/// The name of the parameter that begins at a token.
fn placeholder(tokens: &[Token], at: usize) -> Option<&str> {
    match (tokens.get(at)?, tokens.get(at + 1)?) {
        (Token::Colon, Token::Word(word)) if word.quote_style.is_none() => Some(word.value.as_str()),
        _ => None,
    }
}

/// Puts what stands for the parameter where it is; `at` is its colon.
fn put(tokens: &[Token], texts: &mut [String], at: usize, stand: &Stand) -> Result<(), &'static str> {
    let null = null_test(tokens, at + 2);
    let Some(expression) = stand.expression() else {
        let list = "(${cluster:sqlstring})".to_owned();
        return match (null, before(tokens, at)) {
            (Some(end), _) => {
                clear(texts, at..=end);
                texts[at] = format!("'{ALL}' IN {list}");
                Ok(())
            }
            (None, Some(equals)) if tokens[equals] == Token::Eq => {
                clear(texts, at..=at + 1);
                texts[equals] = "IN".to_owned();
                texts[at] = list;
                Ok(())
            }
            _ => Err("is several clusters, and is neither compared by = nor asked for NULL"),
        };
    };
    // What is always given is never NULL: in `(:from IS NULL OR ...)` and after WHERE the first half says nothing.
    let opens =
        before(tokens, at).is_some_and(|i| matches!(&tokens[i], Token::LParen) || is(&tokens[i], Keyword::WHERE));
    if let (true, Some(or)) =
        (opens, null.and_then(|end| after(tokens, end + 1)).filter(|i| is(&tokens[*i], Keyword::OR)))
    {
        let next = after(tokens, or + 1).ok_or("is followed by nothing")?;
        clear(texts, at..=next - 1);
        return Ok(());
    }
    clear(texts, at..=at + 1);
    texts[at] = expression;
    Ok(())
}

fn clear(texts: &mut [String], range: std::ops::RangeInclusive<usize>) {
    texts[range].iter_mut().for_each(String::clear);
}

/// The token of `NULL`, if `IS NULL` follows.
fn null_test(tokens: &[Token], from: usize) -> Option<usize> {
    let is_token = after(tokens, from).filter(|i| is(&tokens[*i], Keyword::IS))?;
    after(tokens, is_token + 1).filter(|i| is(&tokens[*i], Keyword::NULL))
}

/// The first token from there on that says something.
fn after(tokens: &[Token], from: usize) -> Option<usize> {
    (from..tokens.len()).find(|i| !matches!(tokens[*i], Token::Whitespace(_)))
}

/// The last token before that says something.
fn before(tokens: &[Token], at: usize) -> Option<usize> {
    (0..at).rev().find(|i| !matches!(tokens[*i], Token::Whitespace(_)))
}

fn is(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.keyword == keyword && word.quote_style.is_none())
}

#[cfg(test)]
mod tests;
