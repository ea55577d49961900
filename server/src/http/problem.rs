//! Errors as RFC 9457 has them: `application/problem+json` with a code that stays the same from version to version.
//!
//! A handler answers with a [`Problem`]; its text is made by the [`guard`](super::guard), which knows the request's id. Nothing
//! secret can be in one: messages are those that the query side writes for people, and what a client sent is not repeated,
//! except for names.

mod code;

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use lookback_query::{ErrorKind, QueryError};
use serde_json::{Map, Value, json};

pub(crate) use code::Code;

use crate::desk::AskError;
use crate::people::{LoginError, Role};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// How a client can say who it is. Both at once: a browser that knows only one takes that.
const CHALLENGE: &str = "Bearer realm=\"lookback\", Basic realm=\"lookback\", charset=\"UTF-8\"";

/// A place in a statement, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    line: u64,
    column: u64,
}

/// An answer that says what went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    code: Code,
    detail: String,
    hint: Option<String>,
    position: Option<Position>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem with what happened and what to do.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), hint: None, position: None, retry_after: None }
    }

    /// The same with advice.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same under another code: what is wrong with a name in a path is that nothing is there.
    pub(crate) fn with_code(mut self, from: Code, to: Code) -> Self {
        if self.code == from {
            self.code = to;
        }
        self
    }

    /// There is no room for it now.
    pub(crate) fn busy(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(Code::Busy, detail) }
    }

    /// Nobody has said who asks.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "this needs a user")
            .hint("send Authorization: Bearer TOKEN, or user and password by Basic")
    }

    /// The role of whoever asks is not enough.
    pub(crate) fn forbidden(role: Role, needed: Role) -> Self {
        Self::new(Code::Forbidden, format!("this needs the role {needed}; yours is {role}"))
            .hint("ask whoever runs this server")
    }

    /// What went wrong.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// The problem as JSON, with the id of the request that met it.
    pub(crate) fn json(&self, request_id: &str) -> Value {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!(format!("urn:lookback:problem:{}", self.code.name())));
        body.insert("title".to_owned(), json!(self.code.title()));
        body.insert("status".to_owned(), json!(self.code.status().as_u16()));
        body.insert("code".to_owned(), json!(self.code.name()));
        body.insert("detail".to_owned(), json!(self.detail));
        if let Some(hint) = &self.hint {
            body.insert("hint".to_owned(), json!(hint));
        }
        if let Some(Position { line, column }) = self.position {
            body.insert("position".to_owned(), json!({ "line": line, "column": column }));
        }
        body.insert("request_id".to_owned(), json!(request_id));
        Value::Object(body)
    }

    /// The whole answer.
    pub(crate) fn response(&self, request_id: &str) -> Response {
        let mut response = (self.code.status(), format!("{}\n", self.json(request_id))).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if self.code == Code::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Without its text yet, which the guard adds.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.code.status();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let code = match error.kind() {
            ErrorKind::Sql => Code::Sql,
            ErrorKind::ReadOnly => Code::ReadOnly,
            ErrorKind::Parameter => Code::Parameter,
            ErrorKind::Limit => Code::Limit,
            ErrorKind::Lake => Code::Lake,
            ErrorKind::Read => Code::Read,
            // Columns that the form has no way to hold.
            ErrorKind::Write => Code::NotAcceptable,
            ErrorKind::Internal => Code::Internal,
        };
        if matches!(code, Code::Read | Code::Internal | Code::Lake) {
            tracing::error!(error = %error, kind = code.name(), "a question failed");
        }
        let (detail, position) = place(error.message());
        let hint = advice(&detail).or_else(|| (code == Code::NotAcceptable).then(|| "ask for JSON".to_owned()));
        Self { code, detail, hint, position, retry_after: None }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        let message = error.to_string();
        match error {
            AskError::Query(error) => error.into(),
            AskError::Forbidden { .. } => Self::new(Code::Forbidden, message),
            AskError::Busy { retry_after, .. } => Self::busy(message, retry_after),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::new(Code::Unauthenticated, error.to_string()),
            LoginError::TooMany { retry_after } => {
                Self { retry_after: Some(retry_after), ..Self::new(Code::TooManyLogins, error.to_string()) }
            }
        }
    }
}

/// A message without its place in the statement, and the place.
fn place(message: &str) -> (String, Option<Position>) {
    let found = message.rsplit_once(" at Line: ").and_then(|(text, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((text.to_owned(), Position { line: line.parse().ok()?, column: column.trim().parse().ok()? }))
    });
    // Line 0 is the parser's word for nowhere.
    match found {
        Some((text, position)) => (text, (position.line > 0).then_some(position)),
        None => (message.to_owned(), None),
    }
}

/// The part of a message that says what to do.
fn advice(message: &str) -> Option<String> {
    let (_, advice) = message.rsplit_once("; ")?;
    let begins = ["did you mean", "add ", "allow ", "narrow ", "use ", "write ", "there are ", "it takes "];
    begins.iter().any(|word| advice.starts_with(word)).then(|| advice.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn a_problem_has_code_place_and_advice() {
        let error = QueryError::new(
            ErrorKind::Sql,
            "table 'stl_qery' does not exist; did you mean 'stl_query'? at Line: 2, Column: 15",
        );
        let problem = Problem::from(error);
        insta::assert_snapshot!(format!("{:#}", problem.json("id-1")));
        assert_eq!(problem.response("id-1").status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn places_are_read_from_the_end_and_nowhere_is_none() {
        let at = |line, column| Some(Position { line, column });
        for (message, detail, position) in [
            ("syntax error: x at Line: 1, Column: 8", "syntax error: x", at(1, 8)),
            ("' at Line: 7, Column: 1' at Line: 3, Column: 4", "' at Line: 7, Column: 1'", at(3, 4)),
            ("nowhere at Line: 0, Column: 0", "nowhere", None),
            ("no place at Line: here", "no place at Line: here", None),
            ("no place", "no place", None),
        ] {
            assert_eq!(place(message), (detail.to_owned(), position));
        }
    }

    #[test]
    fn busy_says_when_to_come_back_and_401_how_to_log_in() {
        let busy = Problem::from(LoginError::TooMany { retry_after: Duration::from_secs(42) }).response("x");
        assert_eq!(busy.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(busy.headers()[RETRY_AFTER], "42");
        let stranger = Problem::unauthenticated().response("x");
        assert!(stranger.headers()[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer "));
    }
}
