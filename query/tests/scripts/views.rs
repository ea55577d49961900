//! What the views answer, and which files they read for it.

use datafusion::physical_plan::displayable;
use lookback_query::Session;
use serde_json::json;

use crate::fleet;
use crate::support::{TestLake, ask, sample};

#[tokio::test]
async fn views_answer_over_all_clusters() {
    let lake = fleet::lake().await;
    let session = lake.session().await;
    for (sql, want) in [
        (
            "SELECT cluster_id, query, elapsed, label, \"substring\", source_query, concurrency_scaling_status_txt, log_date \
             FROM svl_qlog WHERE query = 2 ORDER BY 1",
            "bi,2,120000000,default,\"select * from big a, big b\",,1 - Ran on a concurrency scaling cluster,2026-01-07\n\
             etl,2,30000000,nightly,insert into sales select * from staging,,0 - Ran on the main cluster,2026-01-07",
        ),
        (
            "SELECT slice, step, start_time, elapsed_time, rows, bytes, label, is_diskbased, workmem, is_rrscan, \
                    is_delayed_scan, rows_pre_filter \
             FROM svl_query_report WHERE cluster_id = 'etl' ORDER BY query, segment, step, slice",
            "0,0,2026-01-07 10:00:04,5000000,600,6000,scan   tbl=500 name=sales,f,0,t,f,650\n\
             1,0,2026-01-07 10:00:04,4000000,400,4000,scan   tbl=500 name=sales,f,0,f,f,450\n\
             0,1,2026-01-07 10:00:09,1000000,1,8,return,f,0,f,f,0\n\
             0,0,2026-01-07 10:05:01,2000000,50,500,scan   tbl=501 name=staging,f,0,f,f,50\n\
             0,2,2026-01-07 10:05:01,2000000,50,800,hash   tbl=240,t,1000,f,f,0\n\
             0,3,2026-01-07 10:05:01,2000000,50,500,dist,f,0,f,f,0\n\
             0,2,2026-01-07 10:05:03,27000000,50,0,insert tbl=500,f,0,f,f,0",
        ),
        (
            "SELECT * FROM svl_query_summary ORDER BY cluster_id, query, seg, step",
            "200,2,0,0,0,60000000,60000000,4000,40000,,,scan   tbl=500 name=big,f,0,f,f,4000,bi,2026-01-07\n\
             100,1,0,0,0,5000000,4500000,1000,10000,,,scan   tbl=500 name=sales,f,0,t,f,1100,etl,2026-01-07\n\
             100,1,1,1,1,1000000,1000000,1,8,,,return,f,0,f,f,0,etl,2026-01-07\n\
             100,2,0,0,0,2000000,2000000,50,500,,,scan   tbl=501 name=staging,f,0,f,f,50,etl,2026-01-07\n\
             100,2,0,0,2,2000000,2000000,50,800,,,hash   tbl=240,t,1000,f,f,0,etl,2026-01-07\n\
             100,2,0,0,3,2000000,2000000,50,500,,,dist,f,0,f,f,0,etl,2026-01-07\n\
             100,2,0,1,2,27000000,27000000,50,0,,,insert tbl=500,f,0,f,f,0,etl,2026-01-07",
        ),
        (
            "SELECT * FROM svl_query_metrics_summary ORDER BY cluster_id, query",
            "200,2,6,300,9000,100,,0,90,1.33,1.00,4000,5000000,5000000,5000000,,,20,bi,2026-01-07\n\
             100,1,6,5,100,6,,0,5,1.50,1.50,1000,,,1,,,4,etl,2026-01-07\n\
             100,2,6,20,400,30,,2048,,,,5000,700,,,,,0,etl,2026-01-07",
        ),
        (
            "SELECT dimension, segment, step, step_label, query_cpu_time, segment_execution_time, cpu_skew, scan_row_count, \
                    return_row_count FROM svl_query_metrics WHERE query = 1 ORDER BY segment, step",
            "query,-1,-1,,5,,,,\n\
             segment,0,-1,,,5,1.50,,\n\
             step,0,1,Scan table,,,,1000,\n\
             step,1,38,Return rows from the compute n,,,,,2\n\
             step,2,37,Return rows from the leader no,,,,,1",
        ),
        (
            "SELECT cluster_id, xid, type, starttime, sequence, text FROM svl_statementtext \
             WHERE userid > 1 ORDER BY 1, 4, 5",
            "bi,11,QUERY,2026-01-07 10:00:00,0,select count(*) from sales\n\
             etl,15,DDL,2026-01-07 09:10:00,0,create table sales(id int)\n\
             etl,11,QUERY,2026-01-07 10:00:00,0,select count(*) from sales\n\
             etl,12,QUERY,2026-01-07 10:05:00,0,insert into sales \n\
             etl,12,QUERY,2026-01-07 10:05:00,1,select * from staging\n\
             etl,12,UTILITY,2026-01-07 10:05:30,0,COMMIT",
        ),
        (
            "SELECT cluster_id, database, query, slots, queue_elapsed, exec_elapsed, wlm_total_elapsed, \
                    commit_queue_elapsed, commit_exec_time FROM svl_query_queue_info ORDER BY 1, 3",
            "bi,bi,1,1,0,4,4,,\nbi,bi,2,5,20,100,120,,\n\
             etl,dev,1,1,4,6,10,,\netl,dev,2,2,0,30,30,1,2\netl,dev,3,1,40,60,100,,",
        ),
        (
            "SELECT * FROM svl_vacuum_percentage ORDER BY cluster_id",
            "30,500,25,bi,2026-01-07\n30,500,60,etl,2026-01-07",
        ),
        (
            "SELECT cluster_id, query_id, stream_id, segment_id, step_id, step_name, table_id, table_name, duration, \
                    input_rows, output_rows, output_bytes, LEFT(alert, 14) FROM sys_query_detail ORDER BY 1, 2, 4, 5",
            "bi,2,0,0,0,scan,500,big,60000000,4000,4000,40000,Nested Loop Jo\n\
             etl,1,0,0,0,scan,500,sales,5000000,1100,1000,10000,Very selective\n\
             etl,1,1,1,1,return,,,1000000,0,1,8,\n\
             etl,2,0,0,0,scan,501,staging,2000000,50,50,500,\n\
             etl,2,0,0,2,hash,240,,2000000,0,50,800,\n\
             etl,2,0,0,3,dist,,,2000000,0,50,500,\n\
             etl,2,0,1,2,insert,500,,27000000,0,50,0,",
        ),
        (
            "SELECT cluster_id, query_id, transaction_id, session_id, start_time, \"sequence\", text FROM sys_query_text \
             ORDER BY 1, 2",
            "bi,1,11,1001,2026-01-07 10:00:00,0,select count(*) from sales\n\
             etl,1,11,1001,2026-01-07 10:00:00,0,select count(*) from sales\n\
             etl,2,12,1001,2026-01-07 10:05:00,0,insert into sales select * from staging",
        ),
        (
            "SELECT query_id, transaction_id, database_name, table_id, column_name, error_code, error_message \
             FROM sys_load_error_detail",
            "3,13,dev,500,price,1207,\"Invalid digit, Value 'x'\"",
        ),
        ("SELECT query, nodeid, segment, totalcost, \"rows\" FROM svcs_plan_info", "1,2,0,10,1000"),
        (
            "SELECT cluster_id, event, session_id, remote_port, user_name, duration FROM sys_connection_log \
             ORDER BY cluster_id, record_time",
            "bi,initiating session,1001,6001,carol,0\netl,initiating session,1001,5001,alice,0\n\
             etl,initiating session,1002,5002,bob,0\netl,disconnecting session,1001,5001,alice,5400000000",
        ),
    ] {
        assert_eq!(ask(&session, sql).await, want, "{sql}");
    }
}

