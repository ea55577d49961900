//! Who gets in, and how.

use std::sync::Arc;

use lookback_server::people::{hash_password, new_token};
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::server::{Running, code, connect, said, simple};

fn users() -> serde_json::Value {
    let hash = |password: &str| hash_password(password.to_owned()).unwrap();
    json!({
        "ana": { "role": "auditor", "password": hash("päss wörd") },
        "bo": { "role": "viewer", "password": hash("bo") },
        "robot": { "tokens": [new_token().unwrap().1] },
    })
}

#[tokio::test]
async fn a_password_lets_in_and_a_wrong_one_does_not() {
    let server = Running::with(json!({ "users": users() })).await;
    let to = |user: &str, password: &str| format!("{} user={user} password='{password}'", server.to());
    let client = connect(&to("ana", "päss wörd")).await.unwrap();
    assert_eq!(simple(&client, "SELECT current_user, session_user").await, "ana,ana");
    for (user, password) in [("ana", "pass"), ("ana", ""), ("nobody", "x"), ("robot", "x")] {
        let error = connect(&to(user, password)).await.map(|_| ()).unwrap_err();
        let refused = format!("28P01 password authentication failed for user \"{user}\"");
        assert!(said(&error) == refused || password.is_empty(), "{user}: {}", said(&error));
    }
    let metrics = server.desk.metrics().encode();
    assert!(metrics.contains(r#"lookback_serve_logins_total{door="pg",outcome="ok"} 1"#), "{metrics}");
}

#[tokio::test]
async fn who_guesses_has_to_wait() {
    let server = Running::with(json!({ "users": users() })).await;
    let to = format!("{} user=bo password=wrong", server.to());
    let mut codes = Vec::new();
    for _ in 0..11 {
        codes.push(code(&connect(&to).await.map(|_| ()).unwrap_err()));
    }
    assert_eq!((codes[9].as_str(), codes[10].as_str()), ("28P01", "28000"));
}

#[tokio::test]
async fn a_role_decides_what_is_seen() {
    let server = Running::with(json!({ "users": users() })).await;
    let ana = connect(&format!("{} user=ana password='päss wörd'", server.to())).await.unwrap();
    let bo = connect(&format!("{} user=bo password=bo", server.to())).await.unwrap();
    assert_eq!(simple(&ana, "SELECT COUNT(*) FROM encryption_events").await, "0");
    assert_eq!(simple(&bo, "SELECT COUNT(*) FROM stl_query").await, "6");
    for sql in [
        "SELECT COUNT(*) FROM encryption_events",
        "SELECT * FROM kms_key_latest",
        "COPY encryption_events TO STDOUT",
        "BEGIN; DECLARE c CURSOR FOR SELECT * FROM encryption_events",
        "ROLLBACK; CREATE VIEW v AS SELECT * FROM encryption_events",
        "WITH e AS (SELECT * FROM encryption_events) SELECT * FROM e",
    ] {
        assert_eq!(code(&bo.simple_query(sql).await.unwrap_err()), "42501", "{sql}");
    }
    assert_eq!(code(&bo.prepare("SELECT * FROM encryption_events").await.unwrap_err()), "42501");
    let refused =
        server.desk.questions(100).iter().filter(|q| &*q.user == "bo" && q.outcome.name() == "forbidden").count();
    assert_eq!(refused, 6);
}

#[tokio::test]
async fn with_a_certificate_nobody_gets_in_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = Running::with(json!({ "users": users(), "tls_cert": cert, "tls_key": key })).await;

    let plain = format!("{} user=bo password=bo", server.to());
    let error = connect(&plain).await.map(|_| ()).unwrap_err();
    assert!(said(&error).starts_with("28000 this server speaks TLS only"), "{}", said(&error));

    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(made.cert.der().to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = |roots: rustls::RootCertStore| {
        let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth())
    };
    // Both a name to check and an address to go to.
    let config =
        format!("host=localhost hostaddr=127.0.0.1 port={} user=bo password=bo sslmode=require", server.address.port());
    let config: Config = config.parse().unwrap();
    let (client, connection) = config.connect(tls(roots)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(simple(&client, "SELECT COUNT(*) FROM stl_query").await, "6");
    // A statement can be stopped from a connection of its own, with TLS or without.
    client.cancel_token().cancel_query(NoTls).await.ok();
    assert!(config.connect(tls(rustls::RootCertStore::empty())).await.is_err());
}
