//! One cluster: what is written about it, what AWS says about it, and how long each is believed.
//!
//! - Parameters are kept by [`Listed`], passwords of variables and files not at all.
//! - An address that was looked up is kept until nobody answers there.
//! - A secret or a password parameter is kept for an hour, temporary credentials until two minutes before they end.
//! - After a refused log-in all passwords are read again, after silence all addresses.
//! - What was kept for another question (the list now names another user, say) is never used.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lookback_schemas::time::{HOUR, MINUTE, SECOND};
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::accounts::{Accounts, Scope};
use super::credentials::{Credentials, Secret, TEMPORARY, Temporary, local, region_of, secret, temporary};
use super::listed::{Listed, Parameters, Wanted};
use super::lookup::{Address, address};
use super::plan::{DEFAULT_DATABASE, DEFAULT_PORT, Kept, Login, Plan, Target, names_login};
use super::ssm;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::ClusterSettings;
use crate::source::{Endpoint, Failed, Locate};

/// Microseconds that a secret or a password parameter is believed.
const BELIEVED: i64 = HOUR;
/// Temporary credentials that end sooner than this, in microseconds, are not used any more.
const SPARE: i64 = 2 * MINUTE;

/// Finds one cluster.
pub(super) struct Locator {
    pub(super) name: String,
    pub(super) section: ClusterSettings,
    /// Where its parameters are, if it is in the list.
    pub(super) listed: Option<Arc<Listed>>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) connect_timeout: Duration,
    pub(super) statement_timeout: Duration,
    pub(super) memory: Mutex<Memory>,
}

/// What is remembered of answers.
#[derive(Default)]
pub(super) struct Memory {
    address: Remembered<Target, Address>,
    secret: Remembered<String, Secret>,
    parameter: Remembered<String, SecretString>,
    temporary: Remembered<(Target, Option<String>, String), Credentials>,
}

impl Memory {
    fn forget(&mut self, failed: Option<Failed>) {
        match failed {
            Some(Failed::Refused) => {
                self.secret = Remembered::default();
                self.parameter = Remembered::default();
                self.temporary = Remembered::default();
            }
            // A secret may say where the cluster is.
            Some(Failed::Unreachable) => {
                self.address = Remembered::default();
                self.secret = Remembered::default();
            }
            None => {}
        }
    }
}

/// The answer to one question, until a moment in microseconds.
struct Remembered<Q, A>(Option<(Q, A, i64)>);

impl<Q, A> Default for Remembered<Q, A> {
    fn default() -> Self {
        Self(None)
    }
}

impl<Q: PartialEq, A: Clone> Remembered<Q, A> {
    fn get(&self, question: &Q, now: i64) -> Option<A> {
        self.0.as_ref().filter(|(q, _, until)| q == question && now < *until).map(|(_, answer, _)| answer.clone())
    }

    fn set(&mut self, question: Q, answer: A, until: i64) {
        self.0 = Some((question, answer, until));
    }
}

#[async_trait]
impl Locate for Locator {
    async fn endpoint(&self, failed: Option<Failed>) -> Result<Endpoint> {
        let mut memory = self.memory.lock().await;
        memory.forget(failed);
        let parameters = self.parameters(failed.is_some()).await?;
        let plan = self.plan(parameters.as_ref())?;
        let secret = match &plan.login {
            Login::Secret { secret, .. } => Some(self.secret(&mut memory, secret).await?),
            _ => None,
        };
        let address = self.address(&mut memory, &plan, secret.as_ref()).await?;
        let database = plan.database.clone().or_else(|| secret.as_ref()?.database.clone()).or(address.database);
        let database = database.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        let Credentials { user, password } = self.credentials(&mut memory, &plan, secret, &database).await?;
        Ok(Endpoint {
            cluster: self.name.clone(),
            host: address.host,
            port: plan.port.unwrap_or(address.port),
            database,
            user,
            password,
            tls: plan.tls,
            connect_timeout: self.connect_timeout,
            statement_timeout: self.statement_timeout,
            incarnation: self.section.incarnation.clone(),
        })
    }
}

impl Locator {
    /// What is known before anything is asked of AWS but its parameters.
    pub(super) fn plan(&self, parameters: Option<&Parameters>) -> Result<Plan> {
        let listed = self.listed.as_ref().zip(parameters).map(|(listed, p)| (listed.names(), p));
        Plan::of(&self.name, &self.section, listed)
    }

