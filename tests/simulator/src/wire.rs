//! A connection: frontend messages in, backend messages out.

use std::io;

use bytes::{BufMut, BytesMut};
use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use pgwire::messages::{DecodeContext, PgWireBackendMessage, PgWireFrontendMessage};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::error::SqlError;

/// A plain or encrypted stream.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The two directions of a connection, buffered.
pub(crate) struct Wire {
    pub(crate) stream: Box<dyn Stream>,
    input: BytesMut,
    pub(crate) output: BytesMut,
    context: DecodeContext,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        let context = DecodeContext::default();
        Self { stream, input: BytesMut::with_capacity(8192), output: BytesMut::with_capacity(8192), context }
    }

    /// The next 8 bytes are not an SSLRequest any more: read a startup message.
    pub(crate) fn expect_startup(&mut self) {
        self.context.awaiting_frontend_ssl = false;
    }

    /// Startup is over: read typed messages.
    pub(crate) fn expect_messages(&mut self) {
        self.context.awaiting_frontend_ssl = false;
        self.context.awaiting_frontend_startup = false;
    }

    /// The next message; `None` when the client has gone.
    pub(crate) async fn read(&mut self) -> io::Result<Option<PgWireFrontendMessage>> {
        loop {
            if let Some(message) =
                PgWireFrontendMessage::decode(&mut self.input, &self.context).map_err(io::Error::other)?
            {
                return Ok(Some(message));
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Returns when the client has gone; whatever it sends meanwhile is kept for later.
    pub(crate) async fn gone(&mut self) {
        while matches!(self.stream.read_buf(&mut self.input).await, Ok(n) if n > 0) {}
    }

    /// Appends a message; it leaves with the next flush.
    pub(crate) fn put(&mut self, message: &PgWireBackendMessage) -> io::Result<()> {
        message.encode(&mut self.output).map_err(io::Error::other)
    }

    pub(crate) fn error(&mut self, error: &SqlError) -> io::Result<()> {
        self.put(&PgWireBackendMessage::ErrorResponse(error.response()))
    }

    pub(crate) fn ready(&mut self, status: TransactionStatus) -> io::Result<()> {
        self.put(&PgWireBackendMessage::ReadyForQuery(ReadyForQuery::new(status)))
    }

    /// An authentication request that the message library does not know.
    pub(crate) fn authentication(&mut self, tag: i32, payload: &[u8]) {
        self.output.put_u8(b'R');
        self.output.put_i32(i32::try_from(payload.len() + 8).unwrap_or(i32::MAX));
        self.output.put_i32(tag);
        self.output.put_slice(payload);
    }

    /// Sends what has been put. If it is given up half-way, what is left is sent by the next flush: a message is never cut.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            if self.stream.write_buf(&mut self.output).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        self.stream.flush().await
    }
}
