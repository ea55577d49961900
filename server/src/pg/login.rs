//! From a connection to somebody who may ask: TLS, the start-up message, the password.
//!
//! Nothing is read ahead of TLS, so that nobody in between can slip in a statement; plaintext is refused if there is a certificate;
//! each connection has an exchange of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::startup::{Authentication, NegotiateProtocolVersion};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::failure::{Failure, code};
use super::wire::{Body, MAX_LOGIN, Message, Reader, Stream, WireError, Writer, halves, packet};
use crate::desk::Desk;
use crate::people::scram::{Exchange, MECHANISM, ScramError};
use crate::people::{Asker, Door, hex, random};

const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;
/// Version 3.0, the only one.
const VERSION: u32 = 3 << 16;
/// First byte of a TLS handshake that comes without asking.
const TLS_HANDSHAKE: u8 = 0x16;
/// What such a client says it wants to speak.
pub(crate) const ALPN: &[u8] = b"postgresql";
/// Time for a block while somebody logs in.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who has logged in.
pub(super) struct Client {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) asker: Asker,
    pub(super) parameters: BTreeMap<String, String>,
}

/// What a connection wants.
pub(super) enum Wanted {
    /// To ask.
    Session(Box<Client>),
    /// To stop what another connection asked.
    Cancel { pid: u32, secret: u32 },
    /// Nothing any more.
    Nothing,
}

/// Logs a connection in. What goes wrong has been said to the client.
pub(super) async fn login(
    stream: TcpStream,
    from: SocketAddr,
    tls: Option<&TlsAcceptor>,
    desk: &Desk,
) -> Result<Wanted, WireError> {
    let (stream, first, secure) = match encrypted(stream, tls).await? {
        Some(negotiated) => negotiated,
        None => return Ok(Wanted::Nothing),
    };
    let mut body = first;
    let version = body.four()?;
    if version == CANCEL {
        return Ok(Wanted::Cancel { pid: body.four()?, secret: body.four()? });
    }
    let (mut reader, mut writer) = halves(stream, PATIENCE);
    match admitted(&mut reader, &mut writer, version, body, from, secure || tls.is_none(), desk).await? {
        Ok((asker, parameters)) => Ok(Wanted::Session(Box::new(Client { reader, writer, asker, parameters }))),
        Err(failure) => {
            desk.metrics().login(Door::Pg, false);
            writer.put(&failure.message("", (1, 1)))?;
            writer.close().await;
            Ok(Wanted::Nothing)
        }
    }
}

/// The connection, encrypted if the client asks for it and it is possible, its first message, and whether it is encrypted.
async fn encrypted(
    mut stream: TcpStream,
    tls: Option<&TlsAcceptor>,
) -> Result<Option<(Box<dyn Stream>, Body, bool)>, WireError> {
    let mut start = [0];
    if stream.peek(&mut start).await? == 1 && start[0] == TLS_HANDSHAKE {
        let Some(tls) = tls else { return Ok(None) };
        let mut stream = tls.accept(stream).await?;
        // Without this a page in somebody's browser could speak to the server.
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(WireError::Protocol("TLS without asking needs the protocol postgresql"));
        }
        let first = packet(&mut stream).await?;
        return Ok(first.map(|first| (Box::new(stream) as Box<dyn Stream>, first, true)));
    }
    // SSL, GSS, and what is then wanted.
    for _ in 0..3 {
        let Some(first) = packet(&mut stream).await? else { return Ok(None) };
        match (Body(first.0.clone()).four()?, tls) {
            (SSL, Some(tls)) => {
                stream.write_all(b"S").await?;
                let mut stream = tls.accept(stream).await?;
                let first = packet(&mut stream).await?;
                return Ok(first.map(|first| (Box::new(stream) as Box<dyn Stream>, first, true)));
            }
            (SSL, None) | (GSS, _) => stream.write_all(b"N").await?,
            _ => return Ok(Some((Box::new(stream), first, false))),
        }
    }
    Err(WireError::Protocol("nothing but requests to encrypt"))
}

type Admitted = Result<(Asker, BTreeMap<String, String>), Failure>;

