//! What keeps the server from starting or from going on.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A setting of `[serve]` cannot be used.
    #[error("[serve] {0}")]
    Settings(String),
    /// The settings would let somebody in who should not be.
    #[error("{0}")]
    Refused(String),
    /// The certificate or its key cannot be used.
    #[error("{what} {}: {why}", .path.display())]
    Tls {
        /// `certificate` or `key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; another process may, choose another with --pg or --http")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The log of questions cannot be written.
    #[error("the log of questions {}: {source}", .path.display())]
    QuestionLog {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}
