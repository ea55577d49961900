//! The store behind a lake in a bucket: what it writes is encrypted as configured, and what networks and S3 do to it is survived.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use lookback_storage::{Encryption, KeyArn, S3Store};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::support::judge::objects;
use crate::support::moto::{Moto, connect};
use crate::support::proxy::{Fault, Proxy, Rule};

const REGION: &str = "eu-central-1";
const BUCKET: &str = "lake";

/// A bucket behind a proxy.
struct Site {
    moto: Moto,
    proxy: Proxy,
    key: String,
    other_key: String,
    store: S3Store,
}

impl Site {
    async fn new() -> Self {
        let moto = Moto::start().await;
        moto.create_bucket(REGION, BUCKET).await;
        let (key, other_key) = (moto.create_key(REGION).await, moto.create_key(REGION).await);
        let proxy = Proxy::start(moto.endpoint()).await;
        let aws = connect(proxy.endpoint(), REGION).await;
        let encryption =
            Encryption::new(KeyArn::parse(&key).unwrap()).with_cluster("etl", KeyArn::parse(&other_key).unwrap());
        let store = S3Store::encrypted_bucket(&aws, BUCKET, encryption);
        Self { moto, proxy, key, other_key, store }
    }

    async fn create(&self, path: &str, bytes: &'static [u8]) -> Result<(), Error> {
        let options = PutOptions::from(PutMode::Create);
        self.store.put_opts(&Path::from(path), PutPayload::from_static(bytes), options).await.map(|_| ())
    }

    async fn bytes(&self, path: &str) -> Bytes {
        self.store.get(&Path::from(path)).await.unwrap().bytes().await.unwrap()
    }
}

fn large(megabytes: usize) -> Bytes {
    (0..megabytes << 20).map(|i| (i % 253) as u8).collect::<Vec<u8>>().into()
}

