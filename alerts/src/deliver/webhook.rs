//! Webhooks: a POST with a JSON body, signed.
//!
//! - The address is https, or http to this machine. A redirect is not followed: it could lead anywhere, with the body.
//! - `Lookback-Signature` is `v1=` and the HMAC-SHA256, in hexadecimal digits, of `v1`, the value of `Lookback-Timestamp`, the
//!   value of `Idempotency-Key` and the body, with a full stop between each.
//! - The body of the answer is not read: nothing is expected in it.

use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use lookback_schemas::time::SECOND;
use lookback_storage::chain;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::{Host, Url};

use super::{Deliver, DeliveryError};
use crate::message::Event;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Characters that a key must have at least.
const MIN_SECRET: usize = 16;

/// A webhook.
pub struct Webhook {
    client: reqwest::Client,
    // It holds a token as often as not, so that it is never shown.
    url: Url,
    secret: SecretString,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

impl Webhook {
    /// A webhook; `timeout` is for a whole attempt.
    ///
    /// # Errors
    /// If the address is not one, or is http to another machine; if the key is short.
    pub fn new(url: &SecretString, secret: SecretString, timeout: Duration) -> Result<Self, DeliveryError> {
        let url = Url::parse(url.expose_secret()).map_err(|_| DeliveryError::lasting("its url is not one"))?;
        let here = is_loopback(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            return Err(DeliveryError::lasting("its url must begin with https://; http:// is for this machine only"));
        }
        if secret.expose_secret().len() < MIN_SECRET {
            let message = format!("its secret has fewer than {MIN_SECRET} characters, and could be guessed");
            return Err(DeliveryError::lasting(message));
        }
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT.min(timeout))
            .timeout(timeout)
            .user_agent(concat!("lookback/", env!("CARGO_PKG_VERSION")));
        // What is on this machine is not behind a proxy.
        let client = if here { client.no_proxy() } else { client };
        let client =
            client.build().map_err(|e| DeliveryError::lasting(format!("no client: {}", chain(&e.without_url()))))?;
        Ok(Self { client, url, secret })
    }

    async fn post(&self, event: &Event, now: i64) -> Result<(), DeliveryError> {
        let (body, stamp) = (event.body(), now.div_euclid(SECOND).to_string());
        let signature = signature(&self.secret, &stamp, &event.id, &body);
        let header = |text: &str| HeaderValue::from_str(text).map_err(|e| DeliveryError::refused(e.to_string()));
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", header(&event.id)?)
            .header("Lookback-Timestamp", header(&stamp)?)
            .header("Lookback-Signature", header(&signature)?)
            .body(body);
        let answer = request.send().await.map_err(|e| {
            let what = if e.is_timeout() { "no answer in time" } else { "no answer" };
            // Certificates of others are refused with the name of the host.
            let why = chain(&e.without_url()).replace(self.url.host_str().unwrap_or("\0"), "its host");
            DeliveryError::passing(format!("{what}: {why}"))
        })?;
        let status = answer.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            300..=399 => Err(DeliveryError::lasting(format!("it answered {status}: redirects are not followed"))),
            408 | 425 | 429 | 500..=599 => Err(DeliveryError::passing(format!("it answered {status}"))),
            401 | 403 | 404 | 405 | 410 => Err(DeliveryError::lasting(format!("it answered {status}"))),
            _ => Err(DeliveryError::refused(format!("it answered {status}"))),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// The value of `Lookback-Signature`.
#[must_use]
pub fn signature(secret: &SecretString, timestamp: &str, id: &str, body: &str) -> String {
    use std::fmt::Write;
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        // HMAC takes a key of any length.
        return String::new();
    };
    mac.update(format!("v1.{timestamp}.{id}.{body}").as_bytes());
    mac.finalize().into_bytes().iter().fold("v1=".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[async_trait]
impl Deliver for Webhook {
    async fn send(&self, events: &[&Event], now: i64) -> Vec<Result<(), DeliveryError>> {
        let mut results = Vec::with_capacity(events.len());
        for event in events {
            results.push(self.post(event, now).await);
        }
        results
    }
}

#[cfg(test)]
mod tests;
