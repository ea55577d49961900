//! Columns that come, go and change while the archive grows.

use lookback_exporter::verify::verify;
use lookback_exporter::{ErrorKind, Report};
use lookback_schemas::registry;
use lookback_schemas::time::{HOUR, MINUTE};
use lookback_simulator::Cluster;
use tokio_util::sync::CancellationToken;

use super::{assert_done, failures, kinds};
use crate::support::rows::{plan, quick, scan, serve, text};
use crate::support::world::{NOON, World, job};

const FAMILY: [&str; 3] = ["stl_query", "stl_explain", "stl_scan"];

/// A query with its plan and a scan.
fn add(cluster: &Cluster, id: i64, end: i64) {
    cluster.insert("stl_query", vec![quick(id, end)]);
    cluster.insert("stl_explain", vec![plan(id, 1, end)]);
    cluster.insert("stl_scan", vec![scan(id, 0, end)]);
}

fn added(report: &Report, table: &str) -> Vec<String> {
    report.tables.iter().filter(|t| t.table == table).flat_map(|t| t.added_columns.clone()).collect()
}

/// The naive tool has a fixed list of columns, or files with different columns in one partition; a tool that hashes whole rows
/// takes every row inside the overlap for a new one.
#[tokio::test]
async fn f13_a_column_that_is_added_doubles_no_row() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    (1..=10).for_each(|id| add(&cluster, id, NOON - 20 * MINUTE + id * MINUTE));
    assert_done(&world.export(&jobs).await);

    cluster.add_column("stl_query", "query_hash", "character varying(40)");
    cluster.add_column("stl_explain", "cost", "double precision");
    cluster.add_column("stl_scan", "seen_at", "timestamp");
    let end = NOON + MINUTE;
    cluster.insert("stl_query", vec![quick(20, end).with("query_hash", "abc")]);
    cluster.insert("stl_explain", vec![plan(20, 1, end).with("cost", 1.5)]);
    cluster.insert("stl_scan", vec![scan(20, 0, end).at("seen_at", end + 7)]);
    world.at(&cluster, NOON + 10 * MINUTE);
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 3);
    assert_eq!(added(&report, "stl_query"), ["query_hash"]);
    assert_eq!(added(&report, "stl_explain"), ["cost"]);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
    let rows = world.rows("stl_query").await;
    let hashes: Vec<&str> = rows.iter().filter_map(|r| r.get("query_hash")).map(String::as_str).collect();
    assert_eq!(hashes, ["abc"]);

    // Rows that differ in nothing but the new column are different rows.
    let twin = |hash: &str| quick(30, NOON + 5 * MINUTE).with("query_hash", hash);
    cluster.insert("stl_query", vec![twin("x"), twin("y"), twin("y")]);
    for step in 0..3 {
        world.at(&cluster, NOON + (12 + 5 * step) * MINUTE);
        assert_eq!(world.export(&jobs).await.rows_new(), if step == 0 { 3 } else { 0 });
    }
    world.at(&cluster, NOON + 13 * HOUR);
    assert_done(&world.export(&jobs).await);
    assert_eq!(world.sweep(&jobs).await.rows_new(), 0);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
    assert_eq!(verify(&*world.exporter().await, &jobs[0]).await.unwrap()[0].missing, 0);
}

#[tokio::test]
async fn f13_a_column_that_is_dropped_doubles_no_row() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    (1..=10).for_each(|id| add(&cluster, id, NOON - 20 * MINUTE + id * MINUTE));
    assert_done(&world.export(&jobs).await);
    let before = world.rows("stl_query").await;

    cluster.drop_column("stl_query", "insert_pristine");
    cluster.drop_column("stl_explain", "info");
    // The time that stands in for a missing end.
    cluster.drop_column("stl_scan", "starttime");
    let end = NOON + MINUTE;
    cluster.insert(
        "stl_query",
        vec![
            lookback_simulator::Row::new(end)
                .with("query", 11)
                .with("userid", 1)
                .at("starttime", end)
                .at("endtime", end),
        ],
    );
    world.at(&cluster, NOON + 10 * MINUTE);
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 1);
    let after = world.rows("stl_query").await;
    // What is kept keeps the column.
    assert!(before.iter().all(|row| row.contains_key("insert_pristine") && after.contains(row)));
    assert_eq!(after.len(), 11);
    assert_eq!(world.rows("stl_scan").await.len(), 10);
}

