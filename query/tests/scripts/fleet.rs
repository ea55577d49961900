//! Two clusters whose ids collide: queries 1 and 2, transaction 11, process 1001 and table 500 are in both. Everything
//! that the answers of the scripts are worked out from is here.
//!
//! Cluster `etl`: query 1 counts a table, 2 loads one from another and spills, 3 is a COPY that waits and fails, 4 is the
//! system's own. Cluster `bi`: query 1 counts a table, 2 is a cross join on a concurrency scaling cluster, 90 is older than
//! a week.

use serde_json::{Value, json};

use crate::support::TestLake;

const DAY: &str = "2026-01-07";

/// The moment that `getdate()` answers.
pub const NOW: &str = "2026-01-08 12:00:00";

/// A time of that day.
fn at(time: &str) -> String {
    format!("{DAY} {time}")
}

/// The rows with columns that all of them have.
fn with(common: Value, rows: Value) -> Value {
    let Value::Array(rows) = rows else { panic!("rows are an array") };
    let merged = rows.into_iter().map(|row| {
        let mut all = common.as_object().unwrap().clone();
        all.extend(row.as_object().unwrap().clone());
        Value::Object(all)
    });
    Value::Array(merged.collect())
}

pub async fn lake() -> TestLake {
    let lake = TestLake::new();
    queries(&lake).await;
    workload(&lake).await;
    steps(&lake).await;
    plans(&lake).await;
    statements(&lake).await;
    sessions(&lake).await;
    loads(&lake).await;
    lake
}

async fn queries(lake: &TestLake) {
    let rows = json!([
        { "query": 1, "userid": 100, "xid": 11, "pid": 1001, "starttime": at("10:00:00"), "endtime": at("10:00:10"),
          "querytxt": "select count(*) from sales" },
        { "query": 2, "userid": 100, "xid": 12, "pid": 1001, "starttime": at("10:05:00"), "endtime": at("10:05:30"),
          "querytxt": "insert into sales select * from staging", "label": "nightly" },
        { "query": 3, "userid": 101, "xid": 13, "pid": 1002, "starttime": at("11:00:00"), "endtime": at("11:01:40"),
          "querytxt": "copy sales from 's3://b/k'", "aborted": 1 },
        { "query": 4, "userid": 1, "xid": 14, "pid": 1003, "starttime": at("11:10:00"), "endtime": at("11:10:01"),
          "querytxt": "padb_fetch_sample: select * from sales" },
    ]);
    let common = json!({ "database": "dev", "label": "default", "aborted": 0, "insert_pristine": 0,
        "concurrency_scaling_status": 0 });
    lake.add("stl_query", "etl", DAY, &[], with(common.clone(), rows)).await;
    let rows = json!([
        { "query": 1, "userid": 200, "xid": 11, "pid": 1001, "starttime": at("10:00:00"), "endtime": at("10:00:04"),
          "querytxt": "select count(*) from sales", "database": "bi" },
        { "query": 2, "userid": 200, "xid": 21, "pid": 1001, "starttime": at("12:00:00"), "endtime": at("12:02:00"),
          "querytxt": "select * from big a, big b", "database": "bi", "concurrency_scaling_status": 1 },
    ]);
    lake.add("stl_query", "bi", DAY, &[], with(common.clone(), rows)).await;
    let old = json!([{ "query": 90, "userid": 200, "xid": 80, "pid": 900, "starttime": "2025-12-20 09:00:00",
        "endtime": "2025-12-20 09:00:01", "querytxt": "select 'old'", "database": "bi" }]);
    lake.add("stl_query", "bi", "2025-12-20", &[], with(common, old)).await;
}

