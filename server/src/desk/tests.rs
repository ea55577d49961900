use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt;
use lookback_query::Limits;

use super::*;
use crate::people::Door;
use crate::settings::{LimitSettings, QuestionSettings};

fn lake() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lookback.json"), r#"{"format": "lookback-lake", "version": 1}"#).unwrap();
    folder
}

fn asker(user: &str, role: Role) -> Asker {
    Asker { user: user.into(), role, door: Door::Http, from: None }
}

async fn desk(folder: &tempfile::TempDir, limits: LimitSettings) -> (Desk, Arc<AtomicU64>) {
    let session = Session::open(folder.path().to_str().unwrap(), Limits::default()).await.unwrap();
    let seconds = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&seconds);
    let clock = Clock::told(move || Duration::from_secs(told.load(Ordering::SeqCst)));
    let questions = QuestionSettings { file: Some(folder.path().join("questions")), ..QuestionSettings::default() };
    let audit_defaults = [("lake_keys".to_owned(), "key/1".to_owned())].into();
    let settings = Settings { limits, questions, audit_defaults, ..Settings::default() };
    let people = People::new(&settings.users, clock.clone()).unwrap();
    (Desk::with_clock(session, &settings, people, clock).unwrap(), seconds)
}

async fn ask(desk: &Desk, asker: &Asker, sql: &str) -> Result<Asked, AskError> {
    let session = desk.session();
    let statement = session.prepare(sql).unwrap().pop().unwrap();
    desk.ask(asker, &session, &statement).await
}

/// User, outcome and rows of each question, oldest first.
fn log(folder: &tempfile::TempDir) -> Vec<(String, String, u64)> {
    let text = std::fs::read_to_string(folder.path().join("questions")).unwrap();
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        (text("user"), text("outcome"), line["rows"].as_u64().unwrap())
    };
    text.lines().map(line).collect()
}

