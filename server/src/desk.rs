//! Where every question is asked, whatever the door.
//!
//! For each of them: may this user ask that (by the tables that the statement names), how often has the user asked lately, how
//! many statements run at once, and is it on record. A statement that has to wait does so for a bounded time, in a bounded queue.
//! Whether it was answered, refused or given up, it is written down when it ends. What asks several statements, as an audit, is one
//! question, and takes as many places as it asks at once.

mod asked;
mod clock;
mod questions;
mod rate;
mod record;
mod rotating;
mod work;

use std::sync::Arc;
use std::time::Duration;

use lookback_query::{ErrorKind, QueryError, Session, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

pub use asked::Asked;
pub use clock::Clock;
pub use questions::{Outcome, Question};
pub use record::Covered;

use crate::error::ServerError;
use crate::metrics::Metrics;
use crate::people::{Asker, People, Role};
use crate::settings::{LimitSettings, Settings};
use asked::Ticket;
use questions::QuestionLog;
use rate::Rates;

/// What auditors see, and viewers do not.
const RECORD: &str = "the record of encryption";

/// Why a question is not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The statement cannot be understood or answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The user may not see that.
    #[error("{what} needs the role {needed}, and '{user}' is {role}; ask whoever keeps [serve.users] for it")]
    Forbidden {
        /// What was asked for.
        what: String,
        /// Who asked.
        user: Arc<str>,
        /// The asker's role.
        role: Role,
        /// The role that may.
        needed: Role,
    },
    /// There is no room for it now.
    #[error("{why}; try again in {} s", .retry_after.as_secs_f64().ceil())]
    Busy {
        /// What there is too much of.
        why: &'static str,
        /// When it is worth another try.
        retry_after: Duration,
    },
}

/// The one place where questions are asked. Cheap to clone.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    session: Session,
    settings: Settings,
    people: People,
    metrics: Metrics,
    clock: Clock,
    rates: Rates,
    // Places of those that run and those that wait.
    places: Arc<Semaphore>,
    // Places of those that run.
    running: Arc<Semaphore>,
    // Work of several statements that is done at a time, and the places that each takes of those that run.
    working: Arc<Semaphore>,
    work_places: u32,
    log: QuestionLog,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("session", &self.0.session).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk over a lake. Limits of the settings are set on top of those of the session.
    ///
    /// # Errors
    /// [`ServerError::QuestionLog`] if questions cannot be written down.
    pub fn new(session: Session, settings: &Settings, people: People) -> Result<Self, ServerError> {
        Self::with_clock(session, settings, people, Clock::system())
    }

    /// The same with another clock.
    ///
    /// # Errors
    /// As [`Desk::new`].
    pub fn with_clock(
        session: Session,
        settings: &Settings,
        people: People,
        clock: Clock,
    ) -> Result<Self, ServerError> {
        let limits = &settings.limits;
        let statements = limits.statements.clamp(1, Semaphore::MAX_PERMITS);
        let places = statements.saturating_add(limits.waiting).min(Semaphore::MAX_PERMITS);
        let work_places = session.at_once().min(statements);
        // Half of the places are left to those who ask one statement.
        let working = (statements / 2 / work_places).max(1);
        Ok(Self(Arc::new(Inner {
            session: session.with_timeout(limits.timeout).with_max_rows(Some(limits.max_rows)),
            rates: Rates::new(limits.per_second, limits.burst),
            places: Arc::new(Semaphore::new(places)),
            running: Arc::new(Semaphore::new(statements)),
            working: Arc::new(Semaphore::new(working)),
            work_places: u32::try_from(work_places).unwrap_or(1),
            log: QuestionLog::open(&settings.questions)?,
            settings: settings.clone(),
            people,
            metrics: Metrics::new(),
            clock,
        })))
    }

    /// A session with views and temporary tables of its own: one for each connection, or each request.
    #[must_use]
    pub fn session(&self) -> Session {
        self.0.session.apart()
    }

    /// Who may ask.
    #[must_use]
    pub fn people(&self) -> &People {
        &self.0.people
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What the server counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The newest questions since the start, newest first; for auditors.
    #[must_use]
    pub fn questions(&self, most: usize) -> Vec<Question> {
        self.0.log.recent(most)
    }

    /// Starts a statement for somebody, in a session of [`Desk::session`]. It may be narrower in time and rows, but not wider. The
    /// question is written down when its answer ends, or is dropped.
    ///
    /// # Errors
    /// [`AskError`], which is written down as well.
    pub async fn ask(&self, asker: &Asker, session: &Session, statement: &Statement) -> Result<Asked, AskError> {
        let text = self.0.log.shorten(statement.to_string());
        let mut ticket = Ticket::new(Arc::clone(&self.0), asker, text);
        match self.start(asker, session, statement, &mut ticket).await {
            Ok((answer, deadline, timeout)) => Ok(Asked::new(answer, ticket, deadline, timeout)),
            Err(error) => {
                ticket.ended(outcome(&error), Some(error.to_string()));
                Err(error)
            }
        }
    }

    /// Whether somebody may ask a statement.
    ///
    /// # Errors
    /// [`AskError::Forbidden`].
    pub fn allowed(&self, asker: &Asker, statement: &Statement) -> Result<(), AskError> {
        if !statement.reads_record() {
            return Ok(());
        }
        Self::needs(asker, RECORD, Role::Auditor)
    }

    async fn start(
        &self,
        asker: &Asker,
        session: &Session,
        statement: &Statement,
        ticket: &mut Ticket,
    ) -> Result<(lookback_query::Answer, Instant, Duration), AskError> {
        let desk = &self.0;
        self.allowed(asker, statement)?;
        let place = self.admit(asker)?;
        let limits = &desk.settings.limits;
        let waiting = tokio::time::timeout(limits.wait, Arc::clone(&desk.running).acquire_owned()).await;
        let permit = waiting.ok().and_then(Result::ok).ok_or_else(|| full("too many statements run"))?;
        drop(place);
        ticket.permit = Some(permit);
        let narrowed = narrowed(session, limits);
        let session = narrowed.as_ref().unwrap_or(session);
        let timeout = session.limits().timeout;
        let deadline = Instant::now() + timeout;
        let answer = session.run(statement).await?;
        Ok((answer, deadline, timeout))
    }
}

