//! Pages over a small lake, as a browser gets them. Logs are hostile input: what is in them must be read, and never obeyed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

#[path = "../../../query/tests/lake/support.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests in `query` use the rest")]
mod lake;

mod first;
mod record;

use std::net::SocketAddr;

use axum::Extension;
use lake::TestLake;
use lookback_query::Limits;
use lookback_query::session::Session;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::desk::Clock;
use crate::people::{Asker, Door, People, Role};
use crate::settings::Settings;

const SCRIPT: &str = "<script>alert(1)</script>";
const BREAKS_OUT: &str = "\"><img src=x onerror=alert(2)>'";
/// Half an hour after the newest row.
const AS_OF: &str = "as_of=2026-01-02T12:30:00Z";

const PATHS: [&str; 11] = [
    "/",
    "/performance",
    "/queries",
    "/query/etl/7",
    "/encryption",
    "/encryption/etl",
    "/coverage",
    "/diagnostics",
    "/diagnostics/slowest_queries",
    "/console",
    "/no/such/page",
];

struct Site {
    address: SocketAddr,
    desk: Desk,
    task: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    async fn over(folder: tempfile::TempDir, role: Role) -> Self {
        let limits = Limits { target_partitions: 2, ..Limits::default() };
        let session = Session::open(folder.path().to_str().unwrap(), limits).await.unwrap();
        let settings = Settings::default();
        let people = People::new(&settings.users, Clock::system()).unwrap();
        let desk = Desk::new(session, &settings, people).unwrap();
        let asker = Asker { user: BREAKS_OUT.into(), role, door: Door::Page, from: None };
        let service = router(desk.clone()).0.layer(Extension(asker));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, desk, task, _folder: folder }
    }

    /// Status, head and body.
    async fn get_with(&self, path: &str, header: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), head.to_owned(), body.to_owned())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.get_with(path, "").await;
        (status, body)
    }

    /// A page of which every panel has come.
    async fn whole(&self, path: &str) -> String {
        let (_, mut page) = self.get(path).await;
        for part in page.clone().split("hx-get=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            page.push_str(&self.get(&part.replace("&#38;", "&")).await.1);
        }
        page
    }
}

async fn lake() -> tempfile::TempDir {
    let lake = TestLake::new();
    let mut hostile =
        lake::query(7, "2026-01-02 11:00:00", "2026-01-02 11:00:30", &format!("select '{SCRIPT}' /* {BREAKS_OUT} */"));
    hostile["database"] = json!(BREAKS_OUT);
    hostile["label"] = json!(SCRIPT);
    let rows = json!([lake::query(1, "2026-01-02 10:00:00", "2026-01-02 10:10:00", "select 1"), hostile]);
    lake.add("stl_query", "etl", "2026-01-02", &[], rows).await;
    let run = |cluster: &str, outcome: &str, error: Option<&str>| {
        json!({ "run_id": "r", "cluster_id": cluster, "table_name": "stl_query", "kind": "export", "outcome": outcome, "error": error,
            "started_at": "2026-01-02 12:00:00", "window_from": "2026-01-01 00:00:00", "window_to": "2026-01-02 11:58:00",
            "covered_until": "2026-01-02 11:58:00", "rows_new": 2, "gap_from": null, "gap_to": null })
    };
    let mut gap = run("etl", "gap", None);
    (gap["gap_from"], gap["gap_to"]) = (json!("2026-01-01 01:00:00"), json!("2026-01-01 02:00:00"));
    let runs = json!([gap, run(BREAKS_OUT, "ok", None), run("etl", "failed", Some(&format!("no route {SCRIPT}")))]);
    lake.add_runs("2026-01-02", runs).await;
    lake.dir
}

