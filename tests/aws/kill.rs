//! `kill -9` of the real binary at moments that no code chose, on S3 and DynamoDB; and its clusters from Parameter Store.

use std::process::Stdio;
use std::time::{Duration, Instant};

use lookback_schemas::time::DAY;
use lookback_simulator::{Cluster, Kind, ServeOptions, Server, SimConfig};
use tokio::process::Command;

use crate::support::judge::objects;
use crate::support::moto::environment;
use crate::support::site::{BUCKET, REGION, Site, TABLE};
use crate::world::truth;

const TABLES: [&str; 3] = ["stl_query", "stl_querytext", "stl_wlm_query"];

async fn cluster(name: &str, seed: u64, queries_per_day: u32) -> (Cluster, Server) {
    let now = chrono::Utc::now().timestamp_micros();
    let start = now - 2 * DAY;
    let config = SimConfig { name: name.into(), kind: Kind::Etl, seed, start, days: 2, queries_per_day };
    let cluster = Cluster::generate(&config);
    cluster.set_now(now);
    let server = cluster.serve(ServeOptions::default()).await.unwrap();
    (cluster, server)
}

/// Puts a cluster's parameters where AWS's blog post has them.
async fn parameters(site: &Site, name: &str, server: &Server) {
    let put = |what: &'static str, value: String| {
        let parameter = format!("redshift_query_logs.{name}.{what}");
        async move { site.moto.put_parameter(REGION, &parameter, &value, None).await }
    };
    put("connection", format!("127.0.0.1:{}/dev", server.addr().port())).await;
    put("user", "lookback".to_owned()).await;
    put("password", "lookback".to_owned()).await;
}

async fn list(site: &Site, names: &str) {
    site.moto.put_parameter(REGION, "redshift_query_logs.global.enabled_cluster_list", names, None).await;
}

