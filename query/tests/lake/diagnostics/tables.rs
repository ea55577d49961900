//! Questions about tables: alerts, scans, skew, spills, upkeep.

use serde_json::{Value, json};

use super::table;
use crate::support::{TestLake, query};

const DAY: &str = "2026-01-07";

/// A step of a query on one slice, from 10:00:00 on.
fn step(query: i64, slice: i64, segment: i64, seconds: i64, rows: i64) -> Value {
    json!({"userid": 101, "query": query, "slice": slice, "segment": segment, "step": 0, "tasknum": 1, "rows": rows,
        "starttime": format!("{DAY} 10:00:00"), "endtime": format!("{DAY} 10:00:{seconds:02}"), "bytes": rows * 1024})
}

fn scan(query: i64, slice: i64, seconds: i64, rows: i64, read: i64, table: (i64, &str), ranged: &str) -> Value {
    let mut row = step(query, slice, 0, seconds, rows);
    (row["tbl"], row["perm_table_name"], row["is_rrscan"]) = (json!(table.0), json!(table.1), json!(ranged));
    row["rows_pre_filter"] = json!(read);
    row
}

/// Queries 11 and 12 on etl: scans of `sales` (skewed, wasteful) and `items`, a nested loop, a spill, moved rows, alerts.
pub async fn work(lake: &TestLake) {
    let rows = json!([
        query(11, &format!("{DAY} 09:59:00"), &format!("{DAY} 10:01:00"), "select * from sales, items"),
        query(12, &format!("{DAY} 09:59:00"), &format!("{DAY} 10:02:00"), "select i from items"),
    ]);
    lake.add("stl_query", "etl", DAY, &[], rows).await;
    let rows = json!([
        scan(11, 0, 40, 900_000, 4_000_000, (501, "sales"), "f"),
        scan(11, 1, 10, 50_000, 4_000_000, (501, "sales"), "t"),
        scan(11, 2, 10, 50_000, 2_000_000, (501, "sales"), "f"),
        scan(11, 3, 10, 0, 0, (501, "sales"), "f"),
        scan(12, 0, 5, 500_000, 500_000, (502, "items"), "f"),
        scan(12, 1, 5, 500_000, 500_000, (502, "items"), "f"),
        scan(12, 0, 5, 7, 0, (-5, "Internal Worktable"), "f"),
    ]);
    lake.add("stl_scan", "etl", DAY, &[], rows).await;
    let mut spill = step(11, 0, 1, 20, 3_072);
    spill["is_diskbased"] = json!("t");
    lake.add("stl_aggr", "etl", DAY, &[], json!([spill])).await;
    lake.add("stl_nestloop", "etl", DAY, &[], json!([step(11, 0, 2, 15, 600), step(11, 1, 2, 30, 400)])).await;
    lake.add("stl_bcast", "etl", DAY, &[], json!([step(11, 0, 3, 5, 2_048)])).await;
    lake.add("stl_dist", "etl", DAY, &[], json!([step(12, 0, 1, 5, 1_024), step(12, 1, 1, 5, 1_024)])).await;
    let alert = |query: i64, slice: i64, segment: i64, at: &str, event: &str| {
        json!({"userid": 101, "query": query, "slice": slice, "segment": segment, "step": 0, "pid": 1, "xid": 1, "event": event,
            "solution": "Do something about it", "event_time": format!("{DAY} {at}")})
    };
    let (selective, nested) = ("Very selective query filter:ratio=0.01", "Nested Loop Join in the query plan:plan");
    let rows = json!([
        alert(11, 0, 0, "10:00:10", selective),
        alert(11, 1, 0, "10:00:11", selective),
        alert(11, 0, 2, "10:00:12", nested),
        alert(12, 0, 0, "11:00:00", "Scanned a large number of deleted rows:n=5"),
        alert(12, 0, 1, "11:00:01", "Distributed a large number of rows across the network:n=9"),
        alert(12, 0, 0, "11:00:02", "Missing query planner statistics"),
    ]);
    lake.add("stl_alert_event_log", "etl", DAY, &[], rows).await;
    let plan = |query: i64, node: &str| json!({"userid": 101, "query": query, "nodeid": 1, "parentid": 0, "plannode": node, "info": ""});
    let rows = json!([
        plan(11, "----- Tables missing statistics: sales, items -----"),
        plan(12, "  ----- Tables missing statistics: sales, items -----"),
        plan(12, "XN Seq Scan on items"),
    ]);
    lake.add("stl_explain", "etl", DAY, &[], rows).await;
}

