//! What the tests of the wire share.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use lookback_simulator::{Cluster, Row, ServeOptions, Server};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// 2026-03-02 00:00:00 UTC, a Monday.
pub(crate) const START: i64 = 1_772_409_600_000_000;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) fn config(server: &Server, user: &str, password: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(server.addr().port()).user(user).password(password).dbname("dev");
    config
}

pub(crate) async fn connect_as(server: &Server, user: &str, password: &str) -> Client {
    let (client, connection) = config(server, user, password).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn connect(server: &Server) -> Client {
    connect_as(server, "lookback", "lookback").await
}

pub(crate) async fn serve(cluster: &Cluster) -> Server {
    cluster.serve(ServeOptions::default()).await.unwrap()
}

/// A row of `stl_query` that ends, and becomes visible, at `end`.
pub(crate) fn query(id: i64, userid: i64, end: i64) -> Row {
    Row::new(end)
        .with("userid", userid)
        .with("query", id)
        .with("label", "default")
        .with("xid", 1_000 + id)
        .with("pid", 77)
        .with("database", "dev")
        .with("querytxt", format!("select {id}"))
        .at("starttime", end - SECOND)
        .at("endtime", end)
        .with("aborted", 0)
}

/// The rows of a simple query, as text.
pub(crate) async fn texts(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(sql).await.unwrap();
    messages
        .into_iter()
        .filter_map(|m| match m {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()),
            _ => None,
        })
        .collect()
}

/// The only value of the only row of a simple query.
pub(crate) async fn one(client: &Client, sql: &str) -> Option<String> {
    let rows = texts(client, sql).await;
    assert_eq!((rows.len(), rows[0].len()), (1, 1), "{sql}: {rows:?}");
    rows[0][0].clone()
}

/// The SQLSTATE that a simple query fails with.
pub(crate) async fn sqlstate(client: &Client, sql: &str) -> String {
    let error = client.simple_query(sql).await.expect_err(sql);
    error.code().map_or_else(|| format!("no SQLSTATE: {error}"), |c| c.code().to_owned())
}