#[tokio::test]
async fn every_question_is_on_record_however_it_ended() {
    let folder = lake();
    let limits = LimitSettings { max_rows: 1_000_000, ..LimitSettings::default() };
    let (desk, _) = desk(&folder, limits).await;
    let (ana, bo) = (asker("ana", Role::Viewer), asker("bo", Role::Auditor));
    ask(&desk, &ana, "SELECT 1 UNION ALL SELECT 2").await.unwrap().collect().await.unwrap();
    assert!(matches!(ask(&desk, &ana, "SELECT x FROM stl_query").await, Err(AskError::Query(_))));
    let refused = ask(&desk, &ana, "SELECT * FROM encryption_events").await.unwrap_err().to_string();
    assert!(refused.contains("needs the role auditor"), "{refused}");
    ask(&desk, &bo, "SELECT * FROM encryption_events").await.unwrap().collect().await.unwrap();
    drop(ask(&desk, &bo, "SELECT * FROM generate_series(1, 100000)").await.unwrap());
    let over = ask(&desk, &bo, "SELECT * FROM generate_series(1, 1000001)").await.unwrap().collect().await.unwrap_err();
    assert_eq!(over.kind(), ErrorKind::Limit);
    let seen = log(&folder);
    let seen: Vec<(&str, &str)> = seen.iter().map(|(user, outcome, _)| (user.as_str(), outcome.as_str())).collect();
    let expected =
        [("ana", "ok"), ("ana", "failed"), ("ana", "forbidden"), ("bo", "ok"), ("bo", "stopped"), ("bo", "limit")];
    assert_eq!(seen, expected);
    assert_eq!(log(&folder)[0].2, 2);
    assert_eq!(desk.questions(2).len(), 2);
    let metrics = desk.metrics().encode();
    assert!(metrics.contains(r#"lookback_serve_questions_total{door="http",outcome="forbidden"} 1"#), "{metrics}");
}

#[tokio::test]
async fn a_view_does_not_hide_what_it_reads() {
    let folder = lake();
    let (desk, _) = desk(&folder, LimitSettings::default()).await;
    let (session, ana) = (desk.session(), asker("ana", Role::Viewer));
    for sql in [
        "CREATE VIEW v AS SELECT * FROM kms_key_state",
        "CREATE VIEW v AS SELECT * FROM kms_key_state WITH NO SCHEMA BINDING",
        "CREATE TEMP TABLE t AS SELECT * FROM kms_key_latest",
        "EXPLAIN SELECT * FROM kms_key_state",
    ] {
        let statement = session.prepare(sql).unwrap().pop().unwrap();
        assert!(matches!(desk.ask(&ana, &session, &statement).await, Err(AskError::Forbidden { .. })), "{sql}");
    }
}

#[tokio::test]
async fn one_waits_for_a_place_and_gets_it_when_an_answer_ends() {
    let folder = lake();
    let limits = LimitSettings { statements: 1, waiting: 0, wait: Duration::from_secs(60), ..LimitSettings::default() };
    let (desk, _) = desk(&folder, limits).await;
    let ana = asker("ana", Role::Viewer);
    let mut first = ask(&desk, &ana, "SELECT * FROM generate_series(1, 100000)").await.unwrap().into_stream();
    first.next().await.unwrap().unwrap();
    let mut second = Box::pin(ask(&desk, &ana, "SELECT 2"));
    assert!(futures::poll!(&mut second).is_pending());
    // The queue has one place, and it is taken.
    let third = ask(&desk, &ana, "SELECT 3").await.unwrap_err();
    assert!(matches!(third, AskError::Busy { .. }), "{third}");
    drop(first);
    second.await.unwrap().collect().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_nobody_reads_gives_its_place_back() {
    let folder = lake();
    let limits = LimitSettings { statements: 1, timeout: Duration::from_millis(50), ..LimitSettings::default() };
    let (desk, _) = desk(&folder, limits).await;
    let ana = asker("ana", Role::Viewer);
    let mut unread = ask(&desk, &ana, "SELECT * FROM generate_series(1, 1000000)").await.unwrap().into_stream();
    unread.next().await.unwrap().unwrap();
    ask(&desk, &ana, "SELECT 2").await.unwrap().collect().await.unwrap();
    let late = unread.next().await.unwrap().unwrap_err().to_string();
    assert!(late.contains("was not read within"), "{late}");
    assert!(unread.next().await.is_none());
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let folder = lake();
    let (desk, seconds) = desk(&folder, LimitSettings { per_second: 1, burst: 2, ..LimitSettings::default() }).await;
    let ana = asker("ana", Role::Viewer);
    for _ in 0..2 {
        ask(&desk, &ana, "SELECT 1").await.unwrap();
    }
    let busy = ask(&desk, &ana, "SELECT 1").await.unwrap_err();
    assert_eq!(busy.to_string(), "too many questions of this user; try again in 1 s");
    ask(&desk, &asker("bo", Role::Viewer), "SELECT 1").await.unwrap();
    seconds.store(1, Ordering::SeqCst);
    ask(&desk, &ana, "SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_session_may_be_narrower_but_not_wider() {
    let folder = lake();
    let (desk, _) = desk(&folder, LimitSettings { max_rows: 10, ..LimitSettings::default() }).await;
    let wide = desk.session().with_timeout(Duration::from_secs(9_999)).with_max_rows(None);
    let statement = wide.prepare("SELECT * FROM generate_series(1, 11)").unwrap().pop().unwrap();
    let asked = desk.ask(&asker("ana", Role::Viewer), &wide, &statement).await.unwrap();
    assert_eq!(asked.collect().await.unwrap_err().kind(), ErrorKind::Limit);
    // What one session keeps, another does not see.
    let view = wide.prepare("CREATE VIEW v AS SELECT 1 AS x").unwrap().pop().unwrap();
    desk.ask(&asker("ana", Role::Viewer), &wide, &view).await.unwrap();
    assert!(wide.query("SELECT x FROM v").await.is_ok());
    assert!(desk.session().query("SELECT x FROM v").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_is_a_question_as_any_other() {
    let folder = lake();
    let limits = LimitSettings { statements: 1, per_second: 1, burst: 4, ..LimitSettings::default() };
    let (desk, _) = desk(&folder, limits).await;
    let (ana, bo) = (asker("ana", Role::Viewer), asker("bo", Role::Auditor));
    let request = |ids: &[&str]| lookback_query::audit::Request {
        as_of: 1_767_225_600_000_000,
        from: 1_767_139_200_000_000,
        to: 1_767_225_600_000_000,
        checks: ids.iter().map(|id| lookback_query::audit::get(id).unwrap()).collect(),
        params: std::collections::BTreeMap::new(),
        exceptions: lookback_query::audit::Exceptions::default(),
    };
    assert!(matches!(desk.audit(&ana, request(&["LB-ENC-01"])).await, Err(AskError::Forbidden { .. })));
    let audit = desk.audit(&bo, request(&["LB-ENC-01", "LB-KEY-03"])).await.unwrap();
    let given =
        |audit: &lookback_query::audit::Audit, check: usize| audit.checks[check].params.get("lake_keys").cloned();
    // What the program knows of the lake is told to the check that asks for it, and to no other.
    assert_eq!((given(&audit, 0), given(&audit, 1)), (None, Some("key/1".to_owned())));
    let mut told = request(&["LB-KEY-03"]);
    told.params.insert("lake_keys".to_owned(), "key/2".to_owned());
    assert_eq!(given(&desk.audit(&bo, told).await.unwrap(), 0), Some("key/2".to_owned()));
    assert!(desk.story(&bo, "etl\n", 1_767_225_600_000_000, (0, 1_767_225_600_000_000)).await.unwrap().is_none());
    assert!(desk.covered(&ana).await.unwrap().collectors.is_none());
    assert!(desk.covered(&bo).await.unwrap().collectors.is_some());
    // The bucket of this user is empty.
    assert!(matches!(desk.audit(&bo, request(&["LB-ENC-01"])).await, Err(AskError::Busy { .. })));
    let line = |one: &Question| format!("{} {} {}", one.user, one.outcome.name(), one.statement);
    let asked: Vec<String> = desk.questions(100).iter().rev().map(line).collect();
    let over = "as of 2026-01-01T00:00:00.000000Z, from 2025-12-31T00:00:00.000000Z to 2026-01-01T00:00:00.000000Z";
    let story = "as of 2026-01-01T00:00:00.000000Z, from 1970-01-01T00:00:00.000000Z to 2026-01-01T00:00:00.000000Z";
    assert_eq!(
        asked,
        [
            format!("ana forbidden audit of LB-ENC-01 {over}"),
            format!("bo ok audit of LB-ENC-01, LB-KEY-03 {over}, with lake_keys = \"key/1\""),
            format!("bo ok audit of LB-KEY-03 {over}, with lake_keys = \"key/2\""),
            format!("bo ok timeline of \"etl\\n\" {story}"),
            "ana ok status of tables".to_owned(),
            "bo ok status of tables and collectors".to_owned(),
            format!("bo busy audit of LB-ENC-01 {over}"),
        ]
    );
    assert!(desk.questions(100).iter().any(|one| one.tables.contains_key("kms_key_state")), "with versions");
}
