//! Questions about queues, load and commits.

use serde_json::{Value, json};

use super::table;
use crate::support::{TestLake, query};

const DAY: &str = "2026-01-06";

/// A query and its way through a queue, in seconds.
struct Ran {
    id: i64,
    user: i64,
    label: &'static str,
    arrived: &'static str,
    ended: &'static str,
    queue: i64,
    waited: i64,
    ran: i64,
}

const RAN: [Ran; 4] = [
    Ran { id: 1, user: 101, label: "etl", arrived: "02:00:00", ended: "02:50:00", queue: 6, waited: 600, ran: 2400 },
    Ran { id: 2, user: 101, label: "etl", arrived: "02:30:00", ended: "02:50:00", queue: 6, waited: 0, ran: 1200 },
    Ran { id: 3, user: 102, label: "default", arrived: "05:00:00", ended: "05:00:30", queue: 7, waited: 10, ran: 20 },
    Ran { id: 4, user: 103, label: "default", arrived: "05:10:00", ended: "05:10:10", queue: 0, waited: 0, ran: 0 },
];

/// Four queries of three users on etl; the last one passed no queue. One of the first ran on a concurrency scaling cluster.
pub async fn load(lake: &TestLake) {
    let row = |ran: &Ran| {
        let mut row = query(ran.id, &format!("{DAY} {}", ran.arrived), &format!("{DAY} {}", ran.ended), "select 1");
        (row["userid"], row["label"]) = (json!(ran.user), json!(ran.label));
        row["concurrency_scaling_status"] = json!(match ran.id {
            2 => 1,
            3 => 6,
            _ => 0,
        });
        row
    };
    lake.add("stl_query", "etl", DAY, &[], RAN.iter().map(row).collect()).await;
    let wlm = |ran: &Ran| {
        json!({"userid": ran.user, "xid": 1, "task": 1, "query": ran.id, "service_class": ran.queue, "slot_count": 1,
            "service_class_start_time": format!("{DAY} {}", ran.arrived), "total_queue_time": ran.waited * 1_000_000,
            "total_exec_time": ran.ran * 1_000_000, "service_class_end_time": format!("{DAY} {}", ran.ended)})
    };
    lake.add("stl_wlm_query", "etl", DAY, &[], RAN.iter().take(3).map(wlm).collect()).await;
    let session = |user: i64, name: &str| {
        json!({"userid": user, "starttime": format!("{DAY} 01:00:00"), "endtime": format!("{DAY} 09:00:00"), "process": user,
            "user_name": name, "db_name": "dev"})
    };
    lake.add("stl_sessions", "etl", DAY, &[], json!([session(101, "loader"), session(102, "alice")])).await;
    let action = |query: i64, action: &str| {
        json!({"userid": 101, "query": query, "service_class": 6, "rule": "long_runner", "action": action,
            "recordtime": format!("{DAY} 02:40:00"), "action_value": "", "service_class_name": "etl"})
    };
    lake.add("stl_wlm_rule_action", "etl", DAY, &[], json!([action(1, "log"), action(1, "log"), action(2, "abort")]))
        .await;
}

/// Two commits in one hour and one in the next, with the rows of two nodes of the first.
pub async fn commits(lake: &TestLake) {
    let commit = |xid: i64, node: i64, queue: &str, work: &str, end: &str, length: i64| -> Value {
        json!({"xid": xid, "node": node, "startqueue": format!("{DAY} {queue}"), "startwork": format!("{DAY} {work}"),
            "endtime": format!("{DAY} {end}"), "queuelen": length})
    };
    let rows = json!([
        commit(1, -1, "03:00:00", "03:00:04", "03:00:06", 2),
        commit(1, 0, "03:00:00", "03:00:04", "03:00:05", 2),
        commit(2, -1, "03:00:01", "03:00:06", "03:00:06.5", 3),
        commit(3, -1, "04:00:00", "04:00:00.25", "04:00:01", 1),
    ]);
    lake.add("stl_commit_stats", "etl", DAY, &[], rows).await;
}