#[tokio::test]
async fn every_object_is_under_its_key_with_bucket_key_and_checksum_however_it_is_written() {
    let site = Site::new().await;
    let (store, whole) = (&site.store, large(20));
    store.put(&Path::from("l/_lookback.json"), "{}".into()).await.unwrap();
    site.create("l/stl_query/_delta_log/00000000000000000000.json", b"{}").await.unwrap();
    store.put(&Path::from("l/stl_query/cluster_id=etl/log_date=2026-01-01/a.parquet"), "rows".into()).await.unwrap();
    store.put(&Path::from("l/stl_query/cluster_id=etl@2/b.parquet"), whole.clone().into()).await.unwrap();
    store.put(&Path::from("l/stl_query/cluster_id=bi/c.parquet"), whole.clone().into()).await.unwrap();
    let mut parts = store.put_multipart(&Path::from("l/parts")).await.unwrap();
    parts.put_part(whole.slice(..6 << 20).into()).await.unwrap();
    parts.put_part(whole.slice(6 << 20..7 << 20).into()).await.unwrap();
    parts.complete().await.unwrap();
    assert_eq!(site.bytes("l/stl_query/cluster_id=bi/c.parquet").await, whole);
    assert_eq!(site.bytes("l/parts").await, whole.slice(..7 << 20));

    let found = objects(site.moto.endpoint(), REGION, BUCKET).await;
    assert_eq!(found.len(), 6);
    for object in found {
        let key = if object["key"].as_str().unwrap().contains("cluster_id=etl") { &site.other_key } else { &site.key };
        assert_eq!(object["sse"], "aws:kms", "{object}");
        assert_eq!(object["kms_key_id"], key.as_str(), "{object}");
        // moto forgets the bucket key of uploads in parts, so these are asked about by what was sent.
        if object["size"].as_u64().unwrap() < 1 << 20 {
            assert_eq!(object["bucket_key"], true, "{object}");
        }
    }
    for begun in site.proxy.of("CreateMultipartUpload") {
        assert_eq!(begun.header("x-amz-server-side-encryption-bucket-key-enabled"), Some("true"));
    }
    for put in site.proxy.of("PutObject").iter().chain(&site.proxy.of("UploadPart")) {
        assert!(put.header("x-amz-checksum-crc32").is_some() || put.header("x-amz-trailer").is_some(), "{put:?}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_encrypt_as_told_keeps_nothing() {
    let site = Site::new().await;
    // Such as a stand-in for S3 that ignores what it does not know.
    let deaf = Fault::Answer { status: 200, code: "", body: " ".to_owned() };
    site.proxy.inject(Rule::new(deaf).operation("PutObject"));
    for (path, conditional) in [("l/a", false), ("l/b", true)] {
        let result = if conditional {
            site.create(path, b"x").await
        } else {
            site.store.put(&Path::from(path), "x".into()).await.map(|_| ())
        };
        let text = result.unwrap_err().to_string();
        assert!(text.contains("not encrypted with aws:kms") && text.contains("deleted again"), "{text}");
    }
    assert_eq!(site.proxy.of("DeleteObject").len(), 2);
}

#[tokio::test]
async fn a_conditional_put_whose_answer_is_lost_is_won_and_the_next_one_is_refused() {
    for fault in [
        Fault::LoseAnswer,
        Fault::ErrorAfter { status: 503 },
        Fault::ErrorAfter { status: 500 },
        Fault::RefuseBefore,
        Fault::slow_down(),
        Fault::answer(409, "ConditionalRequestConflict"),
    ] {
        let site = Site::new().await;
        site.proxy.inject(Rule::new(fault.clone()).operation("PutObject").first(3));
        site.create("l/commit", b"mine").await.unwrap_or_else(|e| panic!("{fault:?}: {e}"));
        assert_eq!(site.bytes("l/commit").await, "mine");
        let refused = site.create("l/commit", b"theirs").await.unwrap_err();
        assert!(matches!(refused, Error::AlreadyExists { .. }), "{fault:?}: {refused}");
        assert_eq!(site.bytes("l/commit").await, "mine");
    }
}

#[tokio::test]
async fn a_412_after_a_lost_answer_is_a_loss_only_if_somebody_else_was_there() {
    let site = Site::new().await;
    site.create("l/commit", b"theirs").await.unwrap();
    site.proxy.inject(Rule::new(Fault::LoseAnswer).operation("PutObject").first(1));
    let refused = site.create("l/commit", b"mine!!").await.unwrap_err();
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
    assert_eq!(site.bytes("l/commit").await, "theirs");
}

#[tokio::test]
async fn a_put_that_never_gets_an_answer_is_found_out_by_looking() {
    let site = Site::new().await;
    site.proxy.inject(Rule::new(Fault::LoseAnswer).operation("PutObject"));
    site.create("l/commit", b"mine").await.unwrap();
    site.proxy.clear_rules();
    site.proxy.inject(Rule::new(Fault::answer(503, "SlowDown")).operation("PutObject"));
    let error = site.create("l/other", b"mine").await.unwrap_err();
    assert!(error.to_string().contains("SlowDown"), "{error}");
    assert!(!matches!(error, Error::AlreadyExists { .. }));
}

#[tokio::test]
async fn a_storm_of_refusals_is_survived_by_every_call() {
    let site = Site::new().await;
    let path = Path::from("l/a");
    for _ in 0..2 {
        site.proxy.clear_rules();
        site.proxy.inject(Rule::new(Fault::slow_down()).first(3));
        site.store.put(&path, "x".into()).await.unwrap();
        for operation in ["GetObject", "HeadObject", "ListObjectsV2"] {
            site.proxy.inject(Rule::new(Fault::slow_down()).operation(operation).first(3));
        }
        assert_eq!(site.bytes("l/a").await, "x");
        assert_eq!(site.store.head(&path).await.unwrap().size, 1);
        let listed: Vec<_> = site.store.list(None).try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
    }
}

#[tokio::test]
async fn a_body_that_is_cut_or_slow_is_continued_where_it_stopped() {
    let site = Site::new().await;
    let whole = large(3);
    let path = Path::from("l/a");
    site.store.put(&path, whole.clone().into()).await.unwrap();
    site.proxy.inject(Rule::new(Fault::CutBody { after_bytes: 100_001 }).operation("GetObject").first(3));
    assert_eq!(site.bytes("l/a").await, whole);
    site.proxy.clear_rules();
    site.proxy.inject(Rule::new(Fault::CutBody { after_bytes: 7 }).operation("GetObject").first(2));
    assert_eq!(site.store.get_range(&path, 1_000..9_000).await.unwrap(), whole.slice(1_000..9_000));
    site.proxy.clear_rules();
    let slow = Fault::SlowBody { chunk_bytes: 1 << 20, delay: Duration::from_millis(20) };
    site.proxy.inject(Rule::new(slow).operation("GetObject"));
    assert_eq!(site.bytes("l/a").await, whole);
    // One that never comes to its end is an error, not a short answer.
    site.proxy.clear_rules();
    site.proxy.inject(Rule::new(Fault::CutBody { after_bytes: 0 }).operation("GetObject"));
    let error = site.store.get(&path).await.unwrap().bytes().await.unwrap_err();
    assert!(error.to_string().contains("l/a"), "{error}");
}

#[tokio::test]
async fn large_objects_survive_what_small_ones_do() {
    let site = Site::new().await;
    let whole = large(20);
    let path = Path::from("l/large");
    for operation in ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] {
        for fault in [Fault::RefuseBefore, Fault::LoseAnswer, Fault::slow_down()] {
            site.proxy.clear_rules();
            site.proxy.inject(Rule::new(fault.clone()).operation(operation).first(1));
            site.store.put(&path, whole.clone().into()).await.unwrap_or_else(|e| panic!("{operation} {fault:?}: {e}"));
            assert_eq!(site.bytes("l/large").await, whole);
            site.store.delete(&path).await.unwrap();
        }
    }
    site.proxy.clear_rules();
    let create = || site.store.put_opts(&path, whole.clone().into(), PutOptions::from(PutMode::Create));
    create().await.unwrap();
    assert!(matches!(create().await.unwrap_err(), Error::AlreadyExists { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_race_for_a_name_one_wins() {
    let site = Arc::new(Site::new().await);
    for round in 0..3 {
        let racers = (0..16_u8).map(|racer| {
            let (site, path) = (Arc::clone(&site), Path::from(format!("l/{round}")));
            tokio::spawn(async move {
                let options = PutOptions::from(PutMode::Create);
                site.store.put_opts(&path, vec![racer].into(), options).await.map(|_| racer)
            })
        });
        let mut winners = Vec::new();
        for racer in racers {
            match racer.await.unwrap() {
                Ok(racer) => winners.push(racer),
                Err(e) => assert!(matches!(e, Error::AlreadyExists { .. }), "{e}"),
            }
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(site.bytes(&format!("l/{round}")).await, winners);
    }
}

#[tokio::test]
async fn listings_and_deletions_go_past_a_page() {
    let site = Site::new().await;
    let names: Vec<Path> = (0..1_005).map(|n| Path::from(format!("l/t/{n:05}"))).collect();
    futures::stream::iter(&names)
        .map(|name| site.store.put(name, "x".into()))
        .buffer_unordered(8)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    site.store.put(&Path::from("l/tt/other"), "x".into()).await.unwrap();
    let folder = Path::from("l/t");
    let listed: Vec<_> = site.store.list(Some(&folder)).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1_005, "and nothing of the folder whose name begins alike");
    let from: Vec<_> = site.store.list_with_offset(Some(&folder), &names[1_001]).try_collect().await.unwrap();
    assert_eq!(from.iter().map(|o| &o.location).collect::<Vec<_>>(), [&names[1_002], &names[1_003], &names[1_004]]);
    let top = site.store.list_with_delimiter(Some(&Path::from("l"))).await.unwrap();
    assert_eq!(top.common_prefixes, [Path::from("l/t"), Path::from("l/tt")]);
    let paths = futures::stream::iter(names.clone().into_iter().map(Ok)).boxed();
    let deleted: Vec<_> = site.store.delete_stream(paths).try_collect().await.unwrap();
    assert_eq!(deleted.len(), 1_005);
    assert_eq!(site.store.list(None).try_collect::<Vec<_>>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_opened_for_reading_cannot_write() {
    let site = Site::new().await;
    site.create("l/a", b"x").await.unwrap();
    let reader = S3Store::read_only_bucket(&site.moto.aws(REGION).await, BUCKET);
    assert_eq!(reader.get(&Path::from("l/a")).await.unwrap().bytes().await.unwrap(), "x");
    let path = Path::from("l/a");
    assert!(matches!(reader.put(&path, "y".into()).await, Err(Error::PermissionDenied { .. })));
    assert!(matches!(reader.delete(&path).await, Err(Error::PermissionDenied { .. })));
    assert!(matches!(reader.put_multipart(&path).await, Err(Error::PermissionDenied { .. })));
    assert_eq!(site.bytes("l/a").await, "x");
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_wrong_is_said() {
    let site = Site::new().await;
    let missing = site.store.get(&Path::from("l/none")).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
    assert!(matches!(site.store.head(&Path::from("l/none")).await.unwrap_err(), Error::NotFound { .. }));
    let elsewhere = S3Store::read_only_bucket(&site.moto.aws(REGION).await, "no-such-bucket");
    let error = elsewhere.list(None).try_collect::<Vec<_>>().await.unwrap_err().to_string();
    assert!(error.contains("NoSuchBucket") && error.contains("lake.location"), "{error}");
}
