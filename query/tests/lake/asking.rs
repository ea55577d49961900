//! What an administrator asks.

use lookback_query::dialect::MAX_SQL_BYTES;
use serde_json::json;

use crate::support::{TestLake, ask, query, sample};

#[tokio::test]
async fn all_clusters_and_all_days_answer() {
    let lake = sample().await;
    let session = lake.session().await;
    let sql = "SELECT cluster_id, COUNT(*), MIN(log_date), MAX(query) FROM stl_query GROUP BY 1 ORDER BY 1";
    assert_eq!(ask(&session, sql).await, "bi,3,2026-01-01,30\netl,3,2026-01-01,3");
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM PG_CATALOG.STL_QUERY").await, "6");
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_query WHERE cluster_id = 'etl'").await, "3");
}

#[tokio::test]
async fn a_column_that_a_file_lacks_is_null() {
    let lake = sample().await;
    let session = lake.session().await;
    let sql = "SELECT query, concurrency_scaling_status FROM stl_query WHERE cluster_id = 'etl' ORDER BY query";
    assert_eq!(ask(&session, sql).await, "1,\n2,\n3,0");
    let sql = "SELECT COUNT(*) FROM stl_query WHERE concurrency_scaling_status IS NULL";
    assert_eq!(ask(&session, sql).await, "2");
    let sql = "SELECT COUNT(*), COUNT(concurrency_scaling_status) FROM stl_query";
    assert_eq!(ask(&session, sql).await, "6,4");
}

#[tokio::test]
async fn times_have_no_zone_and_compare_with_text() {
    let lake = sample().await;
    let session = lake.session().await;
    let sql = "SELECT endtime FROM stl_query WHERE endtime >= '2026-01-02' AND cluster_id = 'etl'";
    assert_eq!(ask(&session, sql).await, "2026-01-02 08:00:03.123456");
    assert_eq!(
        ask(&session, "SELECT MAX(endtime), MIN(starttime) FROM stl_query").await,
        "2026-01-02 12:00:02,2026-01-01 08:00:00.000001"
    );
    let sql = "SELECT arrow_typeof(endtime), arrow_typeof(getdate()), arrow_typeof(log_date) FROM stl_query LIMIT 1";
    assert_eq!(ask(&session, sql).await, "Timestamp(µs),Timestamp(µs),Date32");
    let sql =
        "SELECT COUNT(*) FROM stl_query WHERE endtime BETWEEN '2026-01-01 09:00' AND TIMESTAMP '2026-01-01 10:00:30'";
    assert_eq!(ask(&session, sql).await, "2");
    let sql = "SELECT COUNT(*) FROM stl_query WHERE endtime > getdate() - INTERVAL '1 hour'";
    assert_eq!(ask(&session, sql).await, "0");
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_query WHERE log_date = '2026-01-01'").await, "3");
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_query WHERE log_date >= current_date").await, "0");
}

#[tokio::test]
async fn as_of_moves_every_clock() {
    let lake = sample().await;
    let moment = lookback_query::diagnostics::parse_time("2026-01-02 12:30:00").unwrap();
    let session = lake.session().await.with_as_of(Some(moment));
    let sql = "SELECT getdate(), SYSDATE, now(), CURRENT_TIMESTAMP, CURRENT_DATE, getdate() = sysdate";
    let time = "2026-01-02 12:30:00";
    assert_eq!(ask(&session, sql).await, format!("{time},{time},{time},{time},2026-01-02,true"));
    let sql = "SELECT cluster_id, query FROM stl_query WHERE endtime > DATEADD(hour, -1, SYSDATE)";
    assert_eq!(ask(&session, sql).await, "bi,30");
    let sql = "SELECT DATEDIFF(minute, endtime, getdate()) FROM stl_query WHERE query = 30";
    assert_eq!(ask(&session, sql).await, "30");
    let now = lake.session().await;
    assert_eq!(
        ask(&now, "SELECT DATEDIFF(year, '2020-06-01', getdate()) >= 5, getdate() = getdate()").await,
        "true,true"
    );
}