async fn workload(lake: &TestLake) {
    // Waiting begins at `from`; what follows in seconds are the waiting and the running.
    let wlm =
        |id: i64, user: i64, xid: i64, class: i64, slots: i64, times: [&str; 3], seconds: [i64; 2], state: &str| {
            let [from, exec, to] = times.map(at);
            json!({ "query": id, "userid": user, "xid": xid, "task": id, "service_class": class, "slot_count": slots,
            "service_class_start_time": from, "queue_start_time": from, "queue_end_time": exec, "exec_start_time": exec,
            "exec_end_time": to, "service_class_end_time": to, "total_queue_time": seconds[0] * 1_000_000,
            "total_exec_time": seconds[1] * 1_000_000, "final_state": state, "est_peak_mem": 0,
            "query_priority": "Normal", "service_class_name": "queue" })
        };
    let rows = json!([
        wlm(1, 100, 11, 6, 1, ["10:00:00", "10:00:04", "10:00:10"], [4, 6], "Completed"),
        wlm(2, 100, 12, 6, 2, ["10:05:00", "10:05:00", "10:05:30"], [0, 30], "Completed"),
        wlm(3, 101, 13, 7, 1, ["11:00:00", "11:00:40", "11:01:40"], [40, 60], "Evicted"),
    ]);
    lake.add("stl_wlm_query", "etl", DAY, &[], rows).await;
    let rows = json!([
        wlm(1, 200, 11, 6, 1, ["10:00:00", "10:00:00", "10:00:04"], [0, 4], "Completed"),
        wlm(2, 200, 21, 6, 5, ["12:00:00", "12:00:20", "12:02:00"], [20, 100], "Completed"),
    ]);
    lake.add("stl_wlm_query", "bi", DAY, &[], rows).await;

    let metric = |id: i64, segment: i64, step_type: i64, more: Value| {
        let row = json!({ "query": id, "service_class": 6, "segment": segment, "step_type": step_type, "step": -1,
            "slices": 2, "rows": -1, "query_priority": 2 });
        with(row, json!([more])).as_array().unwrap()[0].clone()
    };
    let rows = json!([
        metric(
            1,
            -1,
            -1,
            json!({ "cpu_time": 5_000_000, "max_cpu_time": 3_000_000, "blocks_read": 100,
            "max_run_time": 6_000_000, "run_time": 12_000_000, "blocks_to_disk": 0, "query_queue_time": 4_000_000 })
        ),
        metric(
            1,
            0,
            -1,
            json!({ "cpu_time": 4_000_000, "max_cpu_time": 3_000_000, "blocks_read": 100,
            "max_blocks_read": 75, "max_run_time": 5_000_000, "run_time": 8_000_000 })
        ),
        metric(1, 0, 1, json!({ "step": 0, "rows": 1000 })),
        metric(1, 1, 38, json!({ "step": 1, "rows": 2 })),
        metric(1, 2, 37, json!({ "step": 3, "rows": 1 })),
        metric(
            2,
            -1,
            -1,
            json!({ "cpu_time": 20_000_000, "max_cpu_time": 9_000_000, "blocks_read": 400,
            "max_run_time": 30_000_000, "run_time": 50_000_000, "blocks_to_disk": 2048, "query_queue_time": 0 })
        ),
        metric(2, 0, 1, json!({ "step": 0, "rows": 5000 })),
        metric(2, 0, 10, json!({ "step": 2, "rows": 700 })),
    ]);
    let rows = with(json!({ "userid": 100, "starttime": at("10:00:04") }), rows);
    lake.add("stl_query_metrics", "etl", DAY, &[], rows).await;
    let rows = json!([
        metric(
            2,
            -1,
            -1,
            json!({ "cpu_time": 300_000_000, "max_cpu_time": 200_000_000, "blocks_read": 9000,
            "max_run_time": 100_000_000, "run_time": 190_000_000, "blocks_to_disk": 0, "query_queue_time": 20_000_000 })
        ),
        metric(
            2,
            0,
            -1,
            json!({ "cpu_time": 300_000_000, "max_cpu_time": 200_000_000, "blocks_read": 9000,
            "max_blocks_read": 4500, "max_run_time": 90_000_000, "run_time": 170_000_000 })
        ),
        metric(2, 0, 1, json!({ "step": 0, "rows": 4000 })),
        metric(2, 0, 15, json!({ "step": 1, "rows": 5_000_000 })),
        metric(2, 1, 37, json!({ "step": 0, "rows": 5_000_000 })),
    ]);
    let rows = with(json!({ "userid": 200, "starttime": at("12:00:20") }), rows);
    lake.add("stl_query_metrics", "bi", DAY, &[], rows).await;

    // Microseconds since 2000-01-01.
    let full = json!([{ "currenttime": 821_095_520_000_000_i64, "node_num": 0, "query_id": 2, "temp_blocks": 100 }]);
    lake.add("stl_disk_full_diag", "etl", DAY, &[], full).await;
    let rows = json!([{ "userid": 200, "query": 2, "service_class": 6, "rule": "nested", "action": "log",
        "recordtime": at("12:01:00") }]);
    lake.add("stl_wlm_rule_action", "bi", DAY, &[], rows).await;
}

