//! The proxy that the other tests trust: what it forwards, records, loses and refuses, against a server that counts.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::proxy::http::{Body, read_body, read_head};
use crate::support::proxy::{Fault, Point, Proxy, Rule};

/// Answers every request with `METHOD PATH HOST BODY`, in chunks if the path says so, and counts them.
struct Echo {
    endpoint: String,
    served: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (served, connections) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counts = (served.clone(), connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counts.1.fetch_add(1, Ordering::SeqCst);
                let served = counts.0.clone();
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Ok(Some(mut request)) = read_head(&mut stream).await {
                        read_body(&mut request, Body::Absent, &mut stream).await.unwrap();
                        served.fetch_add(1, Ordering::SeqCst);
                        let (method, path) = (request.word(0), request.word(1));
                        let mut body = format!("{method} {path} {} ", request.header("host").unwrap()).into_bytes();
                        body.extend_from_slice(&request.body);
                        let mut answer = b"HTTP/1.1 200 OK\r\nx-from: echo\r\n".to_vec();
                        if path.contains("chunked") {
                            answer.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                            for part in body.chunks(3) {
                                answer.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                                answer.extend_from_slice(part);
                                answer.extend_from_slice(b"\r\n");
                            }
                            answer.extend_from_slice(b"0\r\n\r\n");
                        } else {
                            answer.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
                            if method != "HEAD" {
                                answer.extend_from_slice(&body);
                            }
                        }
                        stream.write_all(&answer).await.unwrap();
                    }
                });
            }
        });
        Self { endpoint, served, connections }
    }

    fn served(&self) -> u64 {
        self.served.load(Ordering::SeqCst)
    }
}

/// A client that keeps its connection as long as it can. Status and body; `None` if the connection closed without an answer.
struct Client {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    fn new(proxy: &Proxy) -> Self {
        Self { address: proxy.endpoint().trim_start_matches("http://").to_owned(), stream: None }
    }

    async fn raw(&mut self, request: &[u8], bodiless: bool) -> Option<(u16, String)> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(&self.address).await.unwrap()),
        };
        stream.write_all(request).await.ok()?;
        let mut answer = read_head(&mut stream).await.ok()??;
        while answer.status() == Some(100) {
            read_body(&mut answer, Body::Absent, &mut stream).await.ok()?;
            answer = read_head(&mut stream).await.ok()??;
        }
        let body = if bodiless { Body::Announced } else { Body::UntilClosed };
        read_body(&mut answer, body, &mut stream).await.ok()?;
        self.stream = Some(stream);
        Some((answer.status().unwrap(), String::from_utf8(answer.body).unwrap()))
    }

    async fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Option<(u16, String)> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: lake.example\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        self.raw(request.as_bytes(), method == "HEAD").await
    }

    async fn put(&mut self, key: &str) -> Option<(u16, String)> {
        self.send("PUT", &format!("/lake/{key}"), "", "rows").await
    }

    async fn update(&mut self) -> Option<(u16, String)> {
        self.send("POST", "/", UPDATE, "{}").await
    }
}

const UPDATE: &str = "X-Amz-Target: DynamoDB_20120810.UpdateItem\r\nauthorization: AWS4-HMAC-SHA256 Credential=A/20260101/eu-central-1/dynamodb/aws4_request, Signature=0\r\n";
const GET_ITEM: &str = "X-Amz-Target: DynamoDB_20120810.GetItem\r\nauthorization: AWS4-HMAC-SHA256 Credential=A/20260101/eu-central-1/dynamodb/aws4_request, Signature=0\r\n";

#[tokio::test]
async fn requests_pass_unchanged_over_one_kept_connection() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.endpoint).await;
    let mut client = Client::new(&proxy);
    for n in 0..3 {
        let answer = client.put(&format!("part-{n}?x-id=PutObject")).await;
        assert_eq!(answer, Some((200, format!("PUT /lake/part-{n}?x-id=PutObject lake.example rows"))));
    }
    assert_eq!(echo.connections.load(Ordering::SeqCst), 1);
    let sent: Vec<_> = proxy.requests().iter().map(|r| (r.number, r.operation.clone(), r.status)).collect();
    let expected = |n| (n, "PutObject".to_owned(), Some(200));
    assert_eq!(sent, [expected(0), expected(1), expected(2)]);
}