/// What tables live through: 501 is read, 503 is written and was last read long ago, 504 was only analyzed.
pub async fn upkeep(lake: &TestLake) {
    let mut read = scan(1, 0, 5, 10, 10, (503, "staging"), "f");
    (read["starttime"], read["endtime"]) = (json!("2025-11-01 10:00:00"), json!("2025-11-01 10:00:05"));
    lake.add("stl_scan", "etl", "2025-11-01", &[], json!([read])).await;
    lake.add("stl_scan", "etl", DAY, &[], json!([scan(2, 0, 5, 10, 10, (501, "sales"), "f")])).await;
    let insert = |tbl: i64, rows: i64, at: &str| {
        let mut row = step(3, 0, 0, 1, rows);
        (row["tbl"], row["starttime"], row["endtime"]) = (json!(tbl), json!(at), json!(at));
        row
    };
    lake.add("stl_insert", "etl", "2025-10-31", &[], json!([insert(503, 1_000, "2025-10-31 09:00:00")])).await;
    lake.add("stl_insert", "etl", "2026-01-06", &[], json!([insert(503, 70, "2026-01-06 09:00:00")])).await;
    lake.add("stl_delete", "etl", "2026-01-06", &[], json!([insert(503, 30, "2026-01-06 09:00:01")])).await;
    let analyze = |table: i64, name: &str, status: &str, auto: &str, start: &str, end: &str, changed: f64| {
        json!({"userid": 1, "xid": 1, "database": "dev", "table_id": table, "status": status, "rows": 1000.0,
            "modified_rows": changed, "is_auto": auto, "is_background": auto, "starttime": start, "endtime": end,
            "schema_name": "public", "table_name": name})
    };
    let rows = json!([
        analyze(504, "archive", "Full", "f", "2025-10-01 01:00:00", "2025-10-01 01:00:20", 500.0),
        analyze(504, "archive", "Skipped", "t", "2025-10-01 02:00:00", "2025-10-01 02:00:01", 0.0),
    ]);
    lake.add("stl_analyze", "etl", "2025-10-01", &[], rows).await;
    let vacuum = |xid: i64, table: i64, status: &str, rows: i64, at: &str| {
        json!({"userid": 1, "xid": xid, "table_id": table, "status": status, "rows": rows, "sortedrows": rows, "blocks": 10,
            "eventtime": format!("{DAY} {at}")})
    };
    let rows = json!([
        vacuum(1, 501, "Started", 1_000, "01:00:00"),
        vacuum(1, 501, "Finished", 400, "01:01:30"),
        vacuum(2, 501, "Started Delete Only", 500, "02:00:00"),
        vacuum(3, 503, "Skipped", 500, "03:00:00"),
    ]);
    lake.add("stl_vacuum", "etl", DAY, &[], rows).await;
}

