//! A source that asks where its cluster is: once before a log-in, and once more when the answer turned out not to work.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lookback_exporter::source::{Endpoint, Failed, Locate, RedshiftSource, Source};
use lookback_exporter::{Error, ErrorKind};
use lookback_simulator::{Access, Cluster, ServeOptions, Server, Tls};

use crate::support::world::endpoint;

/// Gives one answer after the other, and keeps what it was asked.
#[derive(Default)]
struct Answers {
    left: Vec<Result<Endpoint, Error>>,
    asked: Vec<Option<Failed>>,
}

struct Script(Mutex<Answers>);

#[async_trait]
impl Locate for Script {
    async fn endpoint(&self, failed: Option<Failed>) -> Result<Endpoint, Error> {
        let mut answers = self.0.lock().unwrap();
        answers.asked.push(failed);
        answers.left.remove(0)
    }
}

/// Connects with these answers; what came of it, and what was asked.
async fn connect(answers: Vec<Result<Endpoint, Error>>) -> (Result<(), Error>, Vec<Option<Failed>>) {
    let script = Arc::new(Script(Mutex::new(Answers { left: answers, asked: Vec::new() })));
    let result = RedshiftSource::located(script.clone()).connect().await.map(|_| ());
    let asked = std::mem::take(&mut script.0.lock().unwrap().asked);
    (result, asked)
}

async fn served() -> (Cluster, Server) {
    let cluster = Cluster::empty("c", 0);
    cluster.set_user("lookback", "right", Access::Unrestricted);
    let server = cluster.serve(ServeOptions { tls: Tls::Off, ..ServeOptions::default() }).await.unwrap();
    (cluster, server)
}

fn with(server: &Server, password: &str) -> Endpoint {
    Endpoint { password: Some(password.to_owned().into()), ..endpoint("c", server.addr()) }
}

#[tokio::test]
async fn a_log_in_that_works_asks_once() {
    let (_cluster, server) = served().await;
    let (result, asked) = connect(vec![Ok(with(&server, "right"))]).await;
    assert!(result.is_ok() && asked == [None], "{result:?} {asked:?}");
}

#[tokio::test]
async fn a_refused_log_in_is_tried_once_more_with_another_password() {
    let (_cluster, server) = served().await;
    let (result, asked) = connect(vec![Ok(with(&server, "old")), Ok(with(&server, "right"))]).await;
    assert!(result.is_ok() && asked == [None, Some(Failed::Refused)], "{result:?} {asked:?}");
    let (result, asked) = connect(vec![Ok(with(&server, "old")), Ok(with(&server, "older"))]).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Auth);
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_cluster_that_moved_is_found() {
    let (cluster, server) = served().await;
    let old = with(&server, "right");
    server.stop().await;
    let new = cluster.serve(ServeOptions { tls: Tls::Off, ..ServeOptions::default() }).await.unwrap();
    let (result, asked) = connect(vec![Ok(old), Ok(with(&new, "right"))]).await;
    assert!(result.is_ok() && asked == [None, Some(Failed::Unreachable)], "{result:?} {asked:?}");
}

#[tokio::test]
async fn the_same_answer_again_is_not_tried_again() {
    let (cluster, server) = served().await;
    let (result, asked) = connect(vec![Ok(with(&server, "old")), Ok(with(&server, "old"))]).await;
    assert_eq!((result.unwrap_err().kind(), asked.len()), (ErrorKind::Auth, 2));
    assert_eq!(cluster.queries_served(), 0);
}

#[tokio::test]
async fn why_the_log_in_failed_is_said_even_if_nothing_newer_is_known() {
    let (_cluster, server) = served().await;
    let throttled = Error::new(ErrorKind::Aws, "throttled").transient();
    let (result, _) = connect(vec![Ok(with(&server, "old")), Err(throttled)]).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Auth);
}