impl Desk {
    /// Lets a question in that its asker may ask, if it will be on record and there is room: a place among those that wait.
    fn admit(&self, asker: &Asker) -> Result<OwnedSemaphorePermit, AskError> {
        let desk = &self.0;
        desk.log.writable().map_err(|e| {
            let message = format!("the log of questions cannot be written, so nothing is answered: {e}");
            QueryError::new(ErrorKind::Internal, message)
        })?;
        desk.rates
            .take(&asker.user, desk.clock.now())
            .map_err(|retry_after| AskError::Busy { why: "too many questions of this user", retry_after })?;
        Arc::clone(&desk.places).try_acquire_owned().map_err(|_| full("too many statements wait"))
    }

    /// Whether somebody may ask for something.
    fn needs(asker: &Asker, what: &str, needed: Role) -> Result<(), AskError> {
        if asker.role >= needed {
            return Ok(());
        }
        let (user, role) = (Arc::clone(&asker.user), asker.role);
        Err(AskError::Forbidden { what: what.to_owned(), user, role, needed })
    }
}

/// The session within the limits; `None` if it is.
fn narrowed(session: &Session, limits: &LimitSettings) -> Option<Session> {
    let own = session.limits();
    let wide = own.timeout > limits.timeout || own.max_rows.is_none_or(|rows| rows > limits.max_rows);
    let max_rows = own.max_rows.map_or(limits.max_rows, |rows| rows.min(limits.max_rows));
    wide.then(|| session.with_timeout(own.timeout.min(limits.timeout)).with_max_rows(Some(max_rows)))
}

/// There is no room.
fn full(why: &'static str) -> AskError {
    AskError::Busy { why, retry_after: Duration::from_secs(1) }
}

fn outcome(error: &AskError) -> Outcome {
    match error {
        AskError::Query(error) if error.kind() == ErrorKind::Limit => Outcome::Limit,
        AskError::Query(_) => Outcome::Failed,
        AskError::Forbidden { .. } => Outcome::Forbidden,
        AskError::Busy { .. } => Outcome::Busy,
    }
}

#[cfg(test)]
mod tests;
