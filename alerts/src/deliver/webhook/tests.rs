use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::message::Event;
use crate::message::tests::{observation, told};

const KEY: &str = "0123456789abcdef0123";

/// A server that gives every connection the same answer, and keeps what it was sent.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/hunter2", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (mut text, mut buffer) = (String::new(), [0; 4_096]);
                while !text.ends_with("\"version\":1}") {
                    match stream.read(&mut buffer).await {
                        Ok(read @ 1..) => text.push_str(&String::from_utf8_lossy(&buffer[..read])),
                        _ => break,
                    }
                }
                kept.lock().unwrap().push(text);
                if let Some(answer) = answer {
                    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                open.push(stream);
            }
        });
        Self { url, requests, task }
    }

    async fn tell(&self, timeout: Duration) -> Result<(), DeliveryError> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let webhook = Webhook::new(&self.url.clone().into(), KEY.into(), timeout).unwrap();
        assert!(!format!("{webhook:?}").contains("hunter2"));
        let event = Event::new(&told(), &observation("sales"));
        webhook.send(&[&event], 1_700_000_000 * SECOND).await.remove(0)
    }
}

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_request_says_who_it_is_from_and_can_be_recognised() {
    let server = Server::start(Some("204 No Content")).await;
    server.tell(PATIENT).await.unwrap();
    let requests = server.requests.lock().unwrap();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let of = head.lines().filter_map(|line| line.split_once(": "));
        of.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next().unwrap()
    };
    assert!(head.starts_with("POST /hook/hunter2 HTTP/1.1\r\n"), "{head}");
    assert_eq!(header("idempotency-key"), "c0ffee");
    assert_eq!(header("lookback-timestamp"), "1700000000");
    assert_eq!(header("lookback-signature"), signature(&KEY.into(), "1700000000", "c0ffee", body));
    assert_eq!(body, Event::new(&told(), &observation("sales")).body());
}

#[test]
fn the_signature_is_what_other_tools_compute() {
    // printf 'v1.1700000000.c0ffee.{}' | openssl dgst -sha256 -hmac 0123456789abcdef0123
    let signed = signature(&KEY.into(), "1700000000", "c0ffee", "{}");
    assert_eq!(signed, "v1=b8abf06a4ce001fd87cd53ab1886c274f2aca49e17d34a806a194013a2df9fce");
}

#[tokio::test]
async fn what_a_receiver_answers_decides_whether_it_is_tried_again() {
    for (answer, transient, all) in [
        ("500 Oops", true, true),
        ("429 Slow", true, true),
        ("400 Bad", false, false),
        ("404 Gone", false, true),
        ("307 There\r\nlocation: http://127.0.0.1:1/", false, true),
    ] {
        let server = Server::start(Some(answer)).await;
        let error = server.tell(PATIENT).await.unwrap_err();
        assert_eq!((error.transient, error.all), (transient, all), "{error}");
        assert!(error.message.contains(&answer[..3]) && !error.message.contains("hunter2"), "{error}");
        assert_eq!(server.requests.lock().unwrap().len(), 1, "no redirect is followed, nothing is tried again here");
    }
}

#[tokio::test]
async fn who_hangs_or_is_not_there_keeps_nobody_waiting() {
    let server = Server::start(None).await;
    let error = server.tell(Duration::from_millis(200)).await.unwrap_err();
    assert!(error.transient && error.message.contains("in time") && !error.message.contains("hunter2"), "{error}");
    let mut gone = Server::start(None).await;
    gone.url = "http://127.0.0.1:1/hunter2".to_owned();
    let error = gone.tell(PATIENT).await.unwrap_err();
    assert!(error.transient && !error.message.contains("hunter2") && !error.message.contains("127.0.0.1"), "{error}");
}

#[test]
fn addresses_that_are_refused() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let open = |url: &str| Webhook::new(&url.to_owned().into(), KEY.into(), PATIENT).map(|_| ());
    for url in
        ["http://example.com/x", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "file:///etc", "hunter2", ""]
    {
        let error = open(url).unwrap_err();
        assert!(!error.message.contains("hunter2") && !error.transient, "{error}");
    }
    for url in ["https://example.com/x", "http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/"] {
        open(url).unwrap();
    }
    let short = Webhook::new(&"https://example.com".to_owned().into(), "short".into(), PATIENT).unwrap_err();
    assert!(short.message.contains("fewer than 16") && !short.message.contains("short"), "{short}");
}
