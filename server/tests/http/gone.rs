//! A client that goes away stops its statement.

use std::time::{Duration, Instant};

use lookback_server::desk::Outcome;
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::client::{Server, open};

/// Waits for the newest question to have ended.
async fn ended(server: &Server, sql: &str) -> Outcome {
    let began = Instant::now();
    loop {
        let newest = server.desk.questions(1).pop();
        if let Some(question) = newest.filter(|question| question.statement.contains(sql)) {
            return question.outcome;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "the statement goes on without its client");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_stops_its_statement_before_and_after_the_first_row() {
    let server = open().await;
    let header = [("content-type", "application/json")];
    let silent = "SELECT count(*) AS silent FROM generate_series(1, 100000) a, generate_series(1, 1000000000) b WHERE a.value + b.value < 0";
    let body = json!({ "sql": silent }).to_string();
    let mut waiting = server.begin("POST /api/sql", &header, body.as_bytes()).await;
    let nothing = tokio::time::timeout(Duration::from_millis(300), waiting.read_u8()).await;
    assert!(nothing.is_err() && server.desk.questions(1).is_empty(), "the statement has not ended by itself");
    drop(waiting);
    assert_eq!(ended(&server, "silent").await, Outcome::Stopped);
    let body = json!({ "sql": "SELECT value AS talkative FROM generate_series(1, 1000000000000)" }).to_string();
    let mut reading = server.begin("POST /api/sql", &header, body.as_bytes()).await;
    let mut some = vec![0; 100_000];
    reading.read_exact(&mut some).await.unwrap();
    drop(reading);
    assert_eq!(ended(&server, "talkative").await, Outcome::Stopped);
}
