//! What the engine adds to checks: lakes without a record, one version for all, parameters, exceptions, what is recorded.

use std::collections::BTreeMap;

use lookback_query::ErrorKind;
use lookback_query::audit::record::{rows, run_id};
use lookback_query::audit::{Exceptions, Request, Verdict, get, list, run};
use lookback_query::diagnostics::parse_time;
use lookback_schemas::encryption::TABLES;

use crate::story::{lake, tables};
use crate::support::{TestLake, ask};

const NOON: &str = "2025-11-30T12:00";

fn request(checks: &[&str]) -> Request {
    let time = |text| parse_time(text).unwrap();
    Request {
        as_of: time(NOON),
        from: time("2025-11-01"),
        to: time(NOON),
        checks: checks.iter().map(|id| get(id).unwrap()).collect(),
        params: BTreeMap::new(),
        exceptions: Exceptions::default(),
    }
}

#[tokio::test]
async fn a_lake_without_a_record_is_unknown_and_says_what_to_do() {
    let lake = TestLake::new();
    let all: Vec<&str> = list().iter().map(|check| check.id).collect();
    let audit = run(&lake.session().await, &request(&all)).await.unwrap();
    let errors: Vec<_> = audit.errors().map(|judged| (judged.check.id, judged.error.clone())).collect();
    assert!(errors.is_empty(), "{errors:?}");
    for finding in audit.findings() {
        assert_eq!(finding.verdict, Verdict::Unknown, "{}: {}", finding.check.id, finding.reason);
        assert!(finding.reason.contains("ask again"), "{}: {}", finding.check.id, finding.reason);
    }
    assert_eq!(audit.findings().count(), list().len());
    assert_eq!(audit.failures(), 0);
}

#[tokio::test]
async fn tables_and_views_of_the_record_are_there_before_anything_was_collected() {
    let lake = TestLake::new();
    let session = lake.session().await;
    let names: Vec<String> = session.names().await.unwrap().into_iter().map(|relation| relation.name).collect();
    for table in TABLES {
        assert!(names.iter().any(|name| name == table.name), "{}", table.name);
        assert_eq!(ask(&session, &format!("SELECT COUNT(*) FROM {}", table.name)).await, "0");
        let columns = session.columns(table.name).await.unwrap();
        assert_eq!(columns.len(), table.columns.len() + 1, "{}", table.name);
        assert!(columns.iter().any(|column| column.name == "account_id" && column.data_type == "varchar"));
    }
    for view in lookback_query::views::of_record() {
        assert!(names.iter().any(|name| name == view.name), "{}", view.name);
        assert_eq!(ask(&session, &format!("SELECT COUNT(*) FROM {}", view.name)).await, "0");
        assert!(!session.columns(view.name).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_audit_sees_one_version_and_a_session_the_newest() {
    let story = tables();
    let lake = lake(&story).await;
    let session = lake.session().await;
    let pinned = session.pinned(&["kms_key_rotations"]).await.unwrap();
    let count = "SELECT COUNT(*) FROM kms_key_rotations";
    let before = ask(&pinned, count).await;
    let rows = story["kms_key_rotations"].iter().take(1).cloned().collect();
    let table = lookback_schemas::encryption::table("kms_key_rotations").unwrap();
    lake.add_record(table, "999999999999", "2026-01-01", &rows).await;
    assert_eq!(ask(&pinned, count).await, before);
    assert_ne!(ask(&session, count).await, before);
    let versions = pinned.versions().await;
    assert!(versions.iter().any(|(table, version)| table == "kms_key_rotations" && *version > 0), "{versions:?}");
}

#[tokio::test]
async fn views_see_nothing_after_the_moment() {
    let lake = lake(&tables()).await;
    let session = lake.session().await.with_as_of(Some(parse_time("2025-11-15").unwrap()));
    let newest = "SELECT MAX(start_hi) < '2025-11-15' FROM cluster_encryption_intervals";
    assert_eq!(ask(&session, newest).await, "true");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_anything_is() {
    let lake = TestLake::new();
    let session = lake.session().await;
    let refused = async |request: Request, says: &str| {
        let error = run(&session, &request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(error.to_string().contains(says), "{error}");
    };
    let base = request(&["LB-ENC-01"]);
    refused(Request { from: base.to, ..base.clone() }, "no time in it").await;
    refused(Request { as_of: base.to - 1, ..base.clone() }, "after the moment of the audit").await;
    let with =
        |name: &str, value: &str| Request { params: [(name.to_owned(), value.to_owned())].into(), ..base.clone() };
    refused(with("min_coverag", "0.5"), "has a parameter 'min_coverag'").await;
    refused(with("min_coverage", "98"), "'98' is not a share").await;
    let unknown = get("LB-ENC-1").unwrap_err().to_string();
    assert!(unknown.contains("'LB-ENC-01'"), "{unknown}");
}

#[tokio::test]
async fn an_accepted_failure_does_not_count_and_is_recorded_as_one() {
    let lake = lake(&tables()).await;
    let session = lake.session().await;
    let open = run(&session, &request(&["LB-ENC-01"])).await.unwrap();
    assert_eq!((open.count(Verdict::Fail), open.failures()), (1, 1));
    let text =
        "[[exception]]\ncheck = \"LB-ENC-01\"\nentity = \"sales\"\nowner = \"a\"\nreason = \"b\"\nuntil = 2025-12-31";
    let exceptions = Exceptions::parse(text).unwrap();
    let accepted = run(&session, &Request { exceptions, ..request(&["LB-ENC-01"]) }).await.unwrap();
    assert_eq!((accepted.count(Verdict::Fail), accepted.failures()), (1, 0));
    // What is recorded fits its table, says the same, and is the same run both times.
    let (first, again) = (rows(&open), rows(&accepted));
    assert_eq!(first, again);
    assert_eq!(run_id(&open), run_id(&accepted));
    for row in &first {
        row.check().unwrap();
    }
    let fails = first.iter().filter(|row| row.get_text("verdict") == Some("FAIL")).count();
    assert_eq!(fails, 1);
}
