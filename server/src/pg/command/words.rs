//! The words of a command, one after the other.

use sqlparser::tokenizer::Token;

use super::{Command, Rows, syntax};
use crate::pg::failure::{Failure, code};
use crate::pg::script::Piece;

/// A name as it is kept: in lower case unless it was quoted.
pub(super) fn name_of(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
        Token::Word(word) => Some(word.value.replace("\"\"", "\"")),
        _ => None,
    }
}

/// A value as it is kept: without quotes.
pub(super) fn value_of(token: &Token) -> String {
    match token {
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text.replace("''", "'"),
        Token::Word(word) => word.value.clone(),
        other => other.to_string(),
    }
}

/// A statement, and how far it has been read.
pub(super) struct Words<'a> {
    pub(super) piece: &'a Piece,
    pub(super) at: usize,
}

impl Words<'_> {
    pub(super) fn token(&self) -> Option<&Token> {
        self.piece.tokens.get(self.at)
    }

    /// The word that is next, in lower case; empty if it is something else.
    pub(super) fn word(&self) -> String {
        match self.token() {
            Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_lowercase(),
            _ => String::new(),
        }
    }

    /// Passes the word if it is next.
    pub(super) fn is(&mut self, wanted: &str) -> bool {
        let is = self.word() == wanted;
        self.at += usize::from(is);
        is
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let name = name_of(self.token()?)?;
        self.at += 1;
        Some(name)
    }

    /// All that follows, as the name of a setting: words with `.` between them.
    pub(super) fn rest_as_name(&self) -> String {
        let words = self.piece.tokens.iter().skip(self.at).filter_map(name_of);
        words.collect::<Vec<_>>().join(".")
    }

    pub(super) fn set(&mut self) -> Result<Option<Command>, Failure> {
        let local = self.is("local");
        let session = !local && self.is("session");
        if self.word() == "transaction" || session && self.word() == "characteristics" {
            // READ WRITE too, which drivers ask for as a matter of course: what then writes is refused by itself.
            return Ok(Some(Command::SetTransaction));
        }
        let name = if self.is("time") && self.is("zone") {
            "timezone".to_owned()
        } else if self.is("names") {
            "client_encoding".to_owned()
        } else {
            let mut name = self.name().ok_or_else(|| syntax("SET needs the name of a setting"))?;
            while self.token() == Some(&Token::Period) {
                self.at += 1;
                name = format!("{name}.{}", self.name().unwrap_or_default());
            }
            if self.token() == Some(&Token::Eq) {
                self.at += 1;
            } else if !self.is("to") {
                return Err(syntax("SET needs = or TO after the name"));
            }
            name.to_lowercase()
        };
        let values: Vec<String> =
            self.piece.tokens.iter().skip(self.at).filter(|token| **token != Token::Comma).map(value_of).collect();
        let value = match values.as_slice() {
            [] => return Err(syntax("SET needs a value")),
            [one] if one.eq_ignore_ascii_case("default") => None,
            // A sign and a number are two tokens.
            [sign, number] if sign == "-" => Some(format!("-{number}")),
            many => Some(many.join(", ")),
        };
        Ok(Some(Command::Set { name, value, local }))
    }

    pub(super) fn declare(&mut self) -> Result<Command, Failure> {
        let name = self.name().ok_or_else(|| syntax("DECLARE needs the name of a cursor"))?;
        let mut hold = false;
        while self.token().is_some() {
            if self.is("for") {
                let query = self.piece.rest(self.at).to_owned();
                return if query.is_empty() {
                    Err(syntax("DECLARE needs a query"))
                } else {
                    Ok(Command::Declare { name, hold, query })
                };
            }
            if self.is("scroll") && !self.was("no") {
                return Err(Failure::new(code::NOT_SUPPORTED, "a cursor goes forward only; leave SCROLL out"));
            }
            if self.is("with") && self.is("hold") {
                hold = true;
            } else {
                self.at += 1;
            }
        }
        Err(syntax("DECLARE name CURSOR FOR needs a query"))
    }

    /// Whether the word before the one just passed is this.
    fn was(&self, wanted: &str) -> bool {
        let before = self.at.checked_sub(2).and_then(|at| self.piece.tokens.get(at));
        before.and_then(name_of).is_some_and(|word| word == wanted)
    }

    pub(super) fn fetch(&mut self, moves: bool) -> Result<Command, Failure> {
        let backwards = || Failure::new("55000", "a cursor goes forward only");
        let mut rows = Rows::Next(1);
        // Both mean the direction that every cursor has; what matters is that the word is taken.
        let _ = self.is("next") || self.is("forward");
        if self.is("all") {
            rows = Rows::All;
        } else if let Some(Token::Number(number, _)) = self.token() {
            rows = Rows::Next(number.parse().map_err(|_| syntax("FETCH needs a number of rows"))?);
            self.at += 1;
        } else if ["prior", "first", "last", "absolute", "relative", "backward"].contains(&self.word().as_str())
            || self.token() == Some(&Token::Minus)
        {
            return Err(backwards());
        }
        let _ = self.is("from") || self.is("in");
        let name = self.name().ok_or_else(|| syntax("FETCH needs the name of a cursor"))?;
        Ok(Command::Fetch { name, rows, moves })
    }
}
