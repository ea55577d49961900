//! Every fault, and who may connect, over the real wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{START, config, connect, one, query, serve, sqlstate};
use futures::StreamExt;
use lookback_simulator::{Access, Cluster, Fault, ServeOptions, Server, Tls};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, NoTls, SimpleQueryMessage};

/// A cluster with ten queries, and its server.
async fn ten() -> (Cluster, Server) {
    let cluster = Cluster::empty("c1", START);
    cluster.insert("stl_query", (0..10).map(|i| query(i, 100, START)).collect());
    let server = serve(&cluster).await;
    (cluster, server)
}

async fn refused(server: &Server, user: &str, password: &str) -> Error {
    match config(server, user, password).connect(NoTls).await {
        Ok(_) => panic!("connected"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_wrong_password_or_user_is_28p01() {
    let (_cluster, server) = ten().await;
    for (user, password) in [("lookback", "wrong"), ("stranger", "lookback")] {
        assert_eq!(refused(&server, user, password).await.code(), Some(&SqlState::INVALID_PASSWORD));
    }
}

#[tokio::test]
async fn refusal_ends_by_itself_after_so_many_times() {
    let (cluster, server) = ten().await;
    cluster.fault(Fault::Refuse.times(2));
    assert!(refused(&server, "lookback", "lookback").await.code().is_none());
    assert!(refused(&server, "lookback", "lookback").await.code().is_none());
    connect(&server).await;
    cluster.fault(Fault::Refuse);
    refused(&server, "lookback", "lookback").await;
    cluster.clear_faults();
    connect(&server).await;
}

#[tokio::test]
async fn rotating_keys_end_sessions_and_turn_new_ones_away() {
    let (cluster, server) = ten().await;
    let client = connect(&server).await;
    cluster.fault(Fault::RotatingKeys);
    assert_eq!(sqlstate(&client, "SELECT count(*) FROM stl_query").await, "57P01");
    assert_eq!(refused(&server, "lookback", "lookback").await.code(), Some(&SqlState::CANNOT_CONNECT_NOW));
    cluster.clear_faults();
    connect(&server).await;
}

#[tokio::test]
async fn a_digest_is_asked_for() {
    let (cluster, server) = ten().await;
    cluster.fault(Fault::Sha256Auth.once());
    let error = refused(&server, "lookback", "lookback").await;
    assert!(error.code().is_none());
    assert!(format!("{error:?}").contains("unknown authentication tag `13`"), "{error:?}");
}

#[tokio::test]
async fn a_statement_that_hangs_can_be_cancelled_or_runs_into_its_timeout() {
    let (cluster, server) = ten().await;
    cluster.fault(Fault::HangTable("stl_query".to_owned()));
    let client = connect(&server).await;
    assert_eq!(one(&client, "SELECT count(*) FROM stl_scan").await.as_deref(), Some("0"));
    let token = client.cancel_token();
    let hanging = sqlstate(&client, "SELECT count(*) FROM stl_query");
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        token.cancel_query(NoTls).await.unwrap();
    };
    assert_eq!(tokio::join!(hanging, cancelling).0, "57014");
    client.batch_execute("SET statement_timeout TO 60").await.unwrap();
    let begun = Instant::now();
    assert_eq!(sqlstate(&client, "SELECT count(*) FROM stl_query").await, "57014");
    assert!(begun.elapsed() >= Duration::from_millis(60));
    cluster.clear_faults();
    assert_eq!(one(&client, "SELECT count(*) FROM stl_query").await.as_deref(), Some("10"));
    cluster.fault(Fault::Hang);
    let waiting = tokio::time::timeout(Duration::from_millis(50), client.simple_query("SELECT version()"));
    // The statement timeout is a little longer than this test waits.
    assert!(waiting.await.is_err());
}

#[tokio::test]
async fn a_connection_that_hangs_never_answers() {
    let (cluster, server) = ten().await;
    cluster.fault(Fault::HangConnect);
    let config = config(&server, "lookback", "lookback");
    assert!(tokio::time::timeout(Duration::from_millis(50), config.connect(NoTls)).await.is_err());
}

#[tokio::test]
async fn a_result_is_cut_after_so_many_rows() {
    let (cluster, server) = ten().await;
    for (rows, arrive) in [(0, 0), (4, 4), (10, 10)] {
        cluster.fault(Fault::CutAfterRows { table: Some("stl_query".to_owned()), rows }.once());
        let client = connect(&server).await;
        let stream = client.query_raw("SELECT query FROM stl_query", std::iter::empty::<i32>()).await;
        let Ok(stream) = stream else {
            assert_eq!(arrive, 0);
            continue;
        };
        let mut stream = std::pin::pin!(stream);
        let mut seen = 0;
        let error = loop {
            match stream.next().await {
                Some(Ok(_)) => seen += 1,
                Some(Err(error)) => break error,
                None => panic!("the result ended as if it were whole"),
            }
        };
        assert_eq!(seen, arrive);
        assert!(error.code().is_none());
    }
    // A result that is shorter is not cut.
    cluster.fault(Fault::CutAfterRows { table: None, rows: 11 });
    let client = connect(&server).await;
    assert_eq!(client.query("SELECT query FROM stl_query", &[]).await.unwrap().len(), 10);
    let simple = client.simple_query("SELECT query FROM stl_query").await.unwrap();
    assert_eq!(simple.iter().filter(|m| matches!(m, SimpleQueryMessage::Row(_))).count(), 10);
}

#[tokio::test]
async fn errors_strike_the_table_that_they_are_meant_for() {
    let (cluster, server) = ten().await;
    let client = connect(&server).await;
    cluster.fault(Fault::Cancel { table: Some("stl_query".to_owned()) }.once());
    let driven = "SELECT c.query FROM stl_querytext c JOIN stl_query p ON c.query = p.query";
    client.batch_execute(driven).await.unwrap();
    assert_eq!(sqlstate(&client, "SELECT * FROM stl_query").await, "57014");
    client.batch_execute("SELECT * FROM stl_query").await.unwrap();
    let error =
        |sqlstate: &str| Fault::Error { table: None, sqlstate: sqlstate.to_owned(), message: "made up".to_owned() };
    cluster.fault(error("XX000").once());
    let statement = client.prepare("SELECT query FROM stl_query").await.unwrap();
    assert_eq!(client.query(&statement, &[]).await.unwrap_err().code(), Some(&SqlState::INTERNAL_ERROR));
    cluster.fault(error("42501").once());
    let error = client.prepare("SELECT query FROM stl_query").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    cluster.fault(Fault::Slow { table: None, pause: Duration::from_millis(30) }.once());
    let begun = Instant::now();
    client.batch_execute("SELECT * FROM stl_query").await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn a_server_stops_and_starts_again_on_the_same_port() {
    let (cluster, server) = ten().await;
    let addr = server.addr();
    let client = connect(&server).await;
    server.stop().await;
    assert!(client.simple_query("SELECT 1").await.is_err());
    let server = cluster.serve(ServeOptions { addr, tls: Tls::Off }).await.unwrap();
    connect(&server).await;
    drop(server);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn an_unknown_startup_parameter_is_turned_away() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (_cluster, server) = ten().await;
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let body = b"\0\x03\0\0user\0lookback\0_pq_.odd\0on\0\0";
    stream.write_i32(i32::try_from(body.len()).unwrap() + 4).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains("FATAL") && answer.contains("42704") && answer.contains("_pq_.odd"), "{answer}");
}

fn connector(ca: Option<String>) -> tokio_postgres_rustls::MakeRustlsConnect {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    if let Some(pem) = ca {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tokio_postgres_rustls::MakeRustlsConnect::new(config)
}

#[tokio::test]
async fn tls_is_verified_required_and_refused() {
    let cluster = Cluster::empty("c1", START);
    cluster.set_user("lookback", "other", Access::Superuser);
    let options = |tls| ServeOptions { tls, ..ServeOptions::default() };
    let server = cluster.serve(options(Tls::Required)).await.unwrap();
    let error = refused(&server, "lookback", "other").await;
    assert_eq!(error.code(), Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION));
    assert!(error.as_db_error().unwrap().message().contains("SSL off"));
    for host in ["localhost", "127.0.0.1"] {
        let mut with_tls = config(&server, "lookback", "other");
        with_tls.ssl_mode(SslMode::Require);
        let mut named = tokio_postgres::Config::new();
        named.host(host).port(server.addr().port()).user("lookback").password("other").ssl_mode(SslMode::Require);
        let (client, connection) = named.connect(connector(server.ca_pem())).await.unwrap();
        tokio::spawn(connection);
        assert_eq!(one(&client, "SELECT 1 AS one").await.as_deref(), Some("1"));
        assert!(with_tls.connect(connector(None)).await.is_err(), "a stranger's certificate");
    }
    cluster.fault(Fault::PlaintextOnly.once());
    let mut with_tls = config(&server, "lookback", "other");
    with_tls.ssl_mode(SslMode::Require);
    assert!(with_tls.connect(connector(server.ca_pem())).await.is_err());

    let offered = cluster.serve(options(Tls::Offered)).await.unwrap();
    let (_client, _connection) = config(&offered, "lookback", "other").connect(NoTls).await.unwrap();
    let off = cluster.serve(options(Tls::Off)).await.unwrap();
    assert!(off.ca_pem().is_none());
    let mut with_tls = config(&off, "lookback", "other");
    with_tls.ssl_mode(SslMode::Require);
    assert!(with_tls.connect(connector(None)).await.is_err());
}
