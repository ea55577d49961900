//! What drivers do: simple queries, prepared statements in both formats, cursors, settings.

use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use serde_json::json;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::types::Type;

use crate::lake::query;
use crate::server::{Running, code, said, simple};

#[tokio::test]
async fn a_lake_answers_in_both_protocols_and_formats() {
    let server = Running::start().await;
    let client = server.connect().await;
    let sql = "SELECT cluster_id, COUNT(*), MAX(query) FROM stl_query GROUP BY 1 ORDER BY 1";
    assert_eq!(simple(&client, sql).await, "bi,3,30\netl,3,3");
    let sql = "SELECT starttime, endtime::date, 1.50::numeric(10,2), 0.1::float8, aborted = 0, NULL FROM stl_query WHERE query = 30";
    assert_eq!(simple(&client, sql).await, "2026-01-02 12:00:00,2026-01-02,1.50,0.1,t,NULL");

    let sql = "SELECT query, userid, querytxt, starttime, log_date, aborted = 0, 0.5::float8, userid::float4, COUNT(*) OVER () \
               FROM stl_query WHERE cluster_id = $1 AND query >= $2 AND starttime < $3 ORDER BY query";
    let statement = client.prepare(sql).await.unwrap();
    assert_eq!(statement.params(), [Type::VARCHAR, Type::INT8, Type::TIMESTAMP]);
    let types: Vec<Type> = statement.columns().iter().map(|column| column.type_().clone()).collect();
    let expected = [
        Type::INT8,
        Type::INT8,
        Type::VARCHAR,
        Type::TIMESTAMP,
        Type::DATE,
        Type::BOOL,
        Type::FLOAT8,
        Type::FLOAT4,
        Type::INT8,
    ];
    assert_eq!(types, expected);
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_355_200);
    let rows = client.query(&statement, &[&"etl", &2i64, &noon]).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].get::<_, i64>(0), rows[0].get::<_, &str>(2)), (2, "select\n  2\tfrom t"));
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_258_000);
    assert_eq!(rows[0].get::<_, SystemTime>(3), start);
    assert_eq!((rows[0].get::<_, bool>(5), rows[0].get::<_, f64>(6), rows[0].get::<_, i64>(8)), (true, 0.5, 2));
    // The same statement once more, with other values, after something was committed.
    server
        .lake
        .add(
            "stl_query",
            "etl",
            "2026-01-03",
            &[],
            json!([query(77, "2026-01-01 00:00:00", "2026-01-03 00:00:00", "x")]),
        )
        .await;
    let rows = client.query(&statement, &[&"etl", &70i64, &noon]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>(), [77]);
}

#[tokio::test]
async fn parameters_have_types_wherever_they_stand() {
    let server = Running::start().await;
    let client = server.connect().await;
    let one = |sql: &'static str| {
        let client = &client;
        async move { client.prepare(sql).await.unwrap_or_else(|e| panic!("{sql}: {}", said(&e))) }
    };
    for (sql, expected) in [
        ("SELECT $1", vec![Type::VARCHAR]),
        ("SELECT $1::bigint + 1", vec![Type::INT8]),
        ("SELECT query FROM stl_query LIMIT $1 OFFSET $2", vec![Type::INT8, Type::INT8]),
        ("SELECT query FROM stl_query WHERE querytxt LIKE $1", vec![Type::VARCHAR]),
        ("SELECT query FROM stl_query WHERE endtime BETWEEN $1 AND $2", vec![Type::TIMESTAMP, Type::TIMESTAMP]),
        ("SELECT query FROM stl_query WHERE userid IN ($1, $2)", vec![Type::INT8, Type::INT8]),
        ("WITH q AS (SELECT * FROM stl_query WHERE log_date = $1) SELECT COUNT(*) FROM q", vec![Type::DATE]),
        ("CREATE TEMP TABLE t AS SELECT query FROM stl_query WHERE query > $1", vec![Type::INT8]),
    ] {
        assert_eq!(one(sql).await.params(), expected, "{sql}");
    }
    let rows = client
        .query("SELECT query FROM stl_query ORDER BY query, cluster_id LIMIT $1 OFFSET $2", &[&2i64, &1i64])
        .await
        .unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>(), [1, 2]);
    // A quote in a value stays in it.
    let row = client.query_one("SELECT $1 || $2", &[&"it's", &"; DROP TABLE x --"]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "it's; DROP TABLE x --");
    let none = client.query_one("SELECT COUNT(*) FROM stl_query WHERE querytxt = $1", &[&None::<&str>]).await.unwrap();
    assert_eq!(none.get::<_, i64>(0), 0);
    // What the client says about a type counts.
    let typed = client.prepare_typed("SELECT $1", &[Type::INT8]).await.unwrap();
    assert_eq!(client.query_one(&typed, &[&7i64]).await.unwrap().get::<_, i64>(0), 7);
}