fn command(file: &std::path::Path, endpoint: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lookback"));
    command.args(args).arg("--config").arg(file).envs(environment(endpoint, REGION)).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_the_binary_neither_loses_nor_doubles_a_row() {
    let site = Site::new().await;
    let (cluster, server) = cluster("etl", 11, 150).await;
    parameters(&site, "etl", &server).await;
    list(&site, "etl").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lookback.toml");
    let tables: Vec<String> = TABLES.iter().map(|t| format!("\"{t}\"")).collect();
    let text = format!(
        "{}[ssm]\n[export]\ntables = [{}]\nlease = \"0s\"\nslice = \"12h\"\nslice_rows = 1\n[clusters.etl]\ntls = \"plaintext\"\n",
        site.configuration(),
        tables.join(", ")
    );
    std::fs::write(&file, &text).unwrap();
    let endpoint = site.moto.endpoint().to_owned();
    // How long an undisturbed run takes here decides when to kill the others.
    let began = Instant::now();
    let elsewhere = folder.path().join("elsewhere.toml");
    let state = format!("dynamodb_table = \"{TABLE}\"");
    std::fs::write(&elsewhere, text.replace(&state, "path = \"other.sqlite\"")).unwrap();
    let args = ["export", "--lake", "s3://lake-of-tests/other"];
    let undisturbed = command(&elsewhere, &endpoint, &args).output().await.unwrap();
    assert!(undisturbed.status.success(), "{}", String::from_utf8_lossy(&undisturbed.stderr));
    let whole = began.elapsed();
    let mut killed = 0;
    for round in 1..=12_u32 {
        let mut child = command(&file, &endpoint, &["export"]).spawn().unwrap();
        let deadline = whole * round / 13;
        match tokio::time::timeout(deadline, child.wait()).await {
            Ok(ended) => drop(ended.unwrap()),
            Err(_) => {
                child.kill().await.unwrap();
                killed += 1;
            }
        }
    }
    assert!(killed >= 3, "only {killed} of 12 runs were killed");
    let last = command(&file, &endpoint, &["export"]).output().await.unwrap();
    assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));
    for table in TABLES {
        let (want, have) = (truth(&cluster, table), site.rows(table, "etl").await);
        // What the cluster shows within the settle margin is not covered yet.
        let settled = want.len() - have.len();
        assert!(settled < want.len() / 20, "{table}: {} rows in the lake, {} in truth", have.len(), want.len());
        let mut rest = want;
        for row in &have {
            let at = rest.binary_search(row).unwrap_or_else(|_| panic!("{table}: doubled or made up: {row:?}"));
            rest.remove(at);
        }
    }
    let verify = command(&file, &endpoint, &["verify"]).output().await.unwrap();
    let report = String::from_utf8_lossy(&verify.stdout).into_owned() + &String::from_utf8_lossy(&verify.stderr);
    assert!(verify.status.success(), "{report}");
    assert!(report.contains("objects are encrypted as configured"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_picks_up_a_cluster_that_was_added_and_lets_go_of_one_that_was_removed() {
    let site = Site::new().await;
    let (_one, server_one) = cluster("one", 1, 20).await;
    let (_two, server_two) = cluster("two", 2, 20).await;
    parameters(&site, "one", &server_one).await;
    parameters(&site, "two", &server_two).await;
    list(&site, "one").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lookback.toml");
    let clusters = "[clusters.one]\ntls = \"plaintext\"\n[clusters.two]\ntls = \"plaintext\"\n";
    let schedule = "[schedule]\njitter = \"0s\"\nlisten = \"127.0.0.1:0\"\n";
    let export = "[export]\ntables = [\"stl_query\"]\ncommit_linger = \"100ms\"\n";
    std::fs::write(&file, format!("{}[ssm]\n{schedule}{export}{clusters}", site.configuration())).unwrap();
    let endpoint = site.moto.endpoint().to_owned();
    let mut service = command(&file, &endpoint, &["export", "--schedule", "* * * * * *"]).spawn().unwrap();
    let covered = |cluster: &'static str| {
        let site = &site;
        async move {
            let marks = site.exporter().await.list_watermarks().await.unwrap();
            marks.into_iter().find(|(id, _, _)| id == cluster).map(|(_, _, mark)| mark.covered_until)
        }
    };
    let limit = Instant::now() + Duration::from_secs(60);
    let wait = async |holds: &dyn Fn(Option<i64>, Option<i64>) -> bool| {
        loop {
            let (one, two) = (covered("one").await, covered("two").await);
            if holds(one, two) {
                return (one, two);
            }
            assert!(Instant::now() < limit, "one is covered until {one:?}, two until {two:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    wait(&|one, two| one.is_some() && two.is_none()).await;
    // It comes with a key of its own.
    let key = site.moto.create_key(REGION).await;
    let clusters = format!("{clusters}kms_key = \"{key}\"\n");
    let beside = folder.path().join("lookback.toml.new");
    std::fs::write(&beside, format!("{}[ssm]\n{schedule}{export}{clusters}", site.configuration())).unwrap();
    std::fs::rename(&beside, &file).unwrap();
    list(&site, "one,two").await;
    wait(&|_, two| two.is_some()).await;
    list(&site, "two").await;
    // A tick that began before the list changed may still end.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (one, two) = (covered("one").await, covered("two").await);
    // The simulated clocks stand still, so that coverage does, too; the record of runs tells who was worked on.
    let runs = async |cluster: &str| {
        let lake = site.lake(&site.aws().await);
        let ledger = lake.table("lookback_export_runs").await.unwrap().unwrap();
        let batches = lookback_exporter::ledger::read(&ledger).await.unwrap();
        let ids = |b: &arrow::array::RecordBatch| {
            let column = b.column_by_name("cluster_id").unwrap();
            let text = column.as_any().downcast_ref::<arrow::array::StringArray>().unwrap();
            text.iter().flatten().filter(|id| *id == cluster).count()
        };
        batches.iter().map(ids).sum::<usize>()
    };
    let (before_one, before_two) = (runs("one").await, runs("two").await);
    while runs("two").await < before_two + 2 {
        assert!(Instant::now() < limit, "the cluster that is left is not exported any more");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(runs("one").await, before_one, "a removed cluster was exported: {one:?} {two:?}");
    let pid = i32::try_from(service.id().unwrap()).unwrap();
    let stopped = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert!(stopped.success());
    let ended = tokio::time::timeout(Duration::from_secs(30), service.wait()).await.expect("within 30 s").unwrap();
    assert_eq!(ended.code(), Some(0));
    let found = objects(site.moto.endpoint(), REGION, BUCKET).await;
    let rows: Vec<_> = found.iter().filter(|o| o["key"].as_str().unwrap().contains("cluster_id=")).collect();
    for object in &rows {
        let own = object["key"].as_str().unwrap().contains("cluster_id=two");
        assert_eq!(object["kms_key_id"].as_str(), Some(if own { key.as_str() } else { site.key.as_str() }), "{object}");
    }
    assert!(rows.iter().any(|o| o["key"].as_str().unwrap().contains("cluster_id=two")));
}
