//! One connection to AWS for everything: region, credentials, time limits, and a count of every request.
//!
//! A client is built from [`Aws::config`] with [`Aws::counter`] as its interceptor, and its calls go through [`Aws::run`]:
//! connections are kept by the runtime that opened them, and clusters come and go with runtimes of their own.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::runtime::Handle;

/// Longest wait for a connection to AWS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the first byte of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time for one attempt of a call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// Attempts of a call, and the waits between them: about 10 s in all, for storms of refusals that pass.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How to reach AWS. What is missing comes from where the AWS command line takes it: environment, profile, instance or task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// Region, such as `eu-central-1`.
    pub region: Option<String>,
    /// Profile in the shared configuration files.
    pub profile: Option<String>,
}

/// A connection to AWS. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    counts: RequestCounts,
    runtime: Handle,
}

impl Aws {
    /// Finds region and credentials. Nothing is asked of AWS yet, except where the credentials themselves come from there. Calls
    /// run on the runtime that this is called on.
    pub async fn connect(settings: &AwsSettings) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(ATTEMPTS)
                    .with_initial_backoff(FIRST_PAUSE)
                    .with_max_backoff(LONGEST_PAUSE),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .read_timeout(READ_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .build(),
            );
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Ok(name) = AppName::new("lookback") {
            loader = loader.app_name(name);
        }
        Self::with_config(loader.load().await)
    }

    /// A connection with a given configuration, as tests need it.
    #[must_use]
    pub fn with_config(config: SdkConfig) -> Self {
        Self { config, counts: RequestCounts::default(), runtime: Handle::current() }
    }

    /// The same connection with another configuration: another region, or the credentials of another account.
    #[must_use]
    pub fn reconfigured(&self, config: SdkConfig) -> Self {
        Self { config, ..self.clone() }
    }

    /// What clients are built from.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The region, if one was found.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// What has been asked of AWS so far.
    #[must_use]
    pub fn requests(&self) -> &RequestCounts {
        &self.counts
    }

    /// The interceptor that every client gets.
    #[must_use]
    pub fn counter(&self) -> SharedInterceptor {
        SharedInterceptor::new(self.counts.clone())
    }

    /// Runs a call where its connection lives. The call is abandoned if the caller is.
    pub async fn run<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> Result<T, Abandoned> {
        let mut task = AbortOnDrop(self.runtime.spawn(call));
        (&mut task.0).await.map_err(|e| Abandoned(e.to_string()))
    }

    /// The runtime that calls run on.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

/// A call that could not be finished, because the process is ending.
#[derive(Debug, thiserror::Error)]
#[error("the call was abandoned: {0}")]
pub struct Abandoned(String);

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Requests that were sent, by service and operation; each attempt counts.
#[derive(Debug, Clone, Default)]
pub struct RequestCounts(Arc<Mutex<BTreeMap<(String, String), u64>>>);

impl RequestCounts {
    /// Requests by (service, operation), such as (`S3`, `PutObject`).
    #[must_use]
    pub fn all(&self) -> BTreeMap<(String, String), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, service: &str, operation: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((service.to_owned(), operation.to_owned())).or_default() += 1;
    }
}

#[dyn_dispatch_hint]
impl Intercept for RequestCounts {
    fn name(&self) -> &'static str {
        "RequestCounts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = config.load::<Metadata>() {
            self.add(call.service(), call.name());
        }
        Ok(())
    }
}
