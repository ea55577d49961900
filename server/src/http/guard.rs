//! What every request passes, whatever it is for.
//!
//! On the way in: is it meant for this server, who asks, and may a page of that origin ask. On the way out: the text of a problem,
//! the headers that keep browsers from doing what they should not, the request's id, a line in the log. The line has the path and
//! never the query, in which SQL may be.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::Instrument;

use super::origin::{self, By};
use super::problem::{Code, Problem};
use super::{Api, auth, routes};
use crate::people::{Asker, Role};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id of a request that is taken over from a client.
const MOST_ID: usize = 64;

/// Nothing but what this server itself has may be loaded, run, framed or sent to.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
                      img-src 'self' data:";

/// Headers of every answer that does not say otherwise itself.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

/// The id of a request, in its answer, its log lines and its problems.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    /// The one that a proxy gave it, if it is harmless, or else a new one.
    fn of(headers: &HeaderMap) -> Self {
        let is_harmless = |id: &&str| {
            (8..=MOST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_harmless);
        Self(given.map_or_else(|| uuid::Uuid::now_v7().to_string().into(), Into::into))
    }
}

/// Whether a path is open to everybody: what says how the server is, the description of the API, and what a browser needs to log in.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(path, "/login" | "/favicon.ico") || path.starts_with("/assets/") || routes::needs(path) == Some(None)
}

/// The address of whoever is at the other end. Where it is not known it is none, and nobody is trusted for it.
pub(super) fn address(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}

/// The way in and out.
pub(super) async fn guard(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    let from = address(&request);
    let (method, path) = (request.method().clone(), shown(request.uri().path()));
    let is_browser = origin::is_from_browser(request.headers());
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!(target: "lookback::requests", "request", id = %id.0);
    let admitted = admit(&api, &mut request, from).instrument(span.clone()).await;
    let user = request.extensions().get::<Asker>().map(|asker| Arc::clone(&asker.user));
    let mut response = match admitted {
        // A defect costs one answer, and the client learns of it.
        Ok(()) => match AssertUnwindSafe(next.run(request).instrument(span.clone())).catch_unwind().await {
            Ok(response) => response,
            Err(_) => Problem::new(Code::Internal, "the server failed at this request").into_response(),
        },
        Err(refused) => refused,
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let allow = response.headers_mut().remove(axum::http::header::ALLOW);
        response = problem.response(&id.0);
        if let Some(allow) = allow {
            response.headers_mut().insert(axum::http::header::ALLOW, allow);
        }
    }
    finish(response.headers_mut(), api.tls(), is_browser, &id);
    let (status, seconds) = (response.status().as_u16(), began.elapsed().as_secs_f64());
    let user = user.as_deref().unwrap_or("-");
    // Whoever watches asks every few seconds.
    if routes::is_watched(&path) {
        tracing::debug!(target: "lookback::requests", parent: &span, %method, path, status, user, %from, seconds, "answered");
    } else {
        tracing::info!(target: "lookback::requests", parent: &span, %method, path, status, user, %from, seconds, "answered");
    }
    response
}

fn shown(path: &str) -> String {
    path.chars().take(200).collect()
}

fn finish(headers: &mut HeaderMap, tls: bool, is_browser: bool, id: &RequestId) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    // A browser would answer Basic with a window of its own, in the middle of a page that has a log-in.
    if is_browser && headers.contains_key(WWW_AUTHENTICATE) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lookback\""));
    }
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, id);
    }
}

/// Lets a request in with its asker, or says why not.
async fn admit(api: &Api, request: &mut Request, from: IpAddr) -> Result<(), Response> {
    let (headers, uri) = (request.headers(), request.uri());
    if api.is_local() && !origin::is_local(headers, uri.host()) {
        let problem = Problem::new(Code::WrongHost, "this server is for this machine only")
            .hint("ask for localhost, 127.0.0.1 or [::1]; to be reached by a name, it needs TLS and users");
        return Err(problem.into_response());
    }
    let path = uri.path();
    let is_api = routes::needs(path).is_some() || path.starts_with("/api/");
    let refused = || {
        let problem =
            Problem::new(Code::CrossOrigin, "the request comes from another site, or does not say from where");
        let hint = format!("from a program, send a token, or the header {}: 1", origin::OWN_HEADER);
        problem.hint(hint).into_response()
    };
    if is_open(path) {
        // A log-in needs nobody, but another site may not make one.
        let may = request.method() != Method::POST || origin::may_ask(&Method::POST, headers, By::Place, false);
        return if may { Ok(()) } else { Err(refused()) };
    }
    match auth::find(api, headers, from).await.map_err(IntoResponse::into_response)? {
        Some((asker, by)) => {
            if by.is_some_and(|by| !origin::may_ask(request.method(), headers, by, !is_api)) {
                return Err(refused());
            }
            request.extensions_mut().insert(asker);
            Ok(())
        }
        None if is_api => Err(Problem::unauthenticated().into_response()),
        None => Err(to_login(request)),
    }
}

/// A person is shown where to log in, and comes back afterwards.
fn to_login(request: &Request) -> Response {
    let html = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("text/html"));
    let is_person = request.method() == Method::GET && request.headers().get_all(ACCEPT).iter().any(html);
    if !is_person {
        return Problem::unauthenticated().into_response();
    }
    let next = request.uri().path_and_query().map_or("/", |path| origin::own_path(path.as_str()));
    let place = format!("/login?next={}", super::query::escape(next));
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// Whether whoever asks has the role that a route needs.
pub(super) async fn has_role(State(needed): State<Role>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Asker>() {
        Some(asker) if asker.role >= needed => next.run(request).await,
        Some(asker) => Problem::forbidden(asker.role, needed).into_response(),
        None => Problem::unauthenticated().into_response(),
    }
}
