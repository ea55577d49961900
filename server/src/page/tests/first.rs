//! The server's own look at the overview, before anybody comes.

use std::task::Poll;

use futures::poll;
use tokio_util::sync::CancellationToken;

use super::super::ask::Asking;
use super::super::first::FirstView;
use super::super::overview::PANELS;
use super::super::{Asked, panel};
use super::*;
use crate::people::SERVER;

/// Half an hour after the newest row.
const CLOCK: i64 = 1_767_357_000_000_000;

async fn draw(asking: &Asking, role: Role, id: &str) -> bool {
    let asker = Asker { user: "ana".into(), role, door: Door::Page, from: None };
    let asked = Arc::new(Asked::new(asking.clone(), asker, "/", &[], CLOCK));
    panel::alone("overview", &PANELS, id, asked).await.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_first_finds_what_the_server_asked() {
    let site = Site::over(lake().await, Role::Admin).await;
    let asking = Asking::new(site.desk.clone());
    let first = FirstView::new(asking.clone());
    first.look(CLOCK, |_| true).await;
    let asked = site.desk.questions(100);
    assert!(asked.len() >= 5, "{asked:?}");
    assert!(asked.iter().all(|question| *question.user == *SERVER && question.role == Role::Auditor), "{asked:?}");
    for role in [Role::Auditor, Role::Admin] {
        for def in &PANELS {
            assert!(draw(&asking, role, def.id).await, "{}", def.id);
        }
    }
    assert_eq!(site.desk.questions(100).len(), asked.len());
    // What auditors see is nobody else's, nor is their answer.
    assert!(!draw(&asking, Role::Viewer, "verdicts").await);
    assert!(draw(&asking, Role::Viewer, "now").await);
    assert!(site.desk.questions(100).len() > asked.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_exports_have_stopped_the_last_day_is_looked_at() {
    let site = Site::over(lake().await, Role::Admin).await;
    let first = FirstView::new(Asking::new(site.desk.clone()));
    let asked_for = |day: &str| site.desk.questions(100).iter().any(|question| question.statement.contains(day));
    let month = 30 * 24 * 3600 * 1_000_000;
    first.look(CLOCK + month, |_| true).await;
    assert!(asked_for("'2026-02-01"));
    assert!(asked_for("'2026-01-02") && !asked_for("'1969-") && !asked_for("'1970-"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_ready_once_it_has_looked() {
    let folder = lake().await;
    let desk = Site::over(folder, Role::Admin).await;
    let (router, first) = crate::http::opened(desk.desk.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let site = Site { address, desk: desk.desk.clone(), task, _folder: tempfile::tempdir().unwrap() };
    assert_eq!(site.get("/readyz").await.0, 200);
    let stop = CancellationToken::new();
    let mut keeping = Box::pin(first.keep(&stop));
    assert_eq!(poll!(&mut keeping), Poll::Pending);
    let (status, text) = site.get("/readyz").await;
    assert_eq!((status, text.contains("has just started")), (503, true), "{text}");
    let ready = async {
        while first.is_under_way() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { () = &mut keeping => panic!("it looks again and again"), () = ready => {} }
    assert_eq!(site.get("/readyz").await.0, 200);
    assert!(!desk.desk.questions(100).is_empty());
    stop.cancel();
    keeping.await;
}