async fn steps(lake: &TestLake) {
    let scan = json!({ "segment": 0, "step": 0, "type": 2, "is_rrscan": "f", "is_delayed_scan": "f" });
    let rows = json!([
        { "userid": 100, "query": 1, "slice": 0, "starttime": at("10:00:04"), "endtime": at("10:00:09"), "rows": 600,
          "bytes": 6000, "tbl": 500, "perm_table_name": "sales", "is_rrscan": "t", "rows_pre_filter": 650 },
        { "userid": 100, "query": 1, "slice": 1, "starttime": at("10:00:04"), "endtime": at("10:00:08"), "rows": 400,
          "bytes": 4000, "tbl": 500, "perm_table_name": "sales", "rows_pre_filter": 450 },
        { "userid": 100, "query": 2, "slice": 0, "starttime": at("10:05:01"), "endtime": at("10:05:03"), "rows": 50,
          "bytes": 500, "tbl": 501, "perm_table_name": "staging", "rows_pre_filter": 50 },
    ]);
    lake.add("stl_scan", "etl", DAY, &[], with(scan.clone(), rows)).await;
    let rows = json!([{ "userid": 200, "query": 2, "slice": 0, "starttime": at("12:00:20"), "endtime": at("12:01:20"),
        "rows": 4000, "bytes": 40000, "tbl": 500, "perm_table_name": "big", "rows_pre_filter": 4000 }]);
    lake.add("stl_scan", "bi", DAY, &[], with(scan, rows)).await;
    let step = |id: i64, segment: i64, step: i64, from: &str, to: &str, rows: i64, more: Value| {
        let row = json!({ "userid": 100, "query": id, "slice": 0, "segment": segment, "step": step,
            "starttime": at(from), "endtime": at(to), "rows": rows });
        with(row, json!([more]))
    };
    let row = step(
        2,
        0,
        2,
        "10:05:01",
        "10:05:03",
        50,
        json!({ "bytes": 800, "tbl": 240, "is_diskbased": "t", "workmem": 1000 }),
    );
    lake.add("stl_hash", "etl", DAY, &[], row).await;
    lake.add("stl_return", "etl", DAY, &[], step(1, 1, 1, "10:00:09", "10:00:10", 1, json!({ "bytes": 8 }))).await;
    lake.add("stl_insert", "etl", DAY, &[], step(2, 1, 2, "10:05:03", "10:05:30", 50, json!({ "tbl": 500 }))).await;
    let row = step(2, 0, 3, "10:05:01", "10:05:03", 50, json!({ "bytes": 500, "packets": 2_000_000 }));
    lake.add("stl_dist", "etl", DAY, &[], row).await;
    let segment = |id: i64, segment: i64, stream: i64| json!({ "userid": 100, "query": id, "segment": segment, "stream": stream });
    let rows = json!([segment(1, 0, 0), segment(1, 1, 1), segment(2, 0, 0), segment(2, 1, 0)]);
    lake.add("stl_stream_segs", "etl", DAY, &[], rows).await;
    lake.add("stl_stream_segs", "bi", DAY, &[], json!([{ "userid": 200, "query": 2, "segment": 0, "stream": 0 }]))
        .await;
}

