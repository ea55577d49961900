//! Logging in to one endpoint, within its time limit.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};
use tracing::{debug, warn};

use super::Endpoint;
use super::failure::{explain, silent};
use super::tap::{Tap, Valve};
use super::tls::{connector, tapped};
use crate::error::{Error, ErrorKind, Result};

/// Silence after which the connection is probed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A connection that is logged in.
pub(super) struct LoggedIn {
    pub(super) client: Client,
    pub(super) driver: Driver,
    pub(super) valve: Valve,
    pub(super) encrypted: bool,
}

/// Connects and logs in.
pub(super) async fn log_in(e: &Endpoint) -> Result<LoggedIn> {
    let what = format!("connecting to cluster '{}' at {}:{}", e.cluster, e.host, e.port);
    let tls = connector(&e.tls)?;
    let mut config = tokio_postgres::Config::new();
    config.dbname(&e.database).user(&e.user).application_name("lookback").ssl_mode(if tls.is_some() {
        SslMode::Require
    } else {
        SslMode::Disable
    });
    if let Some(password) = &e.password {
        config.password(password.expose_secret());
    }
    let encrypted = tls.is_some();
    if !encrypted {
        warn!(cluster = %e.cluster, "connecting without TLS, as configured: password and SQL text cross the network readable");
    }
    let valve = Valve::default();
    let log_in = async {
        let socket = connect_tcp(&e.host, e.port).await.map_err(|cause| {
            Error::new(ErrorKind::Connect, what.clone())
                .because(cause)
                .transient()
                .advise("check host, port and security group, and that the cluster is available")
        })?;
        let cluster = e.cluster.clone();
        let ended = move |result: Result<(), tokio_postgres::Error>| {
            if let Err(error) = result {
                debug!(%cluster, %error, "connection ended");
            }
        };
        Ok(match tls {
            Some(tls) => {
                let tls = tapped(tls, &e.host, valve.clone())?;
                let connected = config.connect_raw(socket, tls).await;
                let (client, connection) = connected.map_err(|e| explain(&what, e))?;
                (client, Driver(tokio::spawn(async move { ended(connection.await) })))
            }
            None => {
                let connected = config.connect_raw(Tap::new(socket, valve.clone()), NoTls).await;
                let (client, connection) = connected.map_err(|e| explain(&what, e))?;
                (client, Driver(tokio::spawn(async move { ended(connection.await) })))
            }
        })
    };
    // A server that accepts and then says nothing counts as one that cannot be reached.
    match tokio::time::timeout(e.connect_timeout, log_in).await {
        Ok(connected) => connected.map(|(client, driver)| LoggedIn { client, driver, valve, encrypted }),
        Err(_) => Err(silent(&what, e.connect_timeout)
            .advise("check host, port and security group, and that the cluster is available")),
    }
}

/// A TCP connection that notices when the other side is gone: a long statement sends nothing for minutes, and firewalls forget
/// silent connections.
async fn connect_tcp(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let socket = TcpStream::connect((host, port)).await?;
    socket.set_nodelay(true)?;
    socket2::SockRef::from(&socket).set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEPALIVE))?;
    Ok(socket)
}

/// The task that moves a connection's bytes. It ends with the session: an abandoned read must not be drained to its end.
pub(super) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
