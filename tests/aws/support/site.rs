//! A lake in a bucket with its watermarks in DynamoDB, behind a proxy; and what exports into it.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
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
    pub(crate) moto: Arc<Moto>,
    pub(crate) proxy: Proxy,
    pub(crate) key: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: ExportSettings,
    location: String,
    table: String,
    /// Attempts of a call to AWS.
    attempts: u32,
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
        Self {
            moto: Arc::new(moto),
            proxy,
            key,
            clock: Arc::new(ManualClock::new(NOON)),
            settings,
            location: LOCATION.to_owned(),
            table: TABLE.to_owned(),
            attempts: 4,
        }
    }

    /// Another lake and another table in the same account, behind a proxy of their own. A call that fails is made `attempts`
    /// times: once, if the process that makes it is to be dead.
    pub(crate) async fn another(&self, name: &str, attempts: u32) -> Self {
        let table = format!("{TABLE}-{name}");
        self.moto.create_table(REGION, &table).await;
        Self {
            moto: Arc::clone(&self.moto),
            proxy: Proxy::start(self.moto.endpoint()).await,
            key: self.key.clone(),
            clock: Arc::new(ManualClock::new(NOON)),
            settings: self.settings.clone(),
            location: format!("{LOCATION}-{name}"),
            table,
            attempts,
        }
    }

    /// A connection as a new process would have it.
    pub(crate) async fn aws(&self) -> Aws {
        let aws = connect(self.proxy.endpoint(), REGION).await;
        let retries = RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(Duration::from_millis(5))
            .with_max_backoff(Duration::from_millis(100));
        aws.reconfigured(aws.config().to_builder().retry_config(retries).build())
    }

    /// The lake through a connection.
    pub(crate) fn lake(&self, aws: &Aws) -> Lake {
        Lake::in_bucket(aws, &self.location, Encryption::new(KeyArn::parse(&self.key).unwrap())).unwrap()
    }

    /// An exporter as a new process would have it.
    pub(crate) async fn exporter(&self) -> Arc<Exporter> {
        self.exporter_of(&self.aws().await).await
    }

    /// An exporter with a given connection.
    pub(crate) async fn exporter_of(&self, aws: &Aws) -> Arc<Exporter> {
        self.try_exporter_of(aws).await.unwrap()
    }

    /// As [`Site::exporter_of`], where AWS may fail.
    pub(crate) async fn try_exporter_of(&self, aws: &Aws) -> lookback_exporter::Result<Arc<Exporter>> {
        let lake = self.lake(aws);
        lake.create().await?;
        let store: Arc<dyn WatermarkStore> = Arc::new(DynamoStore::new(aws, &self.table));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        Ok(Arc::new(Exporter::new(lake, store, clock, self.settings.clone(), Arc::new(Silent))))
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
            "[aws]\nregion = \"{REGION}\"\n[lake]\nlocation = \"{}\"\nkms_key = \"{}\"\n[state]\ndynamodb_table = \"{}\"\n",
            self.location, self.key, self.table
        )
    }
}
