//! The simple protocol: a text with statements, answered one after the other up to the first that fails.

use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::response::EmptyQueryResponse;

use super::connection::{Connection, Reply, Stop};
use super::encode;
use super::extended::rows_tag;
use super::script::{Piece, split};
use super::wire::WireError;

impl Connection {
    /// Answers the statements of a text.
    pub(super) async fn simple(&mut self, text: &str) -> Result<(), WireError> {
        let pieces = match split(text) {
            Ok(pieces) => pieces,
            Err(failure) => return self.fail(&failure, text, (1, 1)),
        };
        if pieces.is_empty() {
            return self.writer.put(&Out::EmptyQueryResponse(EmptyQueryResponse::new()));
        }
        for piece in &pieces {
            match Box::pin(self.one(piece)).await {
                Ok(()) => {}
                Err(Stop::Over(error)) => return Err(error),
                Err(Stop::Failed(failure)) => return self.fail(&failure, text, piece.start),
            }
        }
        Ok(())
    }

    async fn one(&mut self, piece: &Piece) -> Result<(), Stop> {
        let question = self.understand(piece)?;
        match self.start(&question, piece, &[]).await? {
            Reply::Done(tag) => self.done(&tag)?,
            Reply::Rows(mut answer) => {
                let columns = encode::columns(&answer.schema(), &[])?;
                encode::description(&columns, self.writer.buffer());
                let (sent, _) = self.pour(&mut answer, &columns, u64::MAX).await?;
                self.done(&rows_tag(&question, piece, sent))?;
            }
            Reply::Copy(mut answer, format) => {
                let sent = self.copy(&mut answer, &format).await?;
                self.done(&format!("COPY {sent}"))?;
            }
        }
        Ok(())
    }

    /// Starts a command that has rows.
    pub(super) async fn start_command(&mut self, command: super::command::Command) -> Result<Reply, Stop> {
        let nothing = Piece::default();
        let question = super::connection::Question::Command(command);
        self.start(&question, &nothing, &[]).await
    }
}
