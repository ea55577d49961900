//! COPY: what is written, and how. Only to the client; the rest is refused.

use sqlparser::tokenizer::Token;

use super::words::{Words, name_of, value_of};
use super::{Command, CopyFormat, syntax};
use crate::pg::failure::{Failure, code};

impl Words<'_> {
    pub(super) fn copy(&mut self) -> Result<Command, Failure> {
        let start = self.at;
        let query = if self.token() == Some(&Token::LParen) {
            let close = self.closing()?;
            self.at = close + 1;
            self.piece.between(start + 1, close).to_owned()
        } else {
            // A table, and perhaps some of its columns.
            while !matches!(self.word().as_str(), "to" | "from") && !matches!(self.token(), None | Some(Token::LParen))
            {
                self.at += 1;
            }
            let table = self.piece.between(start, self.at).to_owned();
            let columns = if self.token() == Some(&Token::LParen) {
                let (open, close) = (self.at, self.closing()?);
                self.at = close + 1;
                self.piece.between(open + 1, close).to_owned()
            } else {
                "*".to_owned()
            };
            format!("SELECT {columns} FROM {table}")
        };
        if !(self.is("to") && self.is("stdout")) {
            return Err(Failure::new(
                code::READ_ONLY,
                "COPY is refused: lookback only reads; COPY (query) TO STDOUT is possible",
            ));
        }
        Ok(Command::Copy { query, format: self.copy_format()? })
    }

    /// The place of the parenthesis that closes the one here.
    fn closing(&self) -> Result<usize, Failure> {
        let mut depth = 0usize;
        for (at, token) in self.piece.tokens.iter().enumerate().skip(self.at) {
            match token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 1 => return Ok(at),
                Token::RParen => depth -= 1,
                _ => {}
            }
        }
        Err(syntax("a parenthesis is not closed"))
    }

    fn copy_format(&mut self) -> Result<CopyFormat, Failure> {
        let mut format = CopyFormat { csv: false, header: false, delimiter: '\t', null: "\\N".to_owned(), quote: '"' };
        let (mut delimiter, mut null) = (None, None);
        let _ = self.is("with");
        let one = |text: &str, what: &str| match text.chars().collect::<Vec<_>>().as_slice() {
            [one] if one.is_ascii() => Ok(*one),
            _ => Err(Failure::new(code::INVALID_PARAMETER, format!("COPY's {what} is one character"))),
        };
        while let Some(token) = self.token().cloned() {
            self.at += 1;
            let option = match &token {
                Token::LParen | Token::RParen | Token::Comma => continue,
                other => name_of(other).unwrap_or_default(),
            };
            match option.as_str() {
                "csv" => format.csv = true,
                "header" => format.header = !self.is("false") && !self.is("off"),
                "format" => match self.name().as_deref() {
                    Some("csv") => format.csv = true,
                    Some("text") => {}
                    _ => return Err(Failure::new(code::NOT_SUPPORTED, "COPY writes text or csv")),
                },
                "delimiter" | "null" | "quote" => {
                    let _ = self.is("as");
                    let value = self.token().map(value_of).unwrap_or_default();
                    self.at += 1;
                    match option.as_str() {
                        "delimiter" => delimiter = Some(one(&value, "delimiter")?),
                        "quote" => format.quote = one(&value, "quote")?,
                        _ => null = Some(value),
                    }
                }
                "encoding" => self.at += 1,
                other => {
                    return Err(Failure::new(code::NOT_SUPPORTED, format!("COPY's option '{other}' is not supported")));
                }
            }
        }
        if format.csv {
            (format.delimiter, format.null) = (',', String::new());
        }
        format.delimiter = delimiter.unwrap_or(format.delimiter);
        format.null = null.unwrap_or(format.null);
        Ok(format)
    }
}
