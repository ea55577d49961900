//! How a change reaches a destination.
//!
//! One attempt each: how often, and with which pauses, is [`run`](crate::run)'s business, and the clients that are used here try
//! nothing again by themselves. No error holds the address of a webhook, a secret or what a receiver answered beyond its status
//! or code.

mod security_hub;
mod sns;
mod webhook;

pub use security_hub::{SecurityHub, finding};
pub use sns::Sns;
pub use webhook::{Webhook, signature};

use std::path::Path;

use async_trait::async_trait;
use lookback_storage::Aws;

use crate::message::Event;
use crate::rules::Destination;

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DeliveryError {
    /// What failed and what to do.
    pub message: String,
    /// Whether it may pass.
    pub transient: bool,
    /// Whether it is about the destination as a whole, so that other changes would fail as well.
    pub all: bool,
}

impl DeliveryError {
    /// A failure that may pass: of the destination as a whole.
    pub fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), transient: true, all: true }
    }

    /// A failure that stays until somebody does something.
    pub fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), transient: false, all: true }
    }

    /// A change that the receiver does not take.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), transient: false, all: false }
    }
}

/// A destination.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// How many changes one attempt takes.
    fn batch(&self) -> usize {
        1
    }

    /// Whether it may be told anything: asked once, before the first.
    ///
    /// # Errors
    /// If it may not.
    async fn check(&self) -> Result<(), DeliveryError> {
        Ok(())
    }

    /// Tells it of changes: one result each, in their order. `now` is microseconds since 1970-01-01, UTC.
    async fn send(&self, events: &[&Event], now: i64) -> Vec<Result<(), DeliveryError>>;
}

/// A destination of a file of rules, with its secrets. Relative paths are relative to `base`.
///
/// # Errors
/// If a secret is not where the file says, or there is no connection to AWS or no region.
pub async fn open(
    destination: &Destination,
    base: &Path,
    aws: Option<&Aws>,
) -> Result<Box<dyn Deliver>, DeliveryError> {
    let no_aws = || DeliveryError::lasting("there is no connection to AWS");
    Ok(match destination {
        Destination::Webhook { url, secret, timeout } => {
            let get = async |key: &str, reference: &crate::secrets::Reference| {
                let found = reference.resolve(base, aws).await;
                found.map_err(|why| DeliveryError::lasting(format!("its {key}: {why}")))
            };
            Box::new(Webhook::new(&get("url", url).await?, get("secret", secret).await?, *timeout)?)
        }
        Destination::Sns { topic_arn, allow_aws_managed_key } => {
            Box::new(Sns::new(aws.ok_or_else(no_aws)?, topic_arn, *allow_aws_managed_key))
        }
        Destination::SecurityHub { account_id, region } => {
            Box::new(SecurityHub::new(aws.ok_or_else(no_aws)?, account_id, region.as_deref())?)
        }
    })
}
