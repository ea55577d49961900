//! Rows that were purged before anybody read them: lost, but not in silence.

use lookback_exporter::source::Window;
use lookback_exporter::{ClusterJob, Report};
use lookback_query::coverage::{Gap, coverage};
use lookback_query::{Limits, Session};
use lookback_schemas::time::{DAY, HOUR, MINUTE};
use lookback_simulator::{Cluster, Fault};

use super::{assert_done, failures, ledger};
use crate::support::rows::{late, quick, scan, serve, text};
use crate::support::world::{NOON, World, job};

const SETTLE: i64 = 2 * MINUTE;

async fn gaps(world: &World, table: &str) -> Vec<Gap> {
    let session = Session::open(world.lake_path().to_str().unwrap(), Limits::default()).await.unwrap();
    let all = coverage(&session).await.unwrap();
    all.into_iter().filter(|c| c.table == table).flat_map(|c| c.gaps).collect()
}

fn only_gap(report: &Report) -> Window {
    assert_eq!(failures(report), Vec::<String>::new());
    assert_eq!(report.exit_code(), 3);
    let gaps: Vec<Window> = report.tables.iter().filter_map(|t| t.gap).collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    gaps[0]
}

/// A cluster with a query an hour from a day before `NOON` to six days after.
fn hourly() -> Cluster {
    let cluster = Cluster::empty("c", NOON);
    cluster.insert("stl_query", (0..7 * 24).map(|id| quick(id, NOON - DAY + id * HOUR + MINUTE)).collect());
    cluster
}

async fn covered_until(world: &World, table: &str) -> i64 {
    world.exporter().await.watermark("c", table).await.unwrap().unwrap().covered_until
}

/// The naive tool goes on behind the outage as if nothing had been there.
#[tokio::test]
async fn f10_an_outage_beyond_retention_is_recorded_as_a_gap() {
    let world = World::new();
    let cluster = hourly();
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    assert_done(&world.export(&jobs).await);
    let before = world.rows("stl_query").await.len();

    let now = NOON + 5 * DAY;
    world.at(&cluster, now);
    cluster.purge_before(NOON + 3 * DAY);
    let gap = only_gap(&world.export(&jobs).await);
    // From the old coverage to where the guaranteed retention begins: no row of the day after it can be missing.
    assert_eq!(gap, Window { from: NOON - SETTLE, to: now - 2 * DAY });
    assert_eq!(gaps(&world, "stl_query").await, [Gap { from: gap.from, to: gap.to }]);
    assert_eq!(covered_until(&world, "stl_query").await, now - SETTLE);
    let recorded = ledger(&world).await;
    assert!(recorded.iter().any(|row| row["outcome"] == "gap" && row["gap_from"] == gap.from.to_string()));
    // What was not purged is there, and what was there before still is.
    assert_eq!(world.rows("stl_query").await.len(), before + 2 * 24);

    // The gap stays on record, and is not recorded again.
    world.at(&cluster, now + HOUR);
    assert_done(&world.export(&jobs).await);
    assert_eq!(gaps(&world, "stl_query").await.len(), 1);
}

/// As above, when nothing at all happened on the cluster since: an empty answer does not prove that nothing was purged.
#[tokio::test]
async fn f10_an_outage_that_ends_in_an_empty_source_is_a_gap_too() {
    let world = World::new();
    let cluster = hourly();
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    assert_done(&world.export(&jobs).await);
    world.at(&cluster, NOON + 4 * DAY);
    cluster.purge_before(NOON + 5 * DAY);
    let gap = only_gap(&world.export(&jobs).await);
    assert_eq!(gap.from, NOON - SETTLE);
    assert!(gap.to >= NOON + 2 * DAY, "{gap}");
}

/// Rows that the lake got from just before its coverage are gone: whatever was guaranteed, the source purged early.
#[tokio::test]
async fn f10_a_purge_earlier_than_guaranteed_is_noticed() {
    let world = World::new();
    let cluster = hourly();
    cluster.insert("stl_query", vec![quick(900, NOON - 10 * MINUTE)]);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    assert_done(&world.export(&jobs).await);
    world.at(&cluster, NOON + 6 * HOUR);
    cluster.purge_before(NOON + 4 * HOUR);
    let gap = only_gap(&world.export(&jobs).await);
    assert_eq!(gap, Window { from: NOON - SETTLE, to: NOON + 4 * HOUR + MINUTE });
    assert_eq!(covered_until(&world, "stl_query").await, NOON + 6 * HOUR - SETTLE);
}