#[tokio::test]
async fn chunks_and_expectations_and_heads_are_understood() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.endpoint).await;
    let mut client = Client::new(&proxy);
    let chunks = b"PUT /lake/a HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\ntrailer: 1\r\n\r\n";
    assert_eq!(client.raw(chunks, false).await, Some((200, "PUT /lake/a h abcde".to_owned())));
    assert_eq!(
        client.send("GET", "/lake/chunked", "", "").await,
        Some((200, "GET /lake/chunked lake.example ".to_owned()))
    );
    assert_eq!(client.send("HEAD", "/lake/a", "", "").await, Some((200, String::new())));
    let expecting = client.send("PUT", "/lake/b", "expect: 100-continue\r\n", "x").await;
    assert_eq!(expecting, Some((200, "PUT /lake/b lake.example x".to_owned())));
    assert_eq!(proxy.requests().iter().map(|r| r.body_bytes).collect::<Vec<_>>(), [5, 0, 0, 1]);
    assert_eq!(echo.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_is_recorded_with_what_matters_of_it() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.endpoint).await;
    let mut client = Client::new(&proxy);
    let headers = "X-Amz-Server-Side-Encryption: aws:kms\r\nx-amz-server-side-encryption-aws-kms-key-id: arn:k\r\nIf-None-Match: *\r\nx-amz-security-token: secret\r\nauthorization: AWS4-HMAC-SHA256 Credential=A/20260101/eu-central-1/s3/aws4_request, S\r\n";
    client.send("PUT", "/lake/_meta/0.json", headers, "{}").await.unwrap();
    client.send("POST", "/", GET_ITEM, "{}").await.unwrap();
    let form = "content-type: application/x-www-form-urlencoded\r\nauthorization: AWS4-HMAC-SHA256 Credential=A/20260101/eu-central-1/redshift/aws4_request, S\r\n";
    client.send("POST", "/", form, "Version=1&Action=DescribeClusters").await.unwrap();
    let seen = proxy.requests();
    assert_eq!(
        (&*seen[0].service, &*seen[0].operation, seen[0].object_key()),
        ("s3", "PutObject", Some("_meta/0.json"))
    );
    assert_eq!(seen[0].header("x-amz-server-side-encryption"), Some("aws:kms"));
    assert_eq!(seen[0].header("x-amz-server-side-encryption-aws-kms-key-id"), Some("arn:k"));
    assert_eq!(seen[0].header("if-none-match"), Some("*"));
    assert_eq!(seen[0].header("x-amz-security-token"), None);
    assert_eq!((&*seen[1].service, &*seen[1].operation), ("dynamodb", "GetItem"));
    assert_eq!((&*seen[2].service, &*seen[2].operation), ("redshift", "DescribeClusters"));
    assert_eq!(seen.iter().map(|r| r.is_mutation()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(proxy.mutations(), 1);
}

#[tokio::test]
async fn what_is_refused_does_not_reach_the_server() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.endpoint).await;
    proxy.inject(Rule::new(Fault::RefuseBefore).operation("PutObject").nth(1));
    proxy.inject(Rule::new(Fault::slow_down()).operation("PutObject").nth(2));
    proxy.inject(Rule::new(Fault::Answer { status: 418, code: "Teapot", body: "short".to_owned() }).path("pot"));
    let mut client = Client::new(&proxy);
    assert!(client.put("0").await.is_some());
    assert_eq!(client.put("1").await, None);
    let (status, body) = client.put("2").await.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("<Code>SlowDown</Code>"), "{body}");
    assert_eq!(client.send("GET", "/lake/pot", "", "").await, Some((418, "short".to_owned())));
    assert_eq!(echo.served(), 1);
    assert_eq!(proxy.requests().iter().map(|r| r.status).collect::<Vec<_>>(), [Some(200), None, Some(503), Some(418)]);
    assert_eq!(client.put("3").await.unwrap().0, 200);
}

