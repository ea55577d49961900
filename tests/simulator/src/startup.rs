//! From a TCP connection to a session: TLS, startup parameters, authentication, and cancel requests.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use pgwire::api::auth::md5pass::hash_md5_password;
use pgwire::messages::response::TransactionStatus;
use pgwire::messages::startup::{Authentication, BackendKeyData, ParameterStatus, SecretKey, Startup};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage, SslNegotiationMetaMessage};
use pgwire::tokio::TlsAcceptor;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::cluster::Shared;
use crate::error::SqlError;
use crate::fault::Fault;
use crate::server::Tls;
use crate::session::Session;
use crate::wire::Wire;

/// Startup parameters that are accepted; a cluster turns a client away that sends others.
const PARAMETERS: [&str; 20] = [
    "user",
    "database",
    "client_encoding",
    "application_name",
    "options",
    "datestyle",
    "timezone",
    "extra_float_digits",
    "search_path",
    "statement_timeout",
    "query_group",
    "driver_version",
    "os_version",
    "plugin_name",
    "client_protocol_version",
    "fallback_application_name",
    "wlm_query_slot_count",
    "readonly",
    "isolation_level",
    "analyze_threshold_percent",
];

/// Runs a connection to its end.
pub(crate) async fn run(
    stream: TcpStream,
    cluster: &Arc<Shared>,
    tls: Tls,
    acceptor: Option<TlsAcceptor>,
) -> io::Result<()> {
    if cluster.state().faults.fire(|f| *f == Fault::HangConnect).is_some() {
        let mut wire = Wire::new(Box::new(stream));
        wire.gone().await;
        return Ok(());
    }
    let Some((mut wire, secure)) = negotiate(stream, cluster, acceptor).await? else { return Ok(()) };
    let Some(message) = wire.read().await? else { return Ok(()) };
    let startup = match message {
        PgWireFrontendMessage::Startup(startup) => startup,
        PgWireFrontendMessage::CancelRequest(cancel) => {
            let secret = cancel.secret_key.as_i32();
            if let Some((expected, signal)) = cluster.sessions().get(&cancel.pid)
                && secret == Some(*expected)
            {
                signal.notify_waiters();
            }
            return Ok(());
        }
        _ => return Ok(()),
    };
    wire.expect_messages();
    match authenticate(&mut wire, cluster, &startup, tls, secure).await {
        Ok(Some((user, session_user))) => {
            let pid = cluster.next_pid();
            // The secret only has to differ between sessions: nobody guesses at a simulator.
            let secret = pid.wrapping_mul(0x09E3_779B) ^ 0x005E_C2E7;
            let cancelled = Arc::new(Notify::new());
            let _registered = Registered::new(cluster, pid, secret, Arc::clone(&cancelled));
            greet(&mut wire, pid, secret, &user)?;
            let session =
                Session::new(Arc::clone(cluster), &user, session_user, pid, cancelled).map_err(io::Error::other)?;
            session.run(wire).await
        }
        Ok(None) => Ok(()),
        Err(error) => {
            wire.error(&error)?;
            wire.flush().await?;
            wire.stream.shutdown().await
        }
    }
}

/// A session that can be cancelled, until dropped.
struct Registered {
    cluster: Arc<Shared>,
    pid: i32,
}

impl Registered {
    fn new(cluster: &Arc<Shared>, pid: i32, secret: i32, cancelled: Arc<Notify>) -> Self {
        cluster.sessions().insert(pid, (secret, cancelled));
        Self { cluster: Arc::clone(cluster), pid }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.cluster.sessions().remove(&self.pid);
    }
}

