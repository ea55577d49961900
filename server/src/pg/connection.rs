//! One connection after its log-in: its session, settings, transaction, prepared statements and cursors.
//!
//! A transaction changes nothing about what is seen: every statement sees the newest version of each table. It is kept all the same,
//! because clients look at its state, and because cursors end with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use lookback_query::session::Parameter;
use lookback_query::{QueryError, Session, Statement};
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::response::{CommandComplete, ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::{Authentication, BackendKeyData, ParameterStatus, SecretKey};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Cursor};
use super::cancel::Place;
use super::command::{Command, CopyFormat, Rows, command};
use super::encode::{self, Column};
use super::failure::{Failure, code, notice};
use super::login::Client;
use super::parameters::{Parameters, is_known};
use super::script::Piece;
use super::wire::{MAX_MESSAGE, Message, Reader, WireError, Writer};
use super::{Shared, catalog, copy};
use crate::people::Asker;

/// Answers that a connection may have begun and not read to the end.
const MAX_OPEN: usize = 16;

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
struct Declared {
    answer: Cursor,
    hold: bool,
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
    place: Place,
    parameters: Parameters,
    // What they were when the transaction began, and what SET LOCAL leaves.
    before: Option<Parameters>,
    cursors: HashMap<String, Declared>,
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

    /// Starts a statement with the values of its parameters.
    pub(super) fn start<'a>(
        &'a mut self,
        question: &'a Question,
        piece: &'a Piece,
        values: &'a [Parameter],
    ) -> BoxFuture<'a, Result<Reply, Stop>> {
        // Boxed, because a cursor's query is started within the statement that declares it.
        Box::pin(self.started(question, piece, values))
    }

    async fn started(&mut self, question: &Question, piece: &Piece, values: &[Parameter]) -> Result<Reply, Stop> {
        self.may_start(question)?;
        match question {
            Question::Command(command) => self.command(command.clone()).await,
            Question::Lake(statement) => {
                for remark in statement.notices() {
                    self.writer.put(&notice(&remark.to_string()))?;
                }
                let statement = statement.bind(values)?;
                let answer = self.ask(&statement).await?;
                if statement.gives_rows()? { Ok(Reply::Rows(answer)) } else { self.drained(answer, piece).await }
            }
            Question::Catalog => {
                self.room()?;
                let text = catalog::with_values(piece, values);
                let context =
                    catalog::Context { user: &self.asker.user, pid: self.place.pid(), parameters: &self.parameters };
                let run = self.shared.catalog.run(&self.session, &text, &context, self.timeout());
                let rows = tokio::select! {
                    biased;
                    () = self.token.cancelled() => return Err(Failure::canceled().into()),
                    rows = run => rows?,
                };
                Ok(Reply::Rows(Answer::new(rows)))
            }
        }
    }

    /// Asks the lake.
    pub(super) async fn ask(&self, statement: &Statement) -> Result<Answer, Failure> {
        self.room()?;
        let narrowed = self.parameters.timeout().map(|limit| self.session.with_timeout(limit));
        let session = narrowed.as_ref().unwrap_or(&self.session);
        let asked = tokio::select! {
            biased;
            () = self.token.cancelled() => return Err(Failure::canceled()),
            asked = self.shared.desk.ask(&self.asker, session, statement) => asked?,
        };
        Ok(Answer::new(asked.into_stream()))
    }

    /// Whether there is room for one more answer.
    fn room(&self) -> Result<(), Failure> {
        if self.cursors.len() + self.extended.running() >= MAX_OPEN {
            let message = format!("more than {MAX_OPEN} cursors and portals are open; close some");
            return Err(Failure::new(code::LIMIT, message));
        }
        Ok(())
    }

    /// How long a statement may take.
    pub(super) fn timeout(&self) -> Duration {
        let most = self.shared.desk.settings().limits.timeout;
        self.parameters.timeout().map_or(most, |own| own.min(most))
    }

    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    pub(super) fn pid(&self) -> u32 {
        self.place.pid()
    }

    /// A statement without rows has done what it does once its answer has ended.
    async fn drained(&mut self, mut answer: Answer, piece: &Piece) -> Result<Reply, Stop> {
        while let Some(part) = self.next(&mut answer, u64::MAX).await? {
            drop(part);
        }
        Ok(Reply::Done(tag_of(piece)))
    }

    /// The next rows of an answer, unless the statement is stopped before.
    pub(super) async fn next(
        &self,
        answer: &mut Answer,
        most: u64,
    ) -> Result<Option<arrow::array::RecordBatch>, Failure> {
        let part = tokio::select! {
            biased;
            () = self.token.cancelled() => return Err(Failure::canceled()),
            part = answer.part(most) => part,
        };
        part.transpose().map_err(|error| QueryError::from(error).into())
    }

    /// Sends rows, at most so many; how many, and whether these are all.
    pub(super) async fn pour(
        &mut self,
        answer: &mut Answer,
        columns: &[Column],
        most: u64,
    ) -> Result<(u64, bool), Stop> {
        let mut sent = 0;
        while sent < most {
            let Some(part) = self.next(answer, most - sent).await? else { return Ok((sent, true)) };
            let part = encode::flat(part)?;
            let rows = encode::Rows::new(&part, columns)?;
            for row in 0..part.num_rows() {
                rows.write(row, self.writer.buffer())?;
                self.writer.relieve().await?;
            }
            sent += part.num_rows() as u64;
        }
        Ok((sent, false))
    }

    /// Sends rows as lines of COPY; how many.
    pub(super) async fn copy(&mut self, answer: &mut Answer, format: &CopyFormat) -> Result<u64, Stop> {
        let schema = answer.schema();
        let columns = encode::columns(&schema, &[])?;
        copy::begin(columns.len(), self.writer.buffer());
        let alone = columns.len() == 1;
        let mut line = String::new();
        if format.header {
            for (at, field) in schema.fields().iter().enumerate() {
                format.value(at, Some(field.name()), alone, &mut line);
            }
            copy::line(&line, self.writer.buffer());
        }
        let mut sent = 0;
        while let Some(part) = self.next(answer, u64::MAX).await? {
            let part = encode::flat(part)?;
            let rows = encode::Rows::new(&part, &columns)?;
            for row in 0..part.num_rows() {
                line.clear();
                rows.texts(row, |at, value| format.value(at, value, alone, &mut line))?;
                copy::line(&line, self.writer.buffer());
                self.writer.relieve().await?;
            }
            sent += part.num_rows() as u64;
        }
        copy::end(self.writer.buffer());
        Ok(sent)
    }

    async fn command(&mut self, command: Command) -> Result<Reply, Stop> {
        let done = |tag: &str| Ok(Reply::Done(tag.to_owned()));
        match command {
            Command::Begin => {
                if self.transaction == Transaction::Idle {
                    self.transaction = Transaction::Open;
                    self.before = Some(self.parameters.clone());
                } else {
                    self.writer.put(&notice("there is already a transaction in progress"))?;
                }
                done("BEGIN")
            }
            Command::Commit | Command::Rollback => {
                let failed = self.transaction == Transaction::Failed || command == Command::Rollback;
                if self.transaction == Transaction::Idle {
                    self.writer.put(&notice("there is no transaction in progress"))?;
                }
                self.end_transaction()?;
                done(if failed { "ROLLBACK" } else { "COMMIT" })
            }
            Command::Savepoint(tag) => {
                self.within_transaction(tag)?;
                done(tag)
            }
            Command::RollbackTo => {
                if self.transaction == Transaction::Idle {
                    self.within_transaction("ROLLBACK TO SAVEPOINT")?;
                }
                self.transaction = Transaction::Open;
                done("ROLLBACK")
            }
            Command::Set { name, value, local } => {
                if local && self.transaction == Transaction::Idle {
                    self.writer.put(&notice("SET LOCAL can only be used in transaction blocks"))?;
                    return done("SET");
                }
                self.set(&name, value.as_deref(), local)?;
                done("SET")
            }
            Command::SetTransaction => done("SET"),
            Command::Show(name) => {
                let (name, value) = self.parameters.show(&name)?;
                Ok(Reply::Rows(Answer::texts(&[name], &[vec![value]])?))
            }
            Command::ShowAll => {
                let rows: Vec<Vec<String>> =
                    self.parameters.all().map(|(name, value)| vec![name.to_owned(), value]).collect();
                Ok(Reply::Rows(Answer::texts(&["name", "setting"], &rows)?))
            }
            Command::Reset(Some(name)) => {
                self.set(&name, None, false)?;
                done("RESET")
            }
            Command::Reset(None) => {
                self.parameters.reset();
                self.report()?;
                done("RESET")
            }
            Command::Discard { all } => {
                if all {
                    if self.transaction != Transaction::Idle {
                        let message = "DISCARD ALL cannot run inside a transaction block";
                        return Err(Failure::new(code::ACTIVE_TRANSACTION, message).into());
                    }
                    self.parameters.reset();
                    self.close_cursors(true);
                    self.extended = super::extended::Extended::default();
                    self.session = self.shared.desk.session();
                    self.report()?;
                }
                done(if all { "DISCARD ALL" } else { "DISCARD" })
            }
            Command::Deallocate(name) => {
                self.extended.deallocate(name.as_deref())?;
                done(if name.is_none() { "DEALLOCATE ALL" } else { "DEALLOCATE" })
            }
            Command::Listen(tag) => done(tag),
            Command::Declare { name, hold, query } => {
                if !hold {
                    self.within_transaction("DECLARE CURSOR")?;
                }
                if self.cursors.contains_key(&name) {
                    let message = format!("cursor \"{name}\" already exists");
                    return Err(Failure::new(code::DUPLICATE_CURSOR, message).into());
                }
                let answer = self.inner(&query).await?;
                let answer = Arc::new(tokio::sync::Mutex::new(answer));
                self.cursors.insert(name, Declared { answer, hold });
                done("DECLARE CURSOR")
            }
            Command::Fetch { name, rows, moves } => {
                let unknown = || Failure::new(code::NO_CURSOR, format!("cursor \"{name}\" does not exist"));
                let cursor = Arc::clone(&self.cursors.get(&name).ok_or_else(unknown)?.answer);
                let most = match rows {
                    Rows::All => None,
                    Rows::Next(rows) => Some(rows),
                };
                let mut fetched = Answer::fetched(&cursor, most).await;
                if moves {
                    let mut passed = 0;
                    while let Some(part) = self.next(&mut fetched, u64::MAX).await? {
                        passed += part.num_rows();
                    }
                    return Ok(Reply::Done(format!("MOVE {passed}")));
                }
                Ok(Reply::Rows(fetched))
            }
            Command::Close(None) => {
                self.close_cursors(true);
                done("CLOSE CURSOR ALL")
            }
            Command::Close(Some(name)) => {
                let unknown = || Failure::new(code::NO_CURSOR, format!("cursor \"{name}\" does not exist"));
                self.cursors.remove(&name).ok_or_else(unknown)?;
                done("CLOSE CURSOR")
            }
            Command::Copy { query, format } => Ok(Reply::Copy(self.inner(&query).await?, format)),
        }
    }

    /// The answer to the query in a DECLARE or COPY.
    async fn inner(&mut self, query: &str) -> Result<Answer, Stop> {
        let pieces = super::script::split(query)?;
        let [piece] = pieces.as_slice() else {
            return Err(Failure::new(code::SYNTAX, "one query is expected here").into());
        };
        let question = self.understand(piece)?;
        let not_a_query = || Failure::new(code::SYNTAX, "a query is expected here, such as SELECT");
        match self.start(&question, piece, &[]).await? {
            Reply::Rows(answer) if !matches!(question, Question::Command(_)) => Ok(answer),
            _ => Err(not_a_query().into()),
        }
    }

    fn within_transaction(&self, what: &str) -> Result<(), Failure> {
        if self.transaction == Transaction::Idle {
            return Err(Failure::new(code::NO_TRANSACTION, format!("{what} can only be used in transaction blocks")));
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<(), Stop> {
        let changed = self.parameters.set(name, value)?;
        if let (false, Some(before)) = (local, &mut self.before) {
            // It stays after the transaction; whether it would not after a ROLLBACK, no client looks at.
            before.set(name, value)?;
        }
        if let Some(remark) = changed.notice {
            self.writer.put(&notice(remark))?;
        }
        if let Some((name, value)) = changed.report {
            self.writer.put(&Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)))?;
        }
        Ok(())
    }

    fn report(&mut self) -> Result<(), WireError> {
        for (name, value) in self.parameters.reported() {
            self.writer.put(&Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)))?;
        }
        Ok(())
    }

    fn end_transaction(&mut self) -> Result<(), WireError> {
        self.transaction = Transaction::Idle;
        self.close_cursors(false);
        self.extended.close_portals();
        if let Some(before) = self.before.take() {
            self.parameters = before;
            self.report()?;
        }
        Ok(())
    }

    fn close_cursors(&mut self, held: bool) {
        self.cursors.retain(|_, cursor| cursor.hold && !held);
    }
}

/// What a statement without rows is called when it is done: `CREATE VIEW`.
pub(super) fn tag_of(piece: &Piece) -> String {
    let words = piece.tokens.iter().filter_map(|token| match token {
        sqlparser::tokenizer::Token::Word(word) => Some(word.value.to_uppercase()),
        _ => None,
    });
    let mut words = words.filter(|word| !["OR", "REPLACE", "TEMP", "TEMPORARY", "LOCAL"].contains(&word.as_str()));
    let first = words.next().unwrap_or_default();
    match first.as_str() {
        "CREATE" | "DROP" => format!("{first} {}", words.next().unwrap_or_default()),
        _ => first,
    }
}
