//! What a service answers over HTTP: whether it lives, whether it is of use, and its metrics. Nothing can be changed here, and
//! nothing that is shown is secret.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lookback_exporter::metrics::Metrics;
use lookback_exporter::schedule::Pulse;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The media type of the plain text format of Prometheus.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The media type of OpenMetrics.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Seen {
    pulse: Arc<Pulse>,
    metrics: Arc<Metrics>,
}

/// Answers until told to be silent.
pub(super) async fn serve(listener: TcpListener, pulse: Arc<Pulse>, metrics: Arc<Metrics>, silent: CancellationToken) {
    let routes = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .route("/metrics", get(numbers))
        .with_state(Seen { pulse, metrics });
    let ended = axum::serve(listener, routes).with_graceful_shutdown(silent.cancelled_owned()).await;
    if let Err(e) = ended {
        tracing::error!("answering over HTTP: {e}");
    }
}

async fn health(State(seen): State<Seen>) -> Response {
    verdict(seen.pulse.alive(now()))
}

async fn readiness(State(seen): State<Seen>) -> Response {
    verdict(seen.pulse.ready())
}

fn verdict(state: Result<(), String>) -> Response {
    match state {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn numbers(State(seen): State<Seen>, headers: HeaderMap) -> Response {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let open =
        accepts.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("application/openmetrics-text"));
    let (kind, text) =
        if open { (OPENMETRICS, seen.metrics.openmetrics(now())) } else { (PLAIN, seen.metrics.text(now())) };
    ([(CONTENT_TYPE, kind)], text).into_response()
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_micros()
}
