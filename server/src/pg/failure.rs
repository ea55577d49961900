//! Errors as PostgreSQL's clients know them: a code of five letters, a message, and where in the statement.

use std::time::Duration;

use lookback_query::{ErrorKind, QueryError};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};

use crate::desk::AskError;
use crate::people::LoginError;

/// Codes of PostgreSQL ("Appendix A. PostgreSQL Error Codes").
pub(super) mod code {
    pub(crate) const NOTICE: &str = "00000";
    pub(crate) const PROTOCOL_VIOLATION: &str = "08P01";
    pub(crate) const NOT_SUPPORTED: &str = "0A000";
    pub(crate) const INVALID_PARAMETER: &str = "22023";
    pub(crate) const INVALID_TEXT: &str = "22P02";
    pub(crate) const INVALID_BINARY: &str = "22P03";
    pub(crate) const ACTIVE_TRANSACTION: &str = "25001";
    pub(crate) const READ_ONLY: &str = "25006";
    pub(crate) const NO_TRANSACTION: &str = "25P01";
    pub(crate) const FAILED_TRANSACTION: &str = "25P02";
    pub(crate) const NO_STATEMENT: &str = "26000";
    pub(crate) const NOT_AUTHORIZED: &str = "28000";
    pub(crate) const WRONG_PASSWORD: &str = "28P01";
    pub(crate) const NO_CURSOR: &str = "34000";
    pub(crate) const FORBIDDEN: &str = "42501";
    pub(crate) const SYNTAX: &str = "42601";
    pub(crate) const UNKNOWN_SETTING: &str = "42704";
    pub(crate) const DUPLICATE_CURSOR: &str = "42P03";
    pub(crate) const DUPLICATE_STATEMENT: &str = "42P05";
    pub(crate) const TOO_MANY_CONNECTIONS: &str = "53300";
    pub(crate) const LIMIT: &str = "53400";
    pub(crate) const BUSY: &str = "53000";
    pub(crate) const CANCELED: &str = "57014";
    pub(crate) const SHUTDOWN: &str = "57P01";
    pub(crate) const IDLE: &str = "57P05";
    pub(crate) const INTERNAL: &str = "XX000";
}

/// An error on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) message: String,
    // Line and column in the statement, from 1.
    pub(super) place: Option<(u64, u64)>,
    pub(super) fatal: bool,
}

impl Failure {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, fatal: false }
    }

    pub(super) fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self { fatal: true, ..Self::new(code, message) }
    }

    pub(super) fn canceled() -> Self {
        Self::new(code::CANCELED, "canceling statement due to user request")
    }

    pub(super) fn timed_out(after: Duration) -> Self {
        Self::new(code::CANCELED, format!("the statement was stopped after {} s", after.as_secs_f64()))
    }

    /// The message for the wire. `text` is the whole that was sent, and `start` the line and column in it that the statement has.
    pub(super) fn message(&self, text: &str, start: (u64, u64)) -> PgWireBackendMessage {
        let severity = if self.fatal { "FATAL" } else { "ERROR" };
        let mut fields = vec![
            (b'S', severity.to_owned()),
            (b'V', severity.to_owned()),
            (b'C', self.code.to_owned()),
            (b'M', clean(&self.message)),
        ];
        if let Some(at) = self.place.and_then(|place| position(text, moved(place, start))) {
            fields.push((b'P', at.to_string()));
        }
        PgWireBackendMessage::ErrorResponse(ErrorResponse::new(fields))
    }
}

/// A remark about a statement that runs.
pub(super) fn notice(text: &str) -> PgWireBackendMessage {
    let field = |tag, text: &str| (tag, text.to_owned());
    let fields = vec![field(b'S', "NOTICE"), field(b'V', "NOTICE"), field(b'C', code::NOTICE), (b'M', clean(text))];
    PgWireBackendMessage::NoticeResponse(NoticeResponse::new(fields))
}

/// A text ends at the first zero on the wire.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

/// A place within a statement, in the text that the statement is a part of.
fn moved((line, column): (u64, u64), (first_line, first_column): (u64, u64)) -> (u64, u64) {
    if line <= 1 { (first_line, first_column + column - 1) } else { (first_line + line - 1, column) }
}

