//! Questions about connections, users and rights.

use serde_json::json;

use super::table;
use crate::support::TestLake;

/// Connections of four users: a leak, one that ended, one with a later process of the same number, failures.
pub async fn connections(lake: &TestLake) {
    let event = |pid: i64, user: &str, host: &str, event: &str, time: &str, tls: &str| {
        json!({"event": event, "recordtime": time, "remotehost": host, "remoteport": "5000", "pid": pid, "dbname": "dev",
            "username": user, "authmethod": "password", "duration": 0, "sslversion": tls, "application_name": "pool"})
    };
    let tls = "TLSv1.2";
    let rows = json!([
        event(1, "app", "10.0.0.7", "authenticated", "2026-01-08 08:00:00", tls),
        event(1, "app", "10.0.0.7", "initiating session", "2026-01-08 08:00:00.1", tls),
        event(2, "app", "10.0.0.7", "initiating session", "2026-01-08 20:00:00", tls),
        event(3, "alice", "10.0.0.8", "initiating session", "2026-01-08 09:00:00", tls),
        event(3, "alice", "10.0.0.8", "disconnecting session", "2026-01-08 09:30:00", tls),
        event(4, "rdsdb", "[local]", "initiating session", "2026-01-08 09:00:00", ""),
        event(5, "mallory", "10.6.6.6", "authentication failure", "2026-01-08 03:00:00", ""),
        event(6, "mallory", "10.6.6.6", "authentication failure", "2026-01-08 03:00:05", ""),
        event(7, "mallory", "10.6.6.6", "authenticated", "2026-01-08 03:00:09", ""),
    ]);
    lake.add("stl_connection_log", "etl", "2026-01-08", &[], rows).await;
    let rows = json!([
        event(1, "IAM:alice", "10.0.0.8", "authenticated", "2025-12-31 08:00:00", tls),
        event(3, "app", "10.0.0.7", "initiating session", "2025-12-31 08:00:00", tls),
    ]);
    lake.add("stl_connection_log", "etl", "2025-12-31", &[], rows).await;
}

/// Users that were made: one is used, one never, one was dropped; a grant, and a superuser.
pub async fn rights(lake: &TestLake) {
    let user = |id: i64, name: &str, action: &str, superuser: i64, xid: i64, time: &str| {
        json!({"userid": id, "username": name, "oldusername": "", "action": action, "usecreatedb": 0, "usesuper": superuser,
            "usecatupd": 0, "pid": 1, "xid": xid, "recordtime": time})
    };
    let rows = json!([
        user(201, "alice", "create", 0, 1, "2025-06-01 10:00:00"),
        user(202, "ghost", "create", 0, 2, "2025-06-02 10:00:00"),
        user(203, "gone", "create", 0, 3, "2025-06-03 10:00:00"),
    ]);
    lake.add("stl_userlog", "etl", "2025-06-01", &[], rows).await;
    let rows = json!([
        user(203, "gone", "drop", 0, 4, "2026-01-05 10:00:00"),
        user(202, "ghost", "alter", 1, 5, "2026-01-05 11:00:00"),
    ]);
    lake.add("stl_userlog", "etl", "2026-01-05", &[], rows).await;
    let said = |xid: i64, sequence: i64, time: &str, text: &str| {
        json!({"userid": 100, "xid": xid, "pid": 1, "label": "default", "starttime": format!("2026-01-05 {time}"),
            "endtime": format!("2026-01-05 {time}"), "sequence": sequence, "text": text})
    };
    let rows = json!([
        said(5, 0, "11:00:00", "alter user ghost createuser"),
        said(6, 0, "12:00:00", "grant all on "),
        said(6, 1, "12:00:00", "sales to public"),
        said(7, 0, "13:00:00", "set x to 1"),
    ]);
    lake.add("stl_utilitytext", "etl", "2026-01-05", &[], rows).await;
    let rows = json!([
        said(8, 0, "14:00:00", "create table t1 (a int)"),
        said(9, 0, "15:00:00", "CREATE  TABLE t2 (a int)"),
        said(10, 0, "14:30:00", "drop table t1"),
    ]);
    lake.add("stl_ddltext", "etl", "2026-01-05", &[], rows).await;
    let rows = json!([{"userid": 100, "starttime": "2026-01-05 01:00:00", "endtime": "2026-01-05 23:00:00", "process": 1,
        "user_name": "admin", "db_name": "dev"}]);
    lake.add("stl_sessions", "etl", "2026-01-05", &[], rows).await;
}

