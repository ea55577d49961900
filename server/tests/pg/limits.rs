//! Statements that take too long, answers that are too large, and many clients at once.

use std::time::Duration;

use serde_json::json;
use tokio_postgres::NoTls;

use crate::server::{Running, code, connect, said, simple};

const SLOW: &str = "SELECT COUNT(*) FROM range(0, 1000000) a JOIN range(0, 1000000) b ON a.value * b.value < -1";

#[tokio::test]
async fn a_statement_can_be_stopped_and_the_connection_goes_on() {
    let server = Running::start().await;
    let client = server.connect().await;
    let token = client.cancel_token();
    let (stopped, _) = tokio::join!(client.simple_query(SLOW), async {
        while server.desk.questions(1).is_empty() {
            token.cancel_query(NoTls).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(code(&stopped.unwrap_err()), "57014");
    assert_eq!(simple(&client, "SELECT 1").await, "1");
    assert_eq!(server.desk.questions(2)[1].outcome.name(), "stopped");
}

#[tokio::test]
async fn time_and_rows_are_limited_whatever_a_client_asks_for() {
    let server = Running::with(json!({ "limits": { "timeout": "300ms", "max_rows": 1000 } })).await;
    let client = server.connect().await;
    client.batch_execute("SET statement_timeout = '1h'").await.unwrap();
    assert_eq!(code(&client.simple_query(SLOW).await.unwrap_err()), "57014");
    let error = client.simple_query("SELECT * FROM generate_series(1, 1001)").await.unwrap_err();
    assert!(said(&error).starts_with("53400 the answer has more than 1000 rows"), "{}", said(&error));
    assert_eq!(simple(&client, "SELECT * FROM generate_series(1, 1000)").await.lines().count(), 1000);
    // A cursor that is left open gives its place back.
    client
        .batch_execute("BEGIN; DECLARE c CURSOR FOR SELECT * FROM generate_series(1, 1000); FETCH 1 FROM c")
        .await
        .unwrap();
    while server.desk.questions(1)[0].outcome.name() != "limit" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(code(&client.simple_query("FETCH 999 FROM c; FETCH 1 FROM c").await.unwrap_err()), "57014");
}

#[tokio::test]
async fn two_hundred_connections_are_answered_and_one_more_than_there_may_be_is_told() {
    let server = Running::with(json!({ "limits": { "connections": 200, "statements": 4, "wait": "5min" } })).await;
    let clients = futures::future::join_all((0..200).map(|_| server.connect())).await;
    let error = connect(&server.to()).await.map(|_| ()).unwrap_err();
    assert_eq!(code(&error), "53300", "{}", said(&error));
    let asked = clients.iter().map(|client| simple(client, "SELECT COUNT(*) FROM stl_query WHERE cluster_id = 'etl'"));
    let answers = futures::future::join_all(asked).await;
    assert!(answers.iter().all(|answer| answer == "3"));
    let metrics = server.desk.metrics().encode();
    assert!(metrics.contains(r#"lookback_serve_connections{door="pg"} 200"#), "{metrics}");
    drop(clients);
    // Places are free again once the server has noticed.
    loop {
        match connect(&server.to()).await {
            Ok(client) => break assert_eq!(simple(&client, "SELECT 1").await, "1"),
            Err(error) => assert_eq!(code(&error), "53300"),
        }
    }
}

#[tokio::test]
async fn who_asks_nothing_is_sent_away_and_a_server_that_stops_says_so() {
    let server = Running::with(json!({ "limits": { "idle": "100ms" } })).await;
    let client = server.connect().await;
    while !client.is_closed() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut server = Running::start().await;
    let client = server.connect().await;
    server.stop().await;
    assert!(client.simple_query("SELECT 1").await.is_err());
    assert!(connect(&server.to()).await.is_err());
}
