//! Rollups in a bucket: each object under the key of the cluster that its rows are from.

use lookback_schemas::time::DAY;
use lookback_simulator::{Cluster, Kind, ServeOptions, Server, SimConfig};

use crate::support::binary::Binary;
use crate::support::judge::objects;
use crate::support::site::{BUCKET, REGION, Site};

async fn cluster(name: &str, seed: u64) -> (Cluster, Server) {
    let now = chrono::Utc::now().timestamp_micros();
    let config =
        SimConfig { name: name.into(), kind: Kind::Etl, seed, start: now - 2 * DAY, days: 2, queries_per_day: 60 };
    let cluster = Cluster::generate(&config);
    cluster.set_now(now);
    let server = cluster.serve(ServeOptions::default()).await.unwrap();
    (cluster, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_object_of_a_rollup_is_under_the_key_of_its_cluster() {
    let site = Site::new().await;
    let own = site.moto.create_key(REGION).await;
    let (_one, server_one) = cluster("one", 1).await;
    let (_two, server_two) = cluster("two", 2).await;
    let section = |name: &str, server: &Server, more: &str| {
        let port = server.addr().port();
        format!(
            "[clusters.{name}]\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"lookback\"\npassword_env = \"PW\"\n\
             tls = \"plaintext\"\n{more}"
        )
    };
    let configuration = [
        site.configuration(),
        "[export]\ntables = [\"stl_query\", \"stl_wlm_query\", \"stl_scan\"]\ncommit_linger = \"100ms\"\n".to_owned(),
        section("one", &server_one, ""),
        section("two", &server_two, &format!("kms_key = \"{own}\"\n")),
    ];
    let mut binary = Binary::new(site.proxy.endpoint(), REGION, &configuration.concat());
    binary.set("PW", "lookback");
    binary.run(&["export"]).await.expect(0);
    let ran = binary.run(&["maintain", "--format", "json"]).await.expect(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let stored = |at: usize| json["rollups"][at]["stored"].as_u64().unwrap();
    assert!(stored(0) >= 4 && stored(1) >= 4, "{json}");

    let found = objects(site.moto.endpoint(), REGION, BUCKET).await;
    let mut files = 0;
    for object in found.iter().filter(|o| o["key"].as_str().unwrap().starts_with("logs/lookback_hourly/")) {
        let key = object["key"].as_str().unwrap();
        let kms = if key.contains("/cluster_id=two/") { &own } else { &site.key };
        assert_eq!((&object["sse"], &object["kms_key_id"]), (&"aws:kms".into(), &kms.as_str().into()), "{key}");
        assert_eq!(object["bucket_key"], true, "{key}");
        files += u64::from(key.contains("/rollup-"));
    }
    assert_eq!(files, stored(0));
    assert!(found.iter().any(|o| o["key"].as_str().unwrap().contains("lookback_fingerprints/cluster_id=two/")));

    let ask = async |sql: &str| {
        let ran = binary.run(&["sql", "--format", "csv", sql]).await.expect(0);
        ran.stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let sums =
        "SELECT cluster_id, SUM(queries), SUM(aborted), SUM(elapsed_us) FROM lookback_hourly GROUP BY 1 ORDER BY 1";
    let logs = "SELECT cluster_id, COUNT(*), COUNT(NULLIF(aborted, 0)), SUM(DATEDIFF(us, starttime, endtime)) FROM stl_query \
                GROUP BY 1 ORDER BY 1";
    assert_eq!(ask(sums).await, ask(logs).await);
    assert_eq!(ask("SELECT COUNT(*) FROM lookback_rollup_state WHERE state <> 'current'").await, ["0"]);
    binary.run(&["verify"]).await.expect(0).says(&["objects are encrypted as configured"]);
}