/// Line and column, from 1, as the number of a character, from 1.
fn position(text: &str, (line, column): (u64, u64)) -> Option<usize> {
    let line = usize::try_from(line.checked_sub(1)?).ok()?;
    let before: usize = text.split_inclusive('\n').take(line).map(|line| line.chars().count()).sum();
    let at = before + usize::try_from(column).ok()?;
    (at >= 1 && at <= text.chars().count() + 1).then_some(at)
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let (message, place) = split_place(error.message());
        let code = code_of(error.kind(), &message);
        Self { code, message, place, fatal: false }
    }
}

/// The place that our messages end with, as the parser writes it: ` at Line: 1, Column: 8`.
fn split_place(message: &str) -> (String, Option<(u64, u64)>) {
    let found = message.rsplit_once(" at Line: ").and_then(|(text, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((text, (line.parse().ok()?, column.parse().ok()?)))
    });
    match found {
        Some((text, place)) => (text.to_owned(), Some(place)),
        None => (message.to_owned(), None),
    }
}

fn code_of(kind: ErrorKind, message: &str) -> &'static str {
    let has = |part: &str| message.contains(part);
    match kind {
        ErrorKind::ReadOnly => code::READ_ONLY,
        ErrorKind::Parameter => code::INVALID_PARAMETER,
        ErrorKind::Limit if has("was stopped after") || has("was not read within") => code::CANCELED,
        ErrorKind::Limit if has("memory") => "53200",
        ErrorKind::Limit => code::LIMIT,
        ErrorKind::Lake | ErrorKind::Read => "58030",
        ErrorKind::Write | ErrorKind::Internal => code::INTERNAL,
        ErrorKind::Sql if has("syntax error") => code::SYNTAX,
        ErrorKind::Sql if has("column '") && has("does not exist") => "42703",
        ErrorKind::Sql if has("table '") || has("there is no '") => "42P01",
        ErrorKind::Sql if has("is in more than one of the tables") => "42702",
        ErrorKind::Sql if has("is not available here") => "42883",
        ErrorKind::Sql if has("exists in this session") => "42P07",
        ErrorKind::Sql if has("division by zero") => "22012",
        ErrorKind::Sql if has("out of range") => "22003",
        ErrorKind::Sql if has("not supported") => code::NOT_SUPPORTED,
        ErrorKind::Sql => "42000",
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Query(error) => error.into(),
            AskError::Forbidden { .. } => Self::new(code::FORBIDDEN, error.to_string()),
            AskError::Busy { .. } => Self::new(code::BUSY, error.to_string()),
        }
    }
}

impl Failure {
    /// Why somebody does not get in.
    pub(super) fn login(error: LoginError, user: &str) -> Self {
        match error {
            LoginError::Wrong => {
                Self::fatal(code::WRONG_PASSWORD, format!("password authentication failed for user \"{user}\""))
            }
            LoginError::TooMany { .. } => Self::fatal(code::NOT_AUTHORIZED, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_statement_is_a_place_in_the_text() {
        assert_eq!(position("select x", (1, 8)), Some(8));
        assert_eq!(position("a\nbö\ncd", (3, 2)), Some(7));
        assert_eq!(position("a", (1, 9)), None);
        assert_eq!(position("a", (0, 0)), None);
        // The second of two statements begins at line 2, column 5.
        assert_eq!(moved((1, 3), (2, 5)), (2, 7));
        assert_eq!(moved((2, 3), (2, 5)), (3, 3));
    }

    #[test]
    fn errors_have_the_codes_that_clients_look_at() {
        let of = |kind, message: &str| Failure::from(QueryError::new(kind, message));
        for (kind, message, code) in [
            (ErrorKind::Sql, "table 'x' does not exist; see SHOW TABLES for those that do", "42P01"),
            (ErrorKind::Sql, "column 'x' does not exist in 'stl_query'", "42703"),
            (ErrorKind::Sql, "syntax error: Expected: an expression, found: FROM at Line: 1, Column: 8", "42601"),
            (ErrorKind::ReadOnly, "DELETE is refused: lookback only reads", "25006"),
            (ErrorKind::Limit, "the query was stopped after 1 s; narrow it", "57014"),
            (ErrorKind::Limit, "the answer has more than 10 rows; add a LIMIT, or allow more", "53400"),
        ] {
            assert_eq!(of(kind, message).code, code, "{message}");
        }
        let syntax = of(ErrorKind::Sql, "syntax error: Expected: an expression, found: FROM at Line: 1, Column: 8");
        assert_eq!(syntax.message, "syntax error: Expected: an expression, found: FROM");
        assert_eq!(syntax.place, Some((1, 8)));
    }
}