/// Answers requests for encryption until the client begins; the wire then expects a startup message.
async fn negotiate(
    stream: TcpStream,
    cluster: &Arc<Shared>,
    acceptor: Option<TlsAcceptor>,
) -> io::Result<Option<(Wire, bool)>> {
    let mut stream = stream;
    let mut first = [0_u8; 8];
    let mut patience = 1000;
    loop {
        // Nothing is taken from the stream before it is known to be a request: what follows it may be a TLS handshake.
        if stream.peek(&mut first).await? < first.len() {
            patience -= 1;
            if patience == 0 || stream.peek(&mut first[..1]).await? == 0 {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let mut request = bytes::BytesMut::from(&first[..]);
        let context = pgwire::messages::DecodeContext::default();
        let decoded = PgWireFrontendMessage::decode(&mut request, &context).map_err(io::Error::other)?;
        match decoded {
            Some(PgWireFrontendMessage::SslNegotiation(SslNegotiationMetaMessage::PostgresSsl(_))) => {
                tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first).await?;
                let refused = cluster.state().faults.fire(|f| *f == Fault::PlaintextOnly).is_some();
                match acceptor.as_ref().filter(|_| !refused) {
                    Some(acceptor) => {
                        stream.write_all(b"S").await?;
                        let mut wire = Wire::new(Box::new(acceptor.accept(stream).await?));
                        wire.expect_startup();
                        return Ok(Some((wire, true)));
                    }
                    None => stream.write_all(b"N").await?,
                }
            }
            Some(PgWireFrontendMessage::SslNegotiation(SslNegotiationMetaMessage::PostgresGss(_))) => {
                tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first).await?;
                stream.write_all(b"N").await?;
            }
            _ => {
                let mut wire = Wire::new(Box::new(stream));
                wire.expect_startup();
                return Ok(Some((wire, false)));
            }
        }
    }
}

/// Checks the startup message and the password. `None` when the client went away.
async fn authenticate(
    wire: &mut Wire,
    cluster: &Shared,
    startup: &Startup,
    tls: Tls,
    secure: bool,
) -> Result<Option<(String, crate::access::User)>, SqlError> {
    let lost = |error: io::Error| SqlError::fatal("08006", error.to_string());
    if cluster.state().faults.fire(|f| *f == Fault::RotatingKeys).is_some() {
        return Err(SqlError::fatal(
            "57P03",
            "the cluster is rotating its encryption keys and is temporarily unavailable",
        ));
    }
    let name = startup.parameters.get("user").cloned().unwrap_or_default();
    let database = startup.parameters.get("database").unwrap_or(&name);
    if tls == Tls::Required && !secure {
        let message =
            format!("no pg_hba.conf entry for host \"127.0.0.1\", user \"{name}\", database \"{database}\", SSL off");
        return Err(SqlError::fatal("28000", message));
    }
    if let Some(unknown) = startup.parameters.keys().find(|k| !PARAMETERS.contains(&k.to_ascii_lowercase().as_str())) {
        return Err(SqlError::fatal("42704", format!("unrecognized configuration parameter \"{unknown}\"")));
    }
    if cluster.state().faults.fire(|f| *f == Fault::Sha256Auth).is_some() {
        // Digest algorithm (SHA-256), length and bytes of the salt, and the server's nonce, as redshift_connector reads them.
        let mut payload = 0_i32.to_be_bytes().to_vec();
        payload.extend(16_i32.to_be_bytes());
        payload.extend([7; 16]);
        payload.extend(4_i32.to_be_bytes());
        payload.extend([9; 4]);
        wire.authentication(13, &payload);
        wire.flush().await.map_err(lost)?;
        wire.gone().await;
        return Ok(None);
    }
    let salt = cluster.next_pid().to_be_bytes();
    wire.put(&PgWireBackendMessage::Authentication(Authentication::MD5Password(salt.to_vec()))).map_err(lost)?;
    wire.flush().await.map_err(lost)?;
    let answer = match wire.read().await.map_err(lost)? {
        Some(PgWireFrontendMessage::PasswordMessageFamily(answer)) => answer.into_password(),
        _ => return Ok(None),
    };
    let user = cluster.user(&name);
    let right = user.as_ref().map(|u| hash_md5_password(&name, &u.password, &salt));
    match (answer, right, user) {
        (Ok(answer), Some(right), Some(user)) if answer.password == right => Ok(Some((name, user))),
        _ => Err(SqlError::fatal("28P01", format!("password authentication failed for user \"{name}\""))),
    }
}

fn greet(wire: &mut Wire, pid: i32, secret: i32, user: &str) -> io::Result<()> {
    wire.put(&PgWireBackendMessage::Authentication(Authentication::Ok))?;
    for (name, value) in [
        ("server_version", "8.0.2"),
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, MDY"),
        ("TimeZone", "UTC"),
        ("integer_datetimes", "on"),
        ("standard_conforming_strings", "on"),
        ("is_superuser", "off"),
        ("session_authorization", user),
    ] {
        wire.put(&PgWireBackendMessage::ParameterStatus(ParameterStatus::new(name.to_owned(), value.to_owned())))?;
    }
    wire.put(&PgWireBackendMessage::BackendKeyData(BackendKeyData::new(pid, SecretKey::I32(secret))))?;
    wire.ready(TransactionStatus::Idle)
}