#[tokio::test]
async fn history_has_loads_unloads_sessions_and_kinds() {
    let lake = TestLake::new();
    let day = "2026-01-01";
    let one = |id: i64, aborted: i64, text: &str| {
        json!({ "query": id, "userid": 100, "xid": id * 10, "pid": 7, "database": "dev", "label": "default", "aborted": aborted,
            "starttime": "2026-01-01 08:00:00", "endtime": "2026-01-01 08:00:09", "querytxt": text })
    };
    let rows = json!([
        one(1, 0, "copy public.sales from 's3://b/in/' iam_role '' csv"),
        one(2, 1, "COPY \"my_table\" (a, b)\nFROM 's3://b/two' manifest"),
        one(3, 0, "UNLOAD ('select * from t where a = \\'x\\'') TO 's3://b/out/' iam_role ''"),
        one(4, 0, "  -- a remark\n/* and * another */ With a as (select 1) select * from a"),
        one(5, 0, "create temp table t as select 1"),
        one(6, 0, "ALTER TABLE t APPEND FROM u"),
        one(7, 0, "fetch 10 from c"),
    ]);
    lake.add("stl_query", "etl", day, &[], rows).await;
    let file = |id: i64, slice: i64, name: &str| {
        json!({ "query": id, "userid": 100, "slice": slice, "filename": name, "lines_scanned": 5, "file_format": "csv",
            "curtime": "2026-01-01 08:00:08" })
    };
    let rows = json!([
        file(1, 0, "s3://b/in/1"),
        file(1, 1, "s3://b/in/2"),
        file(1, 1, "s3://b/in/2"),
        file(2, 0, "s3://b/two")
    ]);
    lake.add("stl_load_commits", "etl", day, &[], rows).await;
    let step = |slice: i64, rows: i64| json!({ "query": 1, "userid": 100, "slice": slice, "rows": rows, "tbl": 9, "endtime": "2026-01-01 08:00:08" });
    lake.add("stl_insert", "etl", day, &[], json!([step(0, 5), step(1, 10)])).await;
    let part = |method: &str, bytes: i64| json!({ "query": 1, "userid": 100, "http_method": method, "transfer_size": bytes, "recordtime": "2026-01-01 08:00:08" });
    lake.add("stl_s3client", "etl", day, &[], json!([part("GET", 100), part("GET", 50), part("HEAD", 7)])).await;
    let out = |path: &str, lines: i64, bytes: i64| {
        json!({ "query": 3, "userid": 100, "pid": 7, "path": path, "line_count": lines, "transfer_size": bytes, "file_format": "Text",
            "start_time": "2026-01-01 08:00:01", "end_time": "2026-01-01 08:00:02" })
    };
    lake.add("stl_unload_log", "etl", day, &[], json!([out("s3://b/out/0", 3, 30), out("s3://b/out/1", 4, 40)])).await;
    let session = |pid: i64, timed_out: i64| {
        json!({ "userid": 100, "process": pid, "db_name": "dev", "timeout_sec": 60, "timed_out": timed_out,
            "starttime": "2026-01-01 08:00:00", "endtime": "2026-01-01 09:00:00" })
    };
    lake.add("stl_sessions", "etl", day, &[], json!([session(7, 0), session(8, 1)])).await;
    let asker = lake.session().await;
    for (sql, want) in [
        (
            "SELECT query_id, query_type, status, elapsed_time, queue_time FROM sys_query_history ORDER BY 1",
            "1,COPY,success,9000000,\n2,COPY,failed,9000000,\n3,UNLOAD,success,9000000,\n4,SELECT,success,9000000,\n\
             5,CTAS,success,9000000,\n6,DDL,success,9000000,\n7,OTHER,success,9000000,",
        ),
        (
            "SELECT query_id, table_name, data_source, status, loaded_rows, source_file_count, source_file_bytes, error_count \
             FROM sys_load_history ORDER BY 1",
            "1,public.sales,s3://b/in/,completed,15,2,150,0\n2,my_table,s3://b/two,aborted,,1,,0",
        ),
        ("SELECT COUNT(*), MIN(file_name), SUM(lines_scanned) FROM sys_load_detail", "4,s3://b/in/1,20"),
        (
            "SELECT query_id, unloaded_location, unloaded_rows, unloaded_files_count, unloaded_files_size, duration \
             FROM sys_unload_history",
            "3,s3://b/out/,7,2,70,9000000",
        ),
        (
            "SELECT query_id, file_name, line_count FROM sys_unload_detail ORDER BY 2",
            "3,s3://b/out/0,3\n3,s3://b/out/1,4",
        ),
        (
            "SELECT user_id, session_id, database_name, status, session_timeout FROM sys_session_history ORDER BY 2",
            "100,7,dev,closed,60\n100,8,dev,timeout,60",
        ),
    ] {
        assert_eq!(ask(&asker, sql).await, want, "{sql}");
    }
    let told = asker.prepare("SELECT COUNT(*) FROM sys_session_history").unwrap().remove(0);
    let told: Vec<String> = told.notices().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["line 1: sys_session_history is made of STL tables here, and lacks sessions that are still open"]
    );
}

