//! Statements about the connection rather than the lake: transactions, settings, cursors, COPY. What is not one of them is asked.

use sqlparser::tokenizer::Token;

use super::failure::{Failure, code};
use super::script::Piece;

/// What to do with a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Begin,
    Commit,
    Rollback,
    /// A savepoint, which there is nothing to undo for; with the tag of its answer.
    Savepoint(&'static str),
    RollbackTo,
    /// `None` is the default.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    /// Settings of transactions: there is one kind only.
    SetTransaction,
    Show(String),
    ShowAll,
    /// `None` resets all.
    Reset(Option<String>),
    Discard {
        all: bool,
    },
    /// `None` forgets all.
    Deallocate(Option<String>),
    /// LISTEN and UNLISTEN: nothing is ever notified.
    Listen(&'static str),
    Declare {
        name: String,
        hold: bool,
        query: String,
    },
    Fetch {
        name: String,
        rows: Rows,
        moves: bool,
    },
    /// `None` closes all.
    Close(Option<String>),
    Copy {
        query: String,
        format: CopyFormat,
    },
}

/// How many rows of a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    All,
    Next(u64),
}

/// How COPY writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyFormat {
    pub(super) csv: bool,
    pub(super) header: bool,
    pub(super) delimiter: char,
    pub(super) null: String,
    pub(super) quote: char,
}

/// SHOW of these is asked of the lake.
const SHOWN_BY_THE_LAKE: [&str; 5] = ["tables", "columns", "databases", "schemas", "functions"];

/// The command that a statement is; `None` if it is a question.
pub(super) fn command(piece: &Piece) -> Result<Option<Command>, Failure> {
    let mut words = Words { piece, at: 0 };
    let first = words.word();
    words.at = 1;
    Ok(Some(match first.as_str() {
        "begin" => Command::Begin,
        "start" if words.is("transaction") => Command::Begin,
        "commit" | "end" => Command::Commit,
        "abort" => Command::Rollback,
        "rollback" => {
            let _ = words.is("work") || words.is("transaction");
            if words.is("to") { Command::RollbackTo } else { Command::Rollback }
        }
        "savepoint" => Command::Savepoint("SAVEPOINT"),
        "release" => Command::Savepoint("RELEASE"),
        "set" => return words.set(),
        "show" => match words.rest_as_name().as_str() {
            "all" => Command::ShowAll,
            name if SHOWN_BY_THE_LAKE.iter().any(|known| name.split('.').next() == Some(*known)) => return Ok(None),
            "" => return Ok(None),
            name => Command::Show(name.to_owned()),
        },
        "reset" => match words.rest_as_name().as_str() {
            "all" => Command::Reset(None),
            name => Command::Reset(Some(name.to_owned())),
        },
        "discard" => Command::Discard { all: words.is("all") },
        "deallocate" => {
            let _ = words.is("prepare");
            match words.name() {
                Some(name) if name == "all" => Command::Deallocate(None),
                Some(name) => Command::Deallocate(Some(name)),
                None => return Err(syntax("DEALLOCATE needs a name, or ALL")),
            }
        }
        "listen" => Command::Listen("LISTEN"),
        "unlisten" => Command::Listen("UNLISTEN"),
        "declare" => words.declare()?,
        "fetch" => words.fetch(false)?,
        "move" => words.fetch(true)?,
        "close" => match words.name() {
            Some(name) if name == "all" => Command::Close(None),
            Some(name) => Command::Close(Some(name)),
            None => return Err(syntax("CLOSE needs the name of a cursor, or ALL")),
        },
        "copy" => words.copy()?,
        _ => return Ok(None),
    }))
}

fn syntax(message: &str) -> Failure {
    Failure::new(code::SYNTAX, message)
}

/// A name as it is kept: in lower case unless it was quoted.
fn name_of(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
        Token::Word(word) => Some(word.value.replace("\"\"", "\"")),
        _ => None,
    }
}

/// A value as it is kept: without quotes.
fn value_of(token: &Token) -> String {
    match token {
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text.replace("''", "'"),
        Token::Word(word) => word.value.clone(),
        other => other.to_string(),
    }
}

struct Words<'a> {
    piece: &'a Piece,
    at: usize,
}

