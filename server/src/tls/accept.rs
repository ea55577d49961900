//! Connections for HTTP, with TLS or without. Handshakes happen beside each other, each within a bounded time, so that a client that
//! stalls delays nobody.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

use crate::desk::Desk;
use crate::metrics::Connected;
use crate::people::Door;

/// Connections that are ready and not yet taken.
const READY: usize = 16;
/// Pause after the operating system could not give a connection.
const BREATH: Duration = Duration::from_millis(100);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that is ready for HTTP.
pub(crate) struct Io {
    stream: Box<dyn Stream>,
    _place: OwnedSemaphorePermit,
    _connected: Connected,
}

/// Connections as they become ready.
pub(crate) struct Accepting {
    address: io::Result<SocketAddr>,
    ready: mpsc::Receiver<(Io, SocketAddr)>,
    accepting: tokio::task::AbortHandle,
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Accepting {
    pub(crate) fn new(listener: TcpListener, tls: Option<TlsAcceptor>, desk: Desk) -> Self {
        let address = listener.local_addr();
        let (to, ready) = mpsc::channel(READY);
        let accepting = tokio::spawn(accept(listener, tls, desk, to)).abort_handle();
        Self { address, ready, accepting }
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, desk: Desk, to: mpsc::Sender<(Io, SocketAddr)>) {
    let limits = desk.settings().limits.clone();
    let places = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            desk.metrics().refused(Door::Http);
            continue;
        };
        let connected = desk.metrics().connected(Door::Http);
        let (tls, to) = (tls.clone(), to.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            crate::server::keep_alive(&stream);
            match tokio::time::timeout(limits.login, handshake(stream, tls)).await {
                Ok(Ok(stream)) => {
                    let _ = to.send((Io { stream, _place: place, _connected: connected }, from)).await;
                }
                Ok(Err(error)) => tracing::debug!(%from, %error, "a connection did not come about"),
                Err(_) => tracing::debug!(%from, "a connection took too long to come about"),
            }
        });
    }
}

async fn handshake(stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<Box<dyn Stream>> {
    Ok(match tls {
        Some(tls) => Box::new(tls.accept(stream).await?),
        None => Box::new(stream),
    })
}

impl axum::serve::Listener for Accepting {
    type Io = Io;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Io, SocketAddr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address.as_ref().copied().map_err(|e| io::Error::new(e.kind(), e.to_string()))
    }
}

impl AsyncRead for Io {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
