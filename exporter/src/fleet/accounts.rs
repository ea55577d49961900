//! AWS as the clusters need it: one connection per region and role. Credentials of a role are taken once and renewed by the
//! SDK, for all clusters that share it.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::Region;
use aws_config::sts::AssumeRoleProvider;
use aws_sdk_ssm::config::http::HttpResponse;
use aws_sdk_ssm::config::{IdentityCache, SharedCredentialsProvider};
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use lookback_storage::Aws;
use tokio::sync::Mutex;

use super::failure::explain;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::ClusterSettings;

/// Name of the exporter's sessions with a role, as CloudTrail shows it.
const SESSION: &str = "lookback";
/// Longest time for a call with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest wait for the credentials of a role.
const ROLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Which region, as whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    /// Region, if it is not the exporter's own.
    pub(super) region: Option<String>,
    /// Role to assume.
    pub(super) role: Option<String>,
    /// What the role's trust policy asks for.
    pub(super) external_id: Option<String>,
}

impl Scope {
    /// What a cluster's section says.
    pub(super) fn of(section: &ClusterSettings) -> Self {
        Self {
            region: section.region.clone(),
            role: section.assume_role.clone(),
            external_id: section.external_id.clone(),
        }
    }
}

/// The accounts and regions that were needed so far.
pub(super) struct Accounts {
    aws: Option<Aws>,
    known: Mutex<HashMap<Scope, Arc<Account>>>,
}

impl Accounts {
    /// Accounts that are reached from a connection. Without one, nothing can be asked.
    pub(super) fn new(aws: Option<Aws>) -> Self {
        Self { aws, known: Mutex::default() }
    }

    /// The account of a scope. Nothing is asked of AWS yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if there is no connection to AWS or no region.
    pub(super) async fn of(&self, scope: &Scope) -> Result<Arc<Account>> {
        let mut known = self.known.lock().await;
        if let Some(account) = known.get(scope) {
            return Ok(Arc::clone(account));
        }
        let Some(aws) = &self.aws else {
            return Err(Error::new(ErrorKind::Config, "nothing can be asked of AWS without a connection to it"));
        };
        let account = Arc::new(Account::open(aws, scope).await?);
        known.insert(scope.clone(), Arc::clone(&account));
        Ok(account)
    }
}

/// A call, for messages.
pub(super) struct Call<'a> {
    /// The cluster that it is about.
    pub(super) cluster: Option<&'a str>,
    /// The action, as IAM policies name it.
    pub(super) action: &'static str,
    /// What it is about.
    pub(super) on: String,
}

/// One region of one account.
pub(super) struct Account {
    aws: Aws,
    region: String,
    role: Option<String>,
    redshift: OnceLock<aws_sdk_redshift::Client>,
    serverless: OnceLock<aws_sdk_redshiftserverless::Client>,
    secrets: OnceLock<aws_sdk_secretsmanager::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
}

impl Account {
    /// The exporter's own account and region.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if there is no region.
    pub(super) fn own(aws: &Aws) -> Result<Self> {
        let region = region(aws, &Scope::default())?;
        Ok(Self::at(aws.clone(), region, None))
    }

    async fn open(base: &Aws, scope: &Scope) -> Result<Self> {
        let region = region(base, scope)?;
        let aws = as_role(base, &region, scope.role.as_deref(), scope.external_id.as_deref()).await;
        Ok(Self::at(aws, region, scope.role.clone()))
    }

    fn at(aws: Aws, region: String, role: Option<String>) -> Self {
        let (redshift, serverless, secrets, ssm) = Default::default();
        Self { aws, region, role, redshift, serverless, secrets, ssm }
    }

    /// The region.
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// The role that calls are made with, if it is not the exporter's own identity.
    pub(super) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Makes a call, within its time.
    ///
    /// # Errors
    /// As [`explain`] says.
    pub(super) async fn call<T, E>(
        &self,
        call: &Call<'_>,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match tokio::time::timeout(CALL_TIMEOUT, self.aws.run(Box::pin(request))).await {
            Ok(Ok(answer)) => answer.map_err(|e| explain(self, call, &e)),
            Ok(Err(abandoned)) => Err(Error::new(ErrorKind::Cancelled, call.what(self)).because(abandoned)),
            Err(_) => {
                let what = call.what(self);
                Err(Error::new(ErrorKind::Timeout, format!("{what}: no answer within {} s", CALL_TIMEOUT.as_secs()))
                    .transient())
            }
        }
    }

    pub(super) fn redshift(&self) -> &aws_sdk_redshift::Client {
        self.redshift.get_or_init(|| {
            let config = aws_sdk_redshift::config::Builder::from(self.aws.config());
            aws_sdk_redshift::Client::from_conf(config.interceptor(self.aws.counter()).build())
        })
    }

    pub(super) fn serverless(&self) -> &aws_sdk_redshiftserverless::Client {
        self.serverless.get_or_init(|| {
            let config = aws_sdk_redshiftserverless::config::Builder::from(self.aws.config());
            aws_sdk_redshiftserverless::Client::from_conf(config.interceptor(self.aws.counter()).build())
        })
    }

    pub(super) fn secrets(&self) -> &aws_sdk_secretsmanager::Client {
        self.secrets.get_or_init(|| {
            let config = aws_sdk_secretsmanager::config::Builder::from(self.aws.config());
            aws_sdk_secretsmanager::Client::from_conf(config.interceptor(self.aws.counter()).build())
        })
    }

    pub(super) fn ssm(&self) -> &aws_sdk_ssm::Client {
        self.ssm.get_or_init(|| {
            let config = aws_sdk_ssm::config::Builder::from(self.aws.config());
            aws_sdk_ssm::Client::from_conf(config.interceptor(self.aws.counter()).build())
        })
    }
}

/// A connection to a region, as a role if one is named. Nothing is asked of AWS yet; the SDK takes and renews the credentials.
pub(crate) async fn as_role(base: &Aws, region: &str, role: Option<&str>, external_id: Option<&str>) -> Aws {
    let mut config = base.config().to_builder().region(Region::new(region.to_owned()));
    if let Some(role) = role {
        let mut provider = AssumeRoleProvider::builder(role).configure(base.config()).session_name(SESSION);
        if base.region().is_none() {
            provider = provider.region(Region::new(region.to_owned()));
        }
        if let Some(id) = external_id {
            provider = provider.external_id(id);
        }
        config = config
            .credentials_provider(SharedCredentialsProvider::new(provider.build().await))
            .identity_cache(IdentityCache::lazy().load_timeout(ROLE_TIMEOUT).build());
    }
    base.reconfigured(config.build())
}

fn region(base: &Aws, scope: &Scope) -> Result<String> {
    scope.region.as_deref().or(base.region()).map(str::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::Config, "no AWS region is known")
            .advise("set `region` in the section [aws] or in the cluster's, or the environment variable AWS_REGION")
    })
}
