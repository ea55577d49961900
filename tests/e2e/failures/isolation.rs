//! A broken cluster or table stops nothing else.

use std::sync::Arc;
use std::time::Duration;

use lookback_exporter::run::TableReport;
use lookback_exporter::source::RedshiftSource;
use lookback_exporter::{ClusterJob, ErrorKind, Work};
use lookback_schemas::names::CLUSTERS_TABLE;
use lookback_schemas::time::{HOUR, MINUTE};
use lookback_simulator::{Cluster, Fault, Server};
use tokio_util::sync::CancellationToken;

use super::{assert_done, broken, failures, kinds};
use crate::support::rows::{quick, scan, serve, text};
use crate::support::world::{NOON, World, endpoint, job, specs};

const EXPORT: Work = Work::Export { sweep: false };
const TABLES: [&str; 3] = ["stl_query", "stl_querytext", "stl_scan"];

/// Three clusters with rows, and the job of each. The first waits for a connection a quarter of a second only.
async fn three(world: &World) -> (Vec<Cluster>, Vec<Server>, Vec<ClusterJob>) {
    let (mut clusters, mut servers, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
    for name in ["a", "b", "c"] {
        let cluster = Cluster::empty(name, NOON);
        for id in 1..=10 {
            let end = NOON - HOUR + id * MINUTE;
            cluster.insert("stl_query", vec![quick(id, end)]);
            cluster.insert("stl_querytext", vec![text(id, 0, name, end)]);
            cluster.insert("stl_scan", vec![scan(id, 0, end)]);
        }
        let server = serve(&cluster).await;
        let mut at = endpoint(name, server.addr());
        if name == "a" {
            at.connect_timeout = Duration::from_millis(250);
        }
        let source = Arc::new(RedshiftSource::new(at));
        jobs.push(ClusterJob { name: name.to_owned(), source, tables: specs(&TABLES) });
        clusters.push(cluster);
        servers.push(server);
    }
    world.clock.set(NOON);
    (clusters, servers, jobs)
}

async fn others_are_whole(world: &World, clusters: &[Cluster]) {
    for cluster in &clusters[1..] {
        world.assert_equals_truth(cluster, cluster.name(), &TABLES).await;
    }
}

fn all_at(world: &World, clusters: &[Cluster], now: i64) {
    clusters.iter().for_each(|cluster| world.at(cluster, now));
}

/// The naive tool works through its clusters in one loop, which ends at the first that cannot be reached.
#[tokio::test]
async fn f09_one_unreachable_cluster_does_not_stop_the_others() {
    let world = World::new();
    let (clusters, mut servers, jobs) = three(&world).await;
    clusters[0].fault(Fault::Refuse);
    let report = world.export(&jobs).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(kinds(&report), [("", ErrorKind::Connect)]);
    assert!(failures(&report)[0].contains("cluster 'a'"), "{:?}", failures(&report));
    others_are_whole(&world, &clusters).await;
    assert!(world.rows_of("stl_query", "a").await.is_empty());

    // Nobody listens any more.
    clusters[0].clear_faults();
    servers.remove(0).stop().await;
    let report = world.export(&jobs).await;
    assert_eq!(kinds(&report), [("", ErrorKind::Connect)]);
    assert_eq!(report.exit_code(), 1);

    // Back again, it catches up.
    let server = serve(&clusters[0]).await;
    assert_done(&world.export(&[job("a", &server, &TABLES)]).await);
    world.assert_equals_truth(&clusters[0], "a", &TABLES).await;
}

/// A cluster that accepts connections and says nothing costs no more than the connection's time-out.
#[tokio::test]
async fn f09_a_cluster_that_hangs_does_not_stop_the_others() {
    let mut world = World::new();
    world.settings.retries = 1;
    let (clusters, _servers, jobs) = three(&world).await;
    clusters[0].fault(Fault::HangConnect);
    let report = world.export(&jobs).await;
    assert_eq!(kinds(&report), [("", ErrorKind::Timeout)]);
    assert_eq!(report.exit_code(), 1);
    others_are_whole(&world, &clusters).await;
}

/// Shared commits wait for a cluster that they know nothing bad of, until it has timed out, and in the next run no longer.
#[tokio::test]
async fn f09_a_cluster_that_was_not_reached_is_not_waited_for_again() {
    let mut world = World::new();
    world.settings.commit_linger = Duration::from_secs(60);
    let (clusters, _servers, jobs) = three(&world).await;
    clusters[0].fault(Fault::HangConnect);
    let exporter = world.exporter().await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        let order = std::sync::Mutex::new(Vec::new());
        let tell = |name: &str, _: &[TableReport]| order.lock().unwrap().push(name.to_owned());
        let report = exporter.run_each(&jobs, EXPORT, &CancellationToken::new(), &tell).await;
        assert_eq!(kinds(&report), [("", ErrorKind::Timeout)]);
        orders.push(order.into_inner().unwrap());
    }
    assert_eq!((orders[0].first().unwrap().as_str(), orders[1].last().unwrap().as_str()), ("a", "a"), "{orders:?}");
    others_are_whole(&world, &clusters).await;
}

