//! Questions about transactions, restarts and limits.

use serde_json::json;

use super::table;
use crate::support::{TestLake, query};

const DAY: &str = "2026-01-09";

/// A transaction of 30 minutes with 2 minutes of work, a short one, a conflict, a rollback.
pub async fn transactions(lake: &TestLake) {
    let part = |id: i64, xid: i64, start: &str, end: &str, text: &str| {
        let mut row = query(id, &format!("{DAY} {start}"), &format!("{DAY} {end}"), text);
        (row["xid"], row["userid"]) = (json!(xid), json!(101));
        row
    };
    let rows = json!([
        part(41, 500, "08:00:00", "08:01:00", "update sales set a = 1"),
        part(42, 500, "08:29:00", "08:30:00", "delete from sales"),
        part(43, 501, "08:10:00", "08:10:05", "select 1"),
    ]);
    lake.add("stl_query", "etl", DAY, &[], rows).await;
    let conflict = |start: &str, abort: &str| {
        json!({"xact_id": 1, "process_id": 1, "xact_start_ts": format!("{DAY} {start}"), "abort_time": format!("{DAY} {abort}"),
            "table_id": 501})
    };
    let rows = json!([conflict("08:00:00", "08:00:30"), conflict("09:00:00", "09:01:30")]);
    lake.add("stl_tr_conflict", "etl", DAY, &[], rows).await;
    let rows = json!([{"userid": 101, "xact_id": 600, "xact_id_undone": 500, "undo_start_ts": format!("{DAY} 08:30:01"),
        "undo_end_ts": format!("{DAY} 08:30:46"), "table_id": 501}]);
    lake.add("stl_undone", "etl", DAY, &[], rows).await;
    let rows = json!([{"userid": 101, "query": 43, "slice": 0, "segment": 0, "step": 0, "starttime": format!("{DAY} 08:10:00"),
        "endtime": format!("{DAY} 08:10:05"), "tasknum": 1, "rows": 1, "bytes": 1, "tbl": 501, "perm_table_name": "sales"}]);
    lake.add("stl_scan", "etl", DAY, &[], rows).await;
}

/// A restart that moved three sessions of two users, a full disk, and a limit.
pub async fn incidents(lake: &TestLake) {
    let moved = |pid: i64, user: &str, parked: &str| {
        json!({"currenttime": format!("{DAY} 02:15:40"), "dbname": "dev", "newpid": pid, "oldpid": 1, "username": user,
            "remotehost": "10.0.0.7", "remoteport": "1", "parkedtime": format!("{DAY} {parked}"), "session_vars": ""})
    };
    let rows = json!([moved(1, "bob", "02:15:00"), moved(2, "alice", "02:15:10"), moved(3, "bob", "02:15:20")]);
    lake.add("stl_restarted_sessions", "etl", DAY, &[], rows).await;
    // 2026-01-09 10:00:00 is 9,505 days and 10 hours after 2000-01-01.
    let at = (9_505 * 86_400 + 36_000) * 1_000_000_i64;
    let rows = json!([{"currenttime": at, "node_num": 3, "query_id": 44, "temp_blocks": 2_500}]);
    lake.add("stl_disk_full_diag", "etl", DAY, &[], rows).await;
    lake.add(
        "stl_query",
        "etl",
        DAY,
        &[],
        json!([query(44, &format!("{DAY} 09:00:00"), &format!("{DAY} 10:00:01"), "select * from a, b")]),
    )
    .await;
    let event = |query: i64, time: &str| {
        json!({"eventtime": format!("{DAY} {time}"), "query": query, "xid": 1, "pid": 1, "usage_limit_id": "0a1b",
            "feature_type": "CONCURRENCY_SCALING"})
    };
    lake.add("stl_usage_control", "etl", DAY, &[], json!([event(1, "11:00:00"), event(2, "11:30:30")])).await;
}

#[tokio::test]
async fn transactions_say_what_they_held_up() {
    let lake = TestLake::new();
    transactions(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "long_transactions", &[]).await, @r#"
     cluster_id | xid | userid | began               | open_s | busy_s | idle_s | queries | last_text
    ------------+-----+--------+---------------------+--------+--------+--------+---------+-------------------
     etl        | 500 |    101 | 2026-01-09 08:00:00 |   1800 |    120 |   1680 |       2 | delete from sales
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "transaction_conflicts", &[]).await, @r#"
     cluster_id | table_id | table_name | conflicts | lost_s | longest_s | first_at            | last_at
    ------------+----------+------------+-----------+--------+-----------+---------------------+---------------------
     etl        |      501 | sales      |         2 |    120 |        90 | 2026-01-09 08:00:30 | 2026-01-09 09:01:30
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "rollbacks", &[]).await, @r#"
     cluster_id | xid | userid | table_id | began               | undo_s | queries | last_text
    ------------+-----+--------+----------+---------------------+--------+---------+-------------------
     etl        | 500 |    101 |      501 | 2026-01-09 08:30:01 |     45 |       2 | delete from sales
    (1 row)
    "#);
}

#[tokio::test]
async fn incidents_say_when_and_who() {
    let lake = TestLake::new();
    incidents(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "restarts", &[]).await, @r#"
     cluster_id | at                  | sessions | users | hosts | parked_s | usernames
    ------------+---------------------+----------+-------+-------+----------+------------
     etl        | 2026-01-09 02:15:00 |        3 |     2 |     1 |       40 | alice, bob
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "disk_full", &[("from", "2026-01-09 10:00"), ("to", "2026-01-09 10:01")]).await, @r#"
     cluster_id | at                  | query | node | temp_mb | userid | text
    ------------+---------------------+-------+------+---------+--------+--------------------
     etl        | 2026-01-09 10:00:00 |    44 |    3 |    2500 |    102 | select * from a, b
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "usage_limits", &[]).await, @r#"
     cluster_id | feature             | usage_limit_id | times | queries | first_at            | last_at
    ------------+---------------------+----------------+-------+---------+---------------------+---------------------
     etl        | CONCURRENCY_SCALING | 0a1b           |     2 |       2 | 2026-01-09 11:00:00 | 2026-01-09 11:30:00
    (1 row)
    "#);
    let answer = table(&session, "disk_full", &[("to", "2026-01-09 10:00")]).await;
    assert!(answer.ends_with("(0 rows)\n"), "{answer}");
}
