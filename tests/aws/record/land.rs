//! An account with a lake in a bucket, and what collects the record into it.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use futures::TryStreamExt;
use lookback_exporter::Exporter;
use lookback_exporter::clock::{Clock, SystemClock};
use lookback_exporter::lake::{Lake, reader};
use lookback_exporter::record::{RecordReport, Recorder, identify};
use lookback_exporter::run::Silent;
use lookback_exporter::schedule::Pace;
use lookback_exporter::settings::{ExportSettings, RecordSettings};
use lookback_exporter::watermarks::DynamoStore;
use lookback_schemas::encryption::{Row, rows, table};
use lookback_schemas::time::SECOND;
use lookback_storage::{Aws, Encryption, KeyArn};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::moto::Moto;

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const BUCKET: &str = "record-lake";
pub(crate) const OTHER: &str = "222222222222";
const TABLE: &str = "lookback-state";

/// A little ahead of the machine's clock, so that what was just done is old enough to be read; nobody waits for it, because the
/// rate of lookups is off.
struct Swift;

const AHEAD: i64 = 10 * SECOND;

impl Clock for Swift {
    fn now(&self) -> i64 {
        SystemClock.now() + AHEAD
    }
}

#[async_trait]
impl Pace for Swift {
    async fn until(&self, _at: i64) {}
}

pub(crate) struct Land {
    pub(crate) moto: Moto,
    pub(crate) settings: RecordSettings,
    /// The lake's key.
    pub(crate) key: String,
    aws: Aws,
}

impl Land {
    pub(crate) async fn new() -> Self {
        let moto = Moto::start_for_record().await;
        moto.control("settings", &json!({"lookup_rate": null})).await;
        moto.create_bucket(REGION, BUCKET).await;
        moto.create_table(REGION, TABLE).await;
        let key = moto.create_key(REGION).await;
        let aws = moto.aws(REGION).await;
        let land = Self { moto, settings: RecordSettings { enabled: true, ..RecordSettings::default() }, key, aws };
        land.lake().create().await.unwrap();
        land
    }

    fn lake(&self) -> Lake {
        let encryption = Encryption::new(KeyArn::parse(&self.key).unwrap());
        Lake::in_bucket(&self.aws, &format!("s3://{BUCKET}/lake"), encryption).unwrap()
    }

    fn exporter(&self) -> Arc<Exporter> {
        let store = Arc::new(DynamoStore::new(&self.aws, TABLE));
        Arc::new(Exporter::new(self.lake(), store, Arc::new(SystemClock), ExportSettings::default(), Arc::new(Silent)))
    }

    /// A collection by a process of its own.
    pub(crate) async fn collect(&self) -> RecordReport {
        let own = vec![self.key.clone()];
        let recorder = Recorder::new(self.exporter(), Arc::new(Swift), || 0.5, self.settings.clone(), own);
        let places = identify(&self.aws, &self.settings).await.unwrap();
        recorder.run(&places, &CancellationToken::new()).await
    }

    /// All rows of a table.
    pub(crate) async fn rows(&self, name: &str) -> Vec<Row> {
        let spec = table(name).unwrap();
        let table = self.exporter().lake_table(name).await.unwrap().unwrap();
        let snapshot = table.snapshot().await;
        let mut found = Vec::new();
        for account in snapshot.clusters() {
            for file in snapshot.files(account) {
                let stream = reader::open(&table, &file.path, file.size).await.unwrap().build().unwrap();
                let batches: Vec<_> = stream.try_collect().await.unwrap();
                found.extend(batches.iter().flat_map(|batch| rows(spec, account, batch)));
            }
        }
        found.sort_by_key(Row::at);
        found
    }

    pub(crate) async fn cluster(&self, name: &str, key: Option<&str>) {
        cluster(&self.moto.config(REGION).await, name, key).await;
    }

    pub(crate) async fn snapshot(&self, cluster: &str, name: &str) {
        let client = aws_sdk_redshift::Client::new(&self.moto.config(REGION).await);
        client.create_cluster_snapshot().cluster_identifier(cluster).snapshot_identifier(name).send().await.unwrap();
    }

    pub(crate) async fn rotate(&self, cluster: &str) {
        let client = aws_sdk_redshift::Client::new(&self.moto.config(REGION).await);
        client.rotate_encryption_key().cluster_identifier(cluster).send().await.unwrap();
    }
}

/// Makes a cluster, encrypted if there is a key.
pub(crate) async fn cluster(config: &SdkConfig, name: &str, key: Option<&str>) {
    aws_sdk_redshift::Client::new(config)
        .create_cluster()
        .cluster_identifier(name)
        .node_type("ra3.large")
        .master_username("admin")
        .master_user_password("Not-a-secret-1")
        .encrypted(key.is_some())
        .set_kms_key_id(key.map(ToOwned::to_owned))
        .send()
        .await
        .unwrap();
}