#[tokio::test]
async fn a_portal_gives_as_many_rows_as_it_is_asked_for() {
    let server = Running::start().await;
    let mut client = server.connect().await;
    let transaction = client.transaction().await.unwrap();
    let statement = transaction.prepare("SELECT * FROM generate_series(1, 25000)").await.unwrap();
    let portal = transaction.bind(&statement, &[]).await.unwrap();
    let mut counts = Vec::new();
    for most in [10, 10_000, 0] {
        counts.push(transaction.query_portal(&portal, most).await.unwrap().len());
    }
    assert_eq!(counts, [10, 10_000, 14_990]);
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn cursors_go_on_until_their_transaction_ends() {
    let server = Running::start().await;
    let client = server.connect().await;
    let sql =
        "BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT query FROM stl_query ORDER BY query, cluster_id; FETCH 2 FROM c";
    assert_eq!(simple(&client, sql).await, "1\n1");
    assert_eq!(simple(&client, "MOVE 1 IN c; FETCH FORWARD 2 FROM c").await, "2\n3");
    assert_eq!(simple(&client, "FETCH ALL FROM c").await, "30");
    assert_eq!(simple(&client, "FETCH ALL FROM c; CLOSE c; COMMIT").await, "");
    assert_eq!(code(&client.simple_query("FETCH 1 FROM c").await.unwrap_err()), "34000");
    assert_eq!(code(&client.simple_query("DECLARE c CURSOR FOR SELECT 1").await.unwrap_err()), "25P01");
    // A cursor in the extended protocol, as psycopg has it.
    client.batch_execute("BEGIN; DECLARE c CURSOR FOR SELECT query FROM stl_query ORDER BY query DESC").await.unwrap();
    let rows = client.query("FETCH FORWARD 1 FROM c", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 30);
    // An error ends it all until ROLLBACK.
    assert_eq!(code(&client.simple_query("SELECT x FROM stl_query").await.unwrap_err()), "42703");
    assert_eq!(code(&client.simple_query("SELECT 1").await.unwrap_err()), "25P02");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(simple(&client, "SELECT 1").await, "1");
}

#[tokio::test]
async fn nothing_is_written_and_errors_say_what_and_where() {
    let server = Running::start().await;
    let client = server.connect().await;
    for (sql, expected) in [
        ("DELETE FROM stl_query", "25006"),
        ("INSERT INTO stl_query SELECT * FROM stl_query", "25006"),
        ("CREATE TABLE t (x int)", "25006"),
        ("DROP TABLE stl_query", "25006"),
        ("COPY stl_query FROM STDIN", "25006"),
        ("COPY (SELECT 1) TO '/tmp/x'", "25006"),
        ("COPY (SELECT 1) TO PROGRAM 'id'", "25006"),
        ("COPY (DELETE FROM stl_query) TO STDOUT", "25006"),
        ("EXPLAIN ANALYZE DELETE FROM stl_query", "25006"),
        ("VACUUM", "25006"),
        ("SET datafusion.execution.batch_size = 1", "25006"),
        ("SET server_version = '9'", "55P02"),
        ("SELECT * FROM stl_quer", "42P01"),
        ("SELECT que FROM stl_query", "42703"),
        ("SELECT pg_read_file('/etc/passwd')", "42"),
        ("SELECT * FROM pg_read_file('/etc/passwd')", ""),
        ("SELECT * FROM '/etc/passwd'", ""),
        ("LISTEN x; NOTIFY x", "42601"),
    ] {
        let error = client.simple_query(sql).await.expect_err(sql);
        assert!(code(&error).starts_with(expected), "{sql}: {}", said(&error));
        assert!(!said(&error).contains("root:"), "{sql}");
        // The same by the other protocol.
        let error = client.query(sql, &[]).await.expect_err(sql);
        assert!(code(&error).starts_with(expected) || code(&error) == "42601", "{sql}: {}", said(&error));
    }
    let error = client.simple_query("SELECT 1;\n SELECT query\nFROM stl_query WHERE (").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!((error.code().code(), error.message().contains("at Line")), ("42601", false), "{error:?}");
    assert!(matches!(error.position(), Some(ErrorPosition::Original(place)) if *place > 20), "{error:?}");
    let error = client.simple_query("SELECT * FROM stl_quer").await.unwrap_err();
    assert!(said(&error).contains("did you mean 'stl_query'"), "{}", said(&error));
}

#[tokio::test]
async fn settings_are_those_of_one_connection() {
    let server = Running::start().await;
    let (one, other) = (server.connect().await, server.connect().await);
    one.batch_execute(
        "SET statement_timeout = '1500ms'; SET application_name TO 'one'; CREATE VIEW mine AS SELECT 5 AS x",
    )
    .await
    .unwrap();
    assert_eq!(
        simple(&one, "SHOW statement_timeout; SHOW application_name; SELECT x FROM mine").await,
        "1500ms\none\n5"
    );
    assert_eq!(simple(&other, "SHOW statement_timeout; SHOW application_name").await, "0\n");
    assert_eq!(code(&other.simple_query("SELECT x FROM mine").await.unwrap_err()), "42P01");
    let slow = "SELECT COUNT(*) FROM range(0, 1000000) a JOIN range(0, 1000000) b ON a.value * b.value < -1";
    assert_eq!(code(&one.simple_query(slow).await.unwrap_err()), "57014");
    assert_eq!(
        simple(&one, "BEGIN; SET LOCAL statement_timeout = 0; SHOW statement_timeout; COMMIT; SHOW statement_timeout")
            .await,
        "0\n1500ms"
    );
    one.batch_execute("DISCARD ALL").await.unwrap();
    assert_eq!(simple(&one, "SHOW statement_timeout").await, "0");
    assert_eq!(code(&one.simple_query("SELECT x FROM mine").await.unwrap_err()), "42P01");
    assert_eq!(simple(&one, "SHOW TRANSACTION ISOLATION LEVEL; SHOW server_version").await, "read committed\n15.4");
    assert_eq!(code(&one.simple_query("SHOW nothing").await.unwrap_err()), "42704");
}

#[tokio::test]
async fn copy_writes_text_and_csv() {
    let server = Running::start().await;
    let client = server.connect().await;
    let copied = |sql: &'static str| {
        let client = &client;
        async move {
            let parts: Vec<bytes::Bytes> = client.copy_out(sql).await.unwrap().try_collect().await.unwrap();
            String::from_utf8(parts.concat()).unwrap()
        }
    };
    let sql = "COPY (SELECT query, querytxt, NULL FROM stl_query WHERE cluster_id = 'etl' ORDER BY 1) TO STDOUT WITH (FORMAT csv, HEADER)";
    let text = copied(sql).await;
    assert_eq!(text.lines().next().unwrap().split(',').next(), Some("query"));
    assert!(text.contains("2,\"select\n  2\tfrom t\",\n3,\"insert into t values ('é, \"\"x\"\"')\",\n"), "{text}");
    let text =
        copied("COPY (SELECT query, querytxt, NULL FROM stl_query WHERE cluster_id = 'etl' ORDER BY 1) TO STDOUT")
            .await;
    assert!(text.contains("2\tselect\\n  2\\tfrom t\t\\N\n"), "{text}");
    assert_eq!(copied("COPY stl_query (query) TO STDOUT").await.lines().count(), 6);
}
