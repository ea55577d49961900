//! A text as the statements in it, before any of them is parsed.
//!
//! Here is done what has to be done on words, because the parser would stumble over it: literals get Redshift's escapes,
//! `APPROXIMATE` and the like are put aside, lines that only an administrator's session needs are recognised, and what cannot
//! be answered is refused by its name and place rather than with a syntax error.

use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::{LookbackDialect, depth, escapes, policy, settings};
use crate::error::QueryError;

/// One statement of a text.
#[derive(Debug)]
pub(super) struct Piece {
    /// Where it begins.
    pub start: Location,
    pub content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// To be parsed; without its semicolon. A view that is `late` has `WITH NO SCHEMA BINDING`.
    Sql { tokens: Vec<TokenWithSpan>, late: bool },
    /// Accepted without effect; what is said about it.
    NoEffect(String),
}

/// The statements of a text; those that are empty are left out.
pub(super) fn pieces(dialect: &LookbackDialect, sql: &str) -> Result<Vec<Piece>, QueryError> {
    let tokens = Tokenizer::new(dialect as &dyn Dialect, sql)
        .with_unescape(false)
        .tokenize_with_location()
        .map_err(|e| QueryError::sql(format!("syntax error: {}{}", e.message, e.location)))?;
    let mut pieces = Vec::new();
    let mut open = Vec::new();
    for mut token in tokens {
        if token.token == Token::SemiColon {
            pieces.extend(piece(std::mem::take(&mut open))?);
            continue;
        }
        unescape(&mut token.token);
        open.push(token);
    }
    pieces.extend(piece(open)?);
    Ok(pieces)
}

fn unescape(token: &mut Token) {
    match token {
        Token::SingleQuotedString(raw) => *raw = escapes::value(raw),
        Token::Word(word) if word.quote_style == Some('"') => word.value = word.value.replace("\"\"", "\""),
        _ => {}
    }
}

fn piece(mut tokens: Vec<TokenWithSpan>) -> Result<Option<Piece>, QueryError> {
    let Some(first) = tokens.iter().find(|token| !is_space(token)) else { return Ok(None) };
    let start = first.span.start;
    match &first.token {
        Token::Backslash => {
            let name = tokens.iter().skip_while(|token| token.token != Token::Backslash).nth(1).and_then(word);
            return Err(QueryError::sql(format!(
                "\\{} is a command of psql, not SQL; leave the line out{}",
                name.unwrap_or_default(),
                start
            )));
        }
        Token::Word(_) => {
            let words: Vec<&TokenWithSpan> = tokens.iter().filter(|token| !is_space(token)).collect();
            if let Some(said) = settings::without_effect(&words)? {
                return Ok(Some(Piece { start, content: Content::NoEffect(said) }));
            }
            policy::check_first_words(&words)?;
        }
        _ => {}
    }
    depth::check(&tokens)?;
    refuse(&tokens)?;
    let late = put_aside(&mut tokens);
    Ok(Some(Piece { start, content: Content::Sql { tokens, late } }))
}

pub(super) fn is_space(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_))
}

/// An unquoted word, as it was written.
pub(super) fn word(token: &TokenWithSpan) -> Option<&str> {
    match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
        _ => None,
    }
}

fn is_word(token: &TokenWithSpan, wanted: &str) -> bool {
    word(token).is_some_and(|word| word.eq_ignore_ascii_case(wanted))
}

/// Forms that parse as something else, or not at all.
fn refuse(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let tokens: Vec<&TokenWithSpan> = tokens.iter().filter(|token| !is_space(token)).collect();
    for window in tokens.windows(3) {
        if let [open, plus, close] = window
            && (&open.token, &plus.token, &close.token) == (&Token::LParen, &Token::Plus, &Token::RParen)
        {
            return Err(not_supported("the (+) join", "write LEFT JOIN or RIGHT JOIN", plus.span.start));
        }
    }
    for window in tokens.windows(2) {
        let [first, second] = window else { continue };
        let at = first.span.start;
        if is_word(first, "between") && is_word(second, "symmetric") {
            return Err(not_supported("BETWEEN SYMMETRIC", "write BETWEEN with the smaller value first", at));
        }
        if is_word(first, "connect") && is_word(second, "by") {
            return Err(not_supported("CONNECT BY", "write WITH RECURSIVE", at));
        }
    }
    Ok(())
}

fn not_supported(what: &str, instead: &str, at: Location) -> QueryError {
    QueryError::sql(format!("{what} is not supported; {instead}{at}"))
}

/// The place of the next word or sign.
fn next(tokens: &[TokenWithSpan], from: usize) -> usize {
    (from + 1..tokens.len()).find(|&i| !is_space(&tokens[i])).unwrap_or(tokens.len())
}

fn is(tokens: &[TokenWithSpan], at: usize, wanted: &str) -> bool {
    tokens.get(at).is_some_and(|token| is_word(token, wanted))
}

/// Takes away words that the parser does not know, and whose meaning is kept without them; whether `WITH NO SCHEMA BINDING`
/// was among them.
fn put_aside(tokens: &mut Vec<TokenWithSpan>) -> bool {
    let mut late = false;
    let mut i = 0;
    while i < tokens.len() {
        // What follows is looked for once for each word, and not for each blank between them.
        if is_space(&tokens[i]) {
            i += 1;
            continue;
        }
        let second = next(tokens, i);
        if is(tokens, i, "approximate") && (is(tokens, second, "count") || is(tokens, second, "percentile_disc")) {
            // An exact answer is within the error that Redshift allows itself.
            tokens.remove(i);
        } else if is(tokens, i, "distinct") && is(tokens, second, "top") {
            // The parser wants TOP first; both orders mean one thing.
            tokens.swap(i, second);
            let quantity = next(tokens, second);
            let distinct = tokens.remove(second);
            tokens.insert(quantity.min(tokens.len()), distinct);
        } else if is(tokens, i, "with") && is(tokens, second, "no") {
            let (third, fourth) = (next(tokens, second), next(tokens, next(tokens, second)));
            if is(tokens, third, "schema") && is(tokens, fourth, "binding") {
                tokens.truncate(i);
                late = true;
                break;
            }
        } else if tokens[i].token == Token::Sharp
            && is_table_place(tokens, i)
            && let Some(Token::Word(word)) = tokens.get(i + 1).map(|token| token.token.clone())
            && word.quote_style.is_none()
        {
            // A temporary table's name.
            tokens[i].token = Token::make_word(&format!("#{}", word.value.to_lowercase()), Some('"'));
            tokens.remove(i + 1);
        }
        i += 1;
    }
    late
}

/// Whether a table's name is expected here.
fn is_table_place(tokens: &[TokenWithSpan], at: usize) -> bool {
    match tokens[..at].iter().rev().find(|token| !is_space(token)).map(|token| &token.token) {
        Some(Token::Word(word)) => {
            matches!(word.keyword, Keyword::FROM | Keyword::JOIN | Keyword::INTO | Keyword::TABLE | Keyword::EXISTS)
        }
        Some(Token::Comma) => true,
        _ => false,
    }
}