#[tokio::test]
async fn f10_no_gap_where_nothing_could_be_purged() {
    let world = World::new();
    let cluster = hourly();
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    assert_done(&world.export(&jobs).await);
    // Shorter than the guaranteed two days.
    world.at(&cluster, NOON + 2 * DAY - HOUR);
    assert_done(&world.export(&jobs).await);
    // Longer, but the source still shows what is older than the coverage.
    world.at(&cluster, NOON + 5 * DAY);
    cluster.purge_before(NOON);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
    assert_eq!(gaps(&world, "stl_query").await, []);
}

/// An idle cluster, polled within its retention, has no gaps however long it stays idle.
#[tokio::test]
async fn f10_an_idle_cluster_has_no_gaps() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query", "stl_querytext", "stl_scan"])];
    cluster.insert("stl_query", vec![quick(1, NOON - HOUR)]);
    for day in 0..6 {
        world.at(&cluster, NOON + day * DAY);
        cluster.purge_before(NOON + (day - 2) * DAY);
        assert_done(&world.export(&jobs).await);
    }
    assert_eq!(gaps(&world, "stl_query").await, []);
}

/// A gap concerns the table and cluster that missed rows, and no other; children follow their own coverage.
#[tokio::test]
async fn f10_gaps_are_kept_per_table() {
    let world = World::new();
    let cluster = hourly();
    let family = ["stl_query", "stl_querytext", "stl_scan"];
    let hours = || (0..7 * 24).map(|id| (id, NOON - DAY + id * HOUR + MINUTE));
    cluster.insert("stl_querytext", hours().map(|(id, end)| text(id, 0, "select", end)).collect());
    cluster.insert("stl_scan", hours().map(|(id, end)| scan(id, 0, end)).collect());
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &family)];
    assert_done(&world.export(&jobs).await);
    // The text fails for three days; the others go on.
    cluster.fault(super::broken("stl_querytext"));
    for day in 1..=3 {
        world.at(&cluster, NOON + day * DAY);
        cluster.purge_before(NOON + (day - 2) * DAY);
        assert_eq!(world.export(&jobs).await.exit_code(), 1);
    }
    cluster.clear_faults();
    world.at(&cluster, NOON + 3 * DAY + HOUR);
    let gap = only_gap(&world.export(&jobs).await);
    // The parent's oldest row is older than what is guaranteed.
    assert_eq!(gap, Window { from: NOON - SETTLE, to: NOON + DAY + MINUTE });
    assert_eq!(gaps(&world, "stl_query").await, []);
    assert_eq!(gaps(&world, "stl_querytext").await.len(), 1);
    world.assert_equals_truth(&cluster, "c", &["stl_query", "stl_scan"]).await;
}

/// A run that finds the gap and then fails must not let coverage pass it, and the next run finds it again.
#[tokio::test]
async fn f10_a_gap_survives_a_failed_read() {
    let world = World::new();
    let cluster = hourly();
    let server = serve(&cluster).await;
    let jobs: [ClusterJob; 1] = [job("c", &server, &["stl_query"])];
    assert_done(&world.export(&jobs).await);
    world.at(&cluster, NOON + 5 * DAY);
    cluster.purge_before(NOON + 3 * DAY);
    cluster.fault(Fault::CutAfterRows { table: Some("stl_query".to_owned()), rows: 1 });
    assert_eq!(world.export(&jobs).await.exit_code(), 1);
    assert_eq!(covered_until(&world, "stl_query").await, NOON - SETTLE);
    cluster.clear_faults();
    let gap = only_gap(&world.export(&jobs).await);
    assert_eq!(gap, Window { from: NOON - SETTLE, to: NOON + 3 * DAY });
}

/// What the source had purged before it was ever read is not a hole in the record: the record begins later.
#[tokio::test]
async fn f10_rows_of_the_first_export_are_no_gap() {
    let world = World::new();
    let cluster = hourly();
    cluster.insert("stl_query", vec![late(quick(901, NOON - 3 * DAY), NOON - DAY)]);
    cluster.purge_before(NOON - 4 * DAY);
    let server = serve(&cluster).await;
    let report = world.export(&[job("c", &server, &["stl_query"])]).await;
    assert_done(&report);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}
