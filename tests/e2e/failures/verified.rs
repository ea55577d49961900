//! The recount: what it finds when something is missing, and that it finds nothing when nothing is.

use lookback_exporter::verify::{VerifyReport, verify};
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND, day_of};
use lookback_simulator::{Cluster, Row};

use super::assert_done;
use crate::support::rows::{late, plan, query, quick, scan, serve, text};
use crate::support::world::{NOON, World, job};
use lookback_exporter::ClusterJob;

const TABLES: [&str; 4] = ["stl_query", "stl_querytext", "stl_explain", "stl_scan"];

async fn recount(world: &World, job: &ClusterJob) -> Vec<VerifyReport> {
    let mut reports = verify(&*world.exporter().await, job).await.unwrap();
    reports.sort_by(|a, b| a.table.cmp(&b.table));
    reports
}

fn missing(reports: &[VerifyReport]) -> u64 {
    reports.iter().map(|r| r.missing).sum()
}

#[tokio::test]
async fn verify_finds_what_is_missing_until_it_is_swept() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &TABLES)];
    for id in 1..=20 {
        let end = NOON - DAY + id * HOUR;
        cluster.insert("stl_query", vec![quick(id, end), quick(id, end)]);
        cluster.insert("stl_querytext", vec![text(id, 0, "select 1", end)]);
        cluster.insert("stl_explain", vec![plan(id, 1, end)]);
        cluster.insert("stl_scan", vec![scan(id, 0, end), scan(id, 0, end)]);
    }
    assert_done(&world.export(&jobs).await);
    let reports = recount(&world, &jobs[0]).await;
    assert_eq!(missing(&reports), 0);
    let shown: Vec<(&str, u64)> = reports.iter().map(|r| (r.table.as_str(), r.source_rows)).collect();
    assert_eq!(shown, [("stl_explain", 20), ("stl_query", 40), ("stl_querytext", 20), ("stl_scan", 40)]);
    assert_eq!(reports.iter().map(|r| r.only_in_lake).sum::<u64>(), 0);

    // Three that are behind the overlap before anybody sees them: one of them a third of two that are equal.
    let end = NOON - 4 * HOUR;
    cluster.insert("stl_scan", vec![late(scan(20, 0, end), NOON + HOUR)]);
    cluster.insert("stl_query", vec![late(query(50, end - SECOND, end), NOON + HOUR)]);
    cluster.insert("stl_explain", vec![late(plan(20, 2, end), NOON + HOUR)]);
    world.at(&cluster, NOON + 2 * HOUR);
    let report = world.export(&jobs).await;
    assert_done(&report);
    let reports = recount(&world, &jobs[0]).await;
    assert_eq!(missing(&reports), 3, "{reports:?}");
    let of = |table: &str| reports.iter().find(|r| r.table == table).unwrap();
    assert_eq!(of("stl_query").missing_by_day, [(day_of(end), 1)]);
    assert_eq!(of("stl_scan").missing, 1);
    assert_eq!(of("stl_querytext").missing, 0);

    world.at(&cluster, NOON + 13 * HOUR);
    assert_done(&world.export(&jobs).await);
    assert_eq!(world.sweep(&jobs).await.rows_new(), 3);
    assert_eq!(missing(&recount(&world, &jobs[0]).await), 0);
    world.assert_equals_truth(&cluster, "c", &TABLES).await;
}

#[tokio::test]
async fn verify_counts_what_the_source_has_purged() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    cluster.insert("stl_query", (0..10).map(|id| quick(id, NOON - HOUR + id * MINUTE)).collect());
    assert_done(&world.export(&jobs).await);
    cluster.purge_before(NOON - HOUR + 4 * MINUTE);
    let reports = recount(&world, &jobs[0]).await;
    assert_eq!((reports[0].missing, reports[0].source_rows), (0, 6));
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// Rows that no window can contain are not lost in silence: they are counted.
#[tokio::test]
async fn verify_counts_rows_without_a_time_or_a_parent() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_alert_event_log", "stl_querytext", "stl_query"])];
    let end = NOON - 10 * MINUTE;
    cluster.insert("stl_alert_event_log", vec![Row::new(end).with("query", 1)]);
    cluster.insert("stl_query", vec![quick(1, end), Row::new(end).with("query", 2)]);
    cluster.insert("stl_querytext", vec![text(1, 0, "a", end), text(9, 0, "orphan", end)]);
    assert_done(&world.export(&jobs).await);
    let reports = recount(&world, &jobs[0]).await;
    let mut without: Vec<(&str, u64)> = reports.iter().map(|r| (r.table.as_str(), r.unplaced.without_time)).collect();
    without.sort_unstable();
    assert_eq!(without, [("stl_alert_event_log", 1), ("stl_query", 1), ("stl_querytext", 1)]);
    assert_eq!(missing(&reports), 0);
}