#[tokio::test]
async fn redshift_syntax_is_understood() {
    let lake = sample().await;
    let session = lake.session().await;
    for (sql, want) in [
        ("SELECT TOP 2 query FROM stl_query ORDER BY query DESC, cluster_id", "30\n3"),
        ("SELECT TOP 1 DISTINCT cluster_id FROM stl_query ORDER BY 1", "bi"),
        ("SELECT * FROM (SELECT TOP 1 query FROM stl_query ORDER BY query) x", "1"),
        ("SELECT TOP 1 1 UNION ALL SELECT TOP 1 1", "1\n1"),
        ("SELECT NVL(NULL, NULL, 3), NVL(1, 2), LEN('abc'), LENGTH('é')", "3,1,3,1"),
        (
            "SELECT DATEDIFF(day, '2025-12-31 23:59', '2026-01-01'), DATEDIFF('yr', DATE '2025-12-31', DATE '2026-01-01')",
            "1,1",
        ),
        ("SELECT DATEADD(month, 1, '2026-01-31'), DATE_PART(dow, '2026-01-04'::timestamp)", "2026-02-28 00:00:00,0"),
        ("SELECT DATE_TRUNC('hr', starttime) FROM stl_query WHERE query = 3", "2026-01-02 08:00:00"),
        ("SELECT EXTRACT(hour FROM starttime) FROM stl_query WHERE query = 3", "8"),
        ("SELECT COUNT(*) FILTER (WHERE query > 2) FROM stl_query", "2"),
        (
            "SELECT cluster_id, query FROM stl_query QUALIFY ROW_NUMBER() OVER (PARTITION BY cluster_id ORDER BY query DESC) = 1 ORDER BY 1",
            "bi,30\netl,3",
        ),
        ("WITH q AS (SELECT * FROM stl_query) SELECT COUNT(*) FROM q", "6"),
        ("SELECT COUNT(*) FROM stl_query a JOIN stl_query b ON a.cluster_id = b.cluster_id AND a.query = b.query", "6"),
        ("SELECT COUNT(*) FROM stl_query WHERE querytxt ILIKE 'INSERT%' OR querytxt ~ '^select 5'", "2"),
        ("SELECT 7 / 2, 'a' || 'b', '5'::int + 1", "3,ab,6"),
    ] {
        assert_eq!(ask(&session, sql).await, want, "{sql}");
    }
}

#[tokio::test]
async fn functions_of_redshift_are_answered_over_rows() {
    let lake = sample().await;
    let session = lake.session().await;
    for (sql, want) in [
        ("SELECT COUNT(*) FROM stl_query WHERE query = pg_last_query_id() OR query = pg_last_copy_id()", "0"),
        ("SELECT COUNT(*) FROM stl_query WHERE pid <> pg_backend_pid()", "6"),
        // The query of awslabs' view v_my_last_copy_errors: nothing was copied here.
        (
            "SELECT query, starttime, filename, line_number, err_reason, colname, type column_type, col_length, raw_field_value
             FROM stl_load_errors le WHERE le.query = pg_last_copy_id()",
            "",
        ),
        (
            "SELECT TO_CHAR(starttime, 'YYYY-MM-DD HH24:MI'), SPLIT_PART(querytxt, ' ', 1), TRUNC(endtime)
             FROM stl_query WHERE query = 3",
            "2026-01-02 08:00,insert,2026-01-02",
        ),
        (
            "SELECT MAX(EXTRACT(epoch FROM endtime - starttime)), MAX(DATE_PART(s, endtime - starttime)) FROM stl_query",
            "600,30",
        ),
        (
            r"SELECT REGEXP_SUBSTR(querytxt, 'from\\s+(\\w+)', 1, 1, 'e') FROM stl_query WHERE cluster_id = 'etl' AND query = 2",
            "t",
        ),
        ("SELECT COUNT(*) FROM stl_query WHERE CONVERT_TIMEZONE('Asia/Tokyo', starttime) > '2026-01-02 17:00:00'", "2"),
        ("SELECT len(TO_CHAR(query, '999')), CHARINDEX('5', querytxt) FROM stl_query WHERE query = 30", "4,8"),
    ] {
        assert_eq!(ask(&session, sql).await, want, "{sql}");
    }
}

