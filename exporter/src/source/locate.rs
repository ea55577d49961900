//! Where a cluster is and how to log in, asked anew for every connection: passwords are rotated, temporary credentials end,
//! clusters move.

use async_trait::async_trait;
use secrecy::ExposeSecret;

use super::Endpoint;
use crate::error::{ErrorKind, Result};

/// What came of an endpoint that was given before. What it was made of is then read again where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// The log-in was refused.
    Refused,
    /// Nobody answered.
    Unreachable,
}

impl Failed {
    /// What an error says about the endpoint; `None` if it says nothing.
    pub(super) fn of(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::Auth => Some(Self::Refused),
            ErrorKind::Connect | ErrorKind::Timeout => Some(Self::Unreachable),
            _ => None,
        }
    }
}

/// Finds the endpoint of one cluster.
#[async_trait]
pub trait Locate: Send + Sync {
    /// The endpoint as it is now; `failed` says that the one given before does not work.
    ///
    /// # Errors
    /// If it is configured wrong, or if what is asked for it refuses or does not answer.
    async fn endpoint(&self, failed: Option<Failed>) -> Result<Endpoint>;
}

/// An endpoint that is known once and for all.
pub(super) struct Fixed(pub(super) Endpoint);

#[async_trait]
impl Locate for Fixed {
    async fn endpoint(&self, _failed: Option<Failed>) -> Result<Endpoint> {
        Ok(self.0.clone())
    }
}

impl Endpoint {
    /// Whether connecting to the other is the same attempt once more.
    pub(super) fn same_attempt(&self, other: &Self) -> bool {
        let password = |e: &Self| e.password.as_ref().map(|p| p.expose_secret().to_owned());
        (&self.host, self.port, &self.database, &self.user) == (&other.host, other.port, &other.database, &other.user)
            && password(self) == password(other)
    }
}
