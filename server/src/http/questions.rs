//! `GET /api/questions`: who asked what, newest first.

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Api;
use super::problem::{Code, Problem};
use super::query;

/// Questions that are shown if no number is given.
const USUAL: u64 = 100;
/// Questions that are shown at most: as many as are remembered.
const MOST: u64 = 1_000;

/// The newest questions since the server's start; the log that it writes has all.
pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    let given = query::read(&uri)?;
    query::only(&given, &["limit"])?;
    let limit = given.get("limit").map(|text| query::number("limit", text)).transpose()?.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::new(Code::Parameter, format!("parameter 'limit' has to be from 1 to {MOST}")));
    }
    let questions = api.desk().questions(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(axum::Json(json!({ "questions": questions })).into_response())
}
