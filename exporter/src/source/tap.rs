//! Takes the rows of one read off a connection before the driver sees them.
//!
//! The driver hands out rows one by one, each with a list of its values' positions: for tables of millions of rows and tens of
//! columns that costs more than all that is done with the values. A [`Tap`] lies between the socket (or TLS) and the driver and
//! lets every message pass, with one exception: after [`Valve::open`], the `DataRow` messages that follow the next
//! `BindComplete` go to the reader, many at a time and still encoded. The driver does everything else: log-in, statements,
//! errors, and the end of the answer.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_postgres::tls::{ChannelBinding, TlsStream};
use tokio_util::io::poll_read_buf;
use tokio_util::sync::PollSender;

/// Bytes asked of the socket at once.
const READ_BYTES: usize = 128 << 10;
/// Runs of rows on their way to the reader. When so many wait, the socket is not read: TCP then holds the server back.
const WAITING_RUNS: usize = 4;
/// A longer row is refused, so that memory stays bounded. System tables have rows of some kilobytes.
const MAX_ROW_BYTES: usize = 128 << 20;
/// A message's tag and length.
const HEADER: usize = 5;

const DATA_ROW: u8 = b'D';
const BIND_COMPLETE: u8 = b'2';

/// Opens a connection's [`Tap`].
#[derive(Debug, Clone, Default)]
pub(super) struct Valve(Arc<Mutex<Option<mpsc::Sender<Bytes>>>>);

impl Valve {
    /// Diverts the rows of the next statement that is bound. The channel gives runs of whole `DataRow` messages, and closes
    /// when the answer ends, well or badly: the driver knows which.
    ///
    /// No answer may be outstanding on the connection.
    pub(super) fn open(&self) -> mpsc::Receiver<Bytes> {
        let (sender, receiver) = mpsc::channel(WAITING_RUNS);
        self.set(Some(sender));
        receiver
    }

    /// Takes back an [`open`](Self::open) whose statement was never bound.
    pub(super) fn close(&self) {
        self.set(None);
    }

    fn set(&self, sender: Option<mpsc::Sender<Bytes>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }

    fn take(&self) -> Option<mpsc::Sender<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A stream whose rows can be diverted.
#[derive(Debug)]
pub(super) struct Tap<S> {
    inner: S,
    valve: Valve,
    /// Where rows go at present.
    reader: Option<PollSender<Bytes>>,
    /// Read, and not yet passed on.
    buffer: BytesMut,
    /// Bytes of the message at the front of the buffer that the driver has yet to get.
    passing: usize,
}

/// What to do with the front of the buffer.
enum Next {
    /// So many bytes are whole rows for the reader.
    Rows(usize),
    /// More has to come first.
    Missing,
    /// The driver gets it.
    Pass,
}

impl<S> Tap<S> {
    pub(super) fn new(inner: S, valve: Valve) -> Self {
        Self { inner, valve, reader: None, buffer: BytesMut::new(), passing: 0 }
    }

    /// Looks at the message that begins at the front of the buffer.
    fn next(&self) -> io::Result<Next> {
        let mut rows = 0;
        loop {
            let rest = self.buffer.get(rows..).unwrap_or_default();
            let Some((tag, length)) = header(rest)? else {
                return Ok(if rows > 0 { Next::Rows(rows) } else { Next::Missing });
            };
            if tag != DATA_ROW || self.reader.is_none() {
                return Ok(if rows > 0 { Next::Rows(rows) } else { Next::Pass });
            }
            if length > MAX_ROW_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a row of {length} bytes")));
            }
            if rest.len() < length {
                return Ok(if rows > 0 { Next::Rows(rows) } else { Next::Missing });
            }
            rows += length;
        }
    }

    /// Begins to pass the message at the front of the buffer to the driver.
    fn pass(&mut self) -> io::Result<()> {
        if let Some((tag, length)) = header(&self.buffer)? {
            self.passing = length;
            self.reader = match tag {
                BIND_COMPLETE => self.valve.take().map(PollSender::new),
                // The end of the answer, or an error. Others, such as a notice, can come between rows.
                b'C' | b'E' | b'I' | b's' | b'Z' => None,
                _ => self.reader.take(),
            };
        }
        Ok(())
    }
}

/// Tag and length, tag included, of the message that begins here.
fn header(bytes: &[u8]) -> io::Result<Option<(u8, usize)>> {
    let Some((&[tag, a, b, c, d], _)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
    let length = usize::try_from(i32::from_be_bytes([a, b, c, d])).ok().filter(|l| *l >= 4);
    match length {
        Some(length) => Ok(Some((tag, length + 1))),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "a message with an impossible length")),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.passing > 0 && !this.buffer.is_empty() {
                let n = this.passing.min(this.buffer.len()).min(out.remaining());
                out.put_slice(&this.buffer[..n]);
                this.buffer.advance(n);
                this.passing -= n;
                return Poll::Ready(Ok(()));
            }
            if this.passing == 0 {
                match this.next()? {
                    Next::Pass => {
                        this.pass()?;
                        continue;
                    }
                    Next::Rows(bytes) => {
                        if let Some(reader) = &mut this.reader {
                            let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the read was given up");
                            ready!(reader.poll_reserve(cx)).map_err(gone)?;
                            reader.send_item(this.buffer.split_to(bytes).freeze()).map_err(gone)?;
                        }
                        continue;
                    }
                    Next::Missing => {}
                }
            }
            if this.buffer.capacity() - this.buffer.len() < READ_BYTES / 8 {
                this.buffer.reserve(READ_BYTES);
            }
            if ready!(poll_read_buf(Pin::new(&mut this.inner), cx, &mut this.buffer))? == 0 {
                // The end of the stream; the driver says what that means for whatever is outstanding.
                this.reader = None;
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Tap<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

#[cfg(test)]
mod tests;
