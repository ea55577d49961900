//! An answer under way, with what it holds: its place among the statements that run, and its line in the log of questions.
//!
//! A reader may be slow, or not read at all. So an answer that is not read to its end in time is stopped by a task of its own,
//! and its place is free again although somebody still holds it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt, TryStreamExt};
use lookback_query::session::Progress;
use lookback_query::{Answer, ErrorKind, QueryError};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::{Asker, Inner, Outcome, Question};

/// How long after its time limit an answer that nobody reads is stopped.
const GRACE: Duration = Duration::from_secs(1);

/// An answer under way. Dropping it stops the statement.
pub struct Asked {
    answer: Answer,
    ticket: Ticket,
    deadline: Instant,
    timeout: Duration,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("answer", &self.answer).finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(answer: Answer, mut ticket: Ticket, deadline: Instant, timeout: Duration) -> Self {
        ticket.progress = Some(answer.progress());
        ticket.question.tables = answer.versions().iter().cloned().collect();
        Self { answer, ticket, deadline, timeout }
    }

    /// The columns; none if the statement asks for nothing.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.answer.schema()
    }

    /// The tables that the statement reads, each with the Delta version that it sees.
    #[must_use]
    pub fn versions(&self) -> &[(String, u64)] {
        self.answer.versions()
    }

    /// What the statement has read, also after the answer is gone.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.answer.progress()
    }

    /// The rows as they come; an error ends them. Dropping the stream stops the statement.
    #[must_use]
    pub fn into_stream(self) -> SendableRecordBatchStream {
        let schema = self.answer.schema();
        let held = Held { rows: self.answer.into_stream(), ticket: self.ticket };
        let shared: Shared = Arc::new(Mutex::new(Some(held)));
        let (late, until) = (Arc::downgrade(&shared), self.deadline + GRACE);
        let watch = tokio::spawn(async move {
            tokio::time::sleep_until(until).await;
            if let Some(shared) = late.upgrade()
                && let Some(mut held) = lock(&shared).take()
            {
                held.ticket.ended(Outcome::Limit, Some("the answer was not read in time".to_owned()));
            }
        });
        Box::pin(Rows { shared, schema, timeout: self.timeout, over: false, watch: watch.abort_handle() })
    }

    /// All rows. For answers that are known to be small.
    ///
    /// # Errors
    /// What stopped the statement.
    pub async fn collect(self) -> Result<Vec<RecordBatch>, QueryError> {
        Ok(self.into_stream().try_collect().await?)
    }
}

struct Held {
    rows: SendableRecordBatchStream,
    ticket: Ticket,
}

type Shared = Arc<Mutex<Option<Held>>>;

fn lock(shared: &Shared) -> MutexGuard<'_, Option<Held>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Rows {
    shared: Shared,
    schema: SchemaRef,
    timeout: Duration,
    over: bool,
    watch: tokio::task::AbortHandle,
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl RecordBatchStream for Rows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Stream for Rows {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let mut slot = lock(&self.shared);
        let Some(held) = slot.as_mut() else {
            drop(slot);
            self.over = true;
            let message = format!("the answer was not read within {} s", self.timeout.as_secs_f64());
            return Poll::Ready(Some(Err(QueryError::new(ErrorKind::Limit, message).into())));
        };
        let next = match held.rows.poll_next_unpin(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(next) => next,
        };
        match &next {
            Some(Ok(batch)) => held.ticket.question.rows += batch.num_rows() as u64,
            Some(Err(error)) => held.ticket.failed(error),
            None => held.ticket.ended(Outcome::Ok, None),
        }
        if !matches!(next, Some(Ok(_))) {
            // The place is free for the next statement before the answer is dropped.
            *slot = None;
            drop(slot);
            self.over = true;
        }
        Poll::Ready(next)
    }
}

/// What a question holds while it is answered. When it is dropped, the question is written down.
pub(super) struct Ticket {
    pub(super) desk: Arc<Inner>,
    pub(super) question: Question,
    pub(super) started: Duration,
    pub(super) progress: Option<Progress>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

impl Ticket {
    pub(super) fn new(desk: Arc<Inner>, asker: &Asker, statement: String) -> Self {
        let started = desk.clock.now();
        let question = Question {
            time: desk.clock.wall().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            user: Arc::clone(&asker.user),
            role: asker.role,
            door: asker.door,
            address: asker.from,
            statement,
            tables: std::collections::BTreeMap::new(),
            rows: 0,
            bytes: 0,
            seconds: 0.0,
            // What is dropped before it has ended was given up.
            outcome: Outcome::Stopped,
            error: None,
        };
        Self { desk, question, started, progress: None, permit: None }
    }

    pub(super) fn ended(&mut self, outcome: Outcome, error: Option<String>) {
        self.question.outcome = outcome;
        self.question.error = error;
    }

    fn failed(&mut self, error: &DataFusionError) {
        // An error of ours that travelled through the engine has its kind in it.
        let own = match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref::<QueryError>().map(QueryError::kind),
            DataFusionError::ResourcesExhausted(_) => Some(ErrorKind::Limit),
            _ => None,
        };
        let outcome = if own == Some(ErrorKind::Limit) { Outcome::Limit } else { Outcome::Failed };
        self.ended(outcome, Some(error.strip_backtrace()));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        drop(self.permit.take());
        if let Some(progress) = &self.progress {
            self.question.bytes = progress.read().bytes;
        }
        self.question.seconds = self.desk.clock.now().saturating_sub(self.started).as_secs_f64();
        self.desk.metrics.answered(&self.question);
        self.desk.log.write(self.question.clone());
    }
}