#[tokio::test]
async fn a_statement_sees_one_version() {
    let lake = sample().await;
    let session = lake.session().await;
    let before = session.query("SELECT query FROM stl_query").await.unwrap();
    assert_eq!(before.versions(), [("stl_query".to_owned(), 5)]);
    let rows = json!([query(99, "2026-01-03 08:00:00", "2026-01-03 08:00:01", "select 6")]);
    lake.add("stl_query", "etl", "2026-01-03", &[], rows).await;
    let seen: usize = before.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(seen, 6);
    let after =
        session.query("SELECT (SELECT COUNT(*) FROM stl_query) AS a, COUNT(*) AS b FROM stl_query").await.unwrap();
    assert_eq!(after.versions(), [("stl_query".to_owned(), 6)]);
    assert_eq!(
        ask(&session, "SELECT (SELECT COUNT(*) FROM stl_query) AS a, COUNT(*) AS b FROM stl_query").await,
        "7,7"
    );
}

#[tokio::test]
async fn tables_that_are_not_exported_yet_are_empty() {
    let lake = TestLake::new();
    let session = lake.session().await;
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_wlm_query").await, "0");
    assert_eq!(
        ask(&session, "SELECT q.query, t.log_time FROM stl_query q JOIN stl_querytext t USING (cluster_id, query)")
            .await,
        ""
    );
    assert_eq!(ask(&session, "SELECT cluster_id, log_date, run_id FROM lookback_export_runs").await, "");
    assert_eq!(ask(&session, "SELECT cluster_name FROM lookback_clusters").await, "");
}

#[tokio::test]
async fn several_statements_run_in_order() {
    let lake = sample().await;
    let session = lake.session().await;
    let statements = session.prepare("SELECT 1; ; SELECT 'a;b';\n-- done\n").unwrap();
    assert_eq!(statements.len(), 2);
    for statement in &statements {
        assert_eq!(session.run(statement).await.unwrap().collect().await.unwrap()[0].num_rows(), 1);
    }
    assert!(session.query("SELECT 1; SELECT 2").await.is_err());
}

#[tokio::test]
async fn tables_and_columns_can_be_listed() {
    let lake = sample().await;
    let session = lake.session().await;
    assert!(ask(&session, "SHOW TABLES").await.contains("stl_query"));
    assert!(ask(&session, "DESCRIBE stl_query").await.contains("querytxt"));
    assert!(ask(&session, "SHOW COLUMNS FROM stl_query").await.contains("cluster_id"));
    let sql = "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'stl_scan'";
    assert_eq!(ask(&session, sql).await, "1");
    assert!(ask(&session, "EXPLAIN SELECT TOP 1 NVL(query, 1, 2) FROM stl_query").await.contains("DataSourceExec"));
}

#[tokio::test]
async fn input_of_any_kind_is_answered_or_refused() {
    let lake = sample().await;
    let session = lake.session().await;
    for sql in [
        "",
        ";",
        "--",
        "/*",
        "'",
        "SELECT",
        "SELECT $1",
        "SELECT :x",
        "SELECT TOP",
        "\0",
        "SELECT * FROM",
        "🦀",
        "SELECT DATEADD(day, 9223372036854775807, getdate())",
        "SELECT DATEDIFF(1, 2, 3)",
        "SELECT DATEADD()",
        "SELECT DATEDIFF(day)",
        "SELECT LEN()",
        "SELECT NVL()",
        "SELECT 1/0",
        "SELECT * FROM stl_query LIMIT -1",
        "SELECT DATEADD(nonsense, 1, getdate())",
        "SELECT DATE_TRUNC(nonsense, getdate())",
        "SELECT TOP 1 PERCENT query FROM stl_query",
        "SELECT TOP 1 query FROM stl_query LIMIT 1",
    ] {
        let error = crate::support::csv(&session, sql).await.expect_err(sql);
        assert!(!error.to_string().is_empty(), "{sql}");
    }
    let nested = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(session.prepare(&nested).is_err());
    let long = format!("SELECT '{}'", "x".repeat(MAX_SQL_BYTES));
    assert!(session.prepare(&long).unwrap_err().to_string().contains("16 MB"));
}