/// Compaction brings files of different columns together, and must not change which row is which.
#[tokio::test]
async fn f13_compacted_days_of_two_column_lists_stay_the_same_rows() {
    use lookback_exporter::maintain::{compact, vacuum};
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    for step in 0..4 {
        let now = NOON + step * HOUR;
        if step == 2 {
            cluster.add_column("stl_scan", "shard", "bigint");
            cluster.drop_column("stl_explain", "query_uuid");
        }
        (1..=3).for_each(|id| add(&cluster, 10 * step + id, now - 20 * MINUTE));
        cluster.insert("stl_scan", vec![scan(10 * step + 1, 0, now - 20 * MINUTE)]);
        world.at(&cluster, now);
        assert_done(&world.export(&jobs).await);
    }
    for hours in [14, 38] {
        world.at(&cluster, NOON + hours * HOUR);
        assert_done(&world.export(&jobs).await);
        assert_done(&world.sweep(&jobs).await);
    }
    let exporter = world.exporter().await;
    let report = compact(&exporter, &jobs[0].tables, &CancellationToken::new()).await.unwrap();
    assert_eq!((report.days, report.rows, report.failures.len()), (3, 40, 0));
    // stl_scan and stl_explain have one file for each list of columns.
    assert_eq!((report.files_before, report.files_after), (12, 5));
    vacuum(&exporter, 0).await.unwrap();
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
    // The source is read again from its oldest row, and every row of it is found.
    let found = verify(&exporter, &jobs[0]).await.unwrap();
    assert_eq!(found.iter().map(|r| (r.source_rows, r.missing)).collect::<Vec<_>>(), [(12, 0), (12, 0), (16, 0)]);
}

/// A type that no longer fits stops that table, and nothing that is kept is touched.
#[tokio::test]
async fn f13_a_changed_type_stops_only_that_table() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    add(&cluster, 1, NOON - 10 * MINUTE);
    assert_done(&world.export(&jobs).await);
    let before = world.exporter().await.watermark("c", "stl_query").await.unwrap();
    cluster.change_type("stl_query", "aborted", "character varying(8)");
    cluster.insert("stl_explain", vec![plan(1, 2, NOON + MINUTE)]);
    cluster.insert("stl_scan", vec![scan(1, 1, NOON + MINUTE)]);
    world.at(&cluster, NOON + 10 * MINUTE);
    let report = world.export(&jobs).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(kinds(&report), [("stl_query", ErrorKind::Schema)]);
    let said = &failures(&report)[0];
    assert!(said.contains("stl_query.aborted") && said.contains("cluster 'c'"), "{said}");
    assert_eq!(world.exporter().await.watermark("c", "stl_query").await.unwrap(), before);
    world.assert_equals_truth(&cluster, "c", &["stl_explain", "stl_scan"]).await;
    assert_eq!(world.rows("stl_query").await.len(), 1);
}

/// `stl_query.label` went from 30 to 320 characters; identifiers went from integer to bigint. Values stay what they are.
#[tokio::test]
async fn f13_a_column_that_widens_doubles_no_row() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &FAMILY)];
    cluster.change_type("stl_query", "label", "character(30)");
    (1..=10).for_each(|id| add(&cluster, id, NOON - 20 * MINUTE + id * MINUTE));
    assert_done(&world.export(&jobs).await);
    cluster.change_type("stl_query", "label", "character(320)");
    cluster.change_type("stl_query", "query", "bigint");
    cluster.change_type("stl_explain", "query", "bigint");
    cluster.change_type("stl_scan", "slice", "smallint");
    let end = NOON + MINUTE;
    let id = 9_000_000_000_i64;
    let long = "label ".repeat(40);
    cluster.insert("stl_query", vec![quick(11, end).with("query", id).with("label", long.as_str())]);
    cluster.insert("stl_explain", vec![plan(11, 1, end).with("query", id)]);
    world.at(&cluster, NOON + 10 * MINUTE);
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 2);
    world.assert_equals_truth(&cluster, "c", &FAMILY).await;
}

