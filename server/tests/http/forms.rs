//! Every form of rows, and every way to ask for them.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::StreamReader;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::client::{Answer, open};

const SQL: &str = "SELECT query, querytxt, endtime FROM stl_query WHERE cluster_id = 'etl' ORDER BY query";

fn numbers(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_in_every_form() {
    let server = open().await;
    let ask = async |accept: &str| -> Answer {
        let headers = [("content-type", "text/plain"), ("accept", accept)];
        let answer = server.send("POST /api/sql", &headers, SQL.as_bytes()).await;
        assert_eq!((answer.status, answer.whole), (200, true), "{accept}: {answer:?}");
        answer
    };
    let json = ask("application/json").await;
    assert_eq!(json.header("content-type"), Some("application/json"));
    let mut document = json.json();
    assert!(document["seconds"].take().as_f64().unwrap() > 0.0);
    insta::assert_snapshot!(format!("{document:#}"));
    let lines = ask("application/x-ndjson").await.text();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[2]["querytxt"]), (3, &json!("insert into t values ('é, \"x\"')")));
    let csv = ask("text/csv").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"lookback.csv\""));
    insta::assert_snapshot!(csv.text());
    let arrow = ask("application/vnd.apache.arrow.stream").await;
    let arrow: Vec<_> = StreamReader::try_new(arrow.body.as_slice(), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(numbers(&arrow), [1, 2, 3]);
    let parquet = ask("application/vnd.apache.parquet").await;
    let parquet = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(parquet.body)).unwrap().build().unwrap();
    assert_eq!(numbers(&parquet.map(Result::unwrap).collect::<Vec<_>>()), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_asked_as_json_form_or_text() {
    let server = open().await;
    let send = async |line: &str, kind: &str, body: &str| {
        let answer = server.send(line, &[("content-type", kind)], body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{line} {body}: {answer:?}");
        answer
    };
    let first = |answer: Answer| answer.json()["rows"][0][0].clone();
    let json = r#"{"sql": "SELECT getdate()::date AS d", "as_of": "2026-01-02 10:00", "limit": 5, "format": null}"#;
    assert_eq!(first(send("POST /api/sql", "application/json; charset=utf-8", json).await), "2026-01-02");
    let form = "sql=SELECT+getdate%28%29%3A%3Adate+AS+d&as_of=2026-01-03&limit=";
    assert_eq!(first(send("POST /api/sql", "application/x-www-form-urlencoded", form).await), "2026-01-03");
    let text = "SELECT getdate()::date AS d;";
    assert_eq!(first(send("POST /api/sql?as_of=2026-01-04T00:00:00Z", "application/sql", text).await), "2026-01-04");
    // What the body says counts more than what the address says.
    let both = r#"{"sql": "SELECT query FROM stl_query ORDER BY 1", "limit": 2}"#;
    let answer = send("POST /api/sql?limit=1&format=csv", "application/json", both).await;
    assert_eq!(answer.text(), "query\n1\n1\n");
    let limited = send("POST /api/sql?limit=4", "text/plain", "SELECT query FROM stl_query").await.json();
    assert_eq!((&limited["row_count"], &limited["truncated"]), (&json!(4), &json!(true)));
    // Statements of a request share what they leave; those of the next one do not find it.
    let script = "CREATE TEMP TABLE few AS SELECT query FROM stl_query WHERE query = 3; SELECT * FROM few";
    assert_eq!(first(send("POST /api/sql", "text/plain", script).await), 3);
    assert_eq!(server.ask("SELECT * FROM few").await.problem(), (400, "sql".to_owned()));
    let nothing = server.ask("CREATE TEMP TABLE few AS SELECT 1 AS one").await.json();
    assert_eq!((&nothing["columns"], &nothing["rows"]), (&json!([]), &json!([])));
    let noticed = server.ask("SET statement_timeout TO 5; SELECT 1 AS one").await.json();
    assert!(noticed["notices"].is_array() && noticed["rows"] == json!([[1]]), "{noticed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_the_first_rows_shows_in_every_form() {
    let server = open().await;
    let sql = "SELECT 100 / (value - 60000) AS x FROM generate_series(1, 100000)";
    let ask = async |accept: &str| {
        let headers = [("content-type", "text/plain"), ("accept", accept)];
        let answer = server.send("POST /api/sql", &headers, sql.as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    };
    let document = ask("application/json").await;
    assert!(document.whole);
    let document = document.json();
    assert_eq!(document["error"]["code"], "sql");
    assert_eq!(document["row_count"], document["rows"].as_array().unwrap().len());
    let lines = ask("application/x-ndjson").await;
    let last: Value = serde_json::from_str(lines.text().lines().last().unwrap()).unwrap();
    assert_eq!((lines.whole, &last["error"]["code"]), (true, &json!("sql")));
    for accept in ["text/csv", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"] {
        assert!(!ask(accept).await.whole, "{accept}");
    }
    // Without a row before it, it is an answer with a status of its own.
    assert_eq!(server.ask("SELECT 1 / (query - query) FROM stl_query").await.problem(), (400, "sql".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diagnostic_is_described_and_asked() {
    let server = open().await;
    let all = server.get("/api/diagnostics").await.json();
    let all = all["diagnostics"].as_array().unwrap();
    assert_eq!(all.len(), lookback_query::diagnostics::list().len());
    let described = server.get("/api/diagnostics/slowest_queries").await.json();
    insta::assert_snapshot!(format!(
        "{:#}",
        json!({ "parameters": described["parameters"], "chart": described["chart"] })
    ));
    assert!(described["sql"].as_str().unwrap().contains(":top"));
    let rows = server.get("/api/diagnostics/slowest_queries/rows?top=2&cluster=etl&from=&format=csv").await;
    assert_eq!(rows.text().lines().count(), 3, "{rows:?}");
    let given = json!({ "parameters": { "top": 1, "cluster": "bi", "to": null }, "as_of": "2026-01-03" });
    let rows = server.post("/api/diagnostics/slowest_queries/rows", &given).await.json();
    assert_eq!(rows["row_count"], 1, "{rows}");
    assert_eq!(server.send("POST /api/diagnostics/slowest_queries/rows", &[], b"").await.status, 200);
    for (path, problem) in [
        ("/api/diagnostics/slowest_querys", (404, "not_found")),
        ("/api/diagnostics/slowest_querys/rows", (404, "not_found")),
        ("/api/diagnostics/slowest_queries/rows?tops=1", (400, "parameter")),
        ("/api/diagnostics/slowest_queries/rows?top=many", (400, "parameter")),
        ("/api/diagnostics/slowest_queries/rows?top=1&top=2", (400, "bad_request")),
        ("/api/diagnostics/slowest_queries/rows?limit=-1", (400, "parameter")),
        ("/api/diagnostics/slowest_queries/rows?format=xlsx", (400, "parameter")),
        ("/api/diagnostics/%FF", (400, "bad_request")),
    ] {
        assert_eq!(server.get(path).await.problem(), (problem.0, problem.1.to_owned()), "{path}");
    }
    let wrong = json!({ "parameters": { "top": [1] } });
    assert_eq!(
        server.post("/api/diagnostics/slowest_queries/rows", &wrong).await.problem(),
        (400, "parameter".to_owned())
    );
}
