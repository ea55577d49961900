//! Tables without a time of their own, which take it from their parent.

use lookback_exporter::run::{TableOutcome, TableReport};
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};
use lookback_simulator::{Cluster, Fault};

use super::{assert_done, broken};
use crate::support::rows::{late, plan, query, quick, serve, text};
use crate::support::world::{NOON, World, job};

const FAMILY: [&str; 3] = ["stl_query", "stl_querytext", "stl_explain"];

fn failed(tables: &[TableReport]) -> Vec<&str> {
    let failed = tables.iter().filter(|t| matches!(t.outcome, TableOutcome::Failed(_)));
    failed.map(|t| t.table.as_str()).collect()
}

/// The naive tool selects children by their parent's watermark: once the parent is exported, children that failed are behind it.
#[tokio::test]
async fn f01_children_have_their_own_watermark() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    for id in 1..=20 {
        let end = NOON - 3 * HOUR + id * MINUTE;
        cluster.insert("stl_query", vec![quick(id, end)]);
        cluster.insert("stl_querytext", vec![text(id, 0, "select 1", end), text(id, 1, "+ 2", end)]);
        cluster.insert("stl_explain", vec![plan(id, 1, end)]);
    }
    cluster.fault(broken("stl_querytext"));
    let report = world.export(&jobs).await;
    assert_eq!(failed(&report.tables), ["stl_querytext"]);
    assert_eq!(report.exit_code(), 1);
    world.assert_equals_truth(&cluster, "c", &["stl_query", "stl_explain"]).await;
    assert!(world.rows("stl_querytext").await.is_empty());
    assert!(world.exporter().await.watermark("c", "stl_querytext").await.unwrap().is_none());

    // Hours later, far beyond any overlap.
    cluster.clear_faults();
    world.at(&cluster, NOON + 6 * HOUR);
    cluster.insert("stl_query", vec![quick(21, NOON + HOUR)]);
    cluster.insert("stl_querytext", vec![text(21, 0, "select 21", NOON + HOUR)]);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
}

/// As above, for a child that fails on a later run than its first.
#[tokio::test]
async fn f01_a_child_that_fails_for_hours_catches_up() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    let add = |id: i64, end: i64| {
        cluster.insert("stl_query", vec![quick(id, end)]);
        cluster.insert("stl_querytext", vec![text(id, 0, "select 1", end)]);
        cluster.insert("stl_explain", vec![plan(id, 1, end), plan(id, 2, end)]);
    };
    add(1, NOON - HOUR);
    assert_done(&world.export(&jobs).await);
    for hour in 1..=4 {
        let now = NOON + hour * HOUR;
        add(1 + hour, now - 30 * MINUTE);
        world.at(&cluster, now);
        cluster.fault(Fault::CutAfterRows { table: Some("stl_explain".to_owned()), rows: 0 });
        let report = world.export(&jobs).await;
        assert_eq!(failed(&report.tables), ["stl_explain"]);
        cluster.clear_faults();
    }
    world.at(&cluster, NOON + 5 * HOUR);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
}

/// The naive tool exports text and plans first and the parent last, so that children of a parent that appears in between are
/// never asked for again.
#[tokio::test]
async fn f01_children_seen_before_their_parent_are_not_lost() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    // The text is there from the start; the query runs until after the first export.
    let end = NOON + 5 * MINUTE;
    cluster.insert("stl_query", vec![query(1, NOON - HOUR, end)]);
    cluster.insert("stl_querytext", vec![text(1, 0, "select 1", NOON - HOUR)]);
    cluster.insert("stl_explain", vec![plan(1, 1, NOON - HOUR)]);
    assert_done(&world.export(&jobs).await);
    assert!(world.rows("stl_querytext").await.is_empty());
    world.at(&cluster, NOON + 15 * MINUTE);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
}

/// Children that surface after their parent: inside the overlap by the next export, later by the sweep of the day.
#[tokio::test]
async fn f01_children_that_surface_after_their_parent_are_found() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    let end = NOON - 5 * MINUTE;
    cluster.insert("stl_query", vec![quick(1, end)]);
    cluster.insert(
        "stl_querytext",
        vec![
            text(1, 0, "select", end),
            late(text(1, 1, "1", end), NOON + MINUTE),
            late(text(1, 2, "+ 2", end), NOON + 4 * HOUR),
        ],
    );
    assert_done(&world.export(&jobs).await);
    world.at(&cluster, NOON + 15 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 1);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
    // Another query moves the commit, and with it the overlap, beyond the first.
    cluster.insert("stl_query", vec![quick(2, NOON + 2 * HOUR)]);
    cluster.insert("stl_querytext", vec![text(2, 0, "select 2", NOON + 2 * HOUR)]);
    world.at(&cluster, NOON + 3 * HOUR);
    assert_eq!(world.export(&jobs).await.rows_new(), 2);
    world.at(&cluster, NOON + 13 * HOUR + 5 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 0, "the last fragment is behind the overlap");
    assert_eq!(world.sweep(&jobs).await.rows_new(), 1);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
}

/// A join on the query's id gives every child once per parent row; a query with two rows in its log doubles its text.
#[tokio::test]
async fn a_parent_that_occurs_twice_does_not_double_its_children() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    // Twice in one window, twice in windows far apart, and on two days.
    let ends = [
        [NOON - 10 * MINUTE, NOON - 9 * MINUTE],
        [NOON - 8 * MINUTE, NOON + 3 * HOUR],
        [NOON - 7 * MINUTE, NOON + 14 * HOUR],
        [NOON - DAY, NOON - 6 * MINUTE],
    ];
    for (id, [first, second]) in (1..).zip(ends) {
        cluster.insert("stl_query", vec![quick(id, first), quick(id, second)]);
        cluster.insert("stl_querytext", vec![text(id, 0, "select", first), text(id, 1, "1", first)]);
        cluster.insert("stl_explain", vec![plan(id, 1, first)]);
    }
    for now in [NOON, NOON + 3 * HOUR + 5 * MINUTE, NOON + 14 * HOUR + 5 * MINUTE] {
        world.at(&cluster, now);
        assert_done(&world.export(&jobs).await);
        world.assert_equals_truth(&cluster, "c", &FAMILY).await;
    }
    for now in [NOON + 15 * HOUR, NOON + 38 * HOUR] {
        world.at(&cluster, now);
        assert_done(&world.export(&jobs).await);
        assert_eq!(world.sweep(&jobs).await.rows_new(), 0);
    }
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
}

/// A parent whose end is 2000-01-01 ("never") is placed by its start, and so must its children be.
#[tokio::test]
async fn children_of_a_parent_without_an_end_are_kept() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    let start = NOON - 10 * MINUTE;
    cluster.insert(
        "stl_query",
        vec![quick(1, start), late(query(2, start, lookback_schemas::time::Y2000), start + SECOND)],
    );
    cluster.insert("stl_querytext", vec![text(1, 0, "select 1", start), text(2, 0, "select 2", start)]);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
}
