//! A server over the sample lake, which ends with the test.

use std::net::SocketAddr;
use std::path::PathBuf;

use lookback_query::{Limits, Session};
use lookback_server::desk::Clock;
use lookback_server::{Desk, People, Server, Settings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::lake::{TestLake, sample};

pub(crate) struct Running {
    pub(crate) lake: TestLake,
    pub(crate) address: SocketAddr,
    pub(crate) desk: Desk,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<JoinHandle<()>>,
}

impl Running {
    /// A server with the settings of `[serve]`, as JSON; its port is a free one, and HTTP is off.
    pub(crate) async fn with(settings: serde_json::Value) -> Self {
        let lake = sample().await;
        let limits = Limits { target_partitions: 2, ..Limits::default() };
        let session = Session::open(lake.location(), limits).await.unwrap();
        let mut settings: Settings = serde_json::from_value(settings).unwrap();
        settings.pg = "127.0.0.1:0".parse().unwrap();
        settings.http = "off".parse().unwrap();
        let people = People::new(&settings.users, Clock::system()).unwrap();
        let desk = Desk::new(session, &settings, people).unwrap();
        let server = Server::bind(desk.clone()).await.unwrap();
        let address = server.pg_address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Self { lake, address, desk, stop: Some(stop), ended: Some(ended) }
    }

    pub(crate) async fn start() -> Self {
        Self::with(serde_json::json!({})).await
    }

    /// How to connect.
    pub(crate) fn to(&self) -> String {
        format!("host=127.0.0.1 port={} user=ana dbname=lookback", self.address.port())
    }

    pub(crate) async fn connect(&self) -> Client {
        connect(&self.to()).await.unwrap()
    }

    /// Where the test's files may be.
    pub(crate) fn folder(&self) -> PathBuf {
        self.lake.dir.path().to_owned()
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        self.ended.take().unwrap().await.unwrap();
    }
}

pub(crate) async fn connect(to: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(to, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The rows of a simple query, values separated by `,`, rows by line breaks.
pub(crate) async fn simple(client: &Client, sql: &str) -> String {
    let messages = client.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {}", said(&e)));
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => {
            let values: Vec<&str> = (0..row.len()).map(|at| row.get(at).unwrap_or("NULL")).collect();
            Some(values.join(","))
        }
        _ => None,
    };
    messages.iter().filter_map(row).collect::<Vec<_>>().join("\n")
}

/// The code of an error.
pub(crate) fn code(error: &tokio_postgres::Error) -> String {
    error.code().map_or_else(|| format!("no code: {error:?}"), |code| code.code().to_owned())
}

/// An error as a client shows it.
pub(crate) fn said(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |error| format!("{} {}", error.code().code(), error.message()))
}
