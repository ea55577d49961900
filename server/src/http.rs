//! The HTTP door: an API for programs, and the page around which it is built.
//!
//! - `routes` is the one list of what there is: method, path, who may, handler. The router is made of it, and a test holds the
//!   OpenAPI document against it.
//! - Every request passes the `guard`: host, user, origin, and on the way back the headers, the text of a problem, the log.
//! - Everything is asked at the [`Desk`], with its limits.
//! - Answers are streamed (`answer`) in the form that the client wants (`accept`, `encode`), and never kept as a whole.
//!
//! For handlers outside of this module, as those of the page: a request that needs somebody has its [`Asker`](crate::Asker) as an
//! extension (`axum::Extension<Asker>`), whoever got in by whatever way. What is open to everybody is `guard::is_open`.

mod accept;
mod answer;
mod audit;
mod auth;
mod body;
mod diagnostics;
mod encode;
mod guard;
mod health;
mod login;
mod openapi;
mod origin;
mod problem;
mod query;
mod questions;
mod routes;
mod sql;
mod status;
mod tables;
mod tickets;
mod timeline;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use lookback_query::QueryError;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use crate::desk::Desk;
use crate::page::FirstView;
use problem::{Code, Problem};
use tickets::Tickets;

/// How long a long text waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(20);

/// All of the HTTP door.
pub fn router(desk: Desk) -> Router {
    opened(desk).0
}

/// The same, and what asks before anybody comes.
pub(crate) fn opened(desk: Desk) -> (Router, FirstView) {
    let (pages, first) = crate::page::router(desk.clone());
    let api = Api::new(desk, first.clone());
    let router = routes::router()
        .with_state(api.clone())
        .merge(pages)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(api, guard::guard));
    (router, first)
}

async fn nothing_here(uri: Uri) -> Problem {
    // A path is at most as long as a header may be; what is shown of it is not.
    let path: String = uri.path().chars().take(100).collect();
    Problem::new(Code::NotFound, format!("there is nothing at {path}"))
        .hint("GET /api/openapi.json lists what there is")
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    Problem::new(Code::MethodNotAllowed, format!("{path} does not take {method}"))
        .hint("the header Allow says what it takes")
}

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
struct Api(Arc<Inner>);

struct Inner {
    desk: Desk,
    tickets: Tickets,
    // Long texts are read one after the other.
    turn: Semaphore,
    // Whether the lake could be read, and when that was found out.
    ready: Mutex<Option<(Instant, Result<(), QueryError>)>>,
    first: FirstView,
}

impl Api {
    fn new(desk: Desk, first: FirstView) -> Self {
        let turn = Semaphore::new(1);
        Self(Arc::new(Inner { desk, tickets: Tickets::default(), turn, ready: Mutex::default(), first }))
    }

    fn desk(&self) -> &Desk {
        &self.0.desk
    }

    fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    /// Whether clients come over TLS.
    fn tls(&self) -> bool {
        self.desk().settings().tls_cert.is_some()
    }

    /// Whether only this machine is listened to.
    fn is_local(&self) -> bool {
        self.desk().settings().http.address().is_none_or(|address| address.ip().to_canonical().is_loopback())
    }

    /// The turn to read a long text.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let waiting = tokio::time::timeout(TURN_WAIT, self.0.turn.acquire()).await;
        waiting.ok().and_then(Result::ok).ok_or_else(|| Problem::busy("too many long statements at once", TURN_WAIT))
    }
}