async fn admitted(
    reader: &mut Reader,
    writer: &mut Writer,
    version: u32,
    mut body: Body,
    from: SocketAddr,
    secure: bool,
    desk: &Desk,
) -> Result<Admitted, WireError> {
    if version >> 16 != VERSION >> 16 {
        let message = format!("unsupported frontend protocol {}.{}", version >> 16, version & 0xffff);
        return Ok(Err(Failure::fatal(code::NOT_SUPPORTED, message)));
    }
    let parameters = pairs(&mut body)?;
    let extensions: Vec<String> = parameters.keys().filter(|name| name.starts_with("_pq_.")).cloned().collect();
    if version != VERSION || !extensions.is_empty() {
        let newest = i32::try_from(VERSION).unwrap_or(i32::MAX);
        writer.put(&Out::NegotiateProtocolVersion(NegotiateProtocolVersion::new(newest, extensions)))?;
    }
    if !secure {
        let message = "this server speaks TLS only; connect with sslmode=require, or better verify-full";
        return Ok(Err(Failure::fatal(code::NOT_AUTHORIZED, message)));
    }
    let replication =
        parameters.get("replication").is_some_and(|value| !["false", "off", "no", "0"].contains(&value.as_str()));
    if replication {
        return Ok(Err(Failure::fatal(code::NOT_SUPPORTED, "there is nothing to replicate here")));
    }
    let Some(user) = parameters.get("user").filter(|user| !user.is_empty()) else {
        return Ok(Err(Failure::fatal(code::NOT_AUTHORIZED, "no user name is given")));
    };
    let asker = if desk.people().is_empty() {
        desk.people().local(from.ip(), Door::Pg).ok_or_else(|| {
            Failure::fatal(
                code::NOT_AUTHORIZED,
                "there are no users, so only this machine may connect; add [serve.users]",
            )
        })
    } else {
        by_password(reader, writer, user, from, desk).await?
    };
    Ok(asker.map(|asker| (asker, parameters)))
}

async fn by_password(
    reader: &mut Reader,
    writer: &mut Writer,
    user: &str,
    from: SocketAddr,
    desk: &Desk,
) -> Result<Result<Asker, Failure>, WireError> {
    let people = desk.people();
    if let Err(error) = people.may_try(from.ip(), Some(user)) {
        return Ok(Err(Failure::login(error, user)));
    }
    let Ok(nonce) = random::<18>() else {
        return Ok(Err(Failure::fatal(code::INTERNAL, "no random numbers for a log-in")));
    };
    writer.put(&Out::Authentication(Authentication::SASL(vec![MECHANISM.to_owned()])))?;
    writer.flush().await?;
    let Some(Message::Password(first)) = reader.next(MAX_LOGIN).await? else { return Err(UNEXPECTED) };
    let mut first = Body(first);
    if first.text()? != MECHANISM {
        return Ok(Err(Failure::fatal(code::PROTOCOL_VIOLATION, format!("only {MECHANISM} is offered"))));
    }
    let length = first.four()? as usize;
    let first = first.take(length)?;
    let malformed = |error: ScramError| Failure::fatal(code::PROTOCOL_VIOLATION, error.to_string());
    let (exchange, answer) = match Exchange::begin(people.verifier(user), &first, &hex(&nonce)) {
        Ok(begun) => begun,
        Err(error) => return Ok(Err(malformed(error))),
    };
    writer.put(&Out::Authentication(Authentication::SASLContinue(answer.into())))?;
    writer.flush().await?;
    let Some(Message::Password(last)) = reader.next(MAX_LOGIN).await? else { return Err(UNEXPECTED) };
    match exchange.finish(&last) {
        Ok(proof) => match people.proven(user, from.ip()) {
            Ok(asker) => {
                writer.put(&Out::Authentication(Authentication::SASLFinal(proof.into())))?;
                Ok(Ok(asker))
            }
            Err(error) => Ok(Err(Failure::login(error, user))),
        },
        Err(ScramError::WrongProof) => Ok(Err(Failure::login(people.failed(from.ip(), Some(user)), user))),
        Err(error) => Ok(Err(malformed(error))),
    }
}

const UNEXPECTED: WireError = WireError::Protocol("the answer to a log-in is none");

/// Names and values, up to the empty name.
fn pairs(body: &mut Body) -> Result<BTreeMap<String, String>, WireError> {
    let mut pairs = BTreeMap::new();
    loop {
        let name = body.text()?;
        if name.is_empty() {
            return Ok(pairs);
        }
        pairs.insert(name, body.text()?);
    }
}