async fn plans(lake: &TestLake) {
    let node = |id: i64, user: i64, node: i64, plannode: &str, info: &str| json!({ "userid": user, "query": id, "nodeid": node, "parentid": node - 1, "plannode": plannode, "info": info });
    let rows = json!([
        node(1, 100, 1, "XN Aggregate  (cost=10.00..10.00 rows=1 width=0)", ""),
        node(1, 100, 2, "  ->  XN Seq Scan on sales", "Filter: (price > 10)"),
    ]);
    lake.add("stl_explain", "etl", DAY, &[], rows).await;
    let rows = json!([
        node(2, 200, 1, "XN Nested Loop DS_BCAST_INNER", ""),
        node(2, 200, 0, "----- Tables missing statistics: big -----", ""),
    ]);
    lake.add("stl_explain", "bi", DAY, &[], rows).await;
    let rows = json!([{ "userid": 100, "query": 1, "nodeid": 2, "segment": 0, "step": 0, "locus": 2, "plannode": 101,
        "startupcost": 0.0, "totalcost": 10.0, "rows": 1000, "bytes": 10000 }]);
    lake.add("stl_plan_info", "etl", DAY, &[], rows).await;
    let alert = |user: i64, id: i64, time: &str, event: &str, solution: &str| {
        json!([{ "userid": user, "query": id, "slice": 0, "segment": 0, "step": 0, "pid": 1001, "xid": 11, "event": event,
            "solution": solution, "event_time": at(time) }])
    };
    let event = "Very selective query filter:ratio=rows(2)/rows_pre_user_filter(1000)=0.002";
    let rows = alert(100, 1, "10:00:04", event, "Review the choice of sort key");
    lake.add("stl_alert_event_log", "etl", DAY, &[], rows).await;
    let rows = alert(200, 2, "12:00:20", "Nested Loop Join in the query plan", "Review the join predicates");
    lake.add("stl_alert_event_log", "bi", DAY, &[], rows).await;
}

async fn statements(lake: &TestLake) {
    let text = |user: i64, xid: i64, pid: i64, from: &str, to: &str, text: &str| {
        json!([{ "userid": user, "xid": xid, "pid": pid, "label": "default", "starttime": from, "endtime": to,
            "sequence": 0, "text": text }])
    };
    let rows = text(100, 15, 1001, &at("09:10:00"), &at("09:10:01"), "create table sales(id int)");
    lake.add("stl_ddltext", "etl", DAY, &[], rows).await;
    let rows = text(100, 12, 1001, &at("10:05:30"), &at("10:05:33"), "COMMIT");
    lake.add("stl_utilitytext", "etl", DAY, &[], rows).await;
    let rows = text(1, 1, 1, "2026-01-05 03:00:00", "2026-01-05 03:00:01", "select 'xen_is_up.sql'");
    lake.add("stl_utilitytext", "etl", "2026-01-05", &[], rows).await;
    let rows = text(1, 1, 1, "2026-01-06 04:00:00", "2026-01-06 04:00:01", "select 'xen_is_up.sql'");
    lake.add("stl_utilitytext", "bi", "2026-01-06", &[], rows).await;
    let piece = |user: i64, xid: i64, id: i64, sequence: i64, text: &str| json!({ "userid": user, "xid": xid, "pid": 1001, "query": id, "sequence": sequence, "text": text });
    let rows = json!([
        piece(100, 11, 1, 0, "select count(*) from sales"),
        piece(100, 12, 2, 1, "select * from staging"),
        piece(100, 12, 2, 0, "insert into sales "),
    ]);
    lake.add("stl_querytext", "etl", DAY, &[], rows).await;
    lake.add("stl_querytext", "bi", DAY, &[], json!([piece(200, 11, 1, 0, "select count(*) from sales")])).await;
    let stats = |node: i64, from: &str| {
        json!({ "xid": 12, "node": node, "startqueue": from, "startwork": at("10:05:31"), "endtime": at("10:05:33"),
            "queuelen": 1 })
    };
    let rows = json!([stats(-1, &at("10:05:30")), stats(0, "2000-01-01 00:00:00")]);
    lake.add("stl_commit_stats", "etl", DAY, &[], rows).await;
    let rows = json!([{ "xact_id": 13, "process_id": 1002, "xact_start_ts": at("11:00:00"), "abort_time": at("11:01:40"),
        "table_id": 500 }]);
    lake.add("stl_tr_conflict", "etl", DAY, &[], rows).await;
    let vacuum = |status: &str, time: &str, rows: i64, blocks: i64| {
        json!({ "userid": 100, "xid": 30, "table_id": 500, "status": status, "rows": rows, "sortedrows": rows,
            "blocks": blocks, "eventtime": at(time) })
    };
    let rows = json!([vacuum("Started", "08:00:00", 1000, 50), vacuum("Finished", "08:05:00", 600, 30)]);
    lake.add("stl_vacuum", "etl", DAY, &[], rows).await;
    let rows = json!([
        vacuum("[VacuumBG] Started Delete Only", "08:00:00", 90, 40),
        vacuum("[VacuumBG] Finished", "08:01:00", 80, 10),
    ]);
    lake.add("stl_vacuum", "bi", DAY, &[], rows).await;
}

