//! Questions about queries: cost, regressions, failures, one query from its text to its steps.

use serde_json::{Value, json};

use super::table;
use crate::support::{TestLake, query};

/// A query of a user.
fn run(id: i64, start: &str, end: &str, text: &str) -> Value {
    let mut row = query(id, start, end, text);
    row["userid"] = json!(101);
    row
}

/// Fourteen days of four queries, one a day each:
///
/// - `sales` on etl takes 10 s, and 60 s from 11 January on; on bi it goes on taking 10 s;
/// - `users` on etl takes 5 s on every day;
/// - `stock` on bi takes 4 s, from 8 to 13 January 12 s, and on the 14th 4 s again.
pub async fn two_weeks(lake: &TestLake) {
    for day in 1..=14_i64 {
        let date = format!("2026-01-{day:02}");
        let at = |hour: i64, seconds: i64| {
            (format!("{date} {hour:02}:00:00"), format!("{date} {hour:02}:{:02}:{:02}", seconds / 60, seconds % 60))
        };
        let sales = format!("SELECT count(*) FROM sales WHERE day = '{date}' -- run {day}");
        let users = format!("select max(id)\n from users where id < {}", day * 1000);
        let (start, end) = at(6, if day < 11 { 10 } else { 60 });
        let (start2, end2) = at(7, 5);
        let rows = json!([run(100 + day, &start, &end, &sales), run(200 + day, &start2, &end2, &users)]);
        lake.add("stl_query", "etl", &date, &[], rows).await;
        let stock = format!("select * from stock where item in ({day}, 2, {})", day + 1);
        let (start, end) = at(6, 10);
        let (start2, end2) = at(8, if (8..=13).contains(&day) { 12 } else { 4 });
        let rows = json!([run(100 + day, &start, &end, &sales.to_lowercase()), run(300 + day, &start2, &end2, &stock)]);
        lake.add("stl_query", "bi", &date, &[], rows).await;
    }
}

/// Two aborted queries on adhoc, one with an error of its process, and the log of errors.
pub async fn failures(lake: &TestLake) {
    let mut copy = run(900, "2026-01-05 12:00:00", "2026-01-05 12:00:30", "copy sales from 's3://bucket/x'");
    let mut report = run(901, "2026-01-05 13:00:00", "2026-01-05 13:10:00", "select  *\nfrom huge");
    (copy["aborted"], report["aborted"], copy["pid"]) = (json!(1), json!(1), json!(77));
    lake.add("stl_query", "adhoc", "2026-01-05", &[], json!([copy, report])).await;
    let error = |pid: i64, at: &str, user: i64, text: &str| {
        json!({"userid": user, "process": "padbmaster", "recordtime": at, "pid": pid, "errcode": 9, "file": "x.cpp",
            "linenum": 1, "context": "c", "error": text})
    };
    let rows = json!([
        error(77, "2026-01-05 12:00:30.5", 101, "disk full on node 3"),
        error(77, "2026-01-05 12:10:00", 101, "another one, later"),
        error(78, "2026-01-05 12:00:10", 102, "disk full on node 7"),
    ]);
    lake.add("stl_error", "adhoc", "2026-01-05", &[], rows).await;
}

