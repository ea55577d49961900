//! A broken cluster or table stops nothing else.

use std::sync::Arc;
use std::time::Duration;

use lookback_exporter::source::{Endpoint, RedshiftSource};
use lookback_exporter::{ClusterJob, ErrorKind};
use lookback_schemas::time::{HOUR, MINUTE};
use lookback_simulator::{Cluster, Fault, Server};

use super::{assert_done, broken, failures, kinds};
use crate::support::rows::{quick, scan, serve, text};
use crate::support::world::{NOON, World, endpoint, job, specs};

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
        let quick = Endpoint { connect_timeout: Duration::from_millis(250), ..endpoint(name, server.addr()) };
        let source = Arc::new(RedshiftSource::new(quick));
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

/// A statement that hangs is given up after the table's time; after two in a row the cluster counts as gone.
#[tokio::test]
async fn f09_tables_that_hang_are_given_up_in_time() {
    let mut world = World::new();
    world.settings.timeout = Duration::from_millis(300);
    let (clusters, _servers, jobs) = three(&world).await;
    clusters[0].fault(Fault::HangTable("stl_query".to_owned()));
    let report = world.export(&jobs).await;
    assert_eq!(kinds(&report), [("stl_query", ErrorKind::Timeout)]);
    world.assert_equals_truth(&clusters[0], "a", &["stl_scan"]).await;
    others_are_whole(&world, &clusters).await;

    clusters[0].fault(Fault::HangTable("stl_scan".to_owned()));
    clusters[0].fault(Fault::HangTable("stl_querytext".to_owned()));
    let report = world.export(&jobs).await;
    assert_eq!(report.exit_code(), 1);
    let failed = kinds(&report);
    assert!(failed.len() == 3 && failed.iter().all(|(_, kind)| *kind == ErrorKind::Timeout), "{failed:?}");
    assert!(failures(&report).iter().any(|f| f.contains("not tried")), "{:?}", failures(&report));
    clusters[0].clear_faults();
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&clusters[0], "a", &TABLES).await;
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
    clusters[0].fault(broken("stl_query"));
    let report = world.export(&jobs).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(kinds(&report), [("stl_query", ErrorKind::Query)]);
    world.assert_equals_truth(&clusters[0], "a", &["stl_querytext", "stl_scan"]).await;
    others_are_whole(&world, &clusters).await;
}
