//! Commands, which are about the connection: its transaction, settings and cursors.

use std::sync::Arc;

use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::startup::ParameterStatus;

use super::answer::Answer;
use super::command::{Command, Rows};
use super::connection::{Connection, Declared, Question, Reply, Stop, Transaction};
use super::failure::{Failure, code, notice};
use super::wire::WireError;

fn done(tag: &str) -> Result<Reply, Stop> {
    Ok(Reply::Done(tag.to_owned()))
}

impl Connection {
    /// Does what a command says.
    pub(super) async fn command(&mut self, command: Command) -> Result<Reply, Stop> {
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

    /// Closes cursors; those WITH HOLD only if it says so.
    pub(super) fn close_cursors(&mut self, held: bool) {
        self.cursors.retain(|_, cursor| cursor.hold && !held);
    }
}