/// Query 7 on etl with its fragments, steps, waiting and an alert; 8 without fragments; 9 with a gap.
pub async fn one_query(lake: &TestLake) {
    let rows = json!([
        run(7, "2026-01-03 09:00:00", "2026-01-03 09:00:20", "select a,\\n  b"),
        run(8, "2026-01-03 09:30:00", "2026-01-03 09:30:01", "select 8"),
    ]);
    lake.add("stl_query", "etl", "2026-01-03", &[], rows).await;
    let fragment = |query: i64, sequence: i64, text: &str| json!({"userid": 101, "xid": 1, "pid": 1, "query": query, "sequence": sequence, "text": text});
    let rows = json!([
        fragment(7, 1, "m t where note = 'it''s ' "),
        fragment(7, 0, "select a,\\n  b -- both\\r\\nfro"),
        fragment(9, 0, "select "),
        fragment(9, 2, "9"),
    ]);
    lake.add("stl_querytext", "etl", "2026-01-03", &[], rows).await;
    let wlm = json!([{"userid": 101, "xid": 1, "task": 1, "query": 7, "service_class": 6, "slot_count": 1,
        "service_class_start_time": "2026-01-03 09:00:00", "queue_start_time": "2026-01-03 09:00:00",
        "queue_end_time": "2026-01-03 09:00:05", "total_queue_time": 5_000_000, "exec_start_time": "2026-01-03 09:00:05",
        "exec_end_time": "2026-01-03 09:00:20", "total_exec_time": 15_000_000,
        "service_class_end_time": "2026-01-03 09:00:20", "final_state": "Completed", "service_class_name": "reports"}]);
    lake.add("stl_wlm_query", "etl", "2026-01-03", &[], wlm).await;
    let step = |slice: i64, segment: i64, step: i64, start: &str, end: &str, rows: i64| {
        json!({"userid": 101, "query": 7, "slice": slice, "segment": segment, "step": step, "tasknum": 1, "rows": rows,
            "starttime": format!("2026-01-03 09:00:{start}"), "endtime": format!("2026-01-03 09:00:{end}"), "bytes": 1 << 20})
    };
    let mut scans = [step(0, 0, 0, "05", "10", 100), step(1, 0, 0, "05", "12", 200)];
    for scan in &mut scans {
        (scan["tbl"], scan["perm_table_name"], scan["is_rrscan"]) = (json!(501), json!("sales"), json!("f"));
        scan["rows_pre_filter"] = json!(1000);
    }
    lake.add("stl_scan", "etl", "2026-01-03", &[], json!(scans)).await;
    let mut sorts = [step(0, 1, 2, "12", "19.5", 100), step(1, 1, 2, "12", "18", 200)];
    (sorts[0]["is_diskbased"], sorts[1]["is_diskbased"]) = (json!("t"), json!("f"));
    lake.add("stl_sort", "etl", "2026-01-03", &[], json!(sorts)).await;
    let alert = json!([{"userid": 101, "query": 7, "slice": 1, "segment": 0, "step": 0, "pid": 1, "xid": 1,
        "event": "Very selective query filter:ratio=rows(100)/rows_pre_user_filter(1000)", "solution": "Review the choice of sort key",
        "event_time": "2026-01-03 09:00:06.25"}]);
    lake.add("stl_alert_event_log", "etl", "2026-01-03", &[], alert).await;
}

#[tokio::test]
async fn a_query_that_got_slower_is_found_with_its_cluster_and_day() {
    let lake = TestLake::new();
    two_weeks(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "slower_queries", &[("to", "2026-01-15")]).await, @r#"
     cluster_id | fingerprint      | runs | before_s | after_s | factor | slow_since | text
    ------------+------------------+------+----------+---------+--------+------------+----------------------------------
     etl        | a6d82254e8c3ebba |    7 |       10 |      60 |      6 | 2026-01-11 | select count(*) from sales where
     bi         | ad323691fc6da3e2 |    7 |        4 |      12 |      3 |            | select * from stock where item i
    (2 rows)
    "#);
    // Nothing had changed a week earlier, and on bi only what recovered.
    let answer = table(&session, "slower_queries", &[("to", "2026-01-08"), ("days", "3")]).await;
    assert!(answer.ends_with("(0 rows)\n"), "{answer}");
    let answer =
        table(&session, "slower_queries", &[("to", "2026-01-15"), ("cluster", "bi"), ("slower_pct", "300")]).await;
    assert!(answer.ends_with("(0 rows)\n"), "{answer}");
    // The moment of the session is what "now" means.
    let moment = lookback_query::diagnostics::parse_time("2026-01-15").unwrap();
    let then = session.with_as_of(Some(moment));
    assert_eq!(
        table(&then, "slower_queries", &[]).await,
        table(&session, "slower_queries", &[("to", "2026-01-15")]).await
    );
}

