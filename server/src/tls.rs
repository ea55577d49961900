//! TLS from PEM files, and connections for HTTP, with TLS or without.
//!
//! Whatever is wrong with the certificate or its key stops the start: nobody shall believe that a connection is encrypted that is not.
//! Once it runs, a new certificate is taken up by itself (`certificate`).

mod accept;
mod certificate;

pub(crate) use accept::Accepting;
pub use certificate::{Certificate, Look, configured};
