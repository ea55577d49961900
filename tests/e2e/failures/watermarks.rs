//! What a single watermark over the wrong time column loses.

use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};
use lookback_simulator::{Cluster, Row};

use super::assert_done;
use crate::support::rows::{alert, late, query, quick, scan, serve};
use crate::support::world::{NOON, World, job};

/// The naive tool's watermark is `max(queue_end_time)`: what left the queue before it and ended after it is never read.
#[tokio::test]
async fn f02_queue_end_time_as_watermark_loses_long_queries() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_wlm_query"])];
    let wlm = |id: i64, queue_end: i64, end: i64| {
        Row::new(end)
            .with("userid", 100)
            .with("query", id)
            .with("service_class", 6)
            .at("service_class_start_time", queue_end - MINUTE)
            .at("queue_start_time", queue_end - MINUTE)
            .at("queue_end_time", queue_end)
            .at("exec_start_time", queue_end)
            .at("exec_end_time", end)
            .at("service_class_end_time", end)
            .with("final_state", "Completed")
    };
    cluster.insert(
        "stl_wlm_query",
        vec![
            wlm(1, NOON - 5 * HOUR, NOON + HOUR),
            wlm(2, NOON - 10 * MINUTE, NOON - 5 * MINUTE),
            wlm(3, NOON - 20 * MINUTE, NOON + 5 * HOUR),
        ],
    );
    assert_eq!(world.export(&jobs).await.rows_new(), 1);
    for hours in [1, 3, 5] {
        world.at(&cluster, NOON + hours * HOUR + 3 * MINUTE);
        assert_done(&world.export(&jobs).await);
        world.assert_equals_truth(&cluster, "c", &["stl_wlm_query"]).await;
    }
    assert_eq!(world.rows("stl_wlm_query").await.len(), 3);
}

/// The naive tool takes the greatest time it has seen for complete: rows that other nodes write late lie behind it.
#[tokio::test]
async fn f03_rows_that_surface_late_inside_the_overlap_are_found() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query", "stl_scan", "stl_alert_event_log"])];
    cluster.insert(
        "stl_query",
        vec![
            quick(1, NOON - 3 * MINUTE),
            late(quick(2, NOON - 10 * MINUTE), NOON + MINUTE),
            late(quick(3, NOON - 2 * MINUTE - 1), NOON + MINUTE),
            // The first microsecond of the overlap.
            late(quick(4, NOON - 32 * MINUTE), NOON + MINUTE),
        ],
    );
    cluster.insert(
        "stl_scan",
        vec![scan(1, 0, NOON - 3 * MINUTE), late(scan(1, 1, NOON - 4 * MINUTE), NOON + 2 * MINUTE)],
    );
    // Its only time is a start: the overlap is two hours.
    cluster.insert(
        "stl_alert_event_log",
        vec![alert(1, NOON - 3 * MINUTE), late(alert(2, NOON - 110 * MINUTE), NOON + 5 * MINUTE)],
    );
    assert_eq!(world.export(&jobs).await.rows_new(), 3);
    world.at(&cluster, NOON + 15 * MINUTE);
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 5);
    world.assert_equals_truth(&cluster, "c", &["stl_query", "stl_scan", "stl_alert_event_log"]).await;
}

/// As above, later than any overlap: the sweeps of the day find them, the first at D+1, the second at D+2.
#[tokio::test]
async fn f03_rows_that_surface_later_than_the_overlap_are_found_by_the_sweeps() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    let midnight = NOON + 12 * HOUR;
    cluster.insert(
        "stl_query",
        vec![
            quick(1, NOON - HOUR),
            late(quick(2, NOON - 2 * HOUR), NOON + 3 * HOUR),
            late(quick(3, NOON - 3 * HOUR), midnight + 2 * HOUR),
            late(quick(4, midnight - 1), midnight + 50 * MINUTE),
            quick(5, midnight),
        ],
    );
    assert_done(&world.export(&jobs).await);
    world.at(&cluster, NOON + 6 * HOUR);
    assert_eq!(world.export(&jobs).await.rows_new(), 0, "the late row is behind the overlap");
    assert_eq!(world.sweep(&jobs).await.rows_new(), 0, "no sweep is due");

    world.at(&cluster, midnight + HOUR);
    assert_done(&world.export(&jobs).await);
    let report = world.sweep(&jobs).await;
    assert_done(&report);
    assert!(report.rows_new() >= 1);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
    assert_eq!(world.sweep(&jobs).await.tables.len(), 0, "each sweep runs once");

    world.at(&cluster, midnight + DAY + HOUR);
    assert_done(&world.export(&jobs).await);
    assert_eq!(world.sweep(&jobs).await.rows_new(), 1);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
    assert_eq!(world.rows("stl_query").await.len(), 5);
}

