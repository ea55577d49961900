//! TLS from PEM files, and connections for HTTP, with TLS or without.
//!
//! Whatever is wrong with the certificate or its key stops the start: nobody shall believe that a connection is encrypted that is not.
//! Handshakes happen beside each other, each within a bounded time, so that a client that stalls delays nobody.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

use crate::desk::Desk;
use crate::error::ServerError;
use crate::metrics::Connected;
use crate::people::Door;
use crate::settings::Settings;

/// Connections that are ready and not yet taken.
const READY: usize = 16;
/// Pause after the operating system could not give a connection.
const BREATH: Duration = Duration::from_millis(100);

/// A certificate with its key.
pub struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    // For what is wrong with both together.
    certificate: std::path::PathBuf,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// The certificate and key of the settings; `None` if there are none.
///
/// # Errors
/// [`ServerError::Tls`] if a file cannot be read or used, [`ServerError::Settings`] if one of both is missing.
pub fn configured(settings: &Settings) -> Result<Option<Pair>, ServerError> {
    let (certificate, key) = match (&settings.tls_cert, &settings.tls_key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => {
            return Err(ServerError::Settings(
                "tls_cert and tls_key belong together; one of them is missing".to_owned(),
            ));
        }
    };
    let wrong = |why: String| ServerError::Tls { what: "certificate", path: certificate.clone(), why };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read("certificate", certificate)?).collect();
    let chain = chain.map_err(|e| wrong(format!("it is not PEM: {e}")))?;
    if chain.is_empty() {
        return Err(wrong("there is no certificate in it".to_owned()));
    }
    // What is wrong with the key is said without a letter of it.
    let key = PrivateKeyDer::from_pem_slice(&read("key", key)?).map_err(|_| ServerError::Tls {
        what: "key",
        path: key.clone(),
        why: "there is no private key in PEM in it (PKCS#8, PKCS#1 or SEC1, not encrypted)".to_owned(),
    })?;
    Ok(Some(Pair { chain, key, certificate: certificate.clone() }))
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, ServerError> {
    std::fs::read(path).map_err(|e| ServerError::Tls { what, path: path.to_owned(), why: e.to_string() })
}

impl Pair {
    /// What accepts connections that speak one of the protocols, or do not say.
    ///
    /// # Errors
    /// [`ServerError::Tls`] if the key is not that of the certificate.
    pub fn acceptor(&self, protocols: &[&[u8]]) -> Result<TlsAcceptor, ServerError> {
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(self.chain.clone(), self.key.clone_key())
            });
        let mut config = config.map_err(|e| ServerError::Tls {
            what: "certificate",
            path: self.certificate.clone(),
            why: format!("it cannot be used with its key: {e}"),
        })?;
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_stops_the_start_and_shows_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let made = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (one, other) = (made("one"), made("other"));
        let (certificate, key) = (write("cert", &one.cert.pem()), write("key", &one.signing_key.serialize_pem()));
        let other_key = write("other", &other.signing_key.serialize_pem());
        let settings = |tls_cert, tls_key| Settings { tls_cert, tls_key, ..Settings::default() };
        let check = |tls_cert, tls_key| match configured(&settings(tls_cert, tls_key)) {
            Ok(Some(pair)) => pair.acceptor(&[]).map(|_| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        assert!(check(certificate.clone(), key.clone()).unwrap());
        assert!(!check(None, None).unwrap());
        let broken = write("broken", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n");
        for (certificate, key, why) in [
            (certificate.clone(), None, "belong together"),
            (certificate.clone(), Some(folder.path().join("nothing")), "No such file"),
            (certificate.clone(), other_key, "cannot be used with its key"),
            (certificate, broken.clone(), "no private key"),
            (key.clone(), key, "no certificate"),
            (broken.clone(), broken, "certificate"),
        ] {
            let error = check(certificate, key).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("c2VjcmV0"), "{error}");
        }
    }
}
