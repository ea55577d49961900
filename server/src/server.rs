//! The process: what it listens on, what it refuses to listen on, and how it ends.
//!
//! Where somebody else could reach it, there has to be TLS and there have to be users: an address that is not this machine's own is
//! refused without. Asked to stop, it takes no connection any more, tells those that are open, and ends within a bounded time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::error::ServerError;
use crate::settings::Settings;
use crate::tls::Certificate;
use crate::{http, pg, tls};

/// Time for requests that are under way when the server stops.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long a connection may be silent before the operating system asks whether anybody is there.
const SILENT: Duration = Duration::from_secs(60);
/// How often it asks.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// A server that listens and does not answer yet.
pub struct Server {
    desk: Desk,
    pg: Option<(TcpListener, Option<TlsAcceptor>)>,
    http: Option<(TcpListener, Option<TlsAcceptor>)>,
    certificate: Option<Arc<Certificate>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("pg", &self.pg_address())
            .field("http", &self.http_address())
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Listens where the settings of the desk say.
    ///
    /// # Errors
    /// [`ServerError::Refused`] if others could reach it without TLS or users, [`ServerError::Tls`] if the certificate or the key
    /// cannot be used, [`ServerError::Listen`] if an address cannot be listened on.
    pub async fn bind(desk: Desk) -> Result<Self, ServerError> {
        let settings = desk.settings().clone();
        refuse_to_be_open(&settings)?;
        let certificate = tls::configured(&settings)?;
        let (for_pg, for_http) = match &certificate {
            Some(pair) => (Some(pair.acceptor(&[pg::ALPN])?), Some(pair.acceptor(&[b"http/1.1"])?)),
            None => (None, None),
        };
        let mut server = Self { desk, pg: None, http: None, certificate };
        if let Some(address) = settings.pg.address() {
            server.pg = Some((listen(address).await?, for_pg));
        }
        if let Some(address) = settings.http.address() {
            server.http = Some((listen(address).await?, for_http));
        }
        Ok(server)
    }

    /// Where PostgreSQL's protocol is spoken.
    #[must_use]
    pub fn pg_address(&self) -> Option<SocketAddr> {
        self.pg.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Where the API and the page are.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Answers until `stop` is done, and a little longer for what is under way.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let token = CancellationToken::new();
        let pg = async {
            if let Some((listener, tls)) = self.pg {
                pg::serve(listener, self.desk.clone(), tls, token.clone()).await;
            }
        };
        let http = async {
            if let Some((listener, tls)) = self.http {
                let (router, first) = http::opened(self.desk.clone());
                let serving = serve_http(listener, router, self.desk.clone(), tls, token.clone());
                tokio::join!(serving, first.keep(&token));
            }
        };
        let renewing = async {
            if let Some(certificate) = self.certificate {
                certificate.keep(self.desk.metrics(), token.clone()).await;
            }
        };
        let stopping = async {
            stop.await;
            token.cancel();
        };
        tokio::join!(pg, http, renewing, stopping);
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })
}

/// What others can reach needs TLS, and somebody who logs in.
fn refuse_to_be_open(settings: &Settings) -> Result<(), ServerError> {
    let doors = [("pg", settings.pg), ("http", settings.http)];
    if doors.iter().all(|(_, listen)| listen.address().is_none()) {
        return Err(ServerError::Refused("both pg and http are off, so there is nothing to serve".to_owned()));
    }
    for (door, listen) in doors {
        let Some(address) = listen.address().filter(|address| !address.ip().to_canonical().is_loopback()) else {
            continue;
        };
        let missing = match (settings.tls_cert.is_some(), settings.users.is_empty()) {
            (true, false) => continue,
            (false, false) => "TLS (tls_cert and tls_key)",
            (true, true) => "users ([serve.users])",
            (false, true) => "TLS (tls_cert and tls_key) and users ([serve.users])",
        };
        return Err(ServerError::Refused(format!(
            "{door} = \"{address}\" can be reached from other machines, which needs {missing} in [serve]; without, only 127.0.0.1 \
             and [::1] are possible"
        )));
    }
    Ok(())
}

async fn serve_http(
    listener: TcpListener,
    router: Router,
    desk: Desk,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let accepted = tls::Accepting::new(listener, tls, desk);
    // The tap gives the address of whoever connects to the service.
    let (stopped, stopping) = (stop.clone(), stop.clone());
    let serving =
        axum::serve(accepted.tap_io(|_| {}), service).with_graceful_shutdown(async move { stopped.cancelled().await });
    let late = async move {
        stopping.cancelled().await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        ended = async { serving.await } => {
            if let Err(error) = ended {
                tracing::error!(%error, "the HTTP server ended");
            }
        }
        () = late => tracing::warn!("requests were under way when the server stopped"),
    }
}

/// A connection whose other end is gone ends, although nothing is sent.
pub(crate) fn keep_alive(stream: &TcpStream) {
    let keep = socket2::TcpKeepalive::new().with_time(SILENT).with_interval(ASK_AGAIN);
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_keepalive(&keep) {
        tracing::debug!(%error, "no keep-alive");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_reach_needs_tls_and_users() {
        let settings = |toml: &str| serde_json::from_str::<Settings>(toml).unwrap();
        let user = r#""users": {"ana": {"tokens": ["x"]}}"#;
        let refused = |settings: &Settings| refuse_to_be_open(settings).unwrap_err().to_string();
        assert!(refuse_to_be_open(&Settings::default()).is_ok());
        assert!(refuse_to_be_open(&settings(r#"{"pg": "[::1]:0", "http": "off"}"#)).is_ok());
        assert!(refused(&settings(r#"{"pg": "0.0.0.0:5439"}"#)).contains("needs TLS (tls_cert and tls_key) and users"));
        assert!(
            refused(&settings(&format!(r#"{{"http": "10.0.0.1:80", {user}}}"#))).contains("http = \"10.0.0.1:80\"")
        );
        assert!(refused(&settings(r#"{"http": "[::]:80", "tls_cert": "a", "tls_key": "b"}"#)).contains("needs users"));
        assert!(
            refuse_to_be_open(&settings(&format!(r#"{{"pg": "0.0.0.0:1", "tls_cert": "a", "tls_key": "b", {user}}}"#)))
                .is_ok()
        );
        assert!(refused(&settings(r#"{"pg": "off", "http": "off"}"#)).contains("nothing to serve"));
    }
}
