//! Clients that go without a word: silent, in the middle of a message, of TLS, of an answer. None keeps its place for longer than the
//! limits say, and nobody else notices.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::TlsConnector;

use crate::server::{Running, connect, simple};

/// SSLRequest, and the start-up message of the user `x`.
const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const START: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0x\0\0";

/// Waits until only so many connections are open. The test runner ends what never comes true.
async fn open(server: &Running, count: usize) {
    let wanted = format!("lookback_serve_connections{{door=\"pg\"}} {count}\n");
    while !server.desk.metrics().encode().contains(&wanted) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Logs in where there are no users, and sends a message.
async fn asked(server: &Running, message: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(START).await.unwrap();
    let mut read = Vec::new();
    while !read.windows(6).any(|six| six == b"Z\0\0\0\x05I") {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "{read:?}");
    }
    stream.write_all(message).await.unwrap();
    stream
}

/// A message of the protocol.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &u32::try_from(body.len() + 4).unwrap().to_be_bytes(), body].concat()
}

#[tokio::test]
async fn who_stops_during_the_log_in_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let hash = lookback_server::people::hash_password("bo".to_owned()).unwrap();
    let users = json!({ "bo": { "password": hash } });
    let limits = json!({ "login": "1500ms", "connections": 9 });
    let server = Running::with(json!({ "users": users, "tls_cert": cert, "tls_key": key, "limits": limits })).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(made.cert.der().to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(roots).with_no_client_auth();

    let hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".as_slice();
    let mut stuck = Vec::new();
    for bytes in [&b""[..], &START[..3], &START[..9], SSL, &[SSL, hello].concat(), hello] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stuck.push(stream);
    }
    // And one that stops behind TLS, when it is asked for its password.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(SSL).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'S');
    let name = ServerName::try_from("localhost").unwrap();
    let mut secure = TlsConnector::from(Arc::new(tls.clone())).connect(name, stream).await.unwrap();
    secure.write_all(b"\0\0\0\x11\0\x03\0\0user\0bo\0\0").await.unwrap();
    assert_eq!(secure.read_u8().await.unwrap(), b'R');

    // The eighth of nine places is for somebody who knows what to do.
    let to =
        format!("host=localhost hostaddr=127.0.0.1 port={} user=bo password=bo sslmode=require", server.address.port());
    let config: Config = to.parse().unwrap();
    let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(simple(&client, "SELECT COUNT(*) FROM stl_query").await, "6");

    open(&server, 1).await;
    for mut stream in stuck {
        let mut rest = Vec::new();
        // Closed by the server, with or without a reset; at most the answer to the request for TLS came.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.len() <= 1, "{rest:?}");
    }
    assert_eq!(simple(&client, "SELECT 1").await, "1");
}

#[tokio::test]
async fn who_vanishes_in_the_middle_of_an_answer_is_let_go() {
    let server = Running::with(json!({ "limits": { "statements": 1, "timeout": "1500ms" } })).await;
    // Nothing is read, and nothing is closed: to the server, as if the cable was cut. Neither simple nor extended ends by itself.
    let sql = b"SELECT repeat('x', 1000) FROM generate_series(1, 1000000)\0";
    let simply = asked(&server, &message(b'Q', sql)).await;
    let parse = message(b'P', &[b"\0".as_slice(), sql, b"\0\0"].concat());
    let bind = message(b'B', b"\0\0\0\0\0\0\0\0");
    let execute = message(b'E', b"\0\0\0\0\0");
    let extended = asked(&server, &[parse, bind, execute, message(b'S', b"")].concat()).await;
    let client = server.connect().await;
    // There is one place for statements, and it is free again.
    assert_eq!(simple(&client, "SELECT COUNT(*) FROM stl_query").await, "6");
    open(&server, 1).await;
    assert_eq!(simple(&client, "SELECT COUNT(*) FROM stl_query").await, "6");
    drop((simply, extended));
}

#[tokio::test]
async fn who_vanishes_between_two_questions_is_let_go() {
    let server = Running::with(json!({ "limits": { "statements": 1, "timeout": "1500ms", "idle": "2s" } })).await;
    // With the first row of a portal that could go on, within a transaction; and in the middle of a message.
    let parse = message(b'P', b"\0SELECT * FROM generate_series(1, 1000000)\0\0\0");
    let bind = message(b'B', b"\0\0\0\0\0\0\0\0");
    let execute = message(b'E', b"\0\0\0\0\x01");
    let begun = [message(b'Q', b"BEGIN\0"), parse, bind, execute, message(b'S', b"")].concat();
    let mut open_portal = asked(&server, &begun).await;
    let mut read = Vec::new();
    while !read.windows(6).any(|six| six == b"Z\0\0\0\x05T") || !read.windows(5).any(|five| five == b"s\0\0\0\x04") {
        assert!(open_portal.read_buf(&mut read).await.unwrap() > 0, "{read:?}");
    }
    let silent = asked(&server, b"").await;
    let half = asked(&server, b"Q\0\0\x01\0SELECT").await;
    let other = server.connect().await;
    assert_eq!(simple(&other, "SELECT COUNT(*) FROM stl_query").await, "6");
    drop(other);
    open(&server, 0).await;
    let client = connect(&server.to()).await.unwrap();
    assert_eq!(simple(&client, "SELECT COUNT(*) FROM stl_query").await, "6");
    drop((open_portal, silent, half));
}

/// The operating system asks a silent client whether it is there; Linux shows when it will.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_is_kept_alive() {
    let server = Running::start().await;
    let client = asked(&server, b"").await;
    let ends = (server.address.port(), client.local_addr().unwrap().port());
    let port = |end: &str| end.rsplit(':').next().and_then(|port| u16::from_str_radix(port, 16).ok());
    loop {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        let own = rows.filter(|row| (port(row[1]), port(row[2])) == (Some(ends.0), Some(ends.1))).collect::<Vec<_>>();
        let [row] = own.as_slice() else { panic!("not one connection: {own:?}") };
        // `02` is the timer of the keep-alive, with when it ends in hundredths of a second; `00` is none, `01` that of data on its way.
        let (timer, when) = row[5].split_once(':').unwrap();
        let when = u64::from_str_radix(when, 16).unwrap();
        if timer == "02" {
            break assert!(when > 0 && when <= 6_100, "{row:?}");
        }
        assert_eq!(timer, "01", "{row:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
