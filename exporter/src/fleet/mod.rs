//! Which clusters there are, and how each is reached.
//!
//! Clusters come from the file (`[clusters.<name>]`) and, with `[ssm]`, from the list in Parameter Store, which is read every
//! time it is asked for: a cluster that was added to the list is there, one that was taken out is gone.
//!
//! A name that is in both is one cluster: the list decides that it exists, its section adds what parameters cannot say
//! (`tables`, `region`, `kms_key`, ...), and what the section says wins over the parameters, field by field (`plan`). A section
//! whose name is not in the list is a cluster of its own if it says where the cluster is (`host`, `cluster_identifier` or
//! `workgroup`); otherwise it waits for the list to name it. Without `[ssm]` every section is a cluster, and one without a
//! host is looked up by its identifier.
//!
//! - `names`, `connection`, `plan`: what is written, understood. Pure.
//! - `listed`, `ssm`: Parameter Store.
//! - `locate`: one cluster, from what is written to an [`crate::source::Endpoint`]; `lookup`, `credentials`: what is asked for it.
//! - `accounts`, `failure`: AWS per region and role, and what its errors mean.

mod accounts;
mod connection;
mod credentials;
mod failure;
mod listed;
mod locate;
mod lookup;
mod names;
mod plan;
mod ssm;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lookback_storage::Aws;

pub(crate) use accounts::as_role;
use accounts::{Account, Accounts};
use listed::{Global, Listed, Parameters};
use locate::Locator;
use names::Names;
use plan::{Login, check_name, names_place};

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{ClusterSettings, ExportSettings, Settings, SsmSettings};
use crate::source::{RedshiftSource, Source};

/// What kind of thing a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A provisioned cluster, or a server that is named by its host alone.
    Provisioned,
    /// A Serverless workgroup: asking it keeps it billing.
    Serverless,
}

/// A cluster that can be exported.
#[derive(Clone)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// How to reach it. The same one for as long as the cluster is there.
    pub source: Arc<dyn Source>,
    /// Tables and groups, if it has its own.
    pub tables: Option<Vec<String>>,
    /// Provisioned or Serverless.
    pub kind: MemberKind,
    /// Shortest time between two scheduled exports, if it has its own.
    pub every: Option<Duration>,
    /// ARN of the KMS key of its objects, if it has its own.
    pub kms_key: Option<String>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The clusters as they are configured now.
#[derive(Debug, Default)]
pub struct Members {
    /// Those that can be exported, by name.
    pub members: Vec<Member>,
    /// Those that cannot, and why. If the list itself cannot be read, that is one under the list's own name, and the clusters
    /// that it had before are still there.
    pub problems: Vec<(String, Error)>,
    /// Where the blog post's scripts wrote to, if Parameter Store says so.
    pub s3_prefix: Option<String>,
}

/// Whether any of the settings makes it necessary to ask AWS for clusters or credentials.
#[must_use]
pub fn needs_aws(settings: &Settings) -> bool {
    let asks = |c: &ClusterSettings| {
        c.host.is_none() || c.iam || c.secret.is_some() || c.password_parameter.is_some() || c.assume_role.is_some()
    };
    settings.ssm.is_some() || settings.clusters.values().any(asks)
}

/// All clusters.
pub struct Fleet {
    sections: BTreeMap<String, ClusterSettings>,
    export: ExportSettings,
    listed: Option<Arc<Listed>>,
    accounts: Arc<Accounts>,
    clock: Arc<dyn Clock>,
    /// The list as it was last read.
    last: Mutex<Option<Global>>,
    known: Mutex<HashMap<String, Known>>,
}

/// A cluster that was there before.
#[derive(Clone)]
struct Known {
    locator: Arc<Locator>,
    source: Arc<dyn Source>,
}

impl Fleet {
    /// The clusters of the settings. Nothing is read yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if `[ssm]` has a prefix that no parameter can have, or there is no connection to AWS for it, or
    /// no region.
    pub fn new(settings: &Settings, aws: Option<Aws>) -> Result<Self> {
        Self::with_clock(settings, aws, Arc::new(SystemClock))
    }

    /// The same, by another clock.
    ///
    /// # Errors
    /// As [`Fleet::new`].
    pub fn with_clock(settings: &Settings, aws: Option<Aws>, clock: Arc<dyn Clock>) -> Result<Self> {
        let listed = match &settings.ssm {
            Some(ssm) => Some(Arc::new(listed(ssm, aws.as_ref(), &clock)?)),
            None => None,
        };
        Ok(Self {
            sections: settings.clusters.clone(),
            export: settings.export.clone(),
            listed,
            accounts: Arc::new(Accounts::new(aws)),
            clock,
            last: Mutex::default(),
            known: Mutex::default(),
        })
    }

