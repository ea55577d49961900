//! `SIMILAR TO` as a regular expression, and `LIKE ... ESCAPE` with the one escape that DataFusion knows.
//!
//! Source: Amazon Redshift Database Developer Guide, "SIMILAR TO" and "LIKE": `%` and `_` are wildcards as in `LIKE`,
//! `| * + ? {m,n} ( ) [ ]` are those of regular expressions, the whole text has to match, and the escape is a backslash
//! unless `ESCAPE` names another.

use sqlparser::ast::{BinaryOperator, Expr, Value, ValueWithSpan};

use super::build::{binary, literal_text};
use super::text_literal;
use crate::error::QueryError;

pub(super) fn rewrite(expr: &mut Expr) -> Result<(), QueryError> {
    match expr {
        Expr::SimilarTo { negated, expr: value, pattern, escape_char } => {
            let Some(text) = literal_text(pattern) else {
                return Err(QueryError::sql(format!(
                    "the pattern of SIMILAR TO must be a literal here, not {pattern}; use ~ with a regular expression"
                )));
            };
            let regex = regex(text, escape(escape_char.as_ref())?)?;
            let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
            *expr = Expr::Nested(Box::new(binary(value.as_ref().clone(), op, text_literal(regex))));
            Ok(())
        }
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            let own = match escape(escape_char.as_ref())? {
                Some('\\') => {
                    *escape_char = None;
                    return Ok(());
                }
                own => own,
            };
            let Some(text) = literal_text(pattern) else {
                return Err(QueryError::sql(format!(
                    "the pattern of LIKE ... ESCAPE must be a literal, not {pattern}"
                )));
            };
            **pattern = text_literal(with_backslashes(text, own)?);
            *escape_char = None;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The escape; `None` if the pattern has none (`ESCAPE ''`).
fn escape(given: Option<&ValueWithSpan>) -> Result<Option<char>, QueryError> {
    let Some(given) = given else { return Ok(Some('\\')) };
    let (Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text)) = &given.value else {
        return Err(QueryError::sql(format!("ESCAPE takes one character, not {given}")));
    };
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (one, None) => Ok(one),
        _ => Err(QueryError::sql(format!("ESCAPE takes one character, not {given}"))),
    }
}

fn ends_with_escape() -> QueryError {
    QueryError::sql("the pattern ends with its escape character")
}

/// A pattern of `LIKE` with its own escape, as one with backslashes.
fn with_backslashes(pattern: &str, escape: Option<char>) -> Result<String, QueryError> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            let c = chars.next().ok_or_else(ends_with_escape)?;
            if matches!(c, '%' | '_' | '\\') {
                out.push('\\');
            }
            out.push(c);
        } else {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
    }
    Ok(out)
}

/// A pattern of `SIMILAR TO` as a regular expression that matches the whole text.
fn regex(pattern: &str, escape: Option<char>) -> Result<String, QueryError> {
    let mut out = String::from("(?s)^(?:");
    let mut chars = pattern.chars().peekable();
    let mut in_brackets = false;
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            let c = chars.next().ok_or_else(ends_with_escape)?;
            out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
            continue;
        }
        match c {
            ']' if in_brackets => {
                in_brackets = false;
                out.push(c);
            }
            '^' | '-' | ':' if in_brackets => out.push(c),
            // A class such as `[:space:]`, whose brackets are not those around it.
            '[' if in_brackets && chars.peek() == Some(&':') => {
                out.push(c);
                let mut last = c;
                for inner in chars.by_ref() {
                    out.push(inner);
                    if last == ':' && inner == ']' {
                        break;
                    }
                    last = inner;
                }
            }
            _ if in_brackets => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            '[' => {
                in_brackets = true;
                out.push(c);
            }
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '|' | '*' | '+' | '?' | '{' | '}' | '(' | ')' => out.push(c),
            _ => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str(")$");
    match regex::Regex::new(&out) {
        Ok(_) => Ok(out),
        Err(_) => Err(QueryError::sql(format!("'{pattern}' is not a pattern of SIMILAR TO"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use super::{regex, with_backslashes};

    #[test]
    fn a_pattern_matches_as_in_redshift() {
        for (pattern, text, want) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("a%", "a\nb", true),
            ("a_c", "abc", true),
            ("a.c", "abc", false),
            ("%(b|d)%", "abc", true),
            ("(b|c)%", "abc", false),
            ("[0-9]{3}-[^x]+", "123-ab", true),
            ("[0-9]{3}-[^x]+", "123-xb", false),
            ("a|bc", "a", true),
            ("a|bc", "abc", false),
            (r"100\%", "100%", true),
            (r"100\%", "100x", false),
            ("[.]x", "ax", false),
            ("a[[:space:]]+b", "a \t b", true),
            ("a[[:space:]]+b", "a:b", false),
            ("[[:digit:]x-]{3}", "1-x", true),
            ("[[:alpha:]]%", "[a", false),
            ("$^", "$^", true),
        ] {
            let regex = regex::Regex::new(&regex(pattern, Some('\\')).unwrap()).unwrap();
            assert_eq!(regex.is_match(text), want, "{pattern} {text}");
        }
        assert!(regex("(", Some('\\')).is_err());
        assert!(regex("a^", Some('^')).is_err());
    }

    #[test]
    fn another_escape_becomes_a_backslash() {
        assert_eq!(with_backslashes("a^_b%", Some('^')).unwrap(), r"a\_b%");
        assert_eq!(with_backslashes(r"c:\^^x", Some('^')).unwrap(), r"c:\\^x");
        assert_eq!(with_backslashes(r"a\_", None).unwrap(), r"a\\_");
    }
}