#[tokio::test]
async fn connections_that_stay_open_are_counted() {
    let lake = TestLake::new();
    connections(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "open_connections", &[("to", "2026-01-09 12:00")]).await, @r#"
     cluster_id | username | remotehost | application | open | oldest              | oldest_h | newest
    ------------+----------+------------+-------------+------+---------------------+----------+---------------------
     etl        | app      | 10.0.0.7   | pool        |    1 | 2026-01-08 08:00:00 |       28 | 2026-01-08 08:00:00
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "open_connections", &[("to", "2026-01-09 12:00"), ("hours", "1")]).await, @r#"
     cluster_id | username | remotehost | application | open | oldest              | oldest_h | newest
    ------------+----------+------------+-------------+------+---------------------+----------+---------------------
     etl        | app      | 10.0.0.7   | pool        |    2 | 2026-01-08 08:00:00 |       28 | 2026-01-08 20:00:00
    (1 row)
    "#);
}

#[tokio::test]
async fn log_ins_that_failed_or_were_plain_are_told() {
    let lake = TestLake::new();
    connections(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "failed_logins", &[]).await, @r#"
     cluster_id | username | remotehost | failures | days | first_at            | last_at             | successes
    ------------+----------+------------+----------+------+---------------------+---------------------+-----------
     etl        | mallory  | 10.6.6.6   |        2 |    1 | 2026-01-08 03:00:00 | 2026-01-08 03:00:05 |         1
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "plaintext_sessions", &[]).await, @r#"
     cluster_id | username | remotehost | application | connections | first_seen | last_seen
    ------------+----------+------------+-------------+-------------+------------+------------
     etl        | mallory  | 10.6.6.6   | pool        |           1 | 2026-01-08 | 2026-01-08
    (1 row)
    "#);
}

#[tokio::test]
async fn users_and_rights_are_told() {
    let lake = TestLake::new();
    connections(&lake).await;
    rights(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "unused_users", &[("to", "2026-01-09")]).await, @r#"
     cluster_id | username | is_superuser | created    | last_login | days_unused
    ------------+----------+--------------+------------+------------+-------------
     etl        | ghost    | yes          | 2025-06-02 |            |         221
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "privilege_changes", &[("from", "2026-01-01")]).await, @r#"
     cluster_id | at                  | by_userid | kind  | username | superuser | text
    ------------+---------------------+-----------+-------+----------+-----------+------------------------------
     etl        | 2026-01-05 12:00:00 |       100 | GRANT |          |           | grant all on sales to public
     etl        | 2026-01-05 11:00:00 |       100 | alter | ghost    | yes       | alter user ghost createuser
     etl        | 2026-01-05 10:00:00 |           | drop  | gone     | no        |
    (3 rows)
    "#);
    insta::assert_snapshot!(table(&session, "ddl_changes", &[]).await, @r#"
     cluster_id | userid | username | kind         | statements | first_at            | last_at             | last_text
    ------------+--------+----------+--------------+------------+---------------------+---------------------+--------------
     etl        |    100 | admin    | CREATE TABLE |          2 | 2026-01-05 14:00:00 | 2026-01-05 15:00:00 | CREATE TABLE
     etl        |    100 | admin    | DROP TABLE   |          1 | 2026-01-05 14:30:00 | 2026-01-05 14:30:00 | drop table t
    (2 rows)
    "#);
}
