//! A small world: a lake, a watermark store, and clusters that are exported into it; and what must hold afterwards.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use lookback_exporter::clock::{Clock, ManualClock};
use lookback_exporter::lake::{Lake, reader};
use lookback_exporter::run::{Report, Silent};
use lookback_exporter::settings::ExportSettings;
use lookback_exporter::source::{Endpoint, RedshiftSource, TlsMode};
use lookback_exporter::watermarks::{SqliteStore, WatermarkStore};
use lookback_exporter::{ClusterJob, Exporter, Work};
use lookback_schemas::time::{DAY, HOUR};
use lookback_schemas::{TableSpec, registry};
use lookback_simulator::{Cluster, Server};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Noon of a day that all tests share.
pub(crate) const NOON: i64 = 20_600 * DAY + 12 * HOUR;

/// A row as text, for comparison: column name and value, nulls left out.
pub(crate) type RowText = BTreeMap<String, String>;

/// A lake in a temporary folder, and what exports into it.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: ExportSettings,
}

impl World {
    /// An empty world at `NOON`. Retries do not wait, and commits do not linger.
    pub(crate) fn new() -> Self {
        let settings = ExportSettings {
            retry_delay: Duration::ZERO,
            commit_linger: Duration::from_millis(200),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            sweep: false,
            ..ExportSettings::default()
        };
        Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::new(NOON)), settings }
    }

    pub(crate) fn lake_path(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    pub(crate) fn state_path(&self) -> PathBuf {
        self.folder.path().join("state.sqlite")
    }

    pub(crate) async fn lake(&self) -> Lake {
        Lake::open_or_create(self.lake_path().to_str().unwrap()).await.unwrap()
    }

    /// A new exporter over the lake, as a new process would have it.
    pub(crate) async fn exporter(&self) -> Arc<Exporter> {
        let store: Arc<dyn WatermarkStore> = Arc::new(SqliteStore::open(&self.state_path()).unwrap());
        self.exporter_with(self.lake().await, store)
    }

    /// An exporter with parts of the test's own.
    pub(crate) fn exporter_with(&self, lake: Lake, store: Arc<dyn WatermarkStore>) -> Arc<Exporter> {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        Arc::new(Exporter::new(lake, store, clock, self.settings.clone(), Arc::new(Silent)))
    }

    /// One export of the jobs, as by a new process. This machine's clock is set to the first cluster's.
    pub(crate) async fn export(&self, jobs: &[ClusterJob]) -> Report {
        self.run(jobs, Work::Export { sweep: false }).await
    }

    /// The sweeps that are due.
    pub(crate) async fn sweep(&self, jobs: &[ClusterJob]) -> Report {
        self.run(jobs, Work::Sweep).await
    }

    pub(crate) async fn run(&self, jobs: &[ClusterJob], work: Work) -> Report {
        self.exporter().await.run(jobs, work, &CancellationToken::new()).await
    }

    /// Sets the clocks of this machine and of a cluster.
    pub(crate) fn at(&self, cluster: &Cluster, now: i64) {
        self.clock.set(now);
        cluster.set_now(now);
    }

    /// All rows of a table in the lake, sorted, each with its `cluster_id`.
    pub(crate) async fn rows(&self, table: &str) -> Vec<RowText> {
        let mut all = Vec::new();
        let Some(table) = self.lake().await.table(table).await.unwrap() else { return all };
        let snapshot = table.refresh().await.unwrap();
        for cluster in snapshot.clusters() {
            for file in snapshot.files(cluster) {
                let stream = reader::open(&table, &file.path, file.size).await.unwrap().build().unwrap();
                let batches: Vec<RecordBatch> = futures::TryStreamExt::try_collect(stream).await.unwrap();
                for batch in &batches {
                    all.extend(texts(batch).into_iter().map(|mut row| {
                        row.insert("cluster_id".to_owned(), cluster.to_owned());
                        row
                    }));
                }
            }
        }
        all.sort();
        all
    }

    /// Rows of one cluster in a table of the lake, without `cluster_id` and `log_time`.
    pub(crate) async fn rows_of(&self, table: &str, cluster_id: &str) -> Vec<RowText> {
        let rows = self.rows(table).await.into_iter();
        let rows = rows.filter(|r| r.get("cluster_id").is_some_and(|c| c == cluster_id)).map(|mut r| {
            r.remove("cluster_id");
            r.remove("log_time");
            r
        });
        let mut rows: Vec<RowText> = rows.collect();
        rows.sort();
        rows
    }

    /// The lake has exactly the rows that the cluster has shown so far, each as often.
    pub(crate) async fn assert_equals_truth(&self, cluster: &Cluster, cluster_id: &str, tables: &[&str]) {
        for table in tables {
            let want = truth(cluster, table);
            let have = self.rows_of(table, cluster_id).await;
            assert_eq!(have.len(), want.len(), "{cluster_id}/{table}: rows in the lake and in truth");
            assert!(have == want, "{cluster_id}/{table}: same number of rows, but not the same rows");
        }
    }

    /// A lake of a folder holds no other file than this.
    pub(crate) fn exists(&self, below: &str) -> bool {
        Path::new(&self.lake_path()).join(below).exists()
    }
}

/// What a cluster has shown so far, as the lake should have it.
pub(crate) fn truth(cluster: &Cluster, table: &str) -> Vec<RowText> {
    let mut rows = texts(&cluster.truth_visible(table));
    for row in &mut rows {
        row.remove(lookback_simulator::VISIBLE_AT);
    }
    rows.sort();
    rows
}

/// The rows of a batch as text, in a form that does not depend on the width of integers or on a time zone.
pub(crate) fn texts(batch: &RecordBatch) -> Vec<RowText> {
    use arrow::datatypes::{DataType, TimeUnit};
    let columns: Vec<(String, RecordBatch)> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            let column = match column.data_type() {
                DataType::Timestamp(..) => {
                    cast(&cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None)).unwrap(), &DataType::Int64)
                        .unwrap()
                }
                _ => Arc::clone(column),
            };
            let text = cast(&column, &DataType::Utf8).unwrap();
            (field.name().clone(), RecordBatch::try_from_iter_with_nullable([("v", text, true)]).unwrap())
        })
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            let values = columns.iter().filter_map(|(name, column)| {
                let array = column.column(0);
                let array = array.as_any().downcast_ref::<arrow::array::StringArray>().unwrap();
                arrow::array::Array::is_valid(array, row).then(|| (name.clone(), array.value(row).to_owned()))
            });
            values.collect()
        })
        .collect()
}

/// How to reach a server as the user `lookback`, without TLS.
pub(crate) fn endpoint(name: &str, addr: SocketAddr) -> Endpoint {
    Endpoint {
        cluster: name.to_owned(),
        host: addr.ip().to_string(),
        port: addr.port(),
        database: "dev".to_owned(),
        user: "lookback".to_owned(),
        password: Some("lookback".to_owned().into()),
        tls: TlsMode::Plaintext,
        connect_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(60),
        incarnation: None,
    }
}

/// The tables of those names.
pub(crate) fn specs(tables: &[&str]) -> Vec<&'static TableSpec> {
    registry().select(tables).unwrap()
}

/// The work of exporting tables from a simulated cluster.
pub(crate) fn job(name: &str, server: &Server, tables: &[&str]) -> ClusterJob {
    let source = RedshiftSource::new(endpoint(name, server.addr()));
    ClusterJob { name: name.to_owned(), source: Arc::new(source), tables: specs(tables) }
}
