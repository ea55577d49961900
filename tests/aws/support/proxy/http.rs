//! HTTP/1.1 as far as a proxy in front of a test server needs it: whole messages in memory, bodies by length or in chunks.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// A request or an answer.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// First line without its end, such as `PUT /bucket/key HTTP/1.1`.
    pub(crate) start: String,
    /// Names as they were sent; the body's framing is not among them.
    pub(crate) headers: Vec<(String, String)>,
    /// Without the framing of chunks.
    pub(crate) body: Vec<u8>,
    /// Length that the answer to a HEAD announces and does not send.
    announced: Option<u64>,
    chunked: bool,
}

/// How the body of a message ends when no length is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// There is none: requests.
    Absent,
    /// With the connection: answers.
    UntilClosed,
    /// There is none even if a length is given: answers to HEAD.
    Announced,
}

impl Message {
    /// An answer made here.
    pub(crate) fn answer(status: u16, kind: &str, body: Vec<u8>) -> Self {
        Self {
            start: format!("HTTP/1.1 {status} Injected"),
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body,
            announced: None,
            chunked: false,
        }
    }

    /// The n-th word of the first line.
    pub(crate) fn word(&self, n: usize) -> &str {
        self.start.split(' ').nth(n).unwrap_or_default()
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Status of an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        self.word(1).parse().ok()
    }

    /// Whether the sender closes the connection after this message.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Sends the body by its length, however it came.
    pub(crate) fn measure(&mut self) {
        self.chunked = false;
    }

    /// First line and headers with the framing, ready to be sent before `body`.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match self.announced {
            Some(length) => head.push_str(&format!("content-length: {length}\r\n")),
            None if self.chunked => head.push_str("transfer-encoding: chunked\r\n"),
            None => head.push_str(&format!("content-length: {}\r\n", self.body.len())),
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// Sends it whole.
    pub(crate) async fn send(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut bytes = self.head();
        if self.chunked && !self.body.is_empty() {
            bytes.extend_from_slice(format!("{:x}\r\n", self.body.len()).as_bytes());
            bytes.extend_from_slice(&self.body);
            bytes.extend_from_slice(b"\r\n");
        } else {
            bytes.extend_from_slice(&self.body);
        }
        if self.chunked {
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        to.write_all(&bytes).await?;
        to.flush().await
    }
}

/// Reads first line and headers; `None` if the connection ended before one.
pub(crate) async fn read_head(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Message>> {
    let Some(start) = read_line(from).await? else { return Ok(None) };
    let mut headers = Vec::new();
    loop {
        let line = read_line(from).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Some(Message { start, headers, body: Vec::new(), announced: None, chunked: false }))
}

/// Reads the body that the head announces, and takes the framing out of the headers.
pub(crate) async fn read_body(
    message: &mut Message,
    otherwise: Body,
    from: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<()> {
    let length = message.header("content-length").map(|length| length.parse::<u64>().map_err(io::Error::other));
    let length = length.transpose()?;
    message.chunked = message.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    message
        .headers
        .retain(|(n, _)| !n.eq_ignore_ascii_case("content-length") && !n.eq_ignore_ascii_case("transfer-encoding"));
    if otherwise == Body::Announced {
        message.announced = Some(length.unwrap_or(0));
        message.chunked = false;
    } else if message.chunked {
        message.body = read_chunks(from).await?;
    } else if let Some(length) = length {
        from.take(length).read_to_end(&mut message.body).await?;
        if message.body.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    } else if otherwise == Body::UntilClosed && !matches!(message.status(), Some(100..=199 | 204 | 304)) {
        from.read_to_end(&mut message.body).await?;
    }
    Ok(())
}

async fn read_chunks(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(from).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = line.split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        if size == 0 {
            break;
        }
        let before = body.len() as u64;
        (&mut *from).take(size).read_to_end(&mut body).await?;
        if body.len() as u64 != before + size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read_line(from).await?;
    }
    // Trailers are read and dropped: nothing here sends any.
    while read_line(from).await?.is_some_and(|line| !line.is_empty()) {}
    Ok(body)
}

/// A line without its end; `None` where the connection ended.
async fn read_line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        line.pop();
    }
    String::from_utf8(line).map(Some).map_err(io::Error::other)
}
