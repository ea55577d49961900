//! Statements about the connection rather than the lake: transactions, settings, cursors, COPY. What is not one of them is asked.
//!
//! `words` reads them token by token, `copy` what COPY has of its own.

use super::failure::{Failure, code};
use super::script::Piece;
use words::Words;

mod copy;
mod words;

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
