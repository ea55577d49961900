//! Tables of the clusters themselves: what a question asks, the exporter reads. Only here do the two meet.
//!
//! - The clusters are those of the configuration and Parameter Store, looked up for every statement.
//! - Connections are few: one for each cluster that is read, over all questions together no more than `live.connections`. Who
//!   waits too long for one is told so; two parts of one statement cannot wait for each other for ever.
//! - A read is a task of its own on this process's threads: the threads that statements run on come and go. It ends when nobody
//!   takes its rows any more, and its error, also a panic, is the statement's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use lookback_exporter::fleet::Fleet;
use lookback_exporter::lake::Lake;
use lookback_exporter::live::{Ask, Give, Reader, Stopped, memory};
use lookback_exporter::settings::LiveSettings;
use lookback_exporter::source::{Broken, Source, Window};
use lookback_exporter::{Error, Settings, places};
use lookback_query::live::{Live, Read, Rows};
use lookback_query::{ErrorKind, QueryError, Session};
use lookback_schemas::TableSpec;
use lookback_storage::s3::bucket_of;
use lookback_storage::{Aws, S3Store, register_bucket_logs};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use crate::failure::Failure;

/// Batches that wait to be taken.
const AHEAD: usize = 2;

/// The session with tables of the clusters, if the configuration or a flag says so.
pub(crate) async fn beside(session: Session, settings: &Settings, flag: bool) -> Result<Session, Failure> {
    if !flag && !settings.live.enabled {
        return Ok(session);
    }
    if settings.clusters.is_empty() && settings.ssm.is_none() {
        return Err(Failure::usage("clusters are to be read, and none is configured")
            .advise("add a section [clusters.<name>] to the configuration file, or leave live tables off"));
    }
    let aws = places::aws(settings).await;
    Ok(session.with_live(Arc::new(Clusters::new(settings, aws)?)))
}

/// The configured clusters, and the lake that they are exported into.
struct Clusters {
    fleet: Fleet,
    /// Those that were met, by name, each as it was last configured.
    known: Mutex<HashMap<String, Arc<dyn Source>>>,
    reader: Arc<Reader>,
    settings: LiveSettings,
    connections: Arc<Semaphore>,
    tasks: Handle,
}

