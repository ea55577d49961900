//! The clusters of a service: configuration and Parameter Store, looked at again at each tick.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use lookback_exporter::fleet::{Fleet, MemberKind, Members};
use lookback_exporter::lake::Lake;
use lookback_exporter::schedule::{Due, Roster};
use lookback_exporter::{Settings, places};
use lookback_storage::{Aws, S3Store};
use tokio::sync::Mutex;

use crate::cli::{Global, Scope};
use crate::config;
use crate::failure::Failure;

/// The present clusters.
pub(super) struct Present {
    global: Global,
    scope: Scope,
    known: Mutex<Option<Known>>,
    /// Where the lake is, if it is in a bucket: a cluster that was added may have a key of its own.
    bucket: OnceLock<S3Store>,
}

/// The fleet of the configuration as it was last read. It is kept as long as that stays the same: it remembers what was looked
/// up, and which credentials are still good.
struct Known {
    settings: String,
    aws: Option<Aws>,
    fleet: Arc<Fleet>,
}

impl Present {
    pub(super) fn new(global: Global, scope: Scope) -> Self {
        Self { global, scope, known: Mutex::default(), bucket: OnceLock::new() }
    }

    /// From now on the bucket follows the configured keys.
    pub(super) fn follow(&self, lake: &Lake) {
        if let Some(bucket) = lake.bucket() {
            let _ = self.bucket.set(bucket.clone());
        }
    }

    /// Looks for the first time. Gives the settings with the lake that was found, and the connection to AWS.
    pub(super) async fn open(&self, mut settings: Settings) -> Result<(Settings, Option<Aws>), Failure> {
        let members = self.fleet(&settings).await?.members().await?;
        config::adopt_prefix(&mut settings, &members);
        self.due(&settings, &members)?;
        let aws = self.known.lock().await.as_ref().and_then(|known| known.aws.clone());
        Ok((settings, aws))
    }

    async fn fleet(&self, settings: &Settings) -> Result<Arc<Fleet>, Failure> {
        let mut known = self.known.lock().await;
        let text = format!("{settings:?}");
        if let Some(known) = known.as_ref().filter(|k| k.settings == text) {
            return Ok(Arc::clone(&known.fleet));
        }
        // The connection stays: what it counts goes on. Other keys in [aws] need a new process.
        let aws = match known.as_ref().and_then(|k| k.aws.clone()) {
            Some(aws) => Some(aws),
            None => places::aws(settings).await,
        };
        let fleet = Arc::new(Fleet::new(settings, aws.clone())?);
        *known = Some(Known { settings: text, aws, fleet: Arc::clone(&fleet) });
        Ok(fleet)
    }

    fn due(&self, settings: &Settings, members: &Members) -> Result<Vec<Due>, Failure> {
        let jobs = config::jobs(settings, members, &self.scope)?.into_iter();
        let due = jobs.map(|job| {
            let member = members.members.iter().find(|m| m.name == job.name);
            let every = member.and_then(|m| m.every);
            Due { every, serverless: member.is_some_and(|m| m.kind == MemberKind::Serverless), job }
        });
        Ok(due.collect())
    }

    async fn look(&self) -> Result<Vec<Due>, Failure> {
        let settings = config::load(&self.global)?;
        if let Some(bucket) = self.bucket.get() {
            bucket.encrypt_as(places::encryption(&settings)?);
        }
        let members = self.fleet(&settings).await?.members().await?;
        self.due(&settings, &members)
    }
}

#[async_trait]
impl Roster for Present {
    async fn jobs(&self) -> lookback_exporter::Result<Vec<Due>> {
        self.look().await.map_err(Failure::into_error)
    }
}
