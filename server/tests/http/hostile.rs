//! Bodies that mean harm: whatever is sent, the server answers with something a client can act on, and goes on.

use serde_json::json;

use crate::client::open;

#[tokio::test(flavor = "multi_thread")]
async fn no_body_brings_the_server_down_or_is_its_own_fault() {
    let server = open().await;
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
    let statements = [
        deep("(", ")"),
        format!("SELECT {}", deep("(", ")")),
        format!("SELECT {}", deep("- ", "")),
        format!("SELECT {}1", "NOT ".repeat(20_000)),
        format!("SELECT * FROM {}stl_query{}", "(SELECT * FROM ".repeat(500), ")".repeat(500)),
        format!("SELECT {}", vec!["1"; 100_000].join(" + ")),
        format!("SELECT 1 FROM stl_query WHERE {}", vec!["query = 1"; 5_000].join(" OR ")),
        vec!["SELECT 1 AS a"; 2_000].join(" UNION ALL "),
        // What nests by words that are clauses or nothing elsewhere; each of these once ended the process.
        format!("SELECT 1{}", " NOTNULL".repeat(20_000)),
        format!("SELECT 1 FROM stl_query WHERE {}", vec!["stl_query.from"; 5_000].join(" OR ")),
        format!("SELECT 1 FROM stl_query WHERE {}", vec!["query IS DISTINCT FROM 1"; 5_000].join(" OR ")),
        format!("SELECT getdate(){}", " AT TIME ZONE 'UTC'".repeat(5_000)),
        format!("SELECT 1 FROM {}", vec!["stl_query"; 5_000].join(" CROSS JOIN ")),
        format!("SELECT '{}'", "\\".repeat(10_000)),
        format!("SELECT{}1 AS one", " ".repeat(300_000)),
        "SELECT '\u{0}' AS nul".to_owned(),
        "SELECT 'é' \u{202e} FROM stl_query".to_owned(),
        "SELECT * FROM stl_query; --".to_owned(),
        "SELECT /* /* */ 1".to_owned(),
        "SELECT \"".to_owned(),
        "SELECT $1".to_owned(),
        "SELECT repeat('x', 2000000000)".to_owned(),
        "SELECT CAST('9' || repeat('9', 400) AS DECIMAL(38, 10))".to_owned(),
        "\u{feff}SELECT 1 AS one".to_owned(),
        format!("SELECT regexp_replace('aaaaaaaaaaaaaaaaaaaa', '{}', 'x')", "(a*)*".repeat(50)),
    ];
    for sql in statements {
        let answer = server.ask(&sql).await;
        let begins: String = sql.chars().take(40).collect();
        assert!(answer.status < 500, "{begins}: {answer:?}");
    }
    let json = ("content-type", "application/json");
    for (kind, body) in [
        (json, deep("[", "]").into_bytes()),
        (json, b"{\"sql\": \"\\ud800\"}".to_vec()),
        (json, b"\xff\xfe".to_vec()),
        (json, format!("{{\"sql\": \"SELECT 1\", \"limit\": {}}}", "9".repeat(400)).into_bytes()),
        (("content-type", "text/plain"), b"SELECT '\xff'".to_vec()),
        (("content-type", "application/x-www-form-urlencoded"), b"sql=%FF%FE&&&=&=".to_vec()),
        (("content-type", "application/x-www-form-urlencoded"), "a=1&".repeat(10_000).into_bytes()),
        (("content-type", "application/json; charset=\"utf-9"), b"{}".to_vec()),
    ] {
        let answer = server.send("POST /api/sql", &[kind], &body).await;
        assert!((400..500).contains(&answer.status), "{kind:?}: {answer:?}");
        answer.problem();
    }
    assert_eq!(server.ask("SELECT 1 AS one").await.json()["rows"], json!([[1]]));
}
