//! TLS to the cluster: verified against the public roots, or those of a file, unless plaintext is asked for by name.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tap::{Tap, Valve};
use crate::error::{Error, ErrorKind, Result};

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// TLS; the certificate must chain to a public root and name the host. Redshift's certificates are issued by Amazon
    /// Trust Services, whose roots are among the public ones.
    #[default]
    Verify,
    /// As `Verify`, with the roots of a PEM file in place of the public ones.
    VerifyWith(PathBuf),
    /// No encryption. Passwords and SQL text cross the network readable.
    Plaintext,
}

/// The connector for a mode; `None` for plaintext.
pub(super) fn connector(mode: &TlsMode) -> Result<Option<MakeRustlsConnect>> {
    let roots = match mode {
        TlsMode::Plaintext => return Ok(None),
        TlsMode::Verify => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        TlsMode::VerifyWith(path) => {
            let refuse = |e: String| {
                Error::new(ErrorKind::Config, format!("ca_file {}: {e}", path.display()))
                    .advise("give a readable PEM file with the certificates of the authorities to trust")
            };
            let certificates = CertificateDer::pem_file_iter(path).map_err(|e| refuse(e.to_string()))?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                let certificate = certificate.map_err(|e| refuse(e.to_string()))?;
                roots.add(certificate).map_err(|e| refuse(e.to_string()))?;
            }
            if roots.is_empty() {
                return Err(refuse("no certificate in it".to_owned()));
            }
            roots
        }
    };
    // Named, because more than one provider is compiled in through dependencies and rustls refuses to choose.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::new(ErrorKind::Tls, "setting up TLS").because(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(config)))
}

type RustlsConnect = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::TlsConnect;

/// Connects with TLS, and lays a [`Tap`] on what is inside.
pub(super) struct TappedTls {
    tls: RustlsConnect,
    valve: Valve,
}

/// A connector for one host, whose connections can be tapped.
pub(super) fn tapped(mut tls: MakeRustlsConnect, host: &str, valve: Valve) -> Result<TappedTls> {
    let made = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, host);
    let tls = made.map_err(|e| Error::new(ErrorKind::Tls, format!("setting up TLS to {host}")).because(e))?;
    Ok(TappedTls { tls, valve })
}

impl TlsConnect<TcpStream> for TappedTls {
    type Stream = Tap<<RustlsConnect as TlsConnect<TcpStream>>::Stream>;
    type Error = <RustlsConnect as TlsConnect<TcpStream>>::Error;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, socket: TcpStream) -> Self::Future {
        let handshake = self.tls.connect(socket);
        Box::pin(async move { Ok(Tap::new(handshake.await?, self.valve)) })
    }
}