/// A statement that hangs is given up after the table's time; after two in a row the cluster counts as gone.
#[tokio::test]
async fn f09_tables_that_hang_are_given_up_in_time() {
    let mut world = World::new();
    world.settings.timeout = Duration::from_millis(600);
    let (clusters, _servers, jobs) = three(&world).await;
    clusters[0].fault(Fault::HangTable("stl_querytext".to_owned()));
    let report = world.export(&jobs).await;
    assert_eq!(kinds(&report), [("stl_querytext", ErrorKind::Timeout)], "{:?}", failures(&report));
    world.assert_equals_truth(&clusters[0], "a", &["stl_query", "stl_scan"]).await;
    others_are_whole(&world, &clusters).await;

    clusters[0].fault(Fault::HangTable("stl_query".to_owned()));
    all_at(&world, &clusters, NOON + 20 * MINUTE);
    let report = world.export(&jobs).await;
    assert_eq!(report.exit_code(), 1);
    let failed = kinds(&report);
    assert!(failed.len() == 3 && failed.iter().all(|(_, kind)| *kind == ErrorKind::Timeout), "{:?}", failures(&report));
    assert!(failures(&report).iter().any(|f| f.contains("not tried")), "{:?}", failures(&report));
    clusters[0].clear_faults();
    all_at(&world, &clusters, NOON + 40 * MINUTE);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&clusters[0], "a", &TABLES).await;
}

/// A schedule starts the next run beside one that hangs, because it is told at once which clusters have ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f09_a_cluster_that_hangs_does_not_delay_the_next_run() {
    let mut world = World::new();
    world.settings.timeout = Duration::from_secs(4);
    let (clusters, _servers, jobs) = three(&world).await;
    clusters[0].fault(Fault::HangTable("stl_scan".to_owned()));
    let exporter = world.exporter().await;
    let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let first = tokio::spawn({
        let (exporter, jobs) = (Arc::clone(&exporter), jobs.clone());
        async move {
            let tell = |name: &str, reports: &[TableReport]| sender.send((name.to_owned(), reports.len())).unwrap();
            exporter.run_each(&jobs, EXPORT, &CancellationToken::new(), &tell).await
        }
    });
    let mut told = [ended.recv().await.unwrap(), ended.recv().await.unwrap()];
    told.sort();
    assert_eq!(told, [("b".to_owned(), 3), ("c".to_owned(), 3)]);

    clusters[1].insert("stl_query", vec![quick(11, NOON - 30 * MINUTE)]);
    assert_done(&exporter.run(&jobs[1..2], EXPORT, &CancellationToken::new()).await);
    world.assert_equals_truth(&clusters[1], "b", &TABLES).await;
    assert!(!first.is_finished(), "the first run still waits for its cluster");

    assert_eq!(kinds(&first.await.unwrap()), [("stl_scan", ErrorKind::Timeout)]);
    assert_eq!(ended.recv().await.unwrap().0, "a");
    assert!(ended.recv().await.is_none(), "each cluster is told once");
}

/// A lease that outlives its run would keep the next one from the table, and nobody would be told.
#[tokio::test]
async fn f09_a_table_that_hung_is_exported_by_the_next_run() {
    let mut world = World::new();
    world.settings.timeout = Duration::from_millis(600);
    let cluster = Cluster::empty("a", NOON);
    cluster.insert("stl_query", vec![quick(1, NOON - HOUR)]);
    let server = serve(&cluster).await;
    let jobs = [job("a", &server, &["stl_query"])];
    cluster.fault(Fault::HangTable("stl_query".to_owned()));
    assert_eq!(kinds(&world.export(&jobs).await), [("stl_query", ErrorKind::Timeout)]);
    cluster.clear_faults();
    world.at(&cluster, NOON + MINUTE);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "a", &["stl_query"]).await;
}

/// All clusters of a new lake are first seen at the same moment: none may be in the way of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f09_clusters_that_are_new_at_once_do_not_stop_each_other() {
    for _ in 0..3 {
        let world = World::new();
        let (mut servers, mut clusters, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..8 {
            let cluster = Cluster::empty(&format!("c{number}"), NOON);
            cluster.insert("stl_scan", vec![scan(number, 0, NOON - HOUR)]);
            let server = serve(&cluster).await;
            jobs.push(job(cluster.name(), &server, &["stl_scan"]));
            servers.push(server);
            clusters.push(cluster);
        }
        assert_done(&world.export(&jobs).await);
        assert_eq!(world.rows("stl_scan").await.len(), 8);
        assert_eq!(world.rows("lookback_clusters").await.len(), 8);
    }
}

/// As above, without the clusters: processes that need the same table at the same moment all get it.
#[tokio::test]
async fn f09_a_lake_table_can_be_created_by_several_at_once() {
    for _ in 0..5 {
        let world = World::new();
        let lake = world.lake().await;
        let schema = lookback_schemas::ledger::clusters_schema();
        let all = (0..16).map(|_| lake.ensure_table(CLUSTERS_TABLE, &schema));
        for table in futures::future::join_all(all).await {
            assert!(table.is_ok(), "{:?}", table.err().map(|e| e.to_string()));
        }
    }
}

#[tokio::test]
async fn f09_a_cluster_that_rotates_its_keys_is_exported_later() {
    let world = World::new();
    let (clusters, _servers, jobs) = three(&world).await;
    clusters[0].fault(Fault::RotatingKeys);
    let report = world.export(&jobs).await;
    assert_eq!(kinds(&report), [("", ErrorKind::Connect)]);
    assert!(failures(&report)[0].contains("57P03"), "{:?}", failures(&report));
    others_are_whole(&world, &clusters).await;
    clusters[0].clear_faults();
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&clusters[0], "a", &TABLES).await;
}

/// The naive tool stops at the first table that fails; here each is by itself.
#[tokio::test]
async fn f09_one_broken_table_does_not_stop_the_others() {
    let world = World::new();
    let (clusters, _servers, jobs) = three(&world).await;
    clusters[0].fault(broken("stl_querytext"));
    let report = world.export(&jobs).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(kinds(&report), [("stl_querytext", ErrorKind::Query)]);
    world.assert_equals_truth(&clusters[0], "a", &["stl_query", "stl_scan"]).await;
    others_are_whole(&world, &clusters).await;
}