#[tokio::test]
async fn alerts_come_with_their_table_and_fix() {
    let lake = TestLake::new();
    work(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "alerts", &[]).await, @r#"
     cluster_id | alert                                | times | queries | suggestion
    ------------+--------------------------------------+-------+---------+-----------------------
     etl        | Very selective query filter          |     2 |       1 | Do something about it
     etl        | Distributed a large number of rows a |     1 |       1 | Do something about it
     etl        | Missing query planner statistics     |     1 |       1 | Do something about it
     etl        | Nested Loop Join in the query plan   |     1 |       1 | Do something about it
     etl        | Scanned a large number of deleted ro |     1 |       1 | Do something about it
    (5 rows)
    "#);
    insta::assert_snapshot!(table(&session, "alerts_by_table", &[]).await, @r#"
     cluster_id | table_name | alert                    | queries | times | last_at             | fix
    ------------+------------+--------------------------+---------+-------+---------------------+------------------------
     etl        | sales      | Very selective query fil |       1 |     2 | 2026-01-07 10:00:11 | sort key on the filter
     etl        | items      | Missing query planner st |       1 |     1 | 2026-01-07 11:00:02 | ANALYZE the table
     etl        | items      | Scanned a large number o |       1 |     1 | 2026-01-07 11:00:00 | VACUUM DELETE ONLY
     etl        |            | Distributed a large numb |       1 |     1 | 2026-01-07 11:00:01 | distribute by join key
     etl        |            | Nested Loop Join in the  |       1 |     1 | 2026-01-07 10:00:12 | add a join condition
    (5 rows)
    "#);
    insta::assert_snapshot!(table(&session, "hourly_alerts", &[]).await, @r#"
     cluster_id | hour                | alerts | queries | statistics | nested_loop | selective | deleted | network
    ------------+---------------------+--------+---------+------------+-------------+-----------+---------+---------
     etl        | 2026-01-07 11:00:00 |      3 |       1 |          1 |           0 |         0 |       1 |       1
     etl        | 2026-01-07 10:00:00 |      3 |       1 |          0 |           1 |         2 |       0 |       0
    (2 rows)
    "#);
    insta::assert_snapshot!(table(&session, "missing_statistics", &[]).await, @r#"
     cluster_id | tables       | queries | first_day  | last_day
    ------------+--------------+---------+------------+------------
     etl        | sales, items |       2 | 2026-01-07 | 2026-01-07
    (1 row)
    "#);
}

#[tokio::test]
async fn steps_that_waste_are_found() {
    let lake = TestLake::new();
    work(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "nested_loops", &[]).await, @r#"
     cluster_id | query | userid | joins | step_rows | loop_s | text
    ------------+-------+--------+-------+-----------+--------+----------------------------
     etl        |    11 |    101 |     1 |      1000 |     30 | select * from sales, items
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "wasteful_scans", &[]).await, @r#"
     cluster_id | table_id | table_name | queries | rows_read | rows_kept | thrown_pct | ranged_pct
    ------------+----------+------------+---------+-----------+-----------+------------+------------
     etl        |      501 | sales      |       1 |  10000000 |   1000000 |         90 |       33.3
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "skew", &[]).await, @r#"
     cluster_id | query | seg | step | what | slices | mean_rows | most_rows | factor | slowest_s | mean_s | table_name
    ------------+-------+-----+------+------+--------+-----------+-----------+--------+-----------+--------+------------
     etl        |    11 |   0 |    0 | scan |      4 |    250000 |    900000 |    3.6 |        40 |   17.5 | sales
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "redistributed_rows", &[]).await, @r#"
     cluster_id | query | userid | bcast_rows | bcast_mb | dist_rows | dist_mb | text
    ------------+-------+--------+------------+----------+-----------+---------+----------------------------
     etl        |    11 |    101 |       2048 |        2 |         0 |       0 | select * from sales, items
     etl        |    12 |    101 |          0 |        0 |      2048 |       2 | select i from items
    (2 rows)
    "#);
    insta::assert_snapshot!(table(&session, "disk_spill", &[]).await, @r#"
     cluster_id | query | userid | sorts | hashes | aggrs | step_rows | mb | text
    ------------+-------+--------+-------+--------+-------+-----------+----+----------------------------
     etl        |    11 |    102 |     0 |      0 |     1 |      3072 |  3 | select * from sales, items
    (1 row)
    "#);
}

#[tokio::test]
async fn tables_that_nobody_reads_are_found() {
    let lake = TestLake::new();
    upkeep(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "unused_tables", &[("to", "2026-01-08")]).await, @r#"
     cluster_id | table_id | table_name     | last_read  | days_unread | last_write | rows_written
    ------------+----------+----------------+------------+-------------+------------+--------------
     etl        |      504 | public.archive |            |          99 |            |
     etl        |      503 | staging        | 2025-11-01 |          68 | 2026-01-06 |          100
    (2 rows)
    "#);
    let answer = table(&session, "unused_tables", &[("to", "2025-11-05")]).await;
    assert!(answer.contains("archive") && !answer.contains("staging"), "{answer}");
}

#[tokio::test]
async fn upkeep_says_what_it_cost_and_gave() {
    let lake = TestLake::new();
    upkeep(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "vacuums", &[]).await, @r#"
     cluster_id | table_id | table_name | runs | unfinished | skipped | took_s | rows_freed | last_at
    ------------+----------+------------+------+------------+---------+--------+------------+---------------------
     etl        |      501 | sales      |    2 |          1 |       0 |     90 |        600 | 2026-01-07 02:00:00
     etl        |      503 | staging    |    0 |          0 |       1 |        |            | 2026-01-07 03:00:00
    (2 rows)
    "#);
    insta::assert_snapshot!(table(&session, "analyzes", &[]).await, @r#"
     cluster_id | table_id | table_name     | runs | skipped | automatic | took_s | changed_pct | last_at
    ------------+----------+----------------+------+---------+-----------+--------+-------------+---------------------
     etl        |      504 | public.archive |    1 |       1 |         1 |     21 |          50 | 2025-10-01 01:00:20
    (1 row)
    "#);
}
