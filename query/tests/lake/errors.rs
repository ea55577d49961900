//! What goes wrong says what to do.

use lookback_query::{ErrorKind, Limits, Session};

use crate::support::{TestLake, csv, sample};

#[tokio::test]
async fn a_location_that_is_no_lake() {
    let open = |location: String| async move { Session::open(&location, Limits::default()).await.unwrap_err() };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap().to_owned();
    let error = open(path.clone()).await;
    assert_eq!(error.kind(), ErrorKind::Lake);
    assert!(error.to_string().contains("is not a lake: it has no lookback.json"), "{error}");
    let error = open(format!("{path}/none")).await;
    assert!(error.to_string().contains("there is no folder"), "{error}");
    assert!(open(String::new()).await.to_string().contains("--lake"));
    assert!(open("s3://bucket/lake".to_owned()).await.to_string().contains("s3://"));
    std::fs::write(dir.path().join("lookback.json"), "{").unwrap();
    assert!(open(path.clone()).await.to_string().contains("damaged"));
    std::fs::write(dir.path().join("lookback.json"), r#"{"format": "lookback-lake", "version": 99}"#).unwrap();
    assert!(open(path.clone()).await.to_string().contains("newer lookback"));
    assert!(open(format!("{path}/lookback.json")).await.to_string().contains("is a file"));
    std::fs::write(dir.path().join("lookback.json"), r#"{"format": "lookback-lake", "version": 1}"#).unwrap();
    assert!(Session::open(&format!("file://{path}"), Limits::default()).await.is_ok());
}

#[tokio::test]
async fn names_that_do_not_exist_are_answered_with_those_that_do() {
    let lake = sample().await;
    let session = lake.session().await;
    for (sql, want) in [
        ("SELECT 1 FROM stl_qurey", "table 'stl_qurey' does not exist; did you mean 'stl_query'"),
        ("SELECT qurey FROM stl_query", "column 'qurey' does not exist; did you mean 'query'"),
        ("SELECT q.usrid FROM stl_query q", "column 'usrid' does not exist in 'q'; did you mean 'userid'?"),
        ("SELECT query FROM stl_query a, stl_query b", "column 'query' is in more than one of the tables"),
        ("SELECT 1 FROM svl_s3log", "not exported"),
        ("SELECT 1 FROM other.stl_query", "have no schema, write 'stl_query'"),
        ("SELECT 1 FROM orders", "table 'orders' does not exist; see SHOW TABLES"),
        ("SELECT foo(1)", "function FOO is not available here"),
        (
            "SELECT charindx('a', querytxt) FROM stl_query",
            "function CHARINDX is not available here; did you mean 'charindex'?",
        ),
        ("SELECT 1 FROM stl_query WHERE userid = current_user_id", "there is no session of a cluster"),
        ("SELECT 1 FRM x y", "syntax error"),
        ("SELECT DATEDIFF(fortnight, 1, 2)", "'fortnight' is not a date part in datediff()"),
        ("SELECT DATEDIFF(day, 1, 2)", "the form is datediff(part, from, to)"),
    ] {
        let error = csv(&session, sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sql, "{sql}: {error}");
        assert!(error.to_string().contains(want), "{sql}: {error}");
    }
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let lake = sample().await;
    let session = lake.session().await;
    for sql in [
        "INSERT INTO stl_query VALUES (1)",
        "UPDATE stl_query SET query = 1",
        "DELETE FROM stl_query",
        "DROP TABLE stl_query",
        "TRUNCATE stl_query",
        "CREATE TABLE x (a int)",
        "CREATE TABLE x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/etc'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "ALTER TABLE stl_query ADD COLUMN a int",
        "COPY stl_query TO '/tmp/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "SET datafusion.runtime.memory_limit = '1T'",
        "RESET datafusion.runtime.memory_limit",
        "GRANT SELECT ON stl_query TO x",
        "PREPARE p AS SELECT 1",
        "EXPLAIN INSERT INTO stl_query VALUES (1)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/x.csv'",
        "SELECT 1; DROP TABLE stl_query",
        "SELECT * INTO x FROM stl_query",
        "WITH x AS (DELETE FROM stl_query) SELECT 1",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "MERGE INTO stl_query USING stl_scan ON true WHEN MATCHED THEN DELETE",
        "UNLOAD ('SELECT 1') TO 's3://x/'",
        "VACUUM stl_query",
        "EXPLAIN CREATE VIEW x AS SELECT 1",
    ] {
        let error = session.prepare(sql).expect_err(sql);
        assert!(matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::Sql), "{sql}: {error}");
        if error.kind() == ErrorKind::Sql {
            assert!(error.to_string().starts_with("syntax error"), "{sql}: {error}");
        }
    }
    for sql in ["SELECT * FROM \"/etc/passwd\"", "SELECT * FROM \"../x\"", "SELECT pg_read_file('/etc/passwd')"] {
        assert_eq!(csv(&session, sql).await.expect_err(sql).kind(), ErrorKind::Sql, "{sql}");
    }
}

#[tokio::test]
async fn a_damaged_lake_is_an_error_and_not_a_shorter_answer() {
    let lake = sample().await;
    let session = lake.session().await;
    let folder = lake.dir.path().join("stl_query/cluster_id=etl/log_date=2026-01-02");
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, b"not parquet").unwrap();
    let error = csv(&session, "SELECT query, querytxt FROM stl_query").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Read, "{error}");
    std::fs::remove_file(&file).unwrap();
    for session in [&session, &lake.session().await] {
        let error = csv(session, "SELECT query, querytxt FROM stl_query").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Read, "{error}");
        assert!(error.to_string().contains("is gone: `lookback maintain` removes files"), "{error}");
    }
    std::fs::write(lake.dir.path().join("stl_query/_delta_log/00000000000000000002.json"), b"{").unwrap();
    let session = lake.session().await;
    let error = csv(&session, "SELECT query FROM stl_query").await.unwrap_err();
    assert!(error.to_string().contains("the Delta log of table 'stl_query' cannot be read"), "{error}");
    assert_eq!(TestLake::new().session().await.lake().tables().await.unwrap(), Vec::<String>::new());
}
