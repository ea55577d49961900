//! Query ids are numbers of one cluster in one life: they repeat.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use lookback_query::{Limits, Session};
use lookback_schemas::time::{DAY, HOUR, MINUTE};
use lookback_simulator::Cluster;

use super::assert_done;
use crate::support::rows::{plan, quick, serve, text};
use crate::support::world::{NOON, World, job, truth};

const FAMILY: [&str; 3] = ["stl_query", "stl_querytext", "stl_explain"];

/// Queries 1 to `count` with one text each that names its owner.
fn fill(cluster: &Cluster, count: i64, owner: &str, from: i64) {
    for id in 1..=count {
        let end = from + id * MINUTE;
        cluster.insert("stl_query", vec![quick(id, end).with("querytxt", owner)]);
        cluster.insert("stl_querytext", vec![text(id, 0, owner, end)]);
        cluster.insert("stl_explain", vec![plan(id, 1, end)]);
    }
}

async fn count(world: &World, sql: &str) -> i64 {
    let session = Session::open(world.lake_path().to_str().unwrap(), Limits::default()).await.unwrap();
    let batches: Vec<RecordBatch> = session.query(sql).await.unwrap().collect().await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

const JOINED: &str =
    "SELECT count(*) FROM stl_query q JOIN stl_querytext t ON q.cluster_id = t.cluster_id AND q.query = t.query";
const STRANGERS: &str = "SELECT count(*) FROM stl_query q JOIN stl_querytext t ON q.cluster_id = t.cluster_id AND q.query = t.query \
     WHERE trim(q.querytxt) <> trim(t.text)";

/// The naive tool keys rows by the cluster's name: after a restore, text of the old cluster is joined to queries of the new.
#[tokio::test]
async fn f14_a_restored_cluster_is_a_cluster_of_its_own() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    fill(&cluster, 10, "first life", NOON - HOUR);
    assert_done(&world.export(&jobs).await);
    let first: Vec<_> = FAMILY.iter().map(|table| truth(&cluster, table)).collect();

    // Restored from a snapshot at once: the new rows lie inside the overlap of the old coverage.
    cluster.new_incarnation();
    fill(&cluster, 5, "second life", NOON - 10 * MINUTE);
    world.at(&cluster, NOON + 15 * MINUTE);
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 15);
    world.assert_equals_truth(&cluster, "c@2", &FAMILY).await;
    for (table, rows) in FAMILY.iter().zip(&first) {
        assert!(world.rows_of(table, "c").await == *rows, "{table}: the first life stays as it was");
    }
    assert_eq!(count(&world, JOINED).await, 15);
    assert_eq!(count(&world, STRANGERS).await, 0);

    // A third life, with the same rows as the second to the microsecond: other rows all the same.
    cluster.new_incarnation();
    fill(&cluster, 5, "second life", NOON - 10 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 15);
    world.assert_equals_truth(&cluster, "c@3", &FAMILY).await;
    assert_eq!(world.rows("stl_query").await.len(), 20);
    assert_eq!(world.rows("lookback_clusters").await.len(), 3);
    assert_eq!(world.export(&jobs).await.rows_new(), 0);
}

/// A restore after an outage: that the old rows are gone is no gap of the new cluster.
#[tokio::test]
async fn f14_a_new_life_begins_without_the_coverage_of_the_old() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    fill(&cluster, 10, "first life", NOON - HOUR);
    assert_done(&world.export(&jobs).await);
    cluster.new_incarnation();
    world.at(&cluster, NOON + 5 * DAY);
    fill(&cluster, 10, "second life", NOON + 4 * DAY);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c@2", &FAMILY).await;
}

/// A restore in the middle of a run: no row of the new life may be kept under the old one.
#[tokio::test]
async fn f14_a_restore_during_the_run_mixes_nothing() {
    use lookback_simulator::Fault;
    let mut world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    fill(&cluster, 10, "first life", NOON - HOUR);
    assert_done(&world.export(&jobs).await);
    let first = truth(&cluster, "stl_query");
    world.at(&cluster, NOON + 15 * MINUTE);
    // The first table hangs for long enough for the restore to come while it is read.
    cluster.fault(Fault::HangTable("stl_query".to_owned()));
    world.settings.timeout = std::time::Duration::from_millis(200);
    let restore = async {
        while cluster.queries_served() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        cluster.new_incarnation();
        fill(&cluster, 5, "second life", NOON - 10 * MINUTE);
    };
    let (_, ()) = tokio::join!(world.export(&jobs), restore);
    cluster.clear_faults();
    world.settings.timeout = std::time::Duration::from_secs(30);
    // The leases of what was given up end.
    world.at(&cluster, NOON + 35 * MINUTE);
    assert_done(&world.export(&jobs).await);
    assert!(world.rows_of("stl_query", "c").await == first);
    world.assert_equals_truth(&cluster, "c@2", &FAMILY).await;
    assert_eq!(count(&world, STRANGERS).await, 0);
}

/// The naive tool's tables have no cluster in them, or its queries forget it: ids of two clusters match each other.
#[tokio::test]
async fn f15_rows_of_two_clusters_are_told_apart() {
    let world = World::new();
    let (a, b) = (Cluster::empty("a", NOON), Cluster::empty("b", NOON));
    fill(&a, 10, "of a", NOON - HOUR);
    fill(&b, 10, "of b", NOON - HOUR);
    // Equal to the microsecond and in every column: still a row of each.
    a.insert("stl_query", vec![quick(99, NOON - 5 * MINUTE)]);
    b.insert("stl_query", vec![quick(99, NOON - 5 * MINUTE)]);
    let (one, two) = (serve(&a).await, serve(&b).await);
    let jobs = [job("a", &one, &FAMILY), job("b", &two, &FAMILY)];
    for _ in 0..2 {
        assert_done(&world.export(&jobs).await);
        world.assert_equals_truth(&a, "a", &FAMILY).await;
        world.assert_equals_truth(&b, "b", &FAMILY).await;
    }
    assert_eq!(count(&world, JOINED).await, 20);
    assert_eq!(count(&world, STRANGERS).await, 0);
    assert_eq!(count(&world, "SELECT count(DISTINCT cluster_id) FROM stl_query WHERE query = 99").await, 2);
    let by_id = "SELECT count(*) FROM stl_query q JOIN stl_querytext t ON q.query = t.query";
    assert_eq!(count(&world, by_id).await, 40, "a join without the cluster does match strangers");
}
