//! `GET /api/timeline/{cluster}`: the story of a cluster's encryption.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use lookback_query::audit::timeline::timeline;
use lookback_schemas::encryption::CLUSTER_ENCRYPTION_STATE;

use super::Api;
use super::problem::{Code, Problem};
use super::query;

/// The story of the cluster of that name or namespace ARN, from `from` to `to`.
pub(super) async fn tell(
    State(api): State<Api>,
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
    let session = api.desk().session();
    if session.contents(CLUSTER_ENCRYPTION_STATE.name).await?.is_none() {
        return Err(Problem::new(Code::NotFound, "nothing was ever collected about clusters")
            .hint("let the collectors of the record run, and ask again"));
    }
    let told = api.long(move || async move { Ok(timeline(&session, &cluster, as_of, window).await?.json()) }).await;
    let told = told.map_err(|problem| problem.with_code(Code::Parameter, Code::NotFound))?;
    Ok(axum::Json(told).into_response())
}