#[tokio::test]
async fn cost_is_summed_over_constants() {
    let lake = TestLake::new();
    two_weeks(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "costliest_queries", &[]).await, @r#"
     cluster_id | fingerprint      | runs | users | sum_s | share_pct | median_s | longest_s | text
    ------------+------------------+------+-------+-------+-----------+----------+-----------+------------------------
     etl        | a6d82254e8c3ebba |   14 |     1 |   340 |      82.9 |       10 |        60 | select count(*) from s
     bi         | a6d82254e8c3ebba |   14 |     1 |   140 |      57.4 |       10 |        10 | select count(*) from s
     bi         | ad323691fc6da3e2 |   14 |     1 |   104 |      42.6 |        4 |        12 | select * from stock wh
     etl        | ea69fc834452cfd6 |   14 |     1 |    70 |      17.1 |        5 |         5 | select max(id) from us
    (4 rows)
    "#);
    insta::assert_snapshot!(table(&session, "shared_queries", &[("from", "2026-01-08")]).await, @r#"
     fingerprint      | clusters | runs | sum_s | fastest | fast_s | slowest | slow_s | text
    ------------------+----------+------+-------+---------+--------+---------+--------+----------------------------------
     a6d82254e8c3ebba |        2 |   14 |   340 | bi      |     10 | etl     |     60 | select count(*) from sales where
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "hourly_queries", &[("from", "2026-01-14")]).await, @r#"
     cluster_id | hour                | queries | errors | users | median_s | p95_s | longest_s
    ------------+---------------------+---------+--------+-------+----------+-------+-----------
     bi         | 2026-01-14 08:00:00 |       1 |      0 |     1 |        4 |     4 |         4
     bi         | 2026-01-14 06:00:00 |       1 |      0 |     1 |       10 |    10 |        10
     etl        | 2026-01-14 07:00:00 |       1 |      0 |     1 |        5 |     5 |         5
     etl        | 2026-01-14 06:00:00 |       1 |      0 |     1 |       60 |    60 |        60
    (4 rows)
    "#);
    insta::assert_snapshot!(table(&session, "slowest_queries", &[("top", "2"), ("cluster", "bi")]).await, @r#"
     cluster_id | query | userid | started             | total_s | queue_s | text
    ------------+-------+--------+---------------------+---------+---------+------------------------------------------
     bi         |   308 |    101 | 2026-01-08 08:00:00 |      12 |         | select * from stock where item in (8, 2,
     bi         |   309 |    101 | 2026-01-09 08:00:00 |      12 |         | select * from stock where item in (9, 2,
    (2 rows)
    "#);
}

#[tokio::test]
async fn failures_have_the_error_of_their_process() {
    let lake = TestLake::new();
    failures(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "failed_queries", &[]).await, @r#"
     cluster_id | query | userid | ended               | ran_s | error               | text
    ------------+-------+--------+---------------------+-------+---------------------+------------------------------
     adhoc      |   901 |    101 | 2026-01-05 13:10:00 |   600 |                     | select * from huge
     adhoc      |   900 |    101 | 2026-01-05 12:00:30 |    30 | disk full on node 3 | copy sales from 's3://bucket
    (2 rows)
    "#);
    insta::assert_snapshot!(table(&session, "errors", &[]).await, @r#"
     cluster_id | errcode | process    | times | users | first_at            | last_at             | error
    ------------+---------+------------+-------+-------+---------------------+---------------------+---------------------
     adhoc      |       9 | padbmaster |     2 |     2 | 2026-01-05 12:00:10 | 2026-01-05 12:00:30 | disk full on node ?
     adhoc      |       9 | padbmaster |     1 |     1 | 2026-01-05 12:10:00 | 2026-01-05 12:10:00 | another one, later
    (2 rows)
    "#);
}

#[tokio::test]
async fn one_query_is_told_from_its_text_to_its_steps() {
    let lake = TestLake::new();
    one_query(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "query_text", &[("query", "7")]).await, @r#"
     cluster_id | query | source        | line | text
    ------------+-------+---------------+------+------------------------------
     etl        |     7 | stl_querytext |    1 | select a,
     etl        |     7 | stl_querytext |    2 |   b -- both
     etl        |     7 | stl_querytext |    3 | from t where note = 'it''s '
    (3 rows)
    "#);
    insta::assert_snapshot!(table(&session, "query_text", &[("query", "8")]).await, @r#"
     cluster_id | query | source    | line | text
    ------------+-------+-----------+------+----------
     etl        |     8 | stl_query |    1 | select 8
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "query_text", &[("query", "9")]).await, @r#"
     cluster_id | query | source               | line | text
    ------------+-------+----------------------+------+----------
     etl        |     9 | stl_querytext (gaps) |    1 | select 9
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "query_timeline", &[("query", "7")]).await, @r#"
     cluster_id | at                  | after_s | took_s | what      | seg | step | slices | rows | mb | detail
    ------------+---------------------+---------+--------+-----------+-----+------+--------+------+----+------------------
     etl        | 2026-01-03 09:00:00 |       0 |     20 | query     |     |      |        |      |    | done
     etl        | 2026-01-03 09:00:00 |       0 |      5 | wait      |     |      |        |      |    | queue 6 reports
     etl        | 2026-01-03 09:00:05 |       5 |     15 | execution |     |      |        |      |    | queue 6, Complet
     etl        | 2026-01-03 09:00:05 |       5 |      7 | scan      |   0 |    0 |      2 |  300 |  2 | sales
     etl        | 2026-01-03 09:00:06 |    6.25 |      0 | alert     |   0 |    0 |      1 |      |    | Very selective q
     etl        | 2026-01-03 09:00:12 |      12 |    7.5 | sort      |   1 |    2 |      2 |  300 |  2 | (disk)
    (6 rows)
    "#);
}
