//! Questions about COPY, UNLOAD, S3 and changed rows.

use serde_json::json;

use super::table;
use crate::support::{TestLake, query};

const DAY: &str = "2026-01-08";

/// A COPY of two files in 10 s, an UNLOAD of two files, requests to S3, and lines that could not be loaded.
pub async fn transfers(lake: &TestLake) {
    let at = |time: &str| format!("{DAY} {time}");
    lake.add(
        "stl_query",
        "etl",
        DAY,
        &[],
        json!([query(21, &at("04:00:00"), &at("04:00:10"), "copy sales from 's3://in/day'")]),
    )
    .await;
    let loaded = |slice: i64, file: &str, lines: i64, errors: i64| {
        json!({"userid": 101, "query": 21, "slice": slice, "name": "a", "filename": file, "byte_offset": 0,
            "lines_scanned": lines, "errors": errors, "curtime": at("04:00:09"), "status": 1, "file_format": "Text"})
    };
    let rows = json!([loaded(0, "s3://in/day/1", 600, 0), loaded(1, "s3://in/day/2", 400, 2)]);
    lake.add("stl_load_commits", "etl", DAY, &[], rows).await;
    let request = |method: &str, bucket: &str, bytes: i64, micros: i64, retries: i64| {
        json!({"userid": 101, "query": 21, "slice": 0, "recordtime": at("04:00:05"), "pid": 1, "http_method": method,
            "bucket": bucket, "key": "day/1", "transfer_size": bytes, "data_size": bytes, "transfer_time": micros,
            "retries": retries})
    };
    let rows = json!([
        request("GET", "in", 30 << 20, 4_000_000, 0),
        request("GET", "in", 10 << 20, 1_000_000, 1),
        request("LIST", "in", 0, 500, 0),
    ]);
    lake.add("stl_s3client", "etl", DAY, &[], rows).await;
    let failed = json!([{"userid": 101, "query": 22, "sliceid": 0, "recordtime": at("04:10:00"), "pid": 1, "http_method": "PUT",
        "bucket": "out", "key": "x", "error": "AccessDenied"}]);
    lake.add("stl_s3client_error", "etl", DAY, &[], failed).await;
    let error = |query: i64, file: &str, line: i64, time: &str| {
        json!({"userid": 101, "slice": 0, "tbl": 501, "starttime": at(time), "session": 1, "query": query, "filename": file,
            "line_number": line, "colname": "price", "type": "int4", "col_length": "0", "position": 3, "raw_line": "x,y",
            "raw_field_value": "x", "err_code": 1207, "err_reason": "Invalid digit, Value 'x'"})
    };
    let rows = json!([
        error(21, "s3://in/day/2", 7, "04:00:01"),
        error(21, "s3://in/day/2", 9, "04:00:01"),
        error(23, "s3://in/next/3", 1, "05:00:01"),
    ]);
    lake.add("stl_load_errors", "etl", DAY, &[], rows).await;
    let unloaded = |slice: i64, path: &str, start: &str, end: &str, lines: i64, bytes: i64| {
        json!({"userid": 102, "query": 24, "slice": slice, "pid": 1, "path": path, "start_time": at(start), "end_time": at(end),
            "line_count": lines, "transfer_size": bytes, "file_format": "Text"})
    };
    let rows = json!([
        unloaded(0, "s3://out/sales/0000_part_00", "06:00:00", "06:00:04", 300, 6 << 20),
        unloaded(1, "s3://out/sales/0001_part_00", "06:00:01", "06:00:05", 200, 4 << 20),
    ]);
    lake.add("stl_unload_log", "etl", DAY, &[], rows).await;
}

/// Two inserts into 501 and a delete from 502.
pub async fn changes(lake: &TestLake) {
    let step = |query: i64, slice: i64, tbl: i64, rows: i64| {
        json!({"userid": 101, "query": query, "slice": slice, "segment": 1, "step": 1, "starttime": format!("{DAY} 07:00:00"),
            "endtime": format!("{DAY} 07:00:01"), "tasknum": 1, "rows": rows, "tbl": tbl})
    };
    lake.add("stl_insert", "etl", DAY, &[], json!([step(31, 0, 501, 6), step(31, 1, 501, 4), step(32, 0, 501, 2)]))
        .await;
    lake.add("stl_delete", "etl", DAY, &[], json!([step(33, 0, 502, 5)])).await;
}

#[tokio::test]
async fn loads_and_unloads_say_how_fast_they_were() {
    let lake = TestLake::new();
    transfers(&lake).await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "loads", &[]).await, @r#"
     cluster_id | query | ended               | took_s | files | lines | errors | mb | mb_per_s | slices | text
    ------------+-------+---------------------+--------+-------+-------+--------+----+----------+--------+--------------
     etl        |    21 | 2026-01-08 04:00:10 |     10 |     2 |  1000 |      2 | 40 |        4 |      2 | copy sales f
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "unloads", &[]).await, @r#"
     cluster_id | query | userid | ended               | took_s | files | rows | mb | mb_per_s | path
    ------------+-------+--------+---------------------+--------+-------+------+----+----------+-----------------
     etl        |    24 |    102 | 2026-01-08 06:00:05 |      5 |     2 |  500 | 10 |        2 | s3://out/sales/
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "s3_transfers", &[]).await, @r#"
     cluster_id | bucket | method | requests | mb | mb_per_s | retries | errors | last_at
    ------------+--------+--------+----------+----+----------+---------+--------+---------------------
     etl        | in     | GET    |        2 | 40 |        8 |       1 |      0 | 2026-01-08 04:00:05
     etl        | in     | LIST   |        1 |  0 |        0 |       0 |      0 | 2026-01-08 04:00:05
     etl        | out    | PUT    |        0 |    |          |       0 |      1 | 2026-01-08 04:10:00
    (3 rows)
    "#);
    insta::assert_snapshot!(table(&session, "load_errors", &[]).await, @r#"
     cluster_id | table_id | column_name | reason                   | errors | loads | last_at             | last_file
    ------------+----------+-------------+--------------------------+--------+-------+---------------------+----------------
     etl        |      501 | price       | Invalid digit, Value 'x' |      3 |     2 | 2026-01-08 05:00:01 | s3://in/next/3
    (1 row)
    "#);
}

#[tokio::test]
async fn changed_rows_are_counted_by_table() {
    let lake = TestLake::new();
    changes(&lake).await;
    insta::assert_snapshot!(table(&lake.session().await, "changed_rows", &[]).await, @r#"
     cluster_id | table_id | table_name | inserted | inserts | deleted | deletes | rows_per_insert | last_at
    ------------+----------+------------+----------+---------+---------+---------+-----------------+---------------------
     etl        |      501 |            |       12 |       2 |       0 |       0 |               6 | 2026-01-08 07:00:01
     etl        |      502 |            |        0 |       0 |       5 |       1 |                 | 2026-01-08 07:00:01
    (2 rows)
    "#);
}
