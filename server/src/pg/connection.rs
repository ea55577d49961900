//! One connection after its log-in: its session, settings, transaction, prepared statements and cursors.
//!
//! A transaction changes nothing about what is seen: every statement sees the newest version of each table. It is kept all the same,
//! because clients look at its state, and because cursors end with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lookback_query::{QueryError, Session, Statement};
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::response::{CommandComplete, ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::{Authentication, BackendKeyData, ParameterStatus, SecretKey};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Cursor};
use super::cancel::Place;
use super::command::{Command, CopyFormat, command};
use super::failure::{Failure, code};
use super::login::Client;
use super::parameters::{Parameters, is_known};
use super::script::Piece;
use super::wire::{MAX_MESSAGE, Message, Reader, WireError, Writer};
use super::{Shared, catalog};
use crate::people::Asker;

/// Why a message is not answered as it should be.
pub(super) enum Stop {
    /// The client is told, and goes on.
    Failed(Failure),
    /// The connection is over.
    Over(WireError),
}

impl From<WireError> for Stop {
    fn from(error: WireError) -> Self {
        Self::Over(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<QueryError> for Stop {
    fn from(error: QueryError) -> Self {
        Self::Failed(error.into())
    }
}

/// What a statement turned out to be.
#[derive(Debug, Clone)]
pub(super) enum Question {
    Command(Command),
    Lake(Statement),
    Catalog,
}

/// What there is to say about a statement that was started.
pub(super) enum Reply {
    Done(String),
    Rows(Answer),
    Copy(Answer, CopyFormat),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    Idle,
    Open,
    Failed,
}

/// A cursor that DECLARE has made.
pub(super) struct Declared {
    pub(super) answer: Cursor,
    pub(super) hold: bool,
}

/// One connection.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) asker: Asker,
    pub(super) session: Session,
    pub(super) writer: Writer,
    pub(super) transaction: Transaction,
    pub(super) extended: super::extended::Extended,
    pub(super) token: CancellationToken,
    pub(super) place: Place,
    pub(super) parameters: Parameters,
    // What they were when the transaction began, and what SET LOCAL leaves.
    pub(super) before: Option<Parameters>,
    pub(super) cursors: HashMap<String, Declared>,
}

/// Serves a client until it goes, or is sent away.
pub(super) async fn serve(
    client: Client,
    shared: Arc<Shared>,
    place: Place,
    stop: &CancellationToken,
) -> Result<(), WireError> {
    let Client { mut reader, mut writer, asker, parameters } = client;
    let parameters = match Parameters::new(&asker.user, &parameters) {
        Ok(parameters) => parameters,
        Err(failure) => {
            writer.put(&failure.message("", (1, 1)))?;
            writer.close().await;
            return Ok(());
        }
    };
    shared.desk.metrics().login(crate::people::Door::Pg, true);
    let limits = shared.desk.settings().limits.clone();
    writer.patience(limits.timeout);
    let mut connection = Connection {
        session: shared.desk.session(),
        shared,
        asker,
        writer,
        transaction: Transaction::Idle,
        extended: super::extended::Extended::default(),
        token: CancellationToken::new(),
        place,
        parameters,
        before: None,
        cursors: HashMap::new(),
    };
    connection.greet().await?;
    let end = connection.talk(&mut reader, limits.idle, stop).await?;
    if let Some(failure) = end {
        connection.writer.put(&failure.message("", (1, 1)))?;
        connection.writer.close().await;
    }
    Ok(())
}

impl Connection {
    async fn greet(&mut self) -> Result<(), WireError> {
        self.writer.put(&Out::Authentication(Authentication::Ok))?;
        for (name, value) in self.parameters.reported() {
            self.writer.put(&Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)))?;
        }
        let (pid, secret) = (self.place.pid(), self.place.secret());
        let key = BackendKeyData::new(pid.cast_signed(), SecretKey::I32(secret.cast_signed()));
        self.writer.put(&Out::BackendKeyData(key))?;
        self.ready().await
    }

