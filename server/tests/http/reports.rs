//! Audit, status, tables, questions, health and the description.

use serde_json::json;

use crate::client::open;

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_is_listed_and_run_in_every_form() {
    let server = open().await;
    let checks = server.get("/api/audit").await.json();
    assert_eq!(checks["checks"].as_array().unwrap().len(), lookback_query::audit::list().len());
    assert!(checks["checks"][0]["advice"].as_array().is_some_and(|advice| !advice.is_empty()));
    let asked = |format: Option<&str>| json!({ "controls": ["lb-enc-01", "LB-ENC-01"], "as_of": "2026-01-03", "format": format });
    let audit = server.post("/api/audit", &asked(None)).await.json();
    // Nothing was collected into this lake: nothing is known, and nothing passes.
    assert_eq!((&audit["checks"].as_array().unwrap().len(), &audit["summary"]["pass"]), (&1, &json!(0)));
    assert_eq!(audit["window_from"], "2025-10-05T00:00:00.000000Z");
    for (format, kind, begins) in [
        ("csv", "text/csv", "check_id,"),
        ("junit", "application/xml", "<?xml"),
        ("ocsf", "application/json", "["),
        ("asff", "application/x-ndjson", ""),
    ] {
        let answer = server.post("/api/audit", &asked(Some(format))).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{format}");
        assert!(answer.text().starts_with(begins), "{format}: {}", answer.text());
    }
    let headers = [("content-type", "application/json"), ("accept", "application/xml")];
    let xml = server.send("POST /api/audit", &headers, asked(None).to_string().as_bytes()).await;
    assert_eq!(xml.header("content-type"), Some("application/xml"));
    for (body, problem) in [
        (json!({ "controls": ["LB-ENC-99"] }), "parameter"),
        (json!({ "format": "pdf" }), "parameter"),
        (json!({ "from": "2026-01-02", "to": "2026-01-01", "as_of": "2026-01-03" }), "parameter"),
        (json!({ "to": "2026-01-04", "as_of": "2026-01-03" }), "parameter"),
        (json!({ "parameters": { "no_such": 1 } }), "parameter"),
        (json!({ "exceptions": "not toml" }), "parameter"),
        (json!({ "control": [] }), "bad_request"),
    ] {
        assert_eq!(server.post("/api/audit", &body).await.problem(), (400, problem.to_owned()), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_coverage_and_gaps() {
    let server = open().await;
    let status = server.get("/api/status").await.json();
    let covered = &status["coverage"][0];
    assert_eq!(
        (&covered["cluster_id"], &covered["covered_until"]),
        (&json!("etl"), &json!("2026-01-02T11:58:00.000000Z"))
    );
    assert_eq!(
        covered["gaps"],
        json!([{ "from": "2026-01-01T01:00:00.000000Z", "to": "2026-01-01T02:00:00.000000Z" }])
    );
    assert!(covered["lag_seconds"].as_i64().unwrap() > 0);
    assert_eq!(status["collectors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_listed_with_what_they_hold_and_described() {
    let server = open().await;
    let tables = server.get("/api/tables").await.json();
    let of =
        |name: &str| tables["tables"].as_array().unwrap().iter().find(|table| table["name"] == name).cloned().unwrap();
    assert_eq!((&of("stl_query")["rows"], &of("stl_query")["files"]), (&json!(6), &json!(5)));
    assert_eq!((&of("svl_qlog")["view"], &of("svl_qlog")["rows"]), (&json!(true), &json!(null)));
    let table = server.get("/api/tables/STL_QUERY").await.json();
    assert_eq!(table["name"], "stl_query");
    assert!(
        table["columns"].as_array().unwrap().contains(&json!({ "name": "starttime", "type": "timestamp" })),
        "{table}"
    );
    for name in ["%22", "stl_query%3B%20DROP", "..%2F..%2Fetc", "%00", &"x".repeat(300), "-"] {
        assert_eq!(server.get(&format!("/api/tables/{name}")).await.problem(), (404, "not_found".to_owned()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_health_and_metrics_tell_what_was_done() {
    let server = open().await;
    server.ask("SELECT count(*) AS n FROM stl_query").await;
    server.ask("SELECT nothing FROM stl_query").await;
    let questions = server.get("/api/questions?limit=2").await.json();
    let questions = questions["questions"].as_array().unwrap();
    assert_eq!((&questions[0]["outcome"], &questions[1]["outcome"]), (&json!("failed"), &json!("ok")), "{questions:?}");
    assert_eq!(
        (&questions[1]["user"], &questions[1]["door"], &questions[1]["rows"]),
        (&json!("local"), &json!("http"), &json!(1))
    );
    // What asks several statements is a question, too.
    server.get("/api/status").await;
    server.post("/api/audit", &json!({ "controls": ["LB-ENC-01"], "as_of": "2026-01-03" })).await;
    server.get("/api/timeline/etl").await;
    let questions = server.get("/api/questions?limit=3").await.json();
    let lines: Vec<&str> =
        questions["questions"].as_array().unwrap().iter().map(|one| one["statement"].as_str().unwrap()).collect();
    assert!(lines[0].starts_with("timeline of \"etl\" as of 2"), "{lines:?}");
    assert_eq!(
        lines[1],
        "audit of LB-ENC-01 as of 2026-01-03T00:00:00.000000Z, from 2025-10-05T00:00:00.000000Z to 2026-01-03T00:00:00.000000Z"
    );
    assert_eq!(lines[2], "status of tables and collectors");
    assert_eq!(server.get("/healthz").await.text(), "ok\n");
    assert_eq!(server.get("/readyz").await.text(), "ok\n");
    let metrics = server.get("/metrics").await;
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = metrics.text();
    assert!(
        text.contains("lookback_serve_questions_total{door=\"http\",outcome=\"ok\"} 4") && text.ends_with("# EOF\n"),
        "{text}"
    );
    let document = server.get("/api/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
}
