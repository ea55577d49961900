//! Security Hub: `BatchImportFindings`, signed and sent by hand, because the SDK's client of all of Security Hub would be larger
//! than everything else here (API: <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html>).
//!
//! A finding's id is that of the alert, so that each change updates the finding in place; when it is over, it is archived. Sent
//! twice, it is the same finding.

mod finding;

pub use finding::finding;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use lookback_storage::{Aws, chain, first_line};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::{Deliver, DeliveryError};
use crate::message::Event;

/// Findings of one call (the API takes 100).
const BATCH: usize = 50;
/// Longest time for an attempt.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 1 << 20;
/// Security Hub of one account and region.
#[derive(Debug)]
pub struct SecurityHub {
    aws: Aws,
    client: reqwest::Client,
    url: String,
    account: String,
    region: String,
}

impl SecurityHub {
    /// Security Hub of an account, in a region or in that of the connection.
    ///
    /// # Errors
    /// If no region is known.
    pub fn new(aws: &Aws, account: &str, region: Option<&str>) -> Result<Self, DeliveryError> {
        let Some(region) = region.or(aws.region()) else {
            return Err(DeliveryError::lasting("no AWS region is known: set `region` for this destination"));
        };
        let given = aws.config().endpoint_url().map(|url| url.trim_end_matches('/').to_owned());
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let base = given.unwrap_or_else(|| format!("https://securityhub.{region}.{suffix}"));
        let client =
            reqwest::Client::builder().redirect(Policy::none()).retry(reqwest::retry::never()).timeout(TIMEOUT);
        let client = client.build().map_err(|e| DeliveryError::lasting(format!("no client: {}", chain(&e))))?;
        let url = format!("{base}/findings/import");
        Ok(Self { aws: aws.clone(), client, url, account: account.to_owned(), region: region.to_owned() })
    }

    /// One call. Gives the ids of findings that were refused, each with the reason.
    async fn import(&self, body: String, now: i64) -> Result<Vec<(String, String)>, DeliveryError> {
        let what = format!("securityhub:BatchImportFindings ({}, {})", self.account, self.region);
        let provider = self
            .aws
            .config()
            .credentials_provider()
            .ok_or_else(|| DeliveryError::lasting(format!("{what}: there are no credentials for AWS")))?;
        let credentials = self.aws.run(async move { provider.provide_credentials().await }).await;
        let credentials = credentials
            .map_err(|e| DeliveryError::passing(format!("{what}: {e}")))?
            .map_err(|e| DeliveryError::passing(format!("{what}: {}", chain(&e))))?;
        let headers = signed(&self.url, &self.region, body.as_bytes(), &credentials.into(), now)
            .map_err(|e| DeliveryError::lasting(format!("{what}: {}", chain(e.as_ref()))))?;
        let mut request = self.client.post(&self.url).header("content-type", CONTENT).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let passing = |e: reqwest::Error| DeliveryError::passing(format!("{what}: {}", chain(&e)));
        let mut answer = request.send().await.map_err(passing)?;
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(passing)? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(DeliveryError::passing(format!("{what}: the answer is longer than {MAX_ANSWER} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        meaning(&what, status, &answer)
    }
}

const CONTENT: &str = "application/json";

/// The headers that sign a request.
fn signed(
    url: &str,
    region: &str,
    body: &[u8],
    identity: &Identity,
    now: i64,
) -> Result<Vec<(String, String)>, Box<dyn std::error::Error + Send + Sync>> {
    let micros = u64::try_from(now)?;
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name("securityhub")
        .time(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = [("content-type", CONTENT)];
    let request = SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body))?;
    let (instructions, _) = sign(request, &params)?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// What an answer means.
fn meaning(what: &str, status: u16, answer: &Value) -> Result<Vec<(String, String)>, DeliveryError> {
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).map(first_line).unwrap_or_default().to_owned()
    };
    if status == 200 {
        let failed = answer.get("FailedFindings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let one = |finding| {
            (text(finding, "Id"), format!("{what}: {}: {}", text(finding, "ErrorCode"), text(finding, "ErrorMessage")))
        };
        return Ok(failed.iter().map(one).collect());
    }
    let said = [text(answer, "Code"), text(answer, "__type"), text(answer, "Message"), text(answer, "message")];
    let said: Vec<&str> = said.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let message = format!("{what}: HTTP status {status} {}", said.join(": "));
    if status == 429
        || status >= 500
        || said.iter().any(|part| part.contains("LimitExceeded") || part.contains("Throttl"))
    {
        Err(DeliveryError::passing(message))
    } else {
        Err(DeliveryError::lasting(message))
    }
}

#[async_trait]
impl Deliver for SecurityHub {
    fn batch(&self) -> usize {
        BATCH
    }

    async fn send(&self, events: &[&Event], now: i64) -> Vec<Result<(), DeliveryError>> {
        // Of several changes of one alert, Security Hub keeps the last.
        let is_last = |at: usize| events.iter().skip(at + 1).all(|later| later.alert_id != events[at].alert_id);
        let last: Vec<&Event> = (0..events.len()).filter(|at| is_last(*at)).map(|at| events[at]).collect();
        let findings: Vec<Value> = last.iter().map(|event| finding(event, &self.account, &self.region)).collect();
        match self.import(json!({ "Findings": findings }).to_string(), now).await {
            Err(error) => events.iter().map(|_| Err(error.clone())).collect(),
            Ok(refused) => {
                let of = |event: &&Event| {
                    let id = finding::id(event);
                    let found = refused.iter().find(|(refused, _)| *refused == id);
                    found.map_or(Ok(()), |(_, why)| Err(DeliveryError::refused(why.clone())))
                };
                events.iter().map(of).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_finding_is_told_from_a_refused_call() {
        let answer = json!({"FailedCount": 1, "FailedFindings": [{"Id": "a", "ErrorCode": "InvalidInput", "ErrorMessage": "no"}]});
        assert_eq!(meaning("w", 200, &answer), Ok(vec![("a".to_owned(), "w: InvalidInput: no".to_owned())]));
        assert_eq!(meaning("w", 200, &json!({"FailedCount": 0})), Ok(Vec::new()));
        let refused = meaning("w", 403, &json!({"Message": "not authorized"})).unwrap_err();
        assert!(!refused.transient && refused.message == "w: HTTP status 403 not authorized");
        assert!(meaning("w", 429, &Value::Null).unwrap_err().transient);
        assert!(meaning("w", 400, &json!({"Code": "LimitExceededException"})).unwrap_err().transient);
        assert!(meaning("w", 503, &Value::Null).unwrap_err().transient);
    }

    #[test]
    fn a_request_is_signed_for_the_service_and_the_body() {
        let keys = aws_credential_types::Credentials::new("AKID", "secret", Some("token".to_owned()), None, "test");
        let sign =
            |body: &[u8]| signed("https://h/findings/import", "eu-west-1", body, &keys.clone().into(), 0).unwrap();
        let headers = sign(b"{}");
        let value =
            |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone()).unwrap();
        assert!(value("authorization").contains("Credential=AKID/19700101/eu-west-1/securityhub/aws4_request"));
        assert_eq!(
            (value("x-amz-security-token").as_str(), value("x-amz-date").as_str()),
            ("token", "19700101T000000Z")
        );
        assert_ne!(headers, sign(b"[]"));
        assert!(headers.iter().all(|(_, value)| !value.contains("secret")));
    }
}
