//! What is read directly is what the Delta library reads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use deltalake::{DeltaTableBuilder, checkpoints};
use lookback_schemas::names::LAKE_MARKER;
use object_store::local::LocalFileSystem;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::lake::Lake;

/// What a commit does.
#[derive(Debug, Clone)]
enum Step {
    /// To files with these numbers.
    Files {
        added: Vec<u8>,
        removed: Vec<u8>,
    },
    /// The table has one column more.
    Column,
    Nothing,
}

struct Table {
    _folder: tempfile::TempDir,
    lake: Lake,
    url: Url,
    columns: usize,
    version: u64,
}

impl Table {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("t/_delta_log")).unwrap();
        fs::write(folder.path().join(LAKE_MARKER), r#"{"version":1}"#).unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
        let url = Url::from_directory_path(fs::canonicalize(folder.path().join("t")).unwrap()).unwrap();
        let mut table = Self { _folder: folder, lake, url, columns: 1, version: 0 };
        table.commit(&[
            json!({ "protocol": { "minReaderVersion": 1, "minWriterVersion": 2 } }),
            table.about(&json!({})),
        ]);
        table
    }

    fn about(&self, configuration: &Value) -> Value {
        let field = |name: &str, kind: &str| json!({ "name": name, "type": kind, "nullable": true, "metadata": {} });
        let mut fields = vec![field("cluster_id", "string"), field("log_date", "date"), field("endtime", "timestamp")];
        fields.extend((0..self.columns).map(|n| field(&format!("c{n}"), "long")));
        let schema = json!({ "type": "struct", "fields": fields }).to_string();
        json!({ "metaData": {
            "id": "00000000-0000-0000-0000-000000000001", "format": { "provider": "parquet", "options": {} },
            "schemaString": schema, "partitionColumns": ["cluster_id", "log_date"], "configuration": configuration,
            "createdTime": 0,
        } })
    }

    fn commit(&mut self, actions: &[Value]) {
        let mut text = String::new();
        for action in actions {
            writeln!(text, "{action}").unwrap();
        }
        let log = self.url.to_file_path().unwrap().join("_delta_log");
        fs::write(log.join(format!("{:020}.json", self.version)), text).unwrap();
        self.version += 1;
    }

    fn take(&mut self, step: &Step) {
        let actions: Vec<Value> = match step {
            Step::Files { added, removed } => {
                let removed = removed.iter().filter(|file| !added.contains(file));
                let removes = removed.map(|file| {
                    json!({ "remove": { "path": path(*file), "dataChange": true, "deletionTimestamp": 1_790_000_000_000_i64 } })
                });
                removes.chain(added.iter().map(|file| self.add(*file))).collect()
            }
            Step::Column => {
                self.columns += 1;
                vec![self.about(&json!({ "delta.checkpointInterval": "20" }))]
            }
            Step::Nothing => vec![json!({ "commitInfo": { "timestamp": 1, "operation": "WRITE" } })],
        };
        self.commit(&actions);
    }

    fn add(&self, file: u8) -> Value {
        let n = i64::from(file);
        let last = format!("c{}", self.columns - 1);
        let stats = json!({
            "numRecords": n + 1,
            "minValues": { "endtime": "2026-11-20T00:00:00.000001Z", last.as_str(): n },
            "maxValues": { "endtime": "2026-11-20T10:00:00.000001Z", last.as_str(): n * 2 },
            "nullCount": { last.as_str(): 0 },
        });
        json!({ "add": {
            "path": path(file), "size": 100 + n, "modificationTime": 0, "dataChange": true,
            "partitionValues": { "cluster_id": cluster(file), "log_date": day(file) },
            // Some writers leave them out.
            "stats": (!file.is_multiple_of(7)).then(|| stats.to_string()),
        } })
    }

    async fn checkpoint(&self) {
        let log = DeltaTableBuilder::from_url(self.url.clone()).unwrap();
        let table = log.with_storage_backend(Arc::new(LocalFileSystem::new()), self.url.clone()).load().await.unwrap();
        checkpoints::create_checkpoint(&table, None).await.unwrap();
    }

    async fn replayed(&self) -> Replayed {
        let (store, prefix) = self.lake.store();
        let folder = prefix.clone().join("t").join("_delta_log");
        newest("t", Log { store: store.as_ref(), folder: &folder }).await.unwrap()
    }

    async fn by_the_library(&self) -> String {
        format!("{:#?}", self.lake.by_the_library("t").await.unwrap())
    }
}

fn cluster(file: u8) -> String {
    format!("ware house/{}", file % 3)
}

fn day(file: u8) -> String {
    format!("2026-11-{:02}", 1 + file % 20)
}

fn path(file: u8) -> String {
    // As it is in a log: the folder's name is escaped, and its escapes once more.
    format!("cluster_id=ware%2520house%252F{}/log_date={}/part-{file}.parquet", file % 3, day(file))
}

fn step() -> impl Strategy<Value = Step> {
    let files = || prop::collection::btree_set(0..30_u8, 0..6).prop_map(|files| files.into_iter().collect());
    prop_oneof![
        8 => (files(), files()).prop_map(|(added, removed)| Step::Files { added, removed }),
        1 => Just(Step::Column),
        1 => Just(Step::Nothing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_log_read_directly_is_what_the_library_reads(
        steps in prop::collection::vec(step(), 1..12),
        checkpoint in prop::option::of(0..12_usize),
        asked in prop::collection::vec(0..12_usize, 0..3),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut table = Table::new().await;
            for (number, step) in steps.iter().enumerate() {
                table.take(step);
                if checkpoint == Some(number) {
                    table.checkpoint().await;
                }
                // A lake that is asked in between goes on from there.
                if asked.contains(&number) {
                    let files = table.lake.newest("t").await.unwrap().unwrap();
                    assert_eq!(format!("{files:#?}"), table.by_the_library().await);
                }
            }
            let expected = table.by_the_library().await;
            match table.replayed().await {
                Replayed::Files(files) => assert_eq!(format!("{files:#?}"), expected),
                other => panic!("{other:?}"),
            }
            let files = table.lake.newest("t").await.unwrap().unwrap();
            assert_eq!(format!("{files:#?}"), expected);
        });
    }
}

#[tokio::test]
async fn what_lookback_does_not_write_is_left_to_the_library() {
    let mut table = Table::new().await;
    table.take(&Step::Files { added: vec![1, 2], removed: vec![] });
    assert!(matches!(table.replayed().await, Replayed::Files(_)));
    let mut add = table.add(3);
    add["add"]["deletionVector"] =
        json!({ "storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "sizeInBytes": 1, "cardinality": 1 });
    table.commit(&[add]);
    assert!(matches!(table.replayed().await, Replayed::Other));

    let mut table = Table::new().await;
    table.commit(&[json!({ "protocol": { "minReaderVersion": 2, "minWriterVersion": 5 } })]);
    assert!(matches!(table.replayed().await, Replayed::Other));

    let mut table = Table::new().await;
    table.commit(&[table.about(&json!({ "delta.columnMapping.mode": "name" }))]);
    assert!(matches!(table.replayed().await, Replayed::Other));
}
