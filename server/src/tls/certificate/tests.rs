#![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

use rcgen::{CertifiedKey as Made, KeyPair, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::*;

fn made(name: &str) -> Made<KeyPair> {
    generate_simple_self_signed(vec![name.to_owned()]).unwrap()
}

#[test]
fn what_is_wrong_with_a_certificate_stops_the_start_and_shows_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
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
    let long = write("long", &"x".repeat((1 << 20) + 1));
    for (certificate, key, why) in [
        (certificate.clone(), None, "belong together"),
        (certificate.clone(), Some(folder.path().join("nothing")), "No such file"),
        (certificate.clone(), other_key, "cannot be used with its key"),
        (certificate, broken.clone(), "no private key"),
        (key.clone(), key.clone(), "no certificate"),
        (long, key, "more than"),
        (broken.clone(), broken, "certificate"),
    ] {
        let error = check(certificate, key).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("c2VjcmV0"), "{error}");
    }
}

/// The certificate that a client is shown.
async fn shown(acceptor: &TlsAcceptor, trusted: &[&Made<KeyPair>]) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    trusted.iter().for_each(|one| roots.add(one.cert.der().clone()).unwrap());
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let (here, there) = tokio::io::duplex(64 << 10);
    let name = ServerName::try_from("lake.example").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let (client, server) = tokio::join!(connector.connect(name, here), acceptor.accept(there));
    server.unwrap();
    client.unwrap().get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("cert"), folder.path().join("key"));
    let write = |certificate: &Made<KeyPair>, of_key: &Made<KeyPair>| {
        std::fs::write(&chain, certificate.cert.pem()).unwrap();
        std::fs::write(&key, of_key.signing_key.serialize_pem()).unwrap();
    };
    let (old, new) = (made("lake.example"), made("lake.example"));
    write(&old, &old);
    let settings = Settings { tls_cert: Some(chain.clone()), tls_key: Some(key.clone()), ..Settings::default() };
    let certificate = configured(&settings).unwrap().unwrap();
    let acceptor = certificate.acceptor(&[]).unwrap();
    let both = [&old, &new];
    assert_eq!(shown(&acceptor, &both).await, *old.cert.der());
    assert!(matches!(certificate.look(), Look::Same));
    // Half of the way: the new certificate with the old key.
    write(&new, &old);
    let Look::Broken(error) = certificate.look() else { unreachable!("a broken pair was taken") };
    assert!(error.to_string().contains("cannot be used with its key"), "{error}");
    assert!(matches!(certificate.look(), Look::Same), "it is said once");
    assert_eq!(shown(&acceptor, &both).await, *old.cert.der());
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(certificate.look(), Look::Broken(_)));
    assert_eq!(shown(&acceptor, &both).await, *old.cert.der());
    write(&new, &new);
    assert!(matches!(certificate.look(), Look::Renewed));
    assert_eq!(shown(&acceptor, &both).await, *new.cert.der());
}
