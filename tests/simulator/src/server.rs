//! Listening: accepts connections for a cluster and runs a session for each.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, Shared};
use crate::fault::Fault;
use crate::startup;
use crate::tls::{Identity, identity};

/// Whether a server speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// Requests for TLS are refused.
    #[default]
    Off,
    /// Clients may choose.
    Offered,
    /// A client without TLS is turned away with FATAL 28000, as by a cluster with `require_ssl`.
    Required,
}

/// How a cluster is served.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// Where to listen; port 0 picks a free one.
    pub addr: SocketAddr,
    /// Whether to speak TLS.
    pub tls: Tls,
}

impl Default for ServeOptions {
    /// A free port of 127.0.0.1, without TLS.
    fn default() -> Self {
        Self { addr: SocketAddr::from(([127, 0, 0, 1], 0)), tls: Tls::Off }
    }
}

/// A running server. It stops when it is dropped.
pub struct Server {
    addr: SocketAddr,
    identity: Option<Identity>,
    stopping: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addr", &self.addr).field("tls", &self.identity.is_some()).finish()
    }
}

impl Cluster {
    /// Serves the cluster until the server is stopped or dropped. A cluster can be served several times, one after the other
    /// or at once.
    ///
    /// # Errors
    /// If the address cannot be bound, or no certificate can be made.
    pub async fn serve(&self, options: ServeOptions) -> io::Result<Server> {
        let identity = match options.tls {
            Tls::Off => None,
            Tls::Offered | Tls::Required => Some(identity()?),
        };
        let listener = TcpListener::bind(options.addr).await?;
        let addr = listener.local_addr()?;
        let stopping = CancellationToken::new();
        let accepting = accept(listener, Arc::clone(&self.0), options.tls, identity.clone(), stopping.clone());
        let task = Some(tokio::spawn(accepting));
        Ok(Server { addr, identity, stopping, task })
    }
}

impl Server {
    /// The address it listens on, with the port that was picked.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The certificate of the authority that signed the server's certificate (PEM); `None` without TLS. It is the same for
    /// every server of a process.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.identity.as_ref().map(|i| i.ca_pem.to_string())
    }

    /// Stops: the port is closed and every connection dropped when this returns.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(task) = self.task.take() {
            // A session that panicked has said so itself.
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    cluster: Arc<Shared>,
    tls: Tls,
    identity: Option<Identity>,
    stopping: CancellationToken,
) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let acceptor = identity.as_ref().map(|i| i.acceptor.clone());
                    sessions.spawn(connection(stream, Arc::clone(&cluster), tls, acceptor));
                }
                Err(error) => tracing::debug!(%error, "accept"),
            },
        }
    }
    sessions.shutdown().await;
}

async fn connection(stream: TcpStream, cluster: Arc<Shared>, tls: Tls, acceptor: Option<pgwire::tokio::TlsAcceptor>) {
    if cluster.state().faults.fire(|f| *f == Fault::Refuse).is_some() {
        return;
    }
    // Small messages go back and forth; waiting to fill a packet would cost each of them 40 ms.
    let _ = stream.set_nodelay(true);
    if let Err(error) = startup::run(stream, &cluster, tls, acceptor).await {
        tracing::debug!(%error, cluster = cluster.name, "session ended");
    }
}
