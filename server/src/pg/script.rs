//! A text that a client sent as single statements, by the tokens of the dialect that the lake is asked in.

use lookback_query::QueryError;
use lookback_query::dialect::LookbackDialect;
use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::failure::Failure;

/// Statements that one message may have.
const MOST: usize = 10_000;

/// One statement of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    /// As it was written.
    pub(super) text: String,
    /// Its words and signs; strings without quotes around them.
    pub(super) tokens: Vec<Token>,
    /// The line and column that it begins at.
    pub(super) start: (u64, u64),
    /// Where each token begins, in bytes of `text`.
    places: Vec<usize>,
}

impl Piece {
    /// The text from a token on.
    pub(super) fn rest(&self, token: usize) -> &str {
        self.places.get(token).and_then(|place| self.text.get(*place..)).unwrap_or_default()
    }

    /// The text of a token with what follows it up to the next.
    pub(super) fn between_raw(&self, token: usize) -> &str {
        let end = self.places.get(token + 1).copied().unwrap_or(self.text.len());
        self.places.get(token).and_then(|start| self.text.get(*start..end)).unwrap_or_default()
    }

    /// The text between two tokens, the second not included.
    pub(super) fn between(&self, from: usize, to: usize) -> &str {
        let end = self.places.get(to).copied().unwrap_or(self.text.len());
        self.places.get(from).and_then(|start| self.text.get(*start..end)).unwrap_or_default().trim_end()
    }
}

/// The statements of a text; those that are empty are left out.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, Failure> {
    let dialect = LookbackDialect::default();
    let tokens =
        Tokenizer::new(&dialect as &dyn Dialect, text).with_unescape(false).tokenize_with_location().map_err(|e| {
            Failure::from(QueryError::new(
                lookback_query::ErrorKind::Sql,
                format!("syntax error: {}{}", e.message, e.location),
            ))
        })?;
    let lines = Lines::of(text);
    let mut pieces = Vec::new();
    let mut open: Vec<TokenWithSpan> = Vec::new();
    for token in tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF)) {
        if token.token == Token::SemiColon {
            pieces.extend(piece(&lines, text, std::mem::take(&mut open), Some(token.span.start)));
            if pieces.len() > MOST {
                return Err(Failure::new(super::failure::code::LIMIT, format!("more than {MOST} statements at once")));
            }
        } else {
            open.push(token);
        }
    }
    pieces.extend(piece(&lines, text, open, None));
    Ok(pieces)
}

fn piece(lines: &Lines, text: &str, tokens: Vec<TokenWithSpan>, end: Option<Location>) -> Option<Piece> {
    let start = tokens.first()?.span.start;
    let from = lines.byte(text, start);
    let to = end.map_or(text.len(), |end| lines.byte(text, end));
    let places = tokens.iter().map(|token| lines.byte(text, token.span.start).saturating_sub(from)).collect();
    Some(Piece {
        text: text.get(from..to)?.trim_end().to_owned(),
        places,
        tokens: tokens.into_iter().map(|token| token.token).collect(),
        start: (start.line, start.column),
    })
}

/// Where the lines of a text begin, in bytes.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn byte(&self, text: &str, place: Location) -> usize {
        let line = usize::try_from(place.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(start) = self.0.get(line).copied() else { return text.len() };
        let column = usize::try_from(place.column.saturating_sub(1)).unwrap_or(usize::MAX);
        let rest = text.get(start..).unwrap_or_default();
        rest.char_indices().nth(column).map_or(text.len(), |(at, _)| start + at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statements_keep_their_text_and_know_where_they_begin() {
        let pieces = split("select 'a;ü';;\n -- ;\n  select \"b;\" from t /* ; */ where x = 'it''s'; ").unwrap();
        let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["select 'a;ü'", "select \"b;\" from t /* ; */ where x = 'it''s'"]);
        assert_eq!(pieces[1].start, (3, 3));
        assert_eq!(pieces[1].rest(2), "from t /* ; */ where x = 'it''s'");
        assert_eq!(pieces[1].between(1, 4), "\"b;\" from t /* ; */");
        assert!(split(" ; -- nothing").unwrap().is_empty());
        assert_eq!(split("select 'a").unwrap_err().code, "42601");
    }

    proptest! {
        #[test]
        fn any_text_can_be_split(text in "[ -~\n;'\"$ü]{0,60}") {
            if let Ok(pieces) = split(&text) {
                for piece in pieces {
                    prop_assert!(text.contains(&piece.text));
                    prop_assert!(piece.rest(piece.tokens.len() - 1).len() <= piece.text.len());
                }
            }
        }
    }
}
