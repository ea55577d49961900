//! A lake, a world, and what tests put into them and look for.

use std::sync::Arc;

use aws_sdk_kms::types::{KeyManagerType, KeyMetadata, KeyState, OriginType};
use aws_sdk_redshift::types::{
    Cluster, ClusterParameterGroupStatus, ClusterParameterStatus, Event, Parameter, Snapshot, SourceType,
};
use aws_smithy_types::DateTime;
use lookback_schemas::encryption::{Row, Table, table};
use lookback_schemas::time::{DAY, rfc3339};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::world::{Time, World};
use crate::clock::Clock;
use crate::lake::Lake;
use crate::record::store::natural_key;
use crate::record::{Place, RecordReport, Recorder};
use crate::run::{Exporter, Silent};
use crate::settings::{ExportSettings, RecordSettings};
use crate::watermarks::{SqliteStore, WatermarkStore};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const REGION: &str = "eu-central-1";
/// 2026-03-01T00:00:00Z
pub(super) const START: i64 = 1_772_323_200_000_000;

pub(super) struct Scene {
    folder: TempDir,
    pub(super) time: Arc<Time>,
    pub(super) world: Arc<World>,
    store: Arc<dyn WatermarkStore>,
    pub(super) settings: RecordSettings,
    exporter: Arc<Exporter>,
    recorder: Recorder,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with(RecordSettings { enabled: true, config_history: false, ..RecordSettings::default() }).await
    }

    pub(super) async fn with(settings: RecordSettings) -> Self {
        let folder = TempDir::new().unwrap();
        let time = Time::at(START);
        let world = World::new(&time);
        let store: Arc<dyn WatermarkStore> = Arc::new(SqliteStore::open(":memory:".as_ref()).unwrap());
        let (exporter, recorder) = Self::start(&folder, &time, &store, &settings).await;
        Self { folder, time, world, store, settings, exporter, recorder }
    }

    async fn start(
        folder: &TempDir,
        time: &Arc<Time>,
        store: &Arc<dyn WatermarkStore>,
        settings: &RecordSettings,
    ) -> (Arc<Exporter>, Recorder) {
        let lake = Lake::open_or_create(&folder.path().display().to_string()).await.unwrap();
        let (clock, progress) = (Arc::clone(time), Arc::new(Silent));
        let exporter = Exporter::new(lake, Arc::clone(store), clock, ExportSettings::default(), progress);
        let exporter = Arc::new(exporter);
        let recorder =
            Recorder::new(Arc::clone(&exporter), Arc::clone(time) as _, || 0.5, settings.clone(), Vec::new());
        (exporter, recorder)
    }

    pub(super) fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// The files of a table, by path.
    pub(super) async fn files(&self, name: &str) -> Vec<String> {
        let table = self.exporter.lake_table(name).await.unwrap().unwrap();
        let snapshot = table.refresh().await.unwrap();
        let owners = snapshot.clusters();
        let files = owners.iter().flat_map(|owner| snapshot.files(owner));
        files.map(|file| format!("{name}/{}", file.path)).collect()
    }

    /// Whether a file of [`Scene::files`] is still there.
    pub(super) fn has(&self, file: &str) -> bool {
        self.folder.path().join(file).exists()
    }

    /// Another process: nothing is remembered but what is stored.
    pub(super) async fn restart(&mut self) {
        (self.exporter, self.recorder) = Self::start(&self.folder, &self.time, &self.store, &self.settings).await;
    }

    /// Watermarks and leases are gone.
    pub(super) async fn lose_watermarks(&mut self) {
        self.store = Arc::new(SqliteStore::open(":memory:".as_ref()).unwrap());
        self.restart().await;
    }

    pub(super) fn place(&self, account: &str, world: &Arc<World>) -> Place {
        Place {
            account: Some(account.to_owned()),
            region: REGION.to_owned(),
            name: account.to_owned(),
            plane: Arc::clone(world) as _,
            problem: None,
        }
    }

    pub(super) async fn collect(&self) -> RecordReport {
        self.collect_from(&[self.place(ACCOUNT, &self.world)]).await
    }

    pub(super) async fn collect_from(&self, places: &[Place]) -> RecordReport {
        self.recorder.run(places, &CancellationToken::new()).await
    }

    /// Collects, some time later, and expects that nothing fails.
    pub(super) async fn later(&self, pause: i64) -> RecordReport {
        self.time.set(self.time.now() + pause);
        let report = self.collect().await;
        assert!(report.error.is_none() && report.exit_code() == 0, "{report:?}");
        report
    }

    /// All rows of a table, which has none twice.
    pub(super) async fn rows(&self, name: &str) -> Vec<Row> {
        let spec: &'static Table = table(name).unwrap();
        let Some(table) = self.exporter.lake_table(name).await.unwrap() else { return Vec::new() };
        table.refresh().await.unwrap();
        let snapshot = table.snapshot().await;
        let mut rows = Vec::new();
        for account in snapshot.clusters() {
            for file in snapshot.files(account) {
                for batch in crate::ledger::read_file(&table, file).await.unwrap() {
                    rows.extend(lookback_schemas::encryption::rows(spec, account, &batch));
                }
            }
        }
        rows.sort_by_key(|row| (row.at(), natural_key(row)));
        let mut keys: Vec<String> = rows.iter().map(natural_key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), rows.len(), "{name}: a row twice");
        for row in &rows {
            assert_eq!(row.check(), Ok(()));
        }
        rows
    }

    pub(super) async fn events(&self) -> Vec<Row> {
        self.rows("encryption_events").await
    }

    /// The classes of the events of a source, in order.
    pub(super) async fn classes(&self, source: &str) -> Vec<String> {
        let all = self.events().await;
        let own = all.iter().filter(|row| row.get_text("source") == Some(source));
        own.filter_map(|row| row.get_text("event_class").map(str::to_owned)).collect()
    }

    pub(super) async fn runs(&self, collector: &str) -> Vec<Row> {
        let all = self.rows("collection_runs").await;
        all.into_iter().filter(|row| row.get_text("collector") == Some(collector)).collect()
    }
}

