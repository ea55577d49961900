//! PostgreSQL's wire protocol, so that any tool that speaks to PostgreSQL can ask the lake.
//!
//! - `wire`: bytes as messages; `login`: TLS, start-up, passwords; `cancel`: stopping what another connection asks.
//! - `connection`: what one client has; `simple` and `extended`: the two ways of asking; `start`, `act`: statements and commands as they
//!   begin; `answer`: rows in parts.
//! - `script`, `command`: statements of a text, and those about the connection; `parameters`: its settings.
//! - `encode`, `decode`, `copy`: values; `failure`: errors with PostgreSQL's codes.
//! - `catalog`: what clients ask about tables and types; it never touches data.
//!
//! The protocol's messages are read here, and not by `pgwire`: that trusts the lengths in them, and takes a gigabyte from somebody who
//! has not logged in.

mod act;
mod answer;
mod cancel;
mod catalog;
mod command;
mod connection;
mod copy;
mod decode;
mod encode;
mod extended;
mod failure;
mod login;
mod parameters;
mod script;
mod simple;
mod start;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::people::Door;
use cancel::Connections;
use catalog::Catalog;
use failure::{Failure, code};
use login::{Wanted, login};

pub(crate) use login::ALPN;

/// Time for the connections to end when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Pause after the operating system could not give a connection.
const BREATH: Duration = Duration::from_millis(100);

/// What all connections share.
struct Shared {
    desk: Desk,
    tls: Option<TlsAcceptor>,
    connections: Arc<Connections>,
    catalog: Catalog,
}

/// Serves connections until `stop` says otherwise.
pub(crate) async fn serve(listener: TcpListener, desk: Desk, tls: Option<TlsAcceptor>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(desk.settings().limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let catalog = Catalog::new(desk.people().names());
    let shared = Arc::new(Shared { desk, tls, connections: Arc::default(), catalog });
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Those that have ended give their memory back.
            Some(_) = open.join_next(), if !open.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let (shared, stop) = (Arc::clone(&shared), stop.clone());
                open.spawn(async move {
                    let connected = shared.desk.metrics().connected(Door::Pg);
                    if let Err(error) = one(stream, from, &shared, &stop).await {
                        tracing::debug!(%from, %error, "a connection ended");
                    }
                    drop((place, connected));
                });
            }
            Err(_) => {
                shared.desk.metrics().refused(Door::Pg);
                refuse(stream).await;
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(LAST_WORDS, async { while open.join_next().await.is_some() {} }).await;
    open.shutdown().await;
}

async fn one(
    stream: TcpStream,
    from: SocketAddr,
    shared: &Arc<Shared>,
    stop: &CancellationToken,
) -> Result<(), wire::WireError> {
    stream.set_nodelay(true)?;
    crate::server::keep_alive(&stream);
    let limits = &shared.desk.settings().limits;
    let wanted = tokio::time::timeout(limits.login, login(stream, from, shared.tls.as_ref(), &shared.desk)).await;
    match wanted {
        Ok(wanted) => match wanted? {
            Wanted::Session(client) => match shared.connections.enter() {
                Ok(place) => Box::pin(connection::serve(*client, Arc::clone(shared), place, stop)).await,
                Err(error) => {
                    tracing::error!(%error, "a connection could not begin");
                    Ok(())
                }
            },
            Wanted::Cancel { pid, secret } => {
                shared.connections.cancel(pid, secret);
                Ok(())
            }
            Wanted::Nothing => Ok(()),
        },
        Err(_) => Err(wire::WireError::Protocol("the log-in took too long")),
    }
}

/// Says that there are too many, as far as that is possible without waiting.
async fn refuse(mut stream: TcpStream) {
    let failure = Failure::fatal(code::TOO_MANY_CONNECTIONS, "sorry, too many clients already");
    let mut bytes = BytesMut::new();
    if failure.message("", (1, 1)).encode(&mut bytes).is_ok() {
        let _ = tokio::time::timeout(BREATH, stream.write_all(&bytes)).await;
    }
}