async fn sessions(lake: &TestLake) {
    let event = |event: &str, time: &str, pid: i64, host: &str, port: &str, user: &str, duration: i64| {
        json!({ "event": event, "recordtime": at(time), "pid": pid, "remotehost": host, "remoteport": port,
            "username": user, "dbname": "dev", "duration": duration })
    };
    let rows = json!([
        event("initiating session", "09:00:00", 1001, "10.0.0.1", "5001", "alice", 0),
        event("disconnecting session", "10:30:00", 1001, "10.0.0.1", "5001", "alice", 5_400_000_000_i64),
        event("initiating session", "09:30:00", 1002, "10.0.0.2", "5002", "bob", 0),
    ]);
    lake.add("stl_connection_log", "etl", DAY, &[], rows).await;
    let rows = json!([event("initiating session", "09:15:00", 1001, "10.0.1.1", "6001", "carol", 0)]);
    lake.add("stl_connection_log", "bi", DAY, &[], rows).await;
}

async fn loads(lake: &TestLake) {
    // Microseconds since 2000-01-01, as above.
    let start = 821_098_800_000_000_i64;
    let part = |slice: i64, from: i64, to: i64| {
        json!({ "userid": 101, "query": 3, "slice": slice, "recordtime": at("11:01:00"), "pid": 1002,
            "http_method": "GET", "bucket": "b", "key": "k", "transfer_size": 104_857_600, "data_size": 104_857_600,
            "start_time": start + from * 1_000_000, "end_time": start + to * 1_000_000, "transfer_time": 1000 })
    };
    lake.add("stl_s3client", "etl", DAY, &[], json!([part(0, 0, 20), part(1, 1, 30)])).await;
    let rows = json!([{ "userid": 101, "slice": 0, "tbl": 500, "starttime": at("11:00:41"), "session": 1002, "query": 3,
        "filename": "s3://b/k", "line_number": 7, "colname": "price", "type": "int4", "col_length": "0", "position": 3,
        "raw_line": "a,x", "raw_field_value": "x", "err_code": 1207, "err_reason": "Invalid digit, Value 'x'",
        "is_partial": 0, "start_offset": 0 }]);
    lake.add("stl_load_errors", "etl", DAY, &[], rows).await;
    let rows = json!([{ "userid": 101, "slice": 0, "session": 1002, "query": 3, "filename": "s3://b/k", "line_number": 7,
        "field": 2, "colname": "price", "value": "x", "is_null": 0, "type": "int4", "col_length": "0" }]);
    lake.add("stl_loaderror_detail", "etl", DAY, &[], rows).await;
}
