//! A cluster whose exporter lives behind faults: lake and watermarks in memory, the source over the wire.

use std::sync::Arc;
use std::time::Duration;

use lookback_exporter::clock::{Clock, ManualClock};
use lookback_exporter::lake::{Lake, reader};
use lookback_exporter::run::{Report, Silent};
use lookback_exporter::settings::ExportSettings;
use lookback_exporter::source::{RedshiftSource, Source};
use lookback_exporter::watermarks::{SqliteStore, WatermarkStore};
use lookback_exporter::{ClusterJob, Exporter, Work};
use lookback_schemas::time::{HOUR, MINUTE, SECOND};
use lookback_simulator::{Cluster, Row, ServeOptions, Server};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::faults::{FaultyMarks, FaultySource, FaultyStore, Injector};
use crate::world::{RowText, endpoint, specs, texts, truth};

/// The tables of the scene: a parent, its child, and a table of its own.
pub(crate) const TABLES: [&str; 3] = ["stl_query", "stl_querytext", "stl_wlm_query"];

/// One cluster and what is exported from it.
pub(crate) struct Scene {
    pub(crate) cluster: Cluster,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: ExportSettings,
    server: Server,
    objects: Arc<dyn ObjectStore>,
    marks: Arc<dyn WatermarkStore>,
    _folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn new(now: i64) -> Self {
        let cluster = Cluster::empty("etl", now);
        let server = cluster.serve(ServeOptions::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let marks = SqliteStore::open(&folder.path().join("state.sqlite")).unwrap();
        let settings = ExportSettings {
            retries: 0,
            retry_delay: Duration::ZERO,
            commit_linger: Duration::ZERO,
            lease: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(10),
            sweep: false,
            // A first export in more than one piece.
            slice_rows: 1,
            ..ExportSettings::default()
        };
        Self {
            cluster,
            clock: Arc::new(ManualClock::new(now)),
            settings,
            server,
            objects: Arc::new(InMemory::new()),
            marks: Arc::new(marks),
            _folder: folder,
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.cluster.now()
    }

    pub(crate) fn set_now(&self, now: i64) {
        self.cluster.set_now(now);
        self.clock.set(now);
    }

    fn lake(&self, store: Arc<dyn ObjectStore>) -> Lake {
        Lake::with_store(store, Url::parse("memory:///lake/").unwrap())
    }

    /// An exporter as a new process would have it, behind an injector.
    pub(crate) fn exporter(&self, injector: &Arc<Injector>) -> (Arc<Exporter>, ClusterJob) {
        let store = FaultyStore { inner: Arc::clone(&self.objects), injector: Arc::clone(injector) };
        let marks = FaultyMarks { inner: Arc::clone(&self.marks), injector: Arc::clone(injector) };
        let source: Arc<dyn Source> = Arc::new(RedshiftSource::new(endpoint("etl", self.server.addr())));
        let source = FaultySource { inner: source, injector: Arc::clone(injector) };
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let exporter =
            Exporter::new(self.lake(Arc::new(store)), Arc::new(marks), clock, self.settings.clone(), Arc::new(Silent));
        let job = ClusterJob { name: "etl".to_owned(), source: Arc::new(source), tables: specs(&TABLES) };
        (Arc::new(exporter), job)
    }

    /// One piece of work by a new process.
    pub(crate) async fn work(&self, injector: &Arc<Injector>, work: Work) -> Report {
        let (exporter, job) = self.exporter(injector);
        exporter.run(&[job], work, &CancellationToken::new()).await
    }

    /// Compaction of all closed days by a new process.
    pub(crate) async fn compact(&self, injector: &Arc<Injector>) -> bool {
        let (exporter, _) = self.exporter(injector);
        let done = lookback_exporter::maintain::compact(&exporter, &specs(&TABLES), &CancellationToken::new()).await;
        done.is_ok_and(|report| report.failures.is_empty())
    }

    /// Makes the lake, as `lookback export` does first of all.
    pub(crate) async fn create_lake(&self) {
        self.lake(Arc::clone(&self.objects)).create().await.unwrap();
    }

    /// A session that asks the lake, which no fault stands in the way of.
    pub(crate) async fn session(&self) -> lookback_query::Session {
        let url = Url::parse("memory:///lake/").unwrap();
        let lake = lookback_query::lake::Lake::open_store("lake", url, Arc::clone(&self.objects)).await.unwrap();
        lookback_query::Session::over(lake, lookback_query::Limits::default()).unwrap()
    }

    /// Rows of a table in the lake, sorted.
    pub(crate) async fn rows(&self, table: &str) -> Vec<RowText> {
        let lake = self.lake(Arc::clone(&self.objects));
        let mut all = Vec::new();
        let Some(table) = lake.table(table).await.unwrap() else { return all };
        let snapshot = table.refresh().await.unwrap();
        for file in snapshot.files("etl") {
            let stream = reader::open(&table, &file.path, file.size).await.unwrap().build().unwrap();
            let batches: Vec<arrow::array::RecordBatch> = futures::TryStreamExt::try_collect(stream).await.unwrap();
            all.extend(batches.iter().flat_map(texts).map(|mut row| {
                row.remove("log_time");
                row
            }));
        }
        all.sort();
        all
    }

    /// How the lake differs from what the cluster has shown; `None` if it does not.
    pub(crate) async fn difference(&self) -> Option<String> {
        for table in TABLES {
            let (want, have) = (truth(&self.cluster, table), self.rows(table).await);
            if have != want {
                let lacks = want.iter().find(|r| !have.contains(r));
                let extra = have.iter().find(|r| !want.contains(r));
                return Some(format!(
                    "{table}: {} rows in the lake, {} in truth; lacks {lacks:?}; has too much {extra:?}",
                    have.len(),
                    want.len()
                ));
            }
        }
        None
    }

    /// Adds a query that ended at `end`: its row, two fragments of text, and its WLM row, which all become visible at `visible`.
    pub(crate) fn query(&self, id: i64, end: i64, visible: i64) {
        let start = end - 20 * MINUTE;
        let base = || Row::new(visible).with("userid", 100 + id % 3).with("query", id);
        self.cluster.insert(
            "stl_query",
            vec![base().with("querytxt", format!("select {id}").as_str()).at("starttime", start).at("endtime", end)],
        );
        let text =
            |sequence: i64| base().with("sequence", sequence).with("text", format!("select {id}, {sequence}").as_str());
        self.cluster.insert("stl_querytext", vec![text(0), text(1)]);
        self.cluster.insert(
            "stl_wlm_query",
            vec![
                base()
                    .at("service_class_start_time", start)
                    .at("queue_end_time", start + SECOND)
                    .at("service_class_end_time", end),
            ],
        );
    }
}

/// Noon of a day that all scenes share.
pub(crate) const NOON: i64 = 20_600 * 24 * HOUR + 12 * HOUR;
