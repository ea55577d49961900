//! The HTTP door: an API for programs, and the page around which it is built.
//!
//! - `routes` is the one list of what there is: method, path, who may, handler. The router is made of it, and a test holds the
//!   OpenAPI document against it.
//! - Every request passes the `guard`: host, user, origin, and on the way back the headers, the text of a problem, the log.
//! - Statements are asked at the [`Desk`], with its limits; what asks several at once, as an audit, waits for one of
//!   `LONG_AT_ONCE` places.
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
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use problem::{Code, Problem};
use tickets::Tickets;

/// Audits, timelines and the like that are at work at once: each asks many statements.
const LONG_AT_ONCE: usize = 4;
/// How long one of them waits for its place.
const LONG_WAIT: Duration = Duration::from_secs(20);

/// All of the HTTP door.
pub fn router(desk: Desk) -> Router {
    let api = Api::new(desk);
    let pages = crate::page::router(api.desk().clone());
    routes::router()
        .with_state(api.clone())
        .merge(pages)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(api, guard::guard))
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
    long: Arc<Semaphore>,
    // Long texts are read one after the other.
    turn: Semaphore,
    // Whether the lake could be read, and when that was found out.
    ready: Mutex<Option<(Instant, Result<(), QueryError>)>>,
}

impl Api {
    fn new(desk: Desk) -> Self {
        let long = Arc::new(Semaphore::new(LONG_AT_ONCE));
        let turn = Semaphore::new(1);
        Self(Arc::new(Inner { desk, tickets: Tickets::default(), long, turn, ready: Mutex::default() }))
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

    /// Does work that asks many statements, when there is a place for it, on a thread of its own: between statements it computes.
    /// It ends when nobody waits for it any more.
    async fn long<T, F, W>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Problem>>,
        F: FnOnce() -> W + Send + 'static,
    {
        let place = self.place().await?;
        let gone = CancellationToken::new();
        let _gone = gone.clone().drop_guard();
        let (runtime, span) = (Handle::current(), tracing::Span::current());
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            span.in_scope(|| runtime.block_on(gone.run_until_cancelled_owned(work())))
        });
        let ended = || Problem::new(Code::Internal, "the work ended before it was done");
        done.await.ok().flatten().unwrap_or_else(|| Err(ended()))
    }

    /// The turn to read a long text.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let waiting = tokio::time::timeout(LONG_WAIT, self.0.turn.acquire()).await;
        waiting.ok().and_then(Result::ok).ok_or_else(|| Problem::busy("too many long statements at once", LONG_WAIT))
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let waiting = tokio::time::timeout(LONG_WAIT, Arc::clone(&self.0.long).acquire_owned()).await;
        waiting.ok().and_then(Result::ok).ok_or_else(|| {
            Problem::busy("too many audits run at once", Duration::from_secs(10)).hint("try again when one has ended")
        })
    }
}
