//! Watermarks and leases in a DynamoDB table.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use lookback_exporter::ErrorKind;
use lookback_exporter::watermarks::{DynamoStore, Watermark, WatermarkStore, conformance};
use lookback_storage::Aws;

use crate::support::Moto;

/// Creates a table with a name of its own.
async fn create(aws: &Aws, hash: &str, range: &str) -> String {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    let name = format!("lookback-{}", TABLES.fetch_add(1, Ordering::Relaxed));
    let (client, table) = (Client::new(aws.config()), name.clone());
    let attribute = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(hash))
        .attribute_definitions(attribute(range))
        .key_schema(key(hash, KeyType::Hash))
        .key_schema(key(range, KeyType::Range))
        .send()
        .await
        .unwrap();
    name
}

async fn store(aws: &Aws) -> DynamoStore {
    DynamoStore::new(aws, &create(aws, "cluster_id", "table_name").await)
}

fn mark(n: i64) -> Watermark {
    Watermark { covered_from: n, covered_until: n, swept_once: None, swept_twice: None }
}

/// How often an operation was asked for.
fn asked(aws: &Aws, operation: &str) -> u64 {
    aws.requests().all().get(&("DynamoDB".to_owned(), operation.to_owned())).copied().unwrap_or_default()
}

/// The races of the suite need a server that takes one request after the other: moto checks a condition and writes in two steps,
/// and with several threads lets two writers through.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dynamodb_table_conforms() {
    let moto = Moto::start().await;
    let aws = moto.aws("us-east-1").await;
    conformance::suite(async || store(&aws).await).await;
}

#[tokio::test]
async fn a_table_of_a_cluster_costs_two_requests() {
    let moto = Moto::start().await;
    let aws = moto.aws("us-east-1").await;
    let store = store(&aws).await;
    let now = 1_790_000_000_000_000;
    let mut before = None;
    for run in 0..3 {
        let grant = store.acquire("c", "t", &format!("run {run}"), now + run, now + 100).await.unwrap().unwrap();
        assert_eq!(grant.watermark, before);
        let next = mark(run);
        assert!(store.advance("c", "t", grant.watermark.as_ref(), &next, Some(&grant.lease)).await.unwrap());
        before = Some(next);
    }
    assert_eq!(asked(&aws, "UpdateItem"), 6);
    assert_eq!(asked(&aws, "GetItem"), 0);
}

#[tokio::test]
async fn a_list_of_several_pages_is_whole() {
    let moto = Moto::start().await;
    let aws = moto.aws("us-east-1").await;
    let store = store(&aws).await.with_page_size(2);
    for n in 0..7 {
        assert!(store.advance(&format!("c{}", n % 3), &format!("t{n}"), None, &mark(n), None).await.unwrap());
        // Held, and not covered.
        assert!(store.acquire("idle", &format!("t{n}"), "h", 1, 2).await.unwrap().is_some());
    }
    let listed = store.list().await.unwrap();
    let keys: Vec<String> = listed.iter().map(|(c, t, w)| format!("{c} {t} {}", w.covered_until)).collect();
    assert_eq!(keys, ["c0 t0 0", "c0 t3 3", "c0 t6 6", "c1 t1 1", "c1 t4 4", "c2 t2 2", "c2 t5 5"]);
    assert!(asked(&aws, "Scan") >= 7, "14 items are at least 7 pages");
}

#[tokio::test]
async fn a_missing_table_is_named_with_the_command_that_creates_it() {
    let moto = Moto::start().await;
    let aws = moto.aws("eu-central-1").await;
    let store = DynamoStore::new(&aws, "lookback-state");
    let errors = [
        store.get("c", "t").await.unwrap_err(),
        store.list().await.unwrap_err(),
        store.acquire("c", "t", "h", 1, 2).await.unwrap_err(),
        store.advance("c", "t", None, &mark(1), None).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Watermarks);
        assert!(!error.is_transient());
        assert!(error.to_string().contains("'lookback-state' in eu-central-1 does not exist"), "{error}");
        let advice = error.advice().unwrap();
        assert!(
            advice.contains("aws dynamodb create-table --table-name lookback-state --region eu-central-1"),
            "{advice}"
        );
    }
}

#[tokio::test]
async fn a_table_with_other_keys_is_refused_with_those_it_must_have() {
    let moto = Moto::start().await;
    let aws = moto.aws("us-east-1").await;
    let store = DynamoStore::new(&aws, &create(&aws, "cluster", "table").await);
    let error = store.get("c", "t").await.unwrap_err();
    assert!(!error.is_transient());
    assert!(error.advice().unwrap().contains("cluster_id (HASH) and table_name (RANGE)"), "{error:?}");
}

#[tokio::test]
async fn an_item_that_something_else_wrote_is_an_error_and_not_a_watermark() {
    let moto = Moto::start().await;
    let aws = moto.aws("us-east-1").await;
    let table = create(&aws, "cluster_id", "table_name").await;
    let text = |value: &str| AttributeValue::S(value.to_owned());
    Client::new(aws.config())
        .put_item()
        .table_name(&table)
        .item("cluster_id", text("c"))
        .item("table_name", text("t"))
        .item("covered_until", text("yesterday"))
        .send()
        .await
        .unwrap();
    let store = DynamoStore::new(&aws, &table);
    let errors = [
        store.get("c", "t").await.unwrap_err(),
        store.list().await.unwrap_err(),
        store.acquire("c", "t", "h", 1, 2).await.unwrap_err(),
        store.advance("c", "t", None, &mark(1), None).await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains("the item of c/t: attribute covered_until is not a number"), "{error}");
        assert!(error.advice().unwrap().contains("delete the item"));
    }
}

/// Clusters work on runtimes of their own, which end with them.
#[test]
fn a_store_outlives_the_runtime_of_a_cluster() {
    let main = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (_moto, store) = main.block_on(async {
        let moto = Moto::start().await;
        let aws = moto.aws("us-east-1").await;
        (moto, store(&aws).await)
    });
    for n in 0..3 {
        let cluster = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let before = (n > 0).then(|| mark(n - 1));
        assert!(cluster.block_on(store.advance("c", "t", before.as_ref(), &mark(n), None)).unwrap());
    }
    assert_eq!(main.block_on(store.get("c", "t")).unwrap(), Some(mark(2)));
}
