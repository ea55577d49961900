//! A lake that opens while the first prompt is already there: a bucket may need a log-in and a few requests first.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lookback_query::session::Session;
use tokio::task::JoinHandle;

use crate::cli::{Global, Limits};
use crate::commands::open_lake;
use crate::failure::Failure;

/// The way to the session.
pub(crate) struct Door {
    opening: Option<JoinHandle<Result<Session, Failure>>>,
    session: Arc<OnceLock<Session>>,
    // Why there will be no session.
    failure: Option<Failure>,
}

impl Door {
    /// Begins to open the configured lake.
    pub(crate) fn opening(global: &Global, limits: &Limits) -> Self {
        let (global, limits) = (global.clone(), limits.clone());
        let opening = tokio::spawn(async move { open_lake(&global, None, &limits).await });
        Self { opening: Some(opening), session: Arc::default(), failure: None }
    }

    /// Where the session will be.
    pub(crate) fn session_once_open(&self) -> Arc<OnceLock<Session>> {
        Arc::clone(&self.session)
    }

    /// Waits that long for the session; an error only if there will be none.
    pub(crate) async fn wait(&mut self, most: Duration) -> Result<(), Failure> {
        let _ = tokio::time::timeout(most, self.settled()).await;
        self.failure.take().map_or(Ok(()), Err)
    }

    /// The session. Ctrl-C stops waiting for it.
    pub(crate) async fn session(&mut self) -> Result<Session, Failure> {
        let began = std::time::Instant::now();
        tokio::select! {
            Ok(()) = tokio::signal::ctrl_c() => return Err(Failure::cancelled(began.elapsed())),
            () = self.settled() => {}
        }
        match self.session.get() {
            Some(session) => Ok(session.clone()),
            None => Err(self.failure.take().unwrap_or_else(|| Failure::failed("the lake is not open"))),
        }
    }

    /// Whether there will never be a session; a shell without one has no use.
    pub(crate) fn is_shut(&self) -> bool {
        self.opening.is_none() && self.session.get().is_none()
    }

    async fn settled(&mut self) {
        let Some(opening) = &mut self.opening else { return };
        let opened = opening.await;
        self.opening = None;
        match opened {
            Ok(Ok(session)) => {
                let _ = self.session.set(session);
            }
            Ok(Err(failure)) => self.failure = Some(failure),
            Err(e) => self.failure = Some(Failure::failed(format!("opening the lake: {e}"))),
        }
    }
}
