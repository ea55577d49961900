//! SNS: a message to a topic, which must be encrypted.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::{Builder, Region};
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use lookback_storage::{Aws, chain, first_line};
use serde_json::json;

use super::{Deliver, DeliveryError};
use crate::message::{Event, lines, subject};
use crate::rules::region_of_topic;

/// Longest time for an attempt.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The attribute of a topic that names its key.
const KEY: &str = "KmsMasterKeyId";
/// The key that AWS keeps for SNS: its policy lets every identity of the account that may use SNS read.
const AWS_MANAGED: &str = "alias/aws/sns";

/// A topic.
#[derive(Debug)]
pub struct Sns {
    client: Client,
    aws: Aws,
    topic: String,
    allow_aws_managed: bool,
}

impl Sns {
    /// A topic, in the region that its ARN names.
    #[must_use]
    pub fn new(aws: &Aws, topic: &str, allow_aws_managed: bool) -> Self {
        let region = region_of_topic(topic).map(|region| Region::new(region.to_owned()));
        let config =
            Builder::from(aws.config()).interceptor(aws.counter()).retry_config(RetryConfig::disabled()).region(region);
        Self { client: Client::from_conf(config.build()), aws: aws.clone(), topic: topic.to_owned(), allow_aws_managed }
    }

    async fn call<T, E>(
        &self,
        action: &str,
        call: impl Future<Output = Result<T, SdkError<E>>> + Send + 'static,
    ) -> Result<T, DeliveryError>
    where
        T: Send + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let what = format!("{action} on {}", self.topic);
        match tokio::time::timeout(TIMEOUT, self.aws.run(call)).await {
            Ok(Ok(answer)) => answer.map_err(|e| explain(&what, &e)),
            Ok(Err(abandoned)) => Err(DeliveryError::passing(format!("{what}: {abandoned}"))),
            Err(_) => Err(DeliveryError::passing(format!("{what}: no answer within {} s", TIMEOUT.as_secs()))),
        }
    }

    async fn publish(&self, event: &Event) -> Result<(), DeliveryError> {
        let text = |value: &str| {
            MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|e| DeliveryError::refused(e.to_string()))
        };
        let attributes = HashMap::from([
            ("idempotency_key".to_owned(), text(&event.id)?),
            ("change".to_owned(), text(event.change.name())?),
            ("severity".to_owned(), text(event.severity.name())?),
            ("rule".to_owned(), text(&event.rule)?),
        ]);
        let people = lines(event);
        let message = json!({ "default": event.body(), "email": people, "sms": event.text });
        let mut call = self
            .client
            .publish()
            .topic_arn(&self.topic)
            .subject(subject(event))
            .message(message.to_string())
            .message_structure("json")
            .set_message_attributes(Some(attributes));
        if self.topic.ends_with(".fifo") {
            // Such a topic drops what it has had within five minutes, and keeps the order of a group.
            call = call.message_deduplication_id(&event.id).message_group_id(&event.alert_id);
        }
        self.call("sns:Publish", call.send()).await.map(|_| ())
    }
}

#[async_trait]
impl Deliver for Sns {
    async fn check(&self) -> Result<(), DeliveryError> {
        let call = self.client.get_topic_attributes().topic_arn(&self.topic).send();
        let answer = self.call("sns:GetTopicAttributes", call).await?;
        let key = answer.attributes().and_then(|attributes| attributes.get(KEY)).map(String::as_str);
        match key.filter(|key| !key.is_empty()) {
            None => Err(DeliveryError::lasting(format!(
                "the topic {} is not encrypted, and nothing is sent to it: give it a customer managed key ({KEY})",
                self.topic
            ))),
            Some(key) if key.ends_with(AWS_MANAGED) && !self.allow_aws_managed => Err(DeliveryError::lasting(format!(
                "the topic {} is under the key that AWS manages: give it a customer managed key, or set \
                 allow_aws_managed_key = true for this destination",
                self.topic
            ))),
            Some(_) => Ok(()),
        }
    }

    async fn send(&self, events: &[&Event], _now: i64) -> Vec<Result<(), DeliveryError>> {
        let mut results = Vec::with_capacity(events.len());
        for event in events {
            results.push(self.publish(event).await);
        }
        results
    }
}

fn explain<E>(what: &str, error: &SdkError<E>) -> DeliveryError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let SdkError::ServiceError(service) = error else {
        return DeliveryError::passing(format!("{what}: {}", chain(error)));
    };
    let code = service.err().code().unwrap_or("unknown");
    let text = service.err().message().map(first_line).unwrap_or_default();
    of_service(what, code, text, service.raw().status().as_u16())
}

fn of_service(what: &str, code: &str, text: &str, status: u16) -> DeliveryError {
    let message = format!("{what}: {code}: {text}");
    // Of its key, SNS says so with a status of the caller.
    if code.contains("Throttl") || status == 429 || status >= 500 {
        return DeliveryError::passing(message);
    }
    match code {
        "InvalidParameter" | "InvalidParameterValue" | "ParameterValueInvalid" => DeliveryError::refused(message),
        _ => DeliveryError::lasting(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        let meant = |code: &str, status| {
            let error = of_service("w", code, "why", status);
            assert_eq!(error.message, format!("w: {code}: why"));
            (error.transient, error.all)
        };
        assert_eq!(meant("Throttled", 400), (true, true));
        assert_eq!(meant("KMSThrottling", 400), (true, true));
        assert_eq!(meant("InternalError", 500), (true, true));
        assert_eq!(meant("AuthorizationError", 403), (false, true));
        assert_eq!(meant("KMSDisabled", 400), (false, true));
        assert_eq!(meant("InvalidParameter", 400), (false, false));
    }
}