#[tokio::test]
async fn waiting_and_running_are_told_apart() {
    let lake = TestLake::new();
    load(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "queued_queries", &[]).await, @r#"
     cluster_id | query | userid | service_class | arrived             | queue_s | exec_s | text
    ------------+-------+--------+---------------+---------------------+---------+--------+----------
     etl        |     1 |    101 |             6 | 2026-01-06 02:00:00 |     600 |   2400 | select 1
     etl        |     3 |    102 |             7 | 2026-01-06 05:00:00 |      10 |     20 | select 1
    (2 rows)
    "#);
    insta::assert_snapshot!(table(&session, "queue_pressure", &[]).await, @r#"
     cluster_id | service_class | hour                | queries | queue_s | exec_s | longest_queue_s | queue_pct
    ------------+---------------+---------------------+---------+---------+--------+-----------------+-----------
     etl        |             6 | 2026-01-06 02:00:00 |       2 |     600 |   3600 |             600 |      14.3
     etl        |             7 | 2026-01-06 05:00:00 |       1 |      10 |     20 |              10 |      33.3
    (2 rows)
    "#);
    insta::assert_snapshot!(table(&session, "costs", &[]).await, @r#"
     cluster_id | userid | username | label   | queue | queries | exec_s | queue_s | share_pct
    ------------+--------+----------+---------+-------+---------+--------+---------+-----------
     etl        |    101 | loader   | etl     |     6 |       2 |   3600 |     600 |      99.2
     etl        |    102 | alice    | default |     7 |       1 |     20 |      10 |       0.6
     etl        |    103 |          | default |       |       1 |     10 |       0 |       0.3
    (3 rows)
    "#);
    insta::assert_snapshot!(table(&session, "wlm_rule_actions", &[]).await, @r#"
     cluster_id | queue | rule        | action | times | queries | users | last_at
    ------------+-------+-------------+--------+-------+---------+-------+---------------------
     etl        |     6 | long_runner | log    |     2 |       1 |     1 | 2026-01-06 02:40:00
     etl        |     6 | long_runner | abort  |     1 |       1 |     1 | 2026-01-06 02:40:00
    (2 rows)
    "#);
    insta::assert_snapshot!(table(&session, "concurrency_scaling", &[]).await, @r#"
     cluster_id | day        | queries | scaled | scaled_pct | scaled_s | refused
    ------------+------------+---------+--------+------------+----------+---------
     etl        | 2026-01-06 |       4 |      1 |         25 |     1200 |       1
    (1 row)
    "#);
}

#[tokio::test]
async fn idle_hours_are_counted_from_the_first_query_to_the_last() {
    let lake = TestLake::new();
    load(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "cluster_load", &[]).await, @r#"
     cluster_id | first_day  | last_day   | hours | idle_hours | idle_pct | mean_running | peak_running | queries
    ------------+------------+------------+-------+------------+----------+--------------+--------------+---------
     etl        | 2026-01-06 | 2026-01-06 |     4 |          2 |       50 |         0.59 |         1.17 |       4
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "load_by_hour", &[]).await, @r#"
     cluster_id | hour_of_day | days | queries | running_h | longest_s
    ------------+-------------+------+---------+-----------+-----------
     etl        |           2 |    1 |       2 |      1.17 |      3000
     etl        |           5 |    1 |       2 |      0.01 |        30
    (2 rows)
    "#);
}

#[tokio::test]
async fn commits_are_counted_on_the_leader_node() {
    let lake = TestLake::new();
    commits(&lake).await;
    insta::assert_snapshot!(table(&lake.session().await, "commit_queue", &[]).await, @r#"
     cluster_id | hour                | commits | queue_s | work_s | longest_queue_s | longest_work_s | peak_queue
    ------------+---------------------+---------+---------+--------+-----------------+----------------+------------
     etl        | 2026-01-06 03:00:00 |       2 |       9 |    2.5 |               5 |              2 |          3
     etl        | 2026-01-06 04:00:00 |       1 |    0.25 |   0.75 |            0.25 |           0.75 |          1
    (2 rows)
    "#);
}
