//! The certificate and its key, and how they are renewed while the server runs.
//!
//! Certificates that are renewed every few weeks are written by programs that know nothing of this one. So both files are looked at
//! every [`LOOK_AGAIN`]: what is new and can be used is what the next connection is shown; connections that are open stay as they are.
//! What is new and cannot be used (half written, or with the key of another certificate) is said once in the log, as an error, and in a
//! metric for as long as it is there; the pair before goes on being served.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::error::ServerError;
use crate::metrics::Metrics;
use crate::settings::Settings;

/// How often the files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Bytes of a file that are read: chains have a few kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// A certificate with its key, from files that may change.
#[derive(Debug)]
pub struct Certificate {
    files: Files,
    served: Arc<Served>,
    // What the files were when they were looked at last, whether or not they could be used.
    seen: Mutex<[u8; 32]>,
}

/// What a look at the files has found.
#[derive(Debug)]
pub enum Look {
    /// They are as they were.
    Same,
    /// They are new, and what connections are shown from now on.
    Renewed,
    /// They are new and cannot be used; the pair before is still served.
    Broken(ServerError),
}

/// What connections are shown.
struct Served(RwLock<Arc<CertifiedKey>>);

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Served")
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Nothing that holds the lock can leave it half done.
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The certificate and key of the settings; `None` if there are none.
///
/// # Errors
/// [`ServerError::Tls`] if a file cannot be read or used, or the key is not that of the certificate; [`ServerError::Settings`] if one
/// of both is missing.
pub fn configured(settings: &Settings) -> Result<Option<Arc<Certificate>>, ServerError> {
    let files = match (&settings.tls_cert, &settings.tls_key) {
        (None, None) => return Ok(None),
        (Some(chain), Some(key)) => Files { chain: chain.clone(), key: key.clone() },
        _ => {
            return Err(ServerError::Settings(
                "tls_cert and tls_key belong together; one of them is missing".to_owned(),
            ));
        }
    };
    let read = files.read();
    let (seen, pair) = (fingerprint(&read), files.understood(read)?);
    let served = Arc::new(Served(RwLock::new(Arc::new(pair))));
    Ok(Some(Arc::new(Certificate { files, served, seen: Mutex::new(seen) })))
}

impl Certificate {
    /// What accepts connections that speak one of the protocols, or do not say, and shows each the certificate of its time.
    ///
    /// # Errors
    /// [`ServerError::Tls`] if the library cannot be set up.
    pub fn acceptor(&self, protocols: &[&[u8]]) -> Result<TlsAcceptor, ServerError> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|e| self.files.wrong("certificate", e.to_string()))?;
        let mut config =
            builder.with_no_client_auth().with_cert_resolver(Arc::clone(&self.served) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Looks at the files, and takes up what is new and can be used.
    pub fn look(&self) -> Look {
        let read = self.files.read();
        let now = fingerprint(&read);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return Look::Same;
        }
        *seen = now;
        match self.files.understood(read) {
            Ok(pair) => {
                *self.served.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                Look::Renewed
            }
            Err(error) => Look::Broken(error),
        }
    }

    /// Looks again and again, until the server stops.
    pub(crate) async fn keep(self: Arc<Self>, metrics: &Metrics, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
            let this = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || this.look()).await {
                Ok(Look::Renewed) => {
                    metrics.certificate(true);
                    tracing::info!(path = %self.files.chain.display(), "a new certificate is served");
                }
                Ok(Look::Broken(error)) => {
                    metrics.certificate(false);
                    tracing::error!(%error, "the new certificate cannot be used; the one before is still served");
                }
                Ok(Look::Same) => {}
                Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
            }
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Where both are.
#[derive(Debug)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
}

type Contents = [Result<Vec<u8>, String>; 2];

impl Files {
    fn read(&self) -> Contents {
        [&self.chain, &self.key].map(|path| bytes_of(path))
    }

    fn wrong(&self, what: &'static str, why: String) -> ServerError {
        let path = if what == "key" { &self.key } else { &self.chain };
        ServerError::Tls { what, path: path.clone(), why }
    }

    fn understood(&self, [chain, key]: Contents) -> Result<CertifiedKey, ServerError> {
        let wrong = |why: String| self.wrong("certificate", why);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain.map_err(wrong)?).collect();
        let chain = chain.map_err(|e| wrong(format!("it is not PEM: {e}")))?;
        if chain.is_empty() {
            return Err(wrong("there is no certificate in it".to_owned()));
        }
        // What is wrong with the key is said without a letter of it.
        let key = key.map_err(|why| self.wrong("key", why))?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| {
            let why = "there is no private key in PEM in it (PKCS#8, PKCS#1 or SEC1, not encrypted)";
            self.wrong("key", why.to_owned())
        })?;
        CertifiedKey::from_der(chain, key, &provider())
            .map_err(|e| wrong(format!("it cannot be used with its key: {e}")))
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes"));
    }
    Ok(bytes)
}

/// Tells whether files have changed, also from or to what cannot be read.
fn fingerprint(read: &Contents) -> [u8; 32] {
    let mut all = Sha256::new();
    for one in read {
        let (kind, bytes) = match one {
            Ok(bytes) => ([1], bytes.as_slice()),
            Err(why) => ([0], why.as_bytes()),
        };
        all.update(kind);
        all.update((bytes.len() as u64).to_le_bytes());
        all.update(bytes);
    }
    all.finalize().into()
}

#[cfg(test)]
mod tests;