impl std::fmt::Debug for Clusters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clusters").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Clusters {
    fn new(settings: &Settings, aws: Option<Aws>) -> Result<Self, Failure> {
        let lake = lake(&settings.lake.location, aws.as_ref())?;
        // Somebody waits for the answer, as nobody does for an export.
        let mut impatient = settings.clone();
        impatient.export.timeout = settings.live.timeout;
        impatient.export.connect_timeout = settings.live.connect_timeout;
        Ok(Self {
            fleet: Fleet::new(&impatient, aws)?,
            known: Mutex::default(),
            reader: Arc::new(Reader::new(lake)),
            connections: Arc::new(Semaphore::new(settings.live.connections.clamp(1, Semaphore::MAX_PERMITS))),
            settings: settings.live.clone(),
            tasks: Handle::current(),
        })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<dyn Source>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The exporter's view of the lake, which can write nothing in a bucket.
fn lake(location: &str, aws: Option<&Aws>) -> Result<Lake, Failure> {
    match (aws, bucket_of(location)) {
        (Some(aws), Some(bucket)) => {
            let (bucket, url) = bucket.map_err(|why| Failure::usage(format!("lake location '{location}': {why}")))?;
            register_bucket_logs().map_err(|e| Failure::failed(format!("opening the lake at {location}: {e}")))?;
            Ok(Lake::with_store(Arc::new(S3Store::read_only_bucket(aws, &bucket)), url))
        }
        _ => Ok(Lake::at(location)?),
    }
}

#[async_trait]
impl Live for Clusters {
    async fn clusters(&self) -> Result<Vec<String>, QueryError> {
        let members = self.fleet.members().await.map_err(|e| failed("the list of clusters", &e))?;
        let mut now: HashMap<String, Arc<dyn Source>> =
            members.members.into_iter().map(|member| (member.name, member.source)).collect();
        // One that is configured wrong is one that cannot be read.
        now.extend(
            members.problems.into_iter().map(|(name, why)| (name, Arc::new(Broken::new(why)) as Arc<dyn Source>)),
        );
        let mut names: Vec<String> = now.keys().cloned().collect();
        names.sort_unstable();
        *self.known() = now;
        Ok(names)
    }

    fn read(&self, read: Read) -> Rows {
        let source = self.known().get(&read.cluster).cloned();
        let reading = Reading {
            source: source.unwrap_or_else(|| {
                let gone = format!("cluster '{}' is not configured any more", read.cluster);
                Arc::new(Broken::new(Error::new(lookback_exporter::ErrorKind::Config, gone)))
            }),
            cluster: read.cluster,
            ask: Ask {
                spec: read.table,
                columns: read.columns,
                window: Window { from: read.from, to: read.to },
                cluster_ids: read.cluster_ids,
                beside: read.beside,
                max_rows: self.settings.max_rows,
            },
            reader: Arc::clone(&self.reader),
            connections: Arc::clone(&self.connections),
            wait: self.settings.wait,
        };
        reading.rows(self.tasks.clone())
    }

    fn at_once(&self) -> usize {
        self.settings.connections
    }

    fn memory(&self, table: &TableSpec) -> usize {
        memory(table)
    }
}

/// The read of one cluster.
struct Reading {
    cluster: String,
    source: Arc<dyn Source>,
    ask: Ask,
    reader: Arc<Reader>,
    connections: Arc<Semaphore>,
    wait: Duration,
}

impl Reading {
    /// Its rows, from the moment that somebody asks for them.
    fn rows(self, tasks: Handle) -> Rows {
        let begin = async move {
            let (give, rows) = mpsc::channel(AHEAD);
            let cluster = self.cluster.clone();
            // On a thread that may wait: the read's future is not one that threads can hand to each other.
            let waiting = tasks.clone();
            let task = tasks.spawn_blocking(move || waiting.block_on(self.run(&give)));
            stream::unfold(Some((cluster, rows, task)), |reading| async move {
                let (cluster, mut rows, task) = reading?;
                if let Some(batch) = rows.recv().await {
                    return Some((Ok(batch), Some((cluster, rows, task))));
                }
                // How it ended decides whether the rows count.
                let why = match task.await {
                    Ok(Ok(())) => return None,
                    Ok(Err(stopped)) => explained(&cluster, stopped),
                    Err(e) => broken_off(&cluster, &e.to_string()),
                };
                Some((Err(why), None))
            })
        };
        stream::once(begin).flatten().boxed()
    }

    /// Reads until the end, or until nobody takes the rows any more.
    async fn run(self, give: &Give) -> Result<(), Stopped> {
        tokio::select! {
            ended = self.read(give) => ended,
            () = give.closed() => Err(Stopped::Abandoned),
        }
    }

    async fn read(&self, give: &Give) -> Result<(), Stopped> {
        let place = Arc::clone(&self.connections).acquire_owned();
        let Ok(Ok(_connection)) = tokio::time::timeout(self.wait, place).await else {
            return Err(Stopped::TooMuch(format!(
                "cluster '{}' was not read: for {} s all connections of live.connections were in use by other reads. Ask again, \
                 ask for fewer clusters, or raise the limit",
                self.cluster,
                self.wait.as_secs()
            )));
        };
        self.reader.read(&self.cluster, self.source.as_ref(), &self.ask, give).await
    }
}

fn explained(cluster: &str, stopped: Stopped) -> QueryError {
    match stopped {
        Stopped::TooMuch(message) => QueryError::new(ErrorKind::Limit, message),
        Stopped::Failed(e) => failed(&format!("cluster '{cluster}'"), &e),
        Stopped::Abandoned => broken_off(cluster, "its rows were not taken"),
    }
}

fn broken_off(cluster: &str, why: &str) -> QueryError {
    QueryError::new(ErrorKind::Internal, format!("cluster '{cluster}': the read broke off: {why}"))
}

/// An error of the exporter, with what it is about.
fn failed(about: &str, e: &Error) -> QueryError {
    let text = e.to_string();
    let text = if text.contains(about) { text } else { format!("{about}: {text}") };
    let advice = e.advice().map(|advice| format!(". What to do: {advice}")).unwrap_or_default();
    QueryError::new(ErrorKind::Read, format!("{text}{advice}"))
}
