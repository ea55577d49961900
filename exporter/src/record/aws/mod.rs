//! The control plane as the SDK reaches it: one account and region, with its own credentials.
//!
//! The SDK's own retries are off: what is tried again, when and how often is decided in one place (`calls`), and counted there.

mod events;
mod failure;
mod keys;
mod places;
mod redshift;
mod serverless;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::Region;
use aws_sdk_kms::config::http::HttpResponse;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::DateTime;
use lookback_storage::Aws;

use super::plane::{Answer, CallError, Refusal};

pub use places::{Place, identify};

/// Longest time for one attempt of a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// One account and region, as AWS answers for it.
pub struct AwsPlane {
    aws: Aws,
    region: String,
    redshift: aws_sdk_redshift::Client,
    serverless: aws_sdk_redshiftserverless::Client,
    cloudtrail: aws_sdk_cloudtrail::Client,
    config: aws_sdk_config::Client,
    /// Clients of KMS and Redshift by region: keys and grants for copies are where the copies are.
    kms: Mutex<HashMap<String, aws_sdk_kms::Client>>,
    elsewhere: Mutex<HashMap<String, aws_sdk_redshift::Client>>,
}

impl AwsPlane {
    /// A region as whoever the connection is. Nothing is asked yet.
    #[must_use]
    pub fn new(aws: &Aws, region: &str) -> Self {
        let config = aws.config().to_builder().region(Region::new(region.to_owned()));
        let aws = aws.reconfigured(config.retry_config(RetryConfig::disabled()).build());
        let (shared, counter) = (aws.config(), aws.counter());
        Self {
            redshift: aws_sdk_redshift::Client::from_conf(
                aws_sdk_redshift::config::Builder::from(shared).interceptor(counter.clone()).build(),
            ),
            serverless: aws_sdk_redshiftserverless::Client::from_conf(
                aws_sdk_redshiftserverless::config::Builder::from(shared).interceptor(counter.clone()).build(),
            ),
            cloudtrail: aws_sdk_cloudtrail::Client::from_conf(
                aws_sdk_cloudtrail::config::Builder::from(shared).interceptor(counter.clone()).build(),
            ),
            config: aws_sdk_config::Client::from_conf(
                aws_sdk_config::config::Builder::from(shared).interceptor(counter).build(),
            ),
            kms: Mutex::default(),
            elsewhere: Mutex::default(),
            region: region.to_owned(),
            aws,
        }
    }

    fn kms(&self, region: &str) -> aws_sdk_kms::Client {
        let mut clients = self.kms.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            let config = aws_sdk_kms::config::Builder::from(self.aws.config()).region(Region::new(region.to_owned()));
            aws_sdk_kms::Client::from_conf(config.interceptor(self.aws.counter()).build())
        });
        client.clone()
    }

    fn redshift_of(&self, region: &str) -> aws_sdk_redshift::Client {
        if region == self.region {
            return self.redshift.clone();
        }
        let mut clients = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            let config =
                aws_sdk_redshift::config::Builder::from(self.aws.config()).region(Region::new(region.to_owned()));
            aws_sdk_redshift::Client::from_conf(config.interceptor(self.aws.counter()).build())
        });
        client.clone()
    }

    /// Makes a call, once.
    async fn ask<T, E>(
        &self,
        call: &'static str,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
    ) -> Answer<T>
    where
        T: Send + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match tokio::time::timeout(CALL_TIMEOUT, self.aws.run(Box::pin(request))).await {
            Ok(Ok(answer)) => answer.map_err(|e| failure::explain(call, &e)),
            Ok(Err(abandoned)) => Err(CallError::new(Refusal::Other, call, "abandoned", abandoned.to_string())),
            Err(_) => {
                let text = format!("no answer within {} s", CALL_TIMEOUT.as_secs());
                Err(CallError::new(Refusal::Unreached, call, "timeout", text))
            }
        }
    }
}

/// A moment as the SDK has it.
fn moment(micros: i64) -> DateTime {
    let nanos = u32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    DateTime::from_secs_and_nanos(micros.div_euclid(1_000_000), nanos)
}

/// Text that stands for a next page. Some services answer with an empty one on the last page.
fn next(token: Option<String>) -> Option<String> {
    token.filter(|token| !token.is_empty())
}