    /// Answers messages; the last word if there is one.
    async fn talk(
        &mut self,
        reader: &mut Reader,
        idle: Duration,
        stop: &CancellationToken,
    ) -> Result<Option<Failure>, WireError> {
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Some(Failure::fatal(code::SHUTDOWN, "the server is shutting down"))),
                message = reader.next(MAX_MESSAGE) => message,
                () = tokio::time::sleep(idle) => {
                    let message = format!("nothing was asked for {} s", idle.as_secs());
                    return Ok(Some(Failure::fatal(code::IDLE, message)));
                }
            };
            let message = match message {
                Ok(Some(Message::Terminate) | None) => return Ok(None),
                Ok(Some(message)) => message,
                Err(WireError::Protocol(why)) => return Ok(Some(Failure::fatal(code::PROTOCOL_VIOLATION, why))),
                Err(gone) => return Err(gone),
            };
            self.token = self.place.begin();
            let answered = tokio::select! {
                biased;
                answered = self.answer(message) => answered,
                // Nobody is there any more, so nothing needs to be found out.
                () = reader.gone() => return Ok(None),
            };
            self.place.end();
            answered?;
        }
    }

    async fn answer(&mut self, message: Message) -> Result<(), WireError> {
        match message {
            Message::Query(text) => {
                // As in PostgreSQL, the statement and portal without a name end here.
                self.extended.begin_simple();
                self.simple(&text).await?;
                self.ready().await
            }
            Message::Flush => self.writer.flush().await,
            Message::Password(_) => Err(WireError::Protocol("a password after the log-in")),
            Message::Copy | Message::Terminate => Ok(()),
            extended => self.extended(extended).await,
        }
    }

    /// Says that the next message may come.
    pub(super) async fn ready(&mut self) -> Result<(), WireError> {
        let status = match self.transaction {
            Transaction::Idle => TransactionStatus::Idle,
            Transaction::Open => TransactionStatus::Transaction,
            Transaction::Failed => TransactionStatus::Error,
        };
        self.writer.put(&Out::ReadyForQuery(ReadyForQuery::new(status)))?;
        self.writer.flush().await
    }

    /// Tells the client what went wrong; a transaction that is open has failed with it.
    pub(super) fn fail(&mut self, failure: &Failure, text: &str, start: (u64, u64)) -> Result<(), WireError> {
        if self.transaction == Transaction::Open {
            self.transaction = Transaction::Failed;
            self.close_cursors(false);
            self.extended.close_portals();
        }
        self.writer.put(&failure.message(text, start))
    }

    pub(super) fn done(&mut self, tag: &str) -> Result<(), WireError> {
        self.writer.put(&Out::CommandComplete(CommandComplete::new(tag.to_owned())))
    }

    /// What a statement is.
    pub(super) fn understand(&self, piece: &Piece) -> Result<Question, Failure> {
        match command(piece)? {
            // What PostgreSQL does not know Redshift may, as one of the settings that change no answer.
            Some(Command::Set { name, .. }) if !is_known(&name) => {}
            Some(Command::Reset(Some(name))) if !is_known(&name) => {}
            Some(command) => return Ok(Question::Command(command)),
            None => {}
        }
        if catalog::is_about(&piece.text) {
            return Ok(Question::Catalog);
        }
        let mut statements = self.session.prepare(&piece.text)?;
        match (statements.pop(), statements.is_empty()) {
            (Some(statement), true) => Ok(Question::Lake(statement)),
            _ => Err(Failure::new(code::SYNTAX, "one statement is expected here")),
        }
    }

    /// Whether a statement may be started in a transaction that has failed.
    pub(super) fn may_start(&self, question: &Question) -> Result<(), Failure> {
        let ends = matches!(question, Question::Command(Command::Commit | Command::Rollback | Command::RollbackTo));
        if self.transaction == Transaction::Failed && !ends {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Failure::new(code::FAILED_TRANSACTION, message));
        }
        Ok(())
    }
}