    /// The clusters as they are configured now.
    ///
    /// # Errors
    /// If the list cannot be read, was never read before, and the file has no cluster of its own.
    pub async fn members(&self) -> Result<Members> {
        let mut all = Members::default();
        let global = match &self.listed {
            Some(listed) => match listed.global().await {
                Ok(global) => {
                    *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(global.clone());
                    global
                }
                Err(e) => {
                    let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    if last.is_none() && !self.sections.values().any(names_place) {
                        return Err(e);
                    }
                    all.problems.push((listed.names().enabled(), e));
                    last.unwrap_or_default()
                }
            },
            None => Global::default(),
        };
        all.s3_prefix = global.s3_prefix;
        let in_list: BTreeSet<&str> = global.clusters.iter().map(String::as_str).collect();
        let own = self.sections.iter().filter(|(_, section)| self.listed.is_none() || names_place(section));
        let names: BTreeSet<&str> = own.map(|(name, _)| name.as_str()).chain(in_list.iter().copied()).collect();
        let known = self.know(&names, &in_list);
        let mut parameters = self.parameters(&known).await;
        for (name, Known { locator, source }) in known {
            let read = parameters.remove(&name).transpose();
            match read.and_then(|parameters| look(&locator, parameters.as_ref())) {
                Ok(kind) => {
                    let ClusterSettings { tables, every, kms_key, .. } = locator.section.clone();
                    all.members.push(Member { name, source, tables, kind, every, kms_key });
                }
                Err(e) => all.problems.push((name, e)),
            }
        }
        Ok(all)
    }

    /// The clusters of these names: those that were there before, with all that they remember, and new ones. The others are
    /// forgotten.
    fn know(&self, names: &BTreeSet<&str>, in_list: &BTreeSet<&str>) -> BTreeMap<String, Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, k| {
            names.contains(name.as_str()) && k.locator.listed.is_some() == in_list.contains(name.as_str())
        });
        let mut all = BTreeMap::new();
        for name in names {
            let one = known.entry((*name).to_owned()).or_insert_with(|| self.one(name, in_list.contains(name)));
            all.insert((*name).to_owned(), one.clone());
        }
        all
    }

    fn one(&self, name: &str, in_list: bool) -> Known {
        let locator = Arc::new(Locator {
            name: name.to_owned(),
            section: self.sections.get(name).cloned().unwrap_or_default(),
            listed: if in_list { self.listed.clone() } else { None },
            accounts: Arc::clone(&self.accounts),
            clock: Arc::clone(&self.clock),
            connect_timeout: self.export.connect_timeout,
            statement_timeout: self.export.timeout,
            memory: Default::default(),
        });
        Known { source: Arc::new(RedshiftSource::located(locator.clone())), locator }
    }

    /// The parameters of the clusters that have some. A name that cannot be one is not asked for: it would spoil the call for
    /// the others.
    async fn parameters(&self, known: &BTreeMap<String, Known>) -> BTreeMap<String, Result<Parameters>> {
        let Some(listed) = &self.listed else { return BTreeMap::new() };
        let asked = known.values().filter(|k| k.locator.listed.is_some() && check_name(&k.locator.name).is_ok());
        let wanted: Vec<_> = asked.map(|k| k.locator.wanted()).collect();
        if wanted.is_empty() { BTreeMap::new() } else { listed.of_all(&wanted).await }
    }
}

/// Whether what is written about a cluster can be used, as far as that can be told without asking anybody.
fn look(locator: &Locator, parameters: Option<&Parameters>) -> Result<MemberKind> {
    let plan = locator.plan(parameters)?;
    if let Login::Kept { at, .. } = &plan.login {
        credentials::local(&locator.name, at)?;
    }
    Ok(if plan.is_serverless() { MemberKind::Serverless } else { MemberKind::Provisioned })
}

fn listed(settings: &SsmSettings, aws: Option<&Aws>, clock: &Arc<dyn Clock>) -> Result<Listed> {
    let names = Names::below(&settings.prefix)?;
    let aws = aws.ok_or_else(|| Error::new(ErrorKind::Config, "[ssm] has no use without a connection to AWS"))?;
    let account = Account::own(aws).map_err(|e| e.about("[ssm]"))?;
    Ok(Listed::new(Box::new(ssm::Ssm::new(Arc::new(account))), names, settings.refresh, Arc::clone(clock)))
}
