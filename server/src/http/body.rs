//! Bodies of requests: read whole, up to a limit, in the forms that are taken.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, Form, FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::problem::{Code, Problem};
use super::query::{Pairs, distinct};

/// Bytes of a body that is not SQL.
pub(crate) const SMALL: usize = 1 << 20;
/// Bytes of a body with SQL.
pub(crate) const SQL: usize = 16 << 20;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// A body as it was sent.
#[derive(Debug)]
pub(crate) enum Sent {
    /// `application/json`
    Json(Bytes),
    /// `application/x-www-form-urlencoded`
    Form(Pairs),
    /// `text/plain`
    Text(String),
    /// Nothing, and nothing said about it.
    Nothing,
}

/// Reads a body.
///
/// # Errors
/// [`Code::UnsupportedMediaType`], [`Code::TooLarge`], or [`Code::BadRequest`] if it does not come, or is not what it says.
pub(crate) async fn read(request: Request, most: usize) -> Result<Sent, Problem> {
    let headers = request.headers().clone();
    let kind = kind(&headers)?;
    let broken = |_| Problem::new(Code::BadRequest, "the body did not come to its end");
    let too_large = || {
        Problem::new(Code::TooLarge, format!("the body has more than {most} bytes"))
            .hint("send less, or ask in several steps")
    };
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|bytes| bytes > most as u64) {
        return Err(too_large());
    }
    let reading = async {
        let limited = to_bytes(request.into_body(), most).await;
        limited.map_err(|e| if is_limit(&e) { too_large() } else { broken(e) })
    };
    let bytes = tokio::time::timeout(PATIENCE, reading).await.map_err(|_| {
        Problem::new(Code::BadRequest, format!("the body did not come within {} s", PATIENCE.as_secs()))
    })??;
    match kind {
        Kind::Unknown if bytes.is_empty() => Ok(Sent::Nothing),
        Kind::Unknown => Err(Problem::new(Code::UnsupportedMediaType, "the header Content-Type is missing")
            .hint("send application/json, or text/plain with the statement as it is")),
        Kind::Json => Ok(Sent::Json(bytes)),
        Kind::Text => {
            let text =
                String::from_utf8(bytes.into()).map_err(|_| Problem::new(Code::BadRequest, "the body is not UTF-8"))?;
            Ok(Sent::Text(text))
        }
        Kind::Form => form(bytes).await.map(Sent::Form),
    }
}

/// A body as JSON.
///
/// # Errors
/// [`Code::BadRequest`] with the place where it is wrong.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|e| Problem::new(Code::BadRequest, format!("the body as JSON: {e}")))
}

/// The body of a request that takes JSON only, or nothing.
///
/// # Errors
/// As [`read`] and [`json`].
pub(crate) async fn json_or_nothing<T: DeserializeOwned + Default>(request: Request) -> Result<T, Problem> {
    match read(request, SMALL).await? {
        Sent::Json(bytes) => json(&bytes),
        Sent::Nothing => Ok(T::default()),
        Sent::Form(_) | Sent::Text(_) => Err(Problem::new(Code::UnsupportedMediaType, "the body has to be JSON")
            .hint("send Content-Type: application/json")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Text,
    Unknown,
}

fn kind(headers: &HeaderMap) -> Result<Kind, Problem> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(Kind::Unknown) };
    let media_type =
        value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/json" => Ok(Kind::Json),
        "application/x-www-form-urlencoded" => Ok(Kind::Form),
        "text/plain" | "application/sql" => Ok(Kind::Text),
        _ => Err(Problem::new(Code::UnsupportedMediaType, "the body is in a form that is not understood here")
            .hint("send application/json, application/x-www-form-urlencoded or text/plain")),
    }
}

async fn form(bytes: Bytes) -> Result<Pairs, Problem> {
    let unread = || Problem::new(Code::BadRequest, "the body as a form cannot be read");
    let request = Request::post("/").header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(bytes.into());
    let mut request: Request = request.map_err(|_| unread())?;
    // What was read is within its limit already.
    DefaultBodyLimit::disable().apply(&mut request);
    let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, &()).await.map_err(|_| unread())?;
    distinct(pairs)
}

/// Whether reading ended because there was too much.
fn is_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = inner.source();
    }
    false
}
