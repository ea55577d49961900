//! What is refused, with which status and code, and what every answer has.

use serde_json::json;

use crate::client::{Server, open, with};

async fn problem(server: &Server, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    server.send(line, headers, body.as_bytes()).await.problem()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_cannot_be_answered_is_a_problem_with_place_and_advice() {
    let server = open().await;
    let answer = server.ask("SELECT *\nFROM stl_query WHERE").await;
    assert_eq!(answer.problem(), (400, "sql".to_owned()));
    let body = answer.json();
    assert!(body["position"]["line"].as_u64().unwrap() >= 1, "{body}");
    let near = server.ask("SELECT * FROM stl_qery").await;
    assert_eq!(near.problem(), (400, "sql".to_owned()));
    let mut body = near.json();
    body["request_id"] = json!("…");
    insta::assert_snapshot!(format!("{body:#}"));
    for (sql, code) in [
        ("DELETE FROM stl_query", "read_only"),
        ("COPY stl_query TO '/tmp/x'", "read_only"),
        ("SELECT * FROM '/etc/passwd'", "read_only"),
        ("", "sql"),
        (";;", "sql"),
        ("SELECT nothing FROM stl_query", "sql"),
        ("SELECT * FROM stl_query WHERE query = $1", "sql"),
        ("SELECT :from", "sql"),
    ] {
        assert_eq!(server.ask(sql).await.problem(), (400, code.to_owned()), "{sql}");
    }
    assert_eq!(server.ask(&"SELECT 1;".repeat(40)).await.problem(), (400, "sql".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_wrong_are_told_how() {
    let server = open().await;
    let (json, text) = (("content-type", "application/json"), ("content-type", "text/plain"));
    for (line, headers, body, want) in [
        ("POST /api/sql", vec![json], "{", (400, "bad_request")),
        ("POST /api/sql", vec![json], r#"{"sql": "SELECT 1", "colour": "red"}"#, (400, "bad_request")),
        ("POST /api/sql", vec![json], r#"{"sql": 1}"#, (400, "bad_request")),
        ("POST /api/sql", vec![json], r#"{"sql": "SELECT 1", "as_of": "yesterday"}"#, (400, "parameter")),
        ("POST /api/sql", vec![json], r#"{"sql": "SELECT 1", "as_of": "9999-01-01"}"#, (400, "parameter")),
        ("POST /api/sql?colour=red", vec![text], "SELECT 1", (400, "parameter")),
        ("POST /api/sql?limit=1&limit=2", vec![text], "SELECT 1", (400, "bad_request")),
        (
            "POST /api/sql",
            vec![("content-type", "application/x-www-form-urlencoded")],
            "SELECT 1",
            (400, "bad_request"),
        ),
        ("POST /api/sql", vec![("content-type", "image/png")], "SELECT 1", (415, "unsupported_media_type")),
        ("POST /api/sql", vec![], "SELECT 1", (415, "unsupported_media_type")),
        ("POST /api/sql", vec![], "", (415, "unsupported_media_type")),
        ("POST /api/sql", vec![text, ("accept", "text/html")], "SELECT 1", (406, "not_acceptable")),
        ("POST /api/audit", vec![text], "x", (415, "unsupported_media_type")),
        ("GET /api/sql", vec![], "", (405, "method_not_allowed")),
        ("DELETE /api/status", vec![], "", (405, "method_not_allowed")),
        ("OPTIONS /api/sql", vec![("origin", "http://evil.example")], "", (403, "cross_origin")),
        ("GET /api/nothing", vec![], "", (404, "not_found")),
        ("GET /api/status?x=1", vec![], "", (400, "parameter")),
        ("GET /api/tables/no_such_table", vec![], "", (404, "not_found")),
        ("GET /api/timeline/etl", vec![], "", (404, "not_found")),
        ("GET /api/questions?limit=0", vec![], "", (400, "parameter")),
        ("POST /login", vec![json], r#"{"user": "ana", "password": "x"}"#, (400, "bad_request")),
        // Names that lead elsewhere.
        ("GET /api/status", vec![("host", "evil.example")], "", (421, "wrong_host")),
        ("GET /healthz", vec![("host", "evil.example:8080")], "", (421, "wrong_host")),
        // Pages of other sites.
        ("POST /api/sql", vec![text, ("sec-fetch-site", "cross-site")], "SELECT 1", (403, "cross_origin")),
        ("POST /api/sql", vec![text, ("origin", "http://evil.example")], "SELECT 1", (403, "cross_origin")),
        ("GET /api/status", vec![("sec-fetch-site", "same-site")], "", (403, "cross_origin")),
    ] {
        assert_eq!(
            problem(&server, line, &headers, body).await,
            (want.0, want.1.to_owned()),
            "{line} {headers:?} {body}"
        );
    }
    let wrong_method = server.get("/api/sql").await;
    assert_eq!(wrong_method.header("allow"), Some("POST"));
    // A body that says that it is too large is not even read, one that does not say so is read no further.
    let declared = [text, ("content-length", "17000000")];
    assert_eq!(problem(&server, "POST /api/sql", &declared, "").await, (413, "too_large".to_owned()));
    let large = format!("{{\"parameters\": {{\"x\": \"{}\"}}}}", "x".repeat(1 << 20));
    assert_eq!(problem(&server, "POST /api/audit", &[json], &large).await, (413, "too_large".to_owned()));
    let long = format!("SELECT /* {} */ 1 AS one", "x".repeat(3 << 20));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(server.send("POST /api/sql", &[text], long.as_bytes()).await.status, 200);
    assert_eq!(server.send("POST /api/sql", &form, format!("sql={long}").as_bytes()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_browsers_in_check_and_has_an_id() {
    let server = open().await;
    let ids = [("x-request-id", "trace-0123456789")];
    for (line, status) in
        [("GET /healthz", 200), ("GET /api/diagnostics", 200), ("GET /api/nothing", 404), ("PUT /api/sql", 405)]
    {
        let answer = server.send(line, &ids, b"").await;
        assert_eq!(answer.status, status, "{line}");
        for (name, value) in [
            ("x-request-id", "trace-0123456789"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{line}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{answer:?}");
        assert_eq!(answer.header("strict-transport-security"), None);
    }
    // An id that could be something else is not taken over.
    for id in ["short", "with space here", "<script>alert(1)</script>"] {
        let answer = server.send("GET /healthz", &[("x-request-id", id)], b"").await;
        assert_eq!(answer.header("x-request-id").unwrap().len(), 36, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_server_are_problems_too() {
    let server = with(json!({ "limits": { "statements": 1, "waiting": 0, "wait": "1ms", "max_rows": 2 } })).await;
    let answer = server.ask("SELECT query FROM stl_query").await;
    let late = answer.json();
    assert!(answer.status == 422 || late["error"]["code"] == "limit", "{late}");
    let slow = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000000) b WHERE a.value + b.value < 0";
    let body = json!({ "sql": slow }).to_string();
    let running = server.begin("POST /api/sql", &[("content-type", "application/json")], body.as_bytes()).await;
    let busy = loop {
        let answer = server.ask("SELECT 1 AS one").await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(busy.problem(), (429, "busy".to_owned()));
    assert!(busy.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    drop(running);
}