#[tokio::test]
async fn errors_are_worded_as_the_service_that_was_asked_words_them() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.endpoint).await;
    proxy.inject(Rule::new(Fault::answer(400, "ThrottlingException")).service("dynamodb").first(1));
    proxy.inject(Rule::new(Fault::ErrorAfter { status: 500 }).service("dynamodb").nth(1));
    let mut client = Client::new(&proxy);
    let answer = client.update().await;
    assert_eq!(answer, Some((400, "{\"__type\":\"ThrottlingException\",\"message\":\"injected\"}".to_owned())));
    assert_eq!(echo.served(), 0);
    assert_eq!(client.update().await.unwrap().0, 500);
    assert_eq!(echo.served(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_lost_after_the_effect() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.endpoint).await;
    proxy.inject(Rule::new(Fault::LoseAnswer).mutations().first(2));
    let mut client = Client::new(&proxy);
    assert_eq!(client.put("0").await, None);
    assert!(client.send("GET", "/lake/0", "", "").await.is_some());
    assert_eq!(client.update().await, None);
    assert!(client.put("1").await.is_some());
    assert_eq!(echo.served(), 4);
    assert_eq!(proxy.requests()[0].status, None);
}

#[tokio::test]
async fn bodies_are_cut_and_slow_where_a_test_says_so() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.endpoint).await;
    proxy.inject(Rule::new(Fault::CutBody { after_bytes: 4 }).path("cut"));
    proxy.inject(Rule::new(Fault::SlowBody { chunk_bytes: 10, delay: Duration::from_millis(20) }).path("slow"));
    let mut stream = TcpStream::connect(proxy.endpoint().trim_start_matches("http://")).await.unwrap();
    stream.write_all(b"GET /lake/cut HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut got = String::new();
    stream.read_to_string(&mut got).await.unwrap();
    assert!(got.contains("content-length: 16\r\n") && got.ends_with("\r\n\r\nGET "), "{got}");

    let mut client = Client::new(&proxy);
    let start = Instant::now();
    let answer = client.send("GET", "/lake/slow", "", "").await;
    assert_eq!(answer, Some((200, "GET /lake/slow lake.example ".to_owned())));
    assert!(start.elapsed() >= Duration::from_millis(60), "three chunks, 20 ms each: {:?}", start.elapsed());
}

#[tokio::test]
async fn a_stalled_request_waits_and_hinders_no_other_connection() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.endpoint).await;
    proxy.inject(Rule::new(Fault::Stall).path("stall"));
    let (mut stuck, mut other) = (Client::new(&proxy), Client::new(&proxy));
    let waited = tokio::time::timeout(Duration::from_millis(100), stuck.put("stall")).await;
    assert!(waited.is_err(), "{waited:?}");
    assert!(other.put("a").await.is_some());
    assert_eq!(echo.served(), 1);
}

#[tokio::test]
async fn a_process_that_dies_at_a_mutation_does_and_hears_nothing_more() {
    for (point, done) in [(Point::Before, 2), (Point::After, 3)] {
        let echo = Echo::start().await;
        let proxy = Proxy::start(&echo.endpoint).await;
        proxy.fail_at(1, point);
        let mut client = Client::new(&proxy);
        assert!(client.put("0").await.is_some());
        assert!(client.send("POST", "/", GET_ITEM, "{}").await.is_some(), "reading is no mutation");
        assert!(!proxy.has_failed());
        assert_eq!(client.update().await, None);
        assert!(proxy.has_failed());
        assert_eq!(client.put("2").await, None);
        assert_eq!(client.send("GET", "/lake/0", "", "").await, None);
        assert_eq!(echo.served(), done);
        proxy.heal();
        assert!(client.put("2").await.is_some());
        assert_eq!(proxy.mutations(), 4);
    }
}

#[tokio::test]
async fn many_connections_are_served_at_once() {
    let echo = Echo::start().await;
    let proxy = Arc::new(Proxy::start(&echo.endpoint).await);
    let clients: Vec<_> = (0..16)
        .map(|client| {
            let proxy = proxy.clone();
            tokio::spawn(async move {
                let mut connection = Client::new(&proxy);
                for n in 0..50 {
                    let answer = connection.put(&format!("{client}/{n}")).await;
                    assert_eq!(answer, Some((200, format!("PUT /lake/{client}/{n} lake.example rows"))));
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let mut numbers: Vec<_> = proxy.requests().iter().map(|r| r.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..800).collect::<Vec<_>>());
    assert_eq!((proxy.count(), proxy.mutations(), echo.served()), (800, 800, 800));
}
