//! Bytes of a connection as messages of PostgreSQL's protocol, version 3.
//!
//! What comes in is from somebody who may not even have logged in: lengths are checked before anything is kept, and a body that ends
//! early is an error. What goes out is gathered and written in blocks, each within a bounded time, because a client that does not
//! read would otherwise hold whatever waits for it.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use pgwire::messages::PgWireBackendMessage;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

/// A connection, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Longest message before somebody has logged in, in bytes.
pub(super) const MAX_LOGIN: usize = 10_000;
/// Longest message afterwards, in bytes: a statement may have 16 MiB.
pub(super) const MAX_MESSAGE: usize = (16 << 20) + 65_536;
/// Bytes that may wait to be looked at while a statement runs.
const AHEAD: usize = 64 << 10;
/// Bytes that are gathered before they are written.
const BLOCK: usize = 64 << 10;

/// Why a message cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The connection is over.
    #[error("the connection is over: {0}")]
    Gone(#[from] io::Error),
    /// It is not PostgreSQL's protocol.
    #[error("protocol violation: {0}")]
    Protocol(&'static str),
}

/// What a client sends.
#[derive(Debug)]
pub(super) enum Message {
    Query(String),
    Parse {
        name: String,
        text: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe {
        portal: bool,
        name: String,
    },
    Execute {
        name: String,
        most: u32,
    },
    Close {
        portal: bool,
        name: String,
    },
    Sync,
    Flush,
    Terminate,
    /// A password or another answer to a log-in.
    Password(Bytes),
    /// Parts of COPY FROM, which is never under way here.
    Copy,
}

/// Values for a statement's parameters.
#[derive(Debug, Default)]
pub(super) struct Bind {
    pub(super) portal: String,
    pub(super) statement: String,
    pub(super) formats: Vec<i16>,
    pub(super) values: Vec<Option<Bytes>>,
    pub(super) results: Vec<i16>,
}

/// The half that a client writes to.
pub(super) struct Reader {
    from: ReadHalf<Box<dyn Stream>>,
    bytes: BytesMut,
}

impl Reader {
    /// The next message; `None` if the client has gone. May be dropped and called again.
    pub(super) async fn next(&mut self, most: usize) -> Result<Option<Message>, WireError> {
        if !self.fill(5).await? {
            return Ok(None);
        }
        let length = length(&self.bytes[1..]);
        if !(4..=most).contains(&length) {
            return Err(WireError::Protocol("the length of a message is not possible"));
        }
        if !self.fill(1 + length).await? {
            return Ok(None);
        }
        let mut message = self.bytes.split_to(1 + length).freeze();
        let tag = message.get_u8();
        message.advance(4);
        understood(tag, Body(message)).map(Some)
    }

    /// Ends when the client has gone. What it sends meanwhile is kept for later.
    pub(super) async fn gone(&mut self) {
        while self.bytes.len() < AHEAD {
            if !matches!(self.from.read_buf(&mut self.bytes).await, Ok(1..)) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    async fn fill(&mut self, wanted: usize) -> Result<bool, WireError> {
        while self.bytes.len() < wanted {
            self.bytes.reserve((wanted - self.bytes.len()).min(BLOCK));
            if self.from.read_buf(&mut self.bytes).await? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn length(bytes: &[u8]) -> usize {
    bytes.get(..4).and_then(|four| four.try_into().ok()).map_or(0, |four| u32::from_be_bytes(four) as usize)
}

/// The half that a client reads from.
pub(super) struct Writer {
    to: WriteHalf<Box<dyn Stream>>,
    bytes: BytesMut,
    patience: Duration,
}

impl Writer {
    /// Adds a message; it is written with the next flush, or when many have come together.
    pub(super) fn put(&mut self, message: &PgWireBackendMessage) -> Result<(), WireError> {
        message.encode(&mut self.bytes).map_err(|_| WireError::Protocol("an answer is too long for a message"))
    }

    /// Where rows are written to directly, as whole messages.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// Writes if enough has come together.
    pub(super) async fn relieve(&mut self) -> Result<(), WireError> {
        if self.bytes.len() >= BLOCK { self.flush().await } else { Ok(()) }
    }

    /// Writes what is there.
    pub(super) async fn flush(&mut self) -> Result<(), WireError> {
        let write = async {
            self.to.write_all_buf(&mut self.bytes).await?;
            self.to.flush().await
        };
        match tokio::time::timeout(self.patience, write).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read").into()),
        }
    }

    /// How long a client may take to read a block.
    pub(super) fn patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Writes what is there and says that nothing follows.
    pub(super) async fn close(&mut self) {
        if self.flush().await.is_ok() {
            let _ = tokio::time::timeout(self.patience, self.to.shutdown()).await;
        }
    }
}

/// One of the first messages of a connection, which have no tag; not a byte more is read, because what follows may be TLS. `None` if
/// the client has gone.
pub(super) async fn packet(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Body>, WireError> {
    let length = match from.read_u32().await {
        Ok(length) => length as usize,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    if !(8..=MAX_LOGIN).contains(&length) {
        return Err(WireError::Protocol("the length of the first message is not possible"));
    }
    let mut packet = vec![0; length - 4];
    from.read_exact(&mut packet).await?;
    Ok(Some(Body(packet.into())))
}

/// Both halves of a connection.
pub(super) fn halves(stream: Box<dyn Stream>, patience: Duration) -> (Reader, Writer) {
    let (from, to) = tokio::io::split(stream);
    (Reader { from, bytes: BytesMut::new() }, Writer { to, bytes: BytesMut::new(), patience })
}

fn understood(tag: u8, mut body: Body) -> Result<Message, WireError> {
    let message = match tag {
        b'Q' => Message::Query(body.text()?),
        b'P' => {
            let (name, text) = (body.text()?, body.text()?);
            let types = (0..body.count()?).map(|_| body.four()).collect::<Result<_, _>>()?;
            Message::Parse { name, text, types }
        }
        b'B' => {
            let (portal, statement) = (body.text()?, body.text()?);
            let formats = body.formats()?;
            let values = (0..body.count()?).map(|_| body.value()).collect::<Result<_, _>>()?;
            Message::Bind(Bind { portal, statement, formats, values, results: body.formats()? })
        }
        b'D' => Message::Describe { portal: body.is_portal()?, name: body.text()? },
        b'E' => Message::Execute { name: body.text()?, most: body.four()? },
        b'C' => Message::Close { portal: body.is_portal()?, name: body.text()? },
        b'S' => Message::Sync,
        b'H' => Message::Flush,
        b'X' => Message::Terminate,
        b'p' => return Ok(Message::Password(body.0)),
        b'd' | b'c' | b'f' => return Ok(Message::Copy),
        _ => return Err(WireError::Protocol("a message of a kind that there is not")),
    };
    if body.0.is_empty() { Ok(message) } else { Err(WireError::Protocol("a message is longer than what it says")) }
}

/// What is left of a message.
pub(super) struct Body(pub(super) Bytes);

const SHORT: WireError = WireError::Protocol("a message ends early");

impl Body {
    pub(super) fn text(&mut self) -> Result<String, WireError> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(SHORT)?;
        let text = self.0.split_to(end);
        self.0.advance(1);
        String::from_utf8(text.into()).map_err(|_| WireError::Protocol("a text is not UTF-8"))
    }

    pub(super) fn four(&mut self) -> Result<u32, WireError> {
        self.0.try_get_u32().map_err(|_| SHORT)
    }

    fn count(&mut self) -> Result<u16, WireError> {
        self.0.try_get_u16().map_err(|_| SHORT)
    }

    fn formats(&mut self) -> Result<Vec<i16>, WireError> {
        (0..self.count()?).map(|_| self.0.try_get_i16().map_err(|_| SHORT)).collect()
    }

    fn value(&mut self) -> Result<Option<Bytes>, WireError> {
        match self.four()? {
            u32::MAX => Ok(None),
            length => self.take(length as usize).map(Some),
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<Bytes, WireError> {
        if length > self.0.len() {
            return Err(SHORT);
        }
        Ok(self.0.split_to(length))
    }

    fn is_portal(&mut self) -> Result<bool, WireError> {
        match self.0.try_get_u8().map_err(|_| SHORT)? {
            b'P' => Ok(true),
            b'S' => Ok(false),
            _ => Err(WireError::Protocol("neither a statement nor a portal")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reader(bytes: &[u8]) -> Reader {
        let stream: Box<dyn Stream> =
            Box::new(tokio::io::join(std::io::Cursor::new(bytes.to_vec()), tokio::io::sink()));
        halves(stream, Duration::from_secs(1)).0
    }

    async fn read(bytes: &[u8]) -> Result<Option<Message>, WireError> {
        reader(bytes).next(MAX_MESSAGE).await
    }

    #[tokio::test]
    async fn messages_are_read_and_those_that_lie_are_refused() {
        let bind = b"B\0\0\0\x19p\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0";
        let Ok(Some(Message::Bind(bind))) = read(bind).await else { panic!("not a bind") };
        assert_eq!((bind.portal.as_str(), bind.statement.as_str(), bind.formats), ("p", "s", vec![1]));
        assert_eq!(bind.values, [Some(Bytes::from_static(b"x")), None]);
        assert!(matches!(read(b"Q\0\0\0\x0cselect 1").await, Err(WireError::Protocol(_))), "no end");
        for wrong in [
            &b"Q\xff\xff\xff\xff"[..],
            b"Q\0\0\0\x03",
            b"Q\0\0\0\x06\xff\0",
            b"S\0\0\0\x05x",
            b"D\0\0\0\x06x\0",
            b"P\0\0\0\x08\0\0\0\x05",
            b"B\0\0\0\x10\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0",
            b"!\0\0\0\x04",
        ] {
            assert!(matches!(read(wrong).await, Err(WireError::Protocol(_))), "{wrong:?}");
        }
        assert!(read(b"Q\0\0").await.unwrap().is_none());
    }

    proptest! {
        #[test]
        fn nothing_that_comes_in_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let _ = packet(&mut std::io::Cursor::new(&bytes)).await;
                let mut tagged = reader(&bytes);
                while let Ok(Some(_)) = tagged.next(MAX_MESSAGE).await {}
            });
        }
    }
}