    /// What is needed of its parameters.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted { name: self.name.clone(), password: !names_login(&self.section) }
    }

    async fn parameters(&self, again: bool) -> Result<Option<Parameters>> {
        match &self.listed {
            Some(listed) => listed.of(self.wanted(), again).await.map(Some),
            None => Ok(None),
        }
    }

    async fn secret(&self, memory: &mut Memory, id: &str) -> Result<Secret> {
        let question = id.to_owned();
        if let Some(known) = memory.secret.get(&question, self.clock.now()) {
            return Ok(known);
        }
        // A secret's ARN names its region; a name is one in the cluster's.
        let mut scope = Scope::of(&self.section);
        if let Some(region) = region_of(id) {
            scope.region = Some(region.to_owned());
        }
        let account = self.accounts.of(&scope).await.map_err(|e| self.named(&e))?;
        let found = secret(&account, &self.name, id).await?;
        memory.secret.set(question, found.clone(), self.clock.now().saturating_add(BELIEVED));
        Ok(found)
    }

    async fn address(&self, memory: &mut Memory, plan: &Plan, secret: Option<&Secret>) -> Result<Address> {
        if let Some(host) = &plan.host {
            return Ok(Address { host: host.clone(), port: DEFAULT_PORT, database: None });
        }
        if let Some(secret) = secret
            && let Some(host) = &secret.host
        {
            let port = secret.port.unwrap_or(DEFAULT_PORT);
            return Ok(Address { host: host.clone(), port, database: None });
        }
        let target = match (&plan.target, secret.and_then(|s| s.identifier.clone())) {
            (Target::Cluster(_), Some(identifier)) if self.section.cluster_identifier.is_none() => {
                Target::Cluster(identifier)
            }
            (target, _) => target.clone(),
        };
        if let Some(known) = memory.address.get(&target, self.clock.now()) {
            return Ok(known);
        }
        let account = self.accounts.of(&Scope::of(&self.section)).await.map_err(|e| self.named(&e))?;
        let found = address(&account, &self.name, &target).await?;
        memory.address.set(target, found.clone(), i64::MAX);
        Ok(found)
    }

    async fn credentials(
        &self,
        memory: &mut Memory,
        plan: &Plan,
        secret: Option<Secret>,
        database: &str,
    ) -> Result<Credentials> {
        match &plan.login {
            Login::Given { user, password } => Ok(Credentials { user: user.clone(), password: password.clone() }),
            Login::Kept { user, at } => {
                let password = match at {
                    Kept::Parameter(parameter) => Some(self.parameter(memory, parameter).await?),
                    Kept::Variable(_) | Kept::File(_) => local(&self.name, at)?,
                };
                Ok(Credentials { user: user.clone(), password })
            }
            Login::Secret { secret: id, user } => {
                let secret = secret.unwrap_or_default();
                // The secret's first: a rotation that takes turns between two users changes the name, too.
                let user = secret.user.or_else(|| user.clone()).ok_or_else(|| {
                    Error::new(ErrorKind::Config, format!("cluster '{}': the secret {id} names no user", self.name))
                        .advise("give `user`, or add `username` to the secret")
                })?;
                Ok(Credentials { user, password: secret.password })
            }
            Login::Temporary { user } => self.temporary(memory, plan, user.as_deref(), database).await,
        }
    }

    async fn parameter(&self, memory: &mut Memory, name: &str) -> Result<SecretString> {
        let question = name.to_owned();
        if let Some(known) = memory.parameter.get(&question, self.clock.now()) {
            return Ok(known);
        }
        // Where the exporter's other parameters are, too.
        let account = self.accounts.of(&Scope::default()).await.map_err(|e| self.named(&e))?;
        let found = ssm::password(&account, &self.name, name).await?;
        memory.parameter.set(question, found.clone(), self.clock.now().saturating_add(BELIEVED));
        Ok(found)
    }

    async fn temporary(
        &self,
        memory: &mut Memory,
        plan: &Plan,
        user: Option<&str>,
        database: &str,
    ) -> Result<Credentials> {
        let question = (plan.target.clone(), user.map(str::to_owned), database.to_owned());
        if let Some(known) = memory.temporary.get(&question, self.clock.now()) {
            return Ok(known);
        }
        let account = self.accounts.of(&Scope::of(&self.section)).await.map_err(|e| self.named(&e))?;
        // This machine's clock may be behind AWS's: never believed for longer than they were asked for.
        let longest = self.clock.now().saturating_add(i64::from(TEMPORARY) * SECOND);
        let Temporary { credentials, ends } = temporary(&account, &self.name, &plan.target, user, database).await?;
        memory.temporary.set(question, credentials.clone(), ends.unwrap_or(longest).min(longest).saturating_sub(SPARE));
        Ok(credentials)
    }

    fn named(&self, error: &Error) -> Error {
        error.about(&format!("cluster '{}'", self.name))
    }
}
