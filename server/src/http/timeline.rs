//! `GET /api/timeline/{cluster}`: the story of a cluster's encryption.

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::problem::{Code, Problem};
use super::query;
use crate::people::Asker;

/// The story of the cluster of that name or namespace ARN, from `from` to `to`.
pub(super) async fn tell(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    cluster: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Path(cluster) = cluster.map_err(|e| Problem::new(Code::BadRequest, e.body_text()))?;
    let given = query::read(&uri)?;
    query::only(&given, &["from", "to", "as_of"])?;
    let time = |name: &str| {
        let text = given.get(name).filter(|text| !text.is_empty());
        text.map(|text| query::moment(name, text)).transpose()
    };
    let as_of = time("as_of")?.unwrap_or_else(|| chrono::Utc::now().timestamp_micros());
    let window = (time("from")?.unwrap_or(0), time("to")?.unwrap_or(as_of));
    if window.0 >= window.1 {
        return Err(Problem::new(Code::Parameter, "'from' must be before 'to'"));
    }
    let told = api.desk().story(&asker, &cluster, as_of, window).await;
    let told = told.map_err(|error| Problem::from(error).with_code(Code::Parameter, Code::NotFound))?;
    let told = told.ok_or_else(|| {
        Problem::new(Code::NotFound, "nothing was ever collected about clusters")
            .hint("let the collectors of the record run, and ask again")
    })?;
    Ok(axum::Json(told.json()).into_response())
}
