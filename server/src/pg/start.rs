//! Statements as they begin and as their rows are sent.

use std::time::Duration;

use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use lookback_query::session::Parameter;
use lookback_query::{QueryError, Statement};

use super::answer::Answer;
use super::command::CopyFormat;
use super::connection::{Connection, Question, Reply, Stop};
use super::encode::{self, Column};
use super::failure::{Failure, code, notice};
use super::parameters::Parameters;
use super::script::Piece;
use super::{catalog, copy};

/// Answers that a connection may have begun and not read to the end.
const MAX_OPEN: usize = 16;

impl Connection {
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
    pub(super) async fn next(&self, answer: &mut Answer, most: u64) -> Result<Option<RecordBatch>, Failure> {
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
