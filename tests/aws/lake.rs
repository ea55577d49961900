//! A whole export into a bucket and DynamoDB, and what can be said and asked afterwards.

use lookback_exporter::Work;
use lookback_schemas::time::{DAY, MINUTE};
use lookback_simulator::{Cluster, Kind, ServeOptions, SimConfig};
use tokio_util::sync::CancellationToken;

use crate::support::judge::objects;
use crate::support::proxy::{Fault, Rule};
use crate::support::site::{BUCKET, LOCATION, REGION, Site};
use crate::world::{NOON, job, truth};

const TABLES: [&str; 3] = ["stl_query", "stl_querytext", "stl_wlm_query"];

fn cluster(name: &str, seed: u64) -> Cluster {
    let start = NOON - DAY;
    let config = SimConfig { name: name.into(), kind: Kind::Etl, seed, start, days: 2, queries_per_day: 200 };
    let cluster = Cluster::generate(&config);
    cluster.set_now(NOON);
    cluster
}

/// What has been shown for longer than the settle margin is in the lake, and nothing else.
async fn assert_equal(site: &Site, cluster: &Cluster, name: &str) {
    for table in TABLES {
        let (want, have) = (truth(cluster, table), site.rows(table, name).await);
        assert_eq!(have.len(), want.len(), "{name}/{table}");
        assert!(have == want, "{name}/{table}: not the same rows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_arrives_once_and_every_object_is_under_the_key() {
    let mut site = Site::new().await;
    site.settings.sweep = true;
    let (one, two) = (cluster("one", 1), cluster("two", 2));
    let (server_one, server_two) =
        (one.serve(ServeOptions::default()).await.unwrap(), two.serve(ServeOptions::default()).await.unwrap());
    let jobs = [job("one", &server_one, &TABLES), job("two", &server_two, &TABLES)];
    let mut reports = Vec::new();
    // Days later, so that everything is settled and swept.
    for now in [NOON, NOON + 15 * MINUTE, NOON + 2 * DAY, NOON + 4 * DAY] {
        site.clock.set(now);
        one.set_now(now);
        two.set_now(now);
        let exporter = site.exporter().await;
        let report = exporter.run(&jobs, Work::Export { sweep: true }, &CancellationToken::new()).await;
        assert!(matches!(report.exit_code(), 0 | 3), "{report:?}");
        reports.push(report);
    }
    assert_equal(&site, &one, "one").await;
    assert_equal(&site, &two, "two").await;
    let found = objects(site.moto.endpoint(), REGION, BUCKET).await;
    assert!(found.iter().any(|o| o["key"].as_str().unwrap().contains("_delta_log")));
    assert!(found.iter().any(|o| o["key"].as_str().unwrap().ends_with(".parquet")));
    for object in &found {
        assert_eq!(
            (object["sse"].as_str(), object["kms_key_id"].as_str(), object["bucket_key"].as_bool()),
            (Some("aws:kms"), Some(site.key.as_str()), Some(true)),
            "{object}"
        );
    }
    let exporter = site.exporter().await;
    let proof = lookback_exporter::verify::objects(exporter.lake()).await.unwrap().unwrap();
    assert_eq!((proof.seen, proof.unsealed), (found.len() as u64, Vec::new()));
    assert_eq!(exporter.list_watermarks().await.unwrap().len(), 2 * TABLES.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_under_another_key_is_found_by_verify() {
    let site = Site::new().await;
    let one = cluster("one", 1);
    let server = one.serve(ServeOptions::default()).await.unwrap();
    assert_eq!(site.export(&[job("one", &server, &["stl_query"])]).await.exit_code(), 0);
    let client = aws_sdk_s3::Client::new(&site.moto.config(REGION).await);
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"x");
    client.put_object().bucket(BUCKET).key("logs/stl_query/stray.parquet").body(body).send().await.unwrap();
    let exporter = site.exporter().await;
    let proof = lookback_exporter::verify::objects(exporter.lake()).await.unwrap().unwrap();
    assert_eq!(proof.unsealed.len(), 1);
    assert_eq!(proof.unsealed[0].path, "logs/stl_query/stray.parquet");
    assert!(proof.unsealed[0].why.contains(&site.key), "{:?}", proof.unsealed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_through_a_bad_network_neither_loses_nor_doubles_a_row() {
    let site = Site::new().await;
    let one = cluster("one", 1);
    let server = one.serve(ServeOptions::default()).await.unwrap();
    let jobs = [job("one", &server, &TABLES)];
    // Each of these meets every seventh request of its kind, again and again.
    for (n, fault) in [
        Fault::LoseAnswer,
        Fault::slow_down(),
        Fault::ErrorAfter { status: 500 },
        Fault::RefuseBefore,
        Fault::CutBody { after_bytes: 50 },
    ]
    .into_iter()
    .enumerate()
    {
        let n = n as u64;
        site.proxy.inject(Rule::new(fault).when(move |request| request.number % 35 == n * 7));
    }
    for now in [NOON, NOON + 15 * MINUTE, NOON + DAY, NOON + 3 * DAY] {
        site.clock.set(now);
        one.set_now(now);
        let exporter = site.exporter().await;
        let report = exporter.run(&jobs, Work::Export { sweep: true }, &CancellationToken::new()).await;
        let failures: Vec<String> = report.failures().map(|(t, e)| format!("{}: {e}", t.table)).collect();
        assert!(matches!(report.exit_code(), 0 | 3), "{failures:?}");
    }
    assert_equal(&site, &one, "one").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losing_the_watermark_table_loses_and_doubles_nothing() {
    let site = Site::new().await;
    let one = cluster("one", 1);
    let server = one.serve(ServeOptions::default()).await.unwrap();
    let jobs = [job("one", &server, &TABLES)];
    assert_eq!(site.export(&jobs).await.exit_code(), 0);
    let client = aws_sdk_dynamodb::Client::new(&site.moto.config(REGION).await);
    client.delete_table().table_name(crate::support::site::TABLE).send().await.unwrap();
    let lost = site.export(&jobs).await;
    assert_eq!(lost.exit_code(), 1);
    let (_, error) = lost.failures().next().unwrap();
    assert!(error.advice().unwrap().contains("create-table"), "{error}");
    site.moto.create_table(REGION, crate::support::site::TABLE).await;
    for now in [NOON + 15 * MINUTE, NOON + DAY, NOON + 3 * DAY] {
        site.clock.set(now);
        one.set_now(now);
        let report = site.exporter().await.run(&jobs, Work::Export { sweep: true }, &CancellationToken::new()).await;
        assert!(matches!(report.exit_code(), 0 | 3), "{report:?}");
    }
    assert_equal(&site, &one, "one").await;
}

#[tokio::test]
async fn a_location_and_a_key_that_cannot_be_used_are_said_before_anything_is_written() {
    let site = Site::new().await;
    let aws = site.aws().await;
    let settings = |text: &str| toml::from_str::<lookback_exporter::Settings>(text).unwrap();
    for (text, says) in [
        (format!("[lake]\nlocation = \"{LOCATION}\""), "lake.kms_key is missing"),
        (format!("[lake]\nlocation = \"{LOCATION}\"\nkms_key = \"alias/lake\""), "the key's own ARN"),
        (format!("[lake]\nlocation = \"s3://Bad_Name/x\"\nkms_key = \"{}\"", site.key), "not the name of a bucket"),
    ] {
        let error = lookback_exporter::places::lake(&settings(&text), Some(&aws)).unwrap_err();
        let whole = format!("{error} {}", error.advice().unwrap_or_default());
        assert!(whole.contains(says), "{whole}");
    }
    assert_eq!(site.proxy.mutations(), 0);
}
