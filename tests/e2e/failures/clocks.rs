//! Times that cannot be true, of rows and of clocks.

use std::time::Duration;

use lookback_exporter::ErrorKind;
use lookback_exporter::verify::verify;
use lookback_schemas::time::{DAY, HOUR, MINUTE, Y2000};
use lookback_simulator::Cluster;

use super::{assert_done, kinds};
use crate::support::rows::{query, quick, serve, text};
use crate::support::world::{NOON, RowText, World, job, truth};

/// 2099-01-01.
const FAR: i64 = 47_117 * DAY;

async fn covered_until(world: &World) -> i64 {
    world.exporter().await.watermark("c", "stl_query").await.unwrap().unwrap().covered_until
}

fn without(rows: Vec<RowText>, query: &str) -> Vec<RowText> {
    rows.into_iter().filter(|r| r["query"] != query).collect()
}

/// The naive tool's watermark becomes the greatest time that it has seen: one row of 2099 and nothing is exported any more.
#[tokio::test]
async fn f19_a_row_dated_2099_does_not_move_coverage() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    let mut bogus = query(777, NOON - HOUR, FAR);
    bogus.visible_at = NOON - HOUR;
    cluster.insert("stl_query", vec![bogus, quick(1, NOON - HOUR)]);
    assert_done(&world.export(&jobs).await);
    assert_eq!(covered_until(&world).await, NOON - 2 * MINUTE);
    for step in 1..=3 {
        let now = NOON + step * HOUR;
        cluster.insert("stl_query", vec![quick(1 + step, now - 10 * MINUTE)]);
        world.at(&cluster, now);
        let report = world.export(&jobs).await;
        assert_done(&report);
        assert_eq!(report.rows_new(), 1);
        assert_eq!(covered_until(&world).await, now - 2 * MINUTE);
    }
    assert!(world.rows_of("stl_query", "c").await == without(truth(&cluster, "stl_query"), "777"));
    let found = verify(&*world.exporter().await, &jobs[0]).await.unwrap();
    assert_eq!((found[0].missing, found[0].unplaced.in_the_future), (0, 1));
}

/// The mirror image: one row of 2003 must not make the first export read twenty years day by day.
#[tokio::test]
async fn f19_a_row_dated_2003_does_not_stall_the_first_export() {
    let mut world = World::new();
    world.settings.timeout = Duration::from_secs(3);
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    let mut bogus = query(777, Y2000 + 3 * 365 * DAY, Y2000 + 3 * 365 * DAY);
    bogus.visible_at = NOON - HOUR;
    cluster.insert("stl_query", vec![bogus, quick(1, NOON - HOUR), quick(2, NOON - 3 * DAY)]);
    let before = cluster.queries_served();
    assert_done(&world.export(&jobs).await);
    assert!(cluster.queries_served() - before < 100, "{} statements", cluster.queries_served() - before);
    assert_eq!(covered_until(&world).await, NOON - 2 * MINUTE);
    let rows = world.rows_of("stl_query", "c").await;
    assert!(without(rows, "777") == without(truth(&cluster, "stl_query"), "777"));
}

/// Rows dated later than now are read once their time has come.
#[tokio::test]
async fn f19_rows_dated_a_little_ahead_arrive_when_their_time_has_come() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    let mut ahead = quick(1, NOON + 20 * MINUTE);
    ahead.visible_at = NOON - MINUTE;
    cluster.insert("stl_query", vec![ahead]);
    assert_eq!(world.export(&jobs).await.rows_new(), 0);
    let found = verify(&*world.exporter().await, &jobs[0]).await.unwrap();
    assert_eq!(found[0].unplaced.in_the_future, 1);
    world.at(&cluster, NOON + 30 * MINUTE);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// Children of a query of 2099 stay out with it, and nothing else does.
#[tokio::test]
async fn f19_children_of_a_row_dated_2099_do_not_disturb_others() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query", "stl_querytext"])];
    let mut bogus = query(777, NOON - HOUR, FAR);
    bogus.visible_at = NOON - HOUR;
    cluster.insert("stl_query", vec![bogus, quick(1, NOON - HOUR)]);
    cluster.insert("stl_querytext", vec![text(777, 0, "bogus", NOON - HOUR), text(1, 0, "select", NOON - HOUR)]);
    assert_done(&world.export(&jobs).await);
    assert!(world.rows_of("stl_querytext", "c").await == without(truth(&cluster, "stl_querytext"), "777"));
}

/// I4: coverage rests on the server's clock, so a clock that is far from this machine's is not believed.
#[tokio::test]
async fn a_clock_far_ahead_or_behind_is_refused_without_moving_coverage() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    cluster.insert("stl_query", vec![quick(1, NOON - HOUR), quick(2, NOON + 10 * MINUTE)]);
    assert_done(&world.export(&jobs).await);
    let covered = covered_until(&world).await;
    for (here, there) in [(NOON, NOON + 3 * DAY), (NOON + 3 * DAY, NOON), (NOON, NOON + 16 * MINUTE)] {
        world.clock.set(here);
        cluster.set_now(there);
        assert_eq!(kinds(&world.export(&jobs).await), [("", ErrorKind::Clock)]);
        assert_eq!(kinds(&world.sweep(&jobs).await), [("", ErrorKind::Clock)]);
        assert_eq!(covered_until(&world).await, covered);
    }
    assert_eq!(world.rows("stl_query").await.len(), 1);
    // A few minutes are usual.
    world.clock.set(NOON + 20 * MINUTE);
    cluster.set_now(NOON + 30 * MINUTE);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// I4: both clocks jump back behind what is covered. Nothing is read, nothing moves, and it heals by itself.
#[tokio::test]
async fn a_clock_behind_coverage_is_refused_without_moving_coverage() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    cluster.insert("stl_query", vec![quick(1, NOON - 2 * DAY), quick(2, NOON - HOUR), quick(3, NOON + HOUR)]);
    assert_done(&world.export(&jobs).await);
    let covered = covered_until(&world).await;
    world.at(&cluster, NOON - DAY);
    let report = world.export(&jobs).await;
    assert_eq!(kinds(&report), [("stl_query", ErrorKind::Clock)]);
    assert_eq!(report.exit_code(), 1);
    assert_eq!(covered_until(&world).await, covered);
    world.at(&cluster, NOON + 2 * HOUR);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}