pub(super) fn moment(at: i64) -> DateTime {
    DateTime::from_millis(at / 1_000)
}

pub(super) fn key_arn(name: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}")
}

pub(super) fn key(arn: &str, manager: KeyManagerType) -> KeyMetadata {
    let id = arn.rsplit('/').next().unwrap();
    KeyMetadata::builder()
        .key_id(id)
        .arn(arn)
        .key_manager(manager)
        .key_state(KeyState::Enabled)
        .enabled(true)
        .origin(OriginType::AwsKms)
        .build()
        .unwrap()
}

pub(super) fn namespace_arn(name: &str) -> String {
    format!("arn:aws:redshift:{REGION}:{ACCOUNT}:namespace:{name}")
}

/// When a cluster was created: no two at the same time.
fn created(cluster: &str) -> i64 {
    let place = cluster.bytes().fold(0, |sum, byte| sum * 31 % 86_400 + i64::from(byte));
    START - 31 * DAY + place * 1_000_000
}

pub(super) fn cluster(name: &str, key: Option<&str>) -> Cluster {
    let group = ClusterParameterGroupStatus::builder()
        .parameter_group_name("own")
        .parameter_apply_status("in-sync")
        .cluster_parameter_status_list(
            ClusterParameterStatus::builder()
                .parameter_name("require_ssl")
                .parameter_apply_status("pending-reboot")
                .build(),
        )
        .build();
    Cluster::builder()
        .cluster_identifier(name)
        .cluster_namespace_arn(namespace_arn(name))
        .cluster_create_time(moment(created(name)))
        .cluster_status("available")
        .encrypted(key.is_some())
        .set_kms_key_id(key.map(str::to_owned))
        .cluster_parameter_groups(group)
        .db_name("dev")
        .build()
}

pub(super) fn snapshot(name: &str, cluster: &str, key: Option<&str>) -> Snapshot {
    Snapshot::builder()
        .snapshot_identifier(name)
        .cluster_identifier(cluster)
        .snapshot_arn(format!("arn:aws:redshift:{REGION}:{ACCOUNT}:snapshot:{cluster}/{name}"))
        .cluster_create_time(moment(created(cluster)))
        .encrypted(key.is_some())
        .set_kms_key_id(key.map(str::to_owned))
        .status("available")
        .build()
}

pub(super) fn parameter(name: &str, value: &str) -> Parameter {
    Parameter::builder().parameter_name(name).parameter_value(value).build()
}

pub(super) fn notice(id: &str, cluster: &str, at: i64) -> Event {
    Event::builder()
        .event_id(format!("REDSHIFT-EVENT-{id}"))
        .source_type(SourceType::Cluster)
        .source_identifier(cluster)
        .message(format!("{id} of {cluster}"))
        .date(moment(at))
        .severity("INFO")
        .build()
}

/// A record of CloudTrail.
pub(super) fn record(id: &str, name: &str, at: i64, request: &Value) -> Value {
    let service =
        if name.contains("Key") && name != "RotateEncryptionKey" || name == "Decrypt" { "kms" } else { "redshift" };
    json!({
        "eventVersion": "1.11", "eventID": id, "eventName": name, "eventSource": format!("{service}.amazonaws.com"),
        "eventTime": rfc3339(at), "awsRegion": REGION, "recipientAccountId": ACCOUNT, "requestParameters": request,
        "responseElements": null, "readOnly": false,
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/admin/anna", "accountId": ACCOUNT},
    })
}