/// A cluster without one of the tables (a patch that has not arrived, Serverless) exports the others.
#[tokio::test]
async fn f13_a_cursor_that_disappears_stops_only_that_table() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query", "stl_scan"])];
    add(&cluster, 1, NOON - 10 * MINUTE);
    cluster.drop_column("stl_query", "endtime");
    let report = world.export(&jobs).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(report.failures().map(|(t, _)| t.table.as_str()).collect::<Vec<_>>(), ["stl_query"]);
    assert!(failures(&report)[0].contains("endtime"), "{:?}", failures(&report));
    world.assert_equals_truth(&cluster, "c", &["stl_scan"]).await;
    assert!(world.exporter().await.watermark("c", "stl_query").await.unwrap().is_none());
}

/// Two clusters of different patch levels share one lake table.
#[tokio::test]
async fn f13_clusters_with_different_columns_share_a_table() {
    let world = World::new();
    let (old, new) = (Cluster::empty("old", NOON), Cluster::empty("new", NOON));
    for column in ["user_query_id", "child_query_sequence", "query_uuid"] {
        old.drop_column("stl_explain", column);
        old.drop_column("stl_querytext", column);
    }
    new.add_column("stl_querytext", "from_the_future", "bigint");
    for cluster in [&old, &new] {
        let end = NOON - 10 * MINUTE;
        cluster.insert("stl_query", vec![quick(1, end)]);
        cluster.insert("stl_querytext", vec![text(1, 0, "select 1", end)]);
        cluster.insert("stl_explain", vec![plan(1, 1, end)]);
    }
    let uuid = "7d4ad74e-0000-4000-8000-000000000001";
    let newer = text(2, 0, "select 2", NOON - 9 * MINUTE).with("query_uuid", uuid).with("from_the_future", 5);
    new.insert("stl_query", vec![quick(2, NOON - 9 * MINUTE)]);
    new.insert("stl_querytext", vec![newer]);
    let (one, two) = (serve(&old).await, serve(&new).await);
    let tables = ["stl_query", "stl_querytext", "stl_explain"];
    let jobs = [job("old", &one, &tables), job("new", &two, &tables)];
    for step in 0..2 {
        world.at(&old, NOON + step * MINUTE);
        new.set_now(NOON + step * MINUTE);
        let report = world.export(&jobs).await;
        assert_done(&report);
        assert_eq!(report.rows_new(), if step == 0 { 8 } else { 0 });
        world.assert_equals_truth(&old, "old", &tables).await;
        world.assert_equals_truth(&new, "new", &tables).await;
    }
}

/// A patch reaches a whole fleet in one night: all clusters want the same new column at the same moment.
#[tokio::test]
async fn f13_clusters_that_gain_a_column_at_once_do_not_stop_each_other() {
    let world = World::new();
    let (mut clusters, mut servers, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..6 {
        let cluster = Cluster::empty(&format!("c{number}"), NOON);
        cluster.insert("stl_scan", vec![scan(1, 0, NOON - 10 * MINUTE)]);
        let server = serve(&cluster).await;
        jobs.push(job(cluster.name(), &server, &["stl_scan"]));
        servers.push(server);
        clusters.push(cluster);
    }
    // One after the other, so that nothing but the column is new below.
    for one in &jobs {
        assert_done(&world.export(std::slice::from_ref(one)).await);
    }
    for (number, cluster) in (0_i64..).zip(&clusters) {
        cluster.add_column("stl_scan", "shard", "bigint");
        // One of them is a patch ahead.
        if number == 3 {
            cluster.add_column("stl_scan", "shard_name", "character(32)");
        }
        cluster.insert("stl_scan", vec![scan(2, 0, NOON + MINUTE).with("shard", number)]);
        world.at(cluster, NOON + 10 * MINUTE);
    }
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 6);
    for cluster in &clusters {
        world.assert_equals_truth(cluster, cluster.name(), &["stl_scan"]).await;
    }
}

/// The naive tool keeps every intermediate version of a row that changes while its query runs. Such tables are refused until
/// they can be kept as final states.
#[test]
fn f20_tables_whose_rows_change_are_refused() {
    for table in ["sys_query_history", "SYS_QUERY_HISTORY"] {
        let error = registry().select(&["core", table]).unwrap_err().to_string();
        for word in ["sys_query_history", "cannot be exported", "final", "SYS"] {
            assert!(error.contains(word), "{error}");
        }
    }
    assert!(registry().select(&["all"]).unwrap().iter().all(|t| t.family == "STL"));
}