impl Words<'_> {
    fn token(&self) -> Option<&Token> {
        self.piece.tokens.get(self.at)
    }

    /// The word that is next, in lower case; empty if it is something else.
    fn word(&self) -> String {
        match self.token() {
            Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_lowercase(),
            _ => String::new(),
        }
    }

    /// Passes the word if it is next.
    fn is(&mut self, wanted: &str) -> bool {
        let is = self.word() == wanted;
        self.at += usize::from(is);
        is
    }

    fn name(&mut self) -> Option<String> {
        let name = name_of(self.token()?)?;
        self.at += 1;
        Some(name)
    }

    /// All that follows, as the name of a setting: words with `.` between them.
    fn rest_as_name(&self) -> String {
        let words = self.piece.tokens.iter().skip(self.at).filter_map(name_of);
        words.collect::<Vec<_>>().join(".")
    }

    fn set(&mut self) -> Result<Option<Command>, Failure> {
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

    fn declare(&mut self) -> Result<Command, Failure> {
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

    fn fetch(&mut self, moves: bool) -> Result<Command, Failure> {
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

    fn copy(&mut self) -> Result<Command, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::script::split;

    fn of(sql: &str) -> Option<Command> {
        command(&split(sql).unwrap()[0]).unwrap()
    }

    #[test]
    fn what_clients_say_about_their_connection_is_understood() {
        let set = |name: &str, value: &str| {
            Some(Command::Set { name: name.to_owned(), value: Some(value.to_owned()), local: false })
        };
        assert_eq!(of("BEGIN READ ONLY"), Some(Command::Begin));
        assert_eq!(of("start transaction isolation level repeatable read"), Some(Command::Begin));
        assert_eq!(of("ROLLBACK TO SAVEPOINT s1"), Some(Command::RollbackTo));
        assert_eq!(of("SET extra_float_digits = 3"), set("extra_float_digits", "3"));
        assert_eq!(of("SET DateStyle='ISO, MDY'"), set("datestyle", "ISO, MDY"));
        assert_eq!(of("set session time zone 'UTC'"), set("timezone", "UTC"));
        assert_eq!(of("SET search_path TO \"$user\", public"), set("search_path", "$user, public"));
        assert_eq!(of("SET x = -1"), set("x", "-1"));
        assert_eq!(
            of("SET LOCAL jit TO DEFAULT"),
            Some(Command::Set { name: "jit".to_owned(), value: None, local: true })
        );
        assert_eq!(of("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"), Some(Command::SetTransaction));
        assert_eq!(
            of("SHOW TRANSACTION ISOLATION LEVEL"),
            Some(Command::Show("transaction.isolation.level".to_owned()))
        );
        assert_eq!(of("SHOW TABLES"), None);
        assert_eq!(of("select 1"), None);
        assert_eq!(of("DEALLOCATE PREPARE \"A b\""), Some(Command::Deallocate(Some("A b".to_owned()))));
    }

    #[test]
    fn cursors_and_copies_keep_the_text_of_their_query() {
        let declare = of("DECLARE \"C\" NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 'for' FROM t");
        let query = "SELECT 'for' FROM t".to_owned();
        assert_eq!(declare, Some(Command::Declare { name: "C".to_owned(), hold: false, query }));
        let fetch = |name: &str, rows| Some(Command::Fetch { name: name.to_owned(), rows, moves: false });
        assert_eq!(of("FETCH FORWARD 20 FROM c"), fetch("c", Rows::Next(20)));
        assert_eq!(of("fetch all in c"), fetch("c", Rows::All));
        assert_eq!(of("FETCH c"), fetch("c", Rows::Next(1)));
        assert_eq!(command(&split("FETCH BACKWARD 1 FROM c").unwrap()[0]).unwrap_err().code, "55000");
        let Some(Command::Copy { query, format }) =
            of("COPY (SELECT f(1), ')' FROM t) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';')")
        else {
            panic!("not a copy")
        };
        assert_eq!(query, "SELECT f(1), ')' FROM t");
        assert_eq!((format.csv, format.header, format.delimiter, format.null.as_str()), (true, true, ';', ""));
        let Some(Command::Copy { query, format }) = of("copy public.t (a, b) to stdout") else { panic!("not a copy") };
        assert_eq!((query.as_str(), format.csv, format.null.as_str()), ("SELECT a, b FROM public.t", false, "\\N"));
        assert_eq!(command(&split("COPY t FROM STDIN").unwrap()[0]).unwrap_err().code, "25006");
        assert_eq!(command(&split("COPY t TO 's3://bucket'").unwrap()[0]).unwrap_err().code, "25006");
    }
}