/// The tags and attributes of a page must not change with what is in the logs.
fn assert_harmless(page: &str, what: &str) {
    for raw in ["<script>", "<img", "onerror=alert(2)>"] {
        assert!(!page.contains(raw), "{what} has {raw}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_the_logs_is_read_and_not_obeyed() {
    let site = Site::over(lake().await, Role::Admin).await;
    let mut seen = 0;
    for path in PATHS {
        let path = format!("{path}?from=2026-01-01&{AS_OF}");
        let page = site.whole(&path).await;
        assert_harmless(&page, &path);
        seen += usize::from(page.contains("&#60;script&#62;alert(1)"));
    }
    assert!(seen >= 3, "the statement is shown by {seen} pages");
    // What a URL says is as hostile.
    for path in [
        "/console?sql=%3Cscript%3Ealert(1)%3C/script%3E",
        "/queries?q=%22%3E%3Cimg%20src=x%20onerror=alert(2)%3E&user=%3Cscript%3E&sort=%3Cscript%3E",
        "/queries?from=%3Cscript%3E&cluster=%22%3E%3Cimg%20src=x%20onerror=alert(2)%3E&refresh=%3Cscript%3E",
        "/diagnostics/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/diagnostics/slowest_queries?p.top=%3Cscript%3Ealert(1)%3C/script%3E",
        "/encryption/%22%3E%3Cimg%20src=x%20onerror=alert(2)%3E",
        "/panel/overview/now?at=%22%3E%3Cscript%3E",
    ] {
        assert_harmless(&site.whole(path).await, path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_link_keeps_what_is_looked_at() {
    let site = Site::over(lake().await, Role::Admin).await;
    let mut links = 0;
    for path in PATHS {
        let page = site.whole(&format!("{path}?from=now-2d&cluster=etl&{AS_OF}&refresh=10")).await;
        for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            if !link.starts_with('/') || link.starts_with("/assets/") {
                continue;
            }
            links += 1;
            // Those that change a part of it keep the others.
            let kept =
                ["from=", "cluster=etl", "as_of=", "refresh=10"].iter().filter(|part| link.contains(*part)).count();
            assert!(kept >= 3, "{path}: {link}");
        }
    }
    assert!(links > 150, "{links}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_those_of_the_logs() {
    let site = Site::over(lake().await, Role::Admin).await;
    let (status, panel) = site.get(&format!("/panel/overview/clusters?from=2026-01-02&{AS_OF}")).await;
    assert_eq!(status, 200);
    insta::assert_snapshot!("clusters", panel);
    let (_, panel) =
        site.get(&format!("/panel/overview/queries?from=2026-01-02T09:00&to=2026-01-02T12:00&{AS_OF}")).await;
    let chart = panel.split("data-chart=\"").nth(1).unwrap().split('"').next().unwrap();
    let chart: serde_json::Value = serde_json::from_str(&chart.replace("&#34;", "\"")).unwrap();
    assert_eq!(chart["series"][0]["values"], json!([0.0, 1.0, 1.0]));
    let (_, page) = site.get(&format!("/queries?from=2026-01-02&{AS_OF}&only=aborted")).await;
    assert!(page.contains("No query is like that"));
    let (_, page) = site.get(&format!("/queries?from=2026-01-02&{AS_OF}&q=SELECT%201")).await;
    assert!(page.contains("/query/etl/1?") && !page.contains("/query/etl/7?"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_sees_nothing_of_the_record() {
    let site = Site::over(lake().await, Role::Viewer).await;
    for path in ["/encryption", "/encryption/etl"] {
        let (status, page) = site.get(path).await;
        assert_eq!((status, page.contains("role auditor")), (403, true), "{path}");
    }
    for path in ["/panel/encryption/keys", "/panel/encryption/checks", "/panel/overview/verdicts", "/panel/no/such"] {
        assert_eq!(site.get(path).await.0, 404, "{path}");
    }
    let (_, page) = site.get("/").await;
    assert!(!page.contains("href=\"/encryption") && !page.contains("id=\"verdicts\""));
    assert_eq!(site.get("/console/columns?table=kms_key_state").await.0, 404);
    let (status, columns) = site.get("/console/columns?table=stl_query").await;
    assert!(status == 200 && columns.contains("\"querytxt\""), "{columns}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_without_logs_says_what_to_run_and_no_page_breaks() {
    let site = Site::over(TestLake::new().dir, Role::Admin).await;
    let (status, page) = site.get("/").await;
    assert!(status == 200 && page.contains("lookback export"), "{page}");
    for path in PATHS.into_iter().filter(|path| !path.contains("no/such")) {
        let page = site.whole(path).await;
        assert!(page.contains("</html>") && !page.contains("This is a defect"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panel_that_cannot_answer_does_not_break_its_page() {
    let site = Site::over(lake().await, Role::Admin).await;
    let page = site.whole("/diagnostics/slowest_queries?p.top=many").await;
    assert!(page.contains("role=\"alert\"") && page.contains("parameter &#39;top&#39;") && page.contains("</html>"));
    let (status, page) = site.get("/diagnostics/slowest_querys").await;
    assert!(status == 404 && page.contains("did you mean &#39;slowest_queries&#39;"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_twenty_people_look_at_is_asked_once() {
    let site = Site::over(lake().await, Role::Admin).await;
    let path = format!("/?from=2026-01-02&{AS_OF}");
    futures::future::join_all((0..20).map(|_| site.whole(&path))).await;
    let asked = site.desk.questions(1_000);
    let hourly = asked
        .iter()
        .filter(|one| one.statement.contains("under_10m") && one.statement.contains("lookback_hourly_current"));
    assert_eq!(hourly.count(), 1);
    assert!(asked.len() < 12, "{}", asked.len());
}

#[tokio::test]
async fn files_are_kept_for_good_under_a_path_of_their_version() {
    let site = Site::over(TestLake::new().dir, Role::Viewer).await;
    let path = format!("{}/page.css", assets::prefix());
    let (status, head, body) = site.get_with(&path, "").await;
    let head = head.to_lowercase();
    assert_eq!((status, body), (200, include_str!("../../assets/page.css").to_owned()));
    assert!(head.contains("immutable") && head.contains("content-type: text/css"), "{head}");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    assert_eq!(site.get_with(&path, &format!("If-None-Match: {tag}\r\n")).await.0, 304);
    assert_eq!(site.get("/assets/x/no.js").await.0, 404);
    assert!(!site.get_with("/assets/older/page.js", "").await.1.contains("immutable"));
}
