//! A lake in a bucket with its watermarks in DynamoDB, behind a proxy; and what exports into it.

use std::sync::Arc;
use std::time::Duration;

use lookback_exporter::clock::{Clock, ManualClock};
use lookback_exporter::lake::{Lake, reader};
use lookback_exporter::run::{Report, Silent};
use lookback_exporter::settings::ExportSettings;
use lookback_exporter::watermarks::{DynamoStore, WatermarkStore};
use lookback_exporter::{ClusterJob, Exporter, Work};
use lookback_storage::{Aws, Encryption, KeyArn};
use tokio_util::sync::CancellationToken;

use super::moto::{Moto, connect};
use super::proxy::Proxy;
use crate::world::{NOON, RowText, texts};

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const BUCKET: &str = "lake-of-tests";
pub(crate) const LOCATION: &str = "s3://lake-of-tests/logs";
pub(crate) const TABLE: &str = "lookback-state";

/// An account with everything that an export needs.
pub(crate) struct Site {
    pub(crate) moto: Moto,
    pub(crate) proxy: Proxy,
    pub(crate) key: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: ExportSettings,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let moto = Moto::start().await;
        moto.create_bucket(REGION, BUCKET).await;
        moto.create_table(REGION, TABLE).await;
        let key = moto.create_key(REGION).await;
        let proxy = Proxy::start(moto.endpoint()).await;
        let settings = ExportSettings {
            retry_delay: Duration::ZERO,
            commit_linger: Duration::from_millis(200),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(60),
            sweep: false,
            ..ExportSettings::default()
        };
        Self { moto, proxy, key, clock: Arc::new(ManualClock::new(NOON)), settings }
    }

    /// A connection as a new process would have it.
    pub(crate) async fn aws(&self) -> Aws {
        connect(self.proxy.endpoint(), REGION).await
    }

    /// The lake through a connection.
    pub(crate) fn lake(&self, aws: &Aws) -> Lake {
        Lake::in_bucket(aws, LOCATION, Encryption::new(KeyArn::parse(&self.key).unwrap())).unwrap()
    }

    /// An exporter as a new process would have it.
    pub(crate) async fn exporter(&self) -> Arc<Exporter> {
        self.exporter_of(&self.aws().await).await
    }

    /// An exporter with a given connection.
    pub(crate) async fn exporter_of(&self, aws: &Aws) -> Arc<Exporter> {
        let lake = self.lake(aws);
        lake.create().await.unwrap();
        let store: Arc<dyn WatermarkStore> = Arc::new(DynamoStore::new(aws, TABLE));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        Arc::new(Exporter::new(lake, store, clock, self.settings.clone(), Arc::new(Silent)))
    }

    /// One export by a new process.
    pub(crate) async fn export(&self, jobs: &[ClusterJob]) -> Report {
        self.exporter().await.run(jobs, Work::Export { sweep: false }, &CancellationToken::new()).await
    }

    /// Rows of one cluster in a table of the lake, sorted, without `log_time`. Read past the proxy, so that nothing is in the way.
    pub(crate) async fn rows(&self, table: &str, cluster_id: &str) -> Vec<RowText> {
        let lake = self.lake(&connect(self.moto.endpoint(), REGION).await);
        let mut all = Vec::new();
        let Some(table) = lake.table(table).await.unwrap() else { return all };
        let snapshot = table.refresh().await.unwrap();
        for file in snapshot.files(cluster_id) {
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

    /// What the binary needs in its configuration file to work here; the cluster sections come after it.
    pub(crate) fn configuration(&self) -> String {
        format!(
            "[aws]\nregion = \"{REGION}\"\n[lake]\nlocation = \"{LOCATION}\"\nkms_key = \"{}\"\n[state]\ndynamodb_table = \"{TABLE}\"\n",
            self.key
        )
    }
}