/// The files of the plan, without those that a dynamic filter drops later.
async fn files(session: &Session, sql: &str) -> usize {
    let answer = session.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    displayable(answer.plan().as_ref()).indent(true).to_string().matches(".parquet").count()
}

#[tokio::test]
async fn filters_on_a_view_prune_the_files_of_its_tables() {
    let lake = sample().await;
    for (cluster, day) in [("etl", "2026-01-01"), ("etl", "2026-01-02"), ("bi", "2026-01-01"), ("bi", "2026-01-02")] {
        let rows = json!([{ "userid": 100, "query": 3, "slice": 0, "segment": 0, "step": 0, "tbl": 7, "rows": 1,
            "starttime": format!("{day} 08:00:00"), "endtime": format!("{day} 08:00:01") }]);
        lake.add("stl_scan", cluster, day, &[], rows.clone()).await;
        lake.add("stl_hash", cluster, day, &[], rows).await;
        let metrics = json!([{ "query": 3, "segment": -1, "step_type": -1, "starttime": format!("{day} 08:00:00") }]);
        lake.add("stl_query_metrics", cluster, day, &[], metrics).await;
        let text = json!([{ "query": 3, "xid": 30, "pid": 4003, "sequence": 0, "text": "x" }]);
        lake.add("stl_querytext", cluster, day, &[], text).await;
    }
    let session = lake.session().await;
    for (view, filter, want) in [
        ("svl_qlog", "1 = 1", 5),
        ("svl_qlog", "cluster_id = 'etl'", 2),
        ("svl_qlog", "log_date = '2026-01-02'", 3),
        ("svl_qlog", "starttime >= '2026-01-02 10:00'", 2),
        ("svl_qlog", "query = 30", 1),
        ("svl_query_report", "1 = 1", 8),
        ("svl_query_report", "cluster_id = 'etl' AND log_date = '2026-01-02'", 2),
        ("svl_query_report", "start_time < '2026-01-02'", 4),
        ("svl_query_report", "query = 4", 0),
        // Both clusters' steps, and of the queries those with that day.
        ("svl_query_summary", "log_date = '2026-01-02'", 8 + 3),
        ("svl_query_summary", "cluster_id = 'etl'", 4 + 2),
        ("svl_query_metrics", "cluster_id = 'bi' AND log_date > '2026-01-01'", 1),
        ("svl_query_metrics_summary", "cluster_id = 'bi' AND log_date > '2026-01-01'", 1),
        ("svl_query_metrics_summary", "query = 4", 0),
        ("svl_statementtext", "cluster_id = 'etl' AND log_date = '2026-01-01'", 1 + 2),
        ("sys_query_history", "cluster_id = 'etl'", 2),
        ("sys_query_history", "query_type = 'SELECT' AND start_time >= '2026-01-02 10:00'", 2),
        ("sys_query_text", "cluster_id = 'etl' AND log_date = '2026-01-01'", 1 + 2),
        ("svl_statementtext", "cluster_id = 'bi' AND starttime >= '2026-01-02 12:00'", 2 + 1),
    ] {
        let sql = format!("SELECT * FROM {view} WHERE {filter}");
        assert_eq!(files(&session, &sql).await, want, "{sql}");
    }
}

#[tokio::test]
async fn a_view_is_part_of_the_statement_that_names_it() {
    let lake = fleet::lake().await;
    let session = lake.session().await;
    let answer =
        session.query("SELECT COUNT(*) FROM svl_qlog a JOIN svl_qlog b USING (cluster_id, query)").await.unwrap();
    assert_eq!(answer.versions(), [("stl_query".to_owned(), 3)]);
    let sql = "WITH svl_qlog AS (SELECT 1 AS one) SELECT one FROM svl_qlog";
    assert_eq!(ask(&session, sql).await, "1");
    let young = TestLake::new();
    assert_eq!(ask(&young.session().await, "SELECT COUNT(*) FROM svl_query_summary").await, "0");
}
