//! The exporter's own statements are statements of the cluster.

use lookback_schemas::time::{HOUR, MINUTE};
use lookback_simulator::Cluster;

use super::assert_done;
use crate::support::rows::{quick, serve};
use crate::support::world::{NOON, World, job};

const FAMILY: [&str; 2] = ["stl_query", "stl_querytext"];

/// The naive tool fills the logs that it exports, and nothing tells its queries from those of people.
#[tokio::test]
async fn f18_own_queries_are_labelled_and_do_not_pile_up() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    cluster.insert("stl_query", vec![quick(1_000_001, NOON - 10 * MINUTE)]);
    cluster.log_own_queries(true);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    let mut new = Vec::new();
    for step in 0..12 {
        world.at(&cluster, NOON + step * 15 * MINUTE);
        let report = world.export(&jobs).await;
        assert_done(&report);
        new.push(report.rows_new());
    }
    // What one idle export leaves behind is what the next finds: the same few rows each time.
    assert!(new[2..].windows(2).all(|pair| pair[0] == pair[1]), "{new:?}");
    assert!(new[11] <= 12, "{new:?}");

    cluster.log_own_queries(false);
    world.at(&cluster, NOON + 4 * HOUR);
    assert_done(&world.export(&jobs).await);
    assert_eq!(world.export(&jobs).await.rows_new(), 0);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
    let rows = world.rows("stl_query").await;
    let (own, others): (Vec<_>, Vec<_>) = rows.iter().partition(|r| r["query"].parse::<i64>().unwrap() < 1_000_000);
    assert!(own.len() >= 24, "{}", own.len());
    assert!(own.iter().all(|r| r["label"] == "lookback"), "{own:?}");
    assert_eq!(others.len(), 1);
}

/// Failed statements and sweeps are labelled too.
#[tokio::test]
async fn f18_sweeps_and_failures_are_labelled_too() {
    use lookback_simulator::Fault;
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    cluster.log_own_queries(true);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    cluster.fault(Fault::Cancel { table: Some("stl_query".to_owned()) }.times(2));
    assert_done(&world.export(&jobs).await);
    world.at(&cluster, NOON + 13 * HOUR);
    assert_done(&world.export(&jobs).await);
    assert_done(&world.sweep(&jobs).await);
    lookback_exporter::verify::verify(&*world.exporter().await, &jobs[0]).await.unwrap();
    cluster.log_own_queries(false);
    world.at(&cluster, NOON + 14 * HOUR);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
    let rows = world.rows("stl_query").await;
    assert!(rows.iter().all(|r| r["label"] == "lookback"));
    assert_eq!(rows.iter().filter(|r| r["aborted"] == "1").count(), 2);
}
