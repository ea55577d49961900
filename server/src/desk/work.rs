//! Work that asks several statements, as an audit does: one question, with the places of as many statements as it asks at once.
//!
//! Between its statements it computes, so it is done on a thread of its own. It ends when nobody waits for it any more, and its time
//! is that of a statement.

use std::sync::Arc;

use lookback_query::{ErrorKind, QueryError, Session};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::asked::Ticket;
use super::{AskError, Asker, Desk, Outcome, Role, full, outcome};

/// Work, as it is allowed and written down.
#[derive(Debug)]
pub(super) struct Task {
    /// What is asked, in a line.
    pub(super) line: String,
    /// What it is about, for whoever may not.
    pub(super) about: &'static str,
    /// Who may.
    pub(super) needs: Role,
}

/// What work came to.
#[derive(Debug)]
pub(super) struct Done<T> {
    pub(super) value: T,
    /// Rows, or what is like them, that are given out.
    pub(super) rows: usize,
}

impl Desk {
    /// Does work for somebody, over one version of each table.
    pub(super) async fn work<T, F, W>(&self, asker: &Asker, task: Task, work: F) -> Result<T, AskError>
    where
        T: Send + 'static,
        F: FnOnce(Session) -> W + Send + 'static,
        W: Future<Output = Result<Done<T>, QueryError>>,
    {
        let line = self.0.log.shorten(task.line);
        let mut ticket = Ticket::new(Arc::clone(&self.0), asker, line);
        match self.worked(asker, (task.about, task.needs), work).await {
            Ok((done, versions)) => {
                ticket.question.tables = versions.into_iter().collect();
                ticket.question.rows = done.rows as u64;
                ticket.ended(Outcome::Ok, None);
                Ok(done.value)
            }
            Err(error) => {
                ticket.ended(outcome(&error), Some(error.to_string()));
                Err(error)
            }
        }
    }

    async fn worked<T, F, W>(&self, asker: &Asker, (about, needs): (&str, Role), work: F) -> Result<Worked<T>, AskError>
    where
        T: Send + 'static,
        F: FnOnce(Session) -> W + Send + 'static,
        W: Future<Output = Result<Done<T>, QueryError>>,
    {
        Self::needs(asker, about, needs)?;
        let desk = &self.0;
        let place = self.admit(asker)?;
        let (working, running) = (Arc::clone(&desk.working), Arc::clone(&desk.running));
        let places = async {
            // In this order, so that what waits for the others of its kind keeps no statement waiting.
            let one = working.acquire_owned().await.ok()?;
            Some((one, running.acquire_many_owned(desk.work_places).await.ok()?))
        };
        let waiting = tokio::time::timeout(desk.settings.limits.wait, places).await;
        let places = waiting.ok().flatten().ok_or_else(|| full("too many audits and the like run at once"))?;
        drop(place);
        let session = self.session();
        let timeout = session.limits().timeout;
        let deadline = Instant::now() + timeout;
        let gone = CancellationToken::new();
        let _gone = gone.clone().drop_guard();
        let (runtime, span) = (Handle::current(), tracing::Span::current());
        let working = tokio::task::spawn_blocking(move || {
            let _places = places;
            let all = async {
                let session = session.pinned(&[]).await?;
                let done = work(session.clone()).await?;
                Ok::<_, QueryError>((done, session.versions().await))
            };
            span.in_scope(|| runtime.block_on(gone.run_until_cancelled_owned(timeout_at(deadline, all))))
        });
        match working.await {
            Ok(Some(Ok(done))) => Ok(done?),
            Ok(Some(Err(_))) => {
                let message = format!(
                    "it was stopped after {} s; ask for less of it, or allow more time in [serve.limits]",
                    timeout.as_secs_f64()
                );
                Err(QueryError::new(ErrorKind::Limit, message).into())
            }
            Ok(None) | Err(_) => Err(QueryError::new(ErrorKind::Internal, "the work ended before it was done").into()),
        }
    }
}

type Worked<T> = (Done<T>, Vec<(String, u64)>);