/// With no overlap at all, the sweeps alone make the record complete.
#[tokio::test]
async fn f03_completeness_does_not_hang_on_the_overlap() {
    let mut world = World::new();
    world.settings.overlap = std::time::Duration::ZERO;
    world.settings.start_overlap = std::time::Duration::ZERO;
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    for id in 1..=40 {
        let end = NOON - 2 * HOUR + id * 3 * MINUTE;
        cluster.insert("stl_query", vec![late(quick(id, end), end + (id % 5) * 7 * MINUTE)]);
    }
    for step in 0..4 {
        world.at(&cluster, NOON + step * 15 * MINUTE);
        assert_done(&world.export(&jobs).await);
    }
    assert!(world.rows("stl_query").await.len() < 40, "without an overlap the exports miss some");
    world.at(&cluster, NOON + 13 * HOUR);
    assert_done(&world.export(&jobs).await);
    assert_done(&world.sweep(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// I3 holds from the first export on: a row of the day before that surfaces after it is found by that day's final sweep.
#[tokio::test]
async fn f03_sweeps_reach_the_day_before_the_first_export() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query", "stl_scan"])];
    let yesterday = NOON - 14 * HOUR;
    cluster.insert("stl_query", vec![quick(1, NOON - HOUR), late(quick(2, yesterday), NOON + HOUR)]);
    // This table is empty at the first export.
    cluster.insert("stl_scan", vec![late(scan(2, 0, yesterday), NOON + HOUR)]);
    assert_done(&world.export(&jobs).await);
    world.at(&cluster, NOON + 13 * HOUR);
    assert_done(&world.export(&jobs).await);
    assert_done(&world.sweep(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query", "stl_scan"]).await;
}

/// The naive tool's watermark is the greatest start: a query that runs at export time has an older start when it appears.
#[tokio::test]
async fn f04_start_time_watermark_loses_running_queries() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    cluster.insert(
        "stl_query",
        vec![
            query(1, NOON - 10 * HOUR, NOON + 30 * MINUTE),
            query(2, NOON - 30 * HOUR, NOON + 20 * HOUR),
            quick(3, NOON - 5 * MINUTE),
            quick(4, NOON + 20 * MINUTE),
        ],
    );
    assert_eq!(world.export(&jobs).await.rows_new(), 1);
    for now in [NOON + 35 * MINUTE, NOON + 10 * HOUR, NOON + 20 * HOUR + 5 * MINUTE] {
        world.at(&cluster, now);
        assert_done(&world.export(&jobs).await);
        world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
    }
    assert_eq!(world.rows("stl_query").await.len(), 4);
}

/// The naive tool asks for `> max(endtime)`: of rows with the same microsecond only those seen first are kept.
#[tokio::test]
async fn f05_rows_of_the_same_microsecond_arrive_in_different_exports() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    // The last covered microsecond of the first export, the first uncovered one, and its neighbour.
    let edge = NOON - 2 * MINUTE;
    let mut id = 0;
    for time in [edge - 1, edge, edge + 1] {
        for visible in [NOON - SECOND, NOON + 5 * MINUTE, NOON + 16 * MINUTE] {
            id += 1;
            cluster.insert("stl_query", vec![late(quick(id, time), visible)]);
        }
    }
    assert_eq!(world.export(&jobs).await.rows_new(), 1);
    world.at(&cluster, NOON + 10 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 5);
    world.at(&cluster, NOON + 20 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 3);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// The naive tool cuts its watermark to milliseconds: the last row is above it on every run and is kept again each time.
#[tokio::test]
async fn f06_microseconds_survive_and_nothing_is_exported_again() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    let ends = [NOON - HOUR + 1, NOON - HOUR + 999_999, NOON - 5 * MINUTE + 123_456];
    for (id, end) in (1..).zip(ends) {
        cluster.insert("stl_query", vec![query(id, end - 7, end)]);
    }
    assert_eq!(world.export(&jobs).await.rows_new(), 3);
    for round in 0..5 {
        world.at(&cluster, NOON + round * 5 * MINUTE);
        let report = world.export(&jobs).await;
        assert_done(&report);
        assert_eq!(report.rows_new(), 0);
    }
    let mut times: Vec<i64> = world.rows("stl_query").await.iter().map(|r| r["endtime"].parse().unwrap()).collect();
    times.sort_unstable();
    assert_eq!(times, ends);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}
