//! A server over the sample lake, and an HTTP client that takes nothing for granted.

use std::net::SocketAddr;
use std::time::Duration;

use lookback_server::desk::Clock;
use lookback_server::{Desk, People, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::lake::{TestLake, sample};

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) desk: Desk,
    _lake: TestLake,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server without users: whoever is here may everything.
pub(crate) async fn open() -> Server {
    with(json!({})).await
}

/// A server with the settings of `[serve]`.
pub(crate) async fn with(settings: Value) -> Server {
    let settings: Settings = serde_json::from_value(settings).unwrap();
    let lake = sample().await;
    let coverage = json!([{ "run_id": "r1", "cluster_id": "etl", "table_name": "stl_query", "kind": "export", "outcome": "ok",
        "started_at": "2026-01-02 12:00:00", "covered_until": "2026-01-02 11:58:00", "rows_new": 3,
        "gap_from": "2026-01-01 01:00:00", "gap_to": "2026-01-01 02:00:00" }]);
    lake.add_runs("2026-01-02", coverage).await;
    let people = People::new(&settings.users, Clock::system()).unwrap();
    let desk = Desk::new(lake.session().await, &settings, people).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = lookback_server::http::router(desk.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    Server { address, desk, _lake: lake, task }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end, as far as HTTP can say.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status);
        assert_eq!(body["request_id"], self.header("x-request-id").unwrap());
        (self.status, body["code"].as_str().unwrap().to_owned())
    }
}

impl Server {
    /// Sends a request as it is written, with the host and an end of the connection.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.begin(line, headers, body).await;
        let mut bytes = Vec::new();
        // A body that is broken off can end in a reset.
        let _ = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes)).await.unwrap();
        read(&bytes)
    }

    /// Sends a request and does not wait for its answer.
    pub(crate) async fn begin(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
        let mut text = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            text.push_str(&format!("host: {}\r\n", self.address));
        }
        if !headers.iter().any(|(name, _)| *name == "content-length") && (!body.is_empty() || line.starts_with("POST"))
        {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        // Who is refused at once may be gone before the whole body was sent.
        let _ = stream.write_all(body).await;
        stream
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(&format!("POST {path}"), &headers, body.to_string().as_bytes()).await
    }

    /// The answer to a statement as JSON.
    pub(crate) async fn ask(&self, sql: &str) -> Answer {
        self.post("/api/sql", &json!({ "sql": sql })).await
    }
}

fn read(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())).unwrap();
    let headers: Vec<_> = lines.map(header).collect();
    let rest = &bytes[end + 4..];
    let of = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let (body, whole) = match (of("transfer-encoding"), of("content-length")) {
        (Some(chunked), _) if chunked == "chunked" => dechunked(rest),
        (_, Some(length)) => (rest.to_vec(), rest.len() == length.parse::<usize>().unwrap()),
        _ => (rest.to_vec(), true),
    };
    Answer { status, headers, body, whole }
}

/// The chunks of a body, and whether the last one is there.
fn dechunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else { return (body, false) };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        if size == 0 {
            return (body, true);
        }
        if rest.len() < size + 2 {
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
