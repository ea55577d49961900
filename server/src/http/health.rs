//! Whether the server lives, whether it is of use, and what it counts.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lookback_query::{ErrorKind, QueryError};

use super::Api;

/// How long it is believed that the lake can be read: everybody may ask, and a listing of a whole lake costs.
const BELIEVED: Duration = Duration::from_secs(30);
/// How long it is believed that it cannot.
const DOUBTED: Duration = Duration::from_secs(5);
/// How long the lake may take to be listed.
const PATIENCE: Duration = Duration::from_secs(5);
/// The media type of OpenMetrics, which is what the registry writes.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: it answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the lake can be read, and whoever comes does not wait for what the server has still to find out. Why not is for the
/// log; who asks here may be anybody.
pub(super) async fn ready(State(api): State<Api>) -> Response {
    if api.0.first.is_under_way() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server has just started, and looks at the lake\n")
            .into_response();
    }
    let mut known = api.0.ready.lock().await;
    let is_old =
        known.as_ref().is_none_or(|(at, listed)| at.elapsed() >= if listed.is_ok() { BELIEVED } else { DOUBTED });
    if is_old {
        let listing = async { api.desk().session().lake().tables().await.map(drop) };
        let listed = tokio::time::timeout(PATIENCE, listing).await;
        let listed = listed.unwrap_or_else(|_| {
            let message = format!("listing the lake took longer than {} s", PATIENCE.as_secs());
            Err(QueryError::new(ErrorKind::Lake, message))
        });
        if let Err(error) = &listed {
            tracing::error!(error = %error, "the lake cannot be read");
        }
        *known = Some((Instant::now(), listed));
    }
    match known.as_ref() {
        Some((_, Ok(()))) => "ok\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the lake cannot be read; the server's log says why\n").into_response(),
    }
}

/// `GET /metrics`
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    ([(CONTENT_TYPE, OPENMETRICS)], api.desk().metrics().encode()).into_response()
}
