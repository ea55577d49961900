//! The shipped diagnostics and the coverage of the ledger.

mod cluster;
mod loading;
mod queries;
mod queues;
mod security;
mod tables;

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use lookback_query::coverage::{Gap, coverage};
use lookback_query::diagnostics::{Diagnostic, Outcome, Unit, get, list, parse_time, run};
use lookback_query::{ErrorKind, Format, Session};
use serde_json::json;

use crate::support::{TestLake, sample};

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

async fn table(session: &Session, name: &str, pairs: &[(&str, &str)]) -> String {
    let answer = run(session, name, &given(pairs)).await.unwrap_or_else(|e| panic!("{name}: {e}: {e:?}"));
    let mut bytes = Vec::new();
    lookback_query::write(answer.into_stream(), Format::Table, &mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// What a diagnostic must be given to run at all.
fn needed(diagnostic: &Diagnostic) -> Vec<(&'static str, &'static str)> {
    diagnostic.params.iter().filter(|param| param.required).map(|param| (param.name, "7")).collect()
}

/// All that the tests of this folder know of.
async fn busy() -> TestLake {
    let lake = sample().await;
    queries::two_weeks(&lake).await;
    queries::failures(&lake).await;
    queries::one_query(&lake).await;
    queues::load(&lake).await;
    queues::commits(&lake).await;
    tables::work(&lake).await;
    tables::upkeep(&lake).await;
    loading::transfers(&lake).await;
    loading::changes(&lake).await;
    security::connections(&lake).await;
    security::rights(&lake).await;
    cluster::transactions(&lake).await;
    cluster::incidents(&lake).await;
    lake
}

#[tokio::test]
async fn every_diagnostic_answers_an_empty_lake_as_its_header_says() {
    let lake = TestLake::new();
    let session = lake.session().await;
    for diagnostic in list() {
        let answer = run(&session, diagnostic.name, &given(&needed(diagnostic))).await;
        let answer = answer.unwrap_or_else(|e| panic!("{}: {e}: {e:?}", diagnostic.name));
        let schema = answer.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let documented: Vec<&str> = diagnostic.columns.iter().map(|column| column.name).collect();
        assert_eq!(names, documented, "{}", diagnostic.name);
        for (column, field) in diagnostic.columns.iter().zip(schema.fields()) {
            let fits = match column.unit {
                Unit::Time => matches!(field.data_type(), DataType::Timestamp(..)),
                Unit::Date => *field.data_type() == DataType::Date32,
                Unit::Name | Unit::Text => field.data_type().is_string() || field.data_type().is_null(),
                Unit::Id => field.data_type().is_string() || field.data_type().is_integer(),
                _ => field.data_type().is_numeric(),
            };
            assert!(fits, "{}.{} ({}) is {}", diagnostic.name, column.name, column.unit, field.data_type());
        }
        assert_eq!(Outcome::read(answer, 10).await.unwrap().rows.len(), 0, "{}", diagnostic.name);
    }
}

#[tokio::test]
async fn every_diagnostic_has_rows_that_fit_the_screen_and_takes_no_sql_for_a_cluster() {
    let lake = busy().await;
    let session = lake.session().await;
    let as_of = session.with_as_of(Some(parse_time("2026-01-15").unwrap()));
    for diagnostic in list() {
        let with = |more: &[(&'static str, &'static str)]| [needed(diagnostic).as_slice(), more].concat();
        let takes = |name: &str| diagnostic.params.iter().any(|param| param.name == name);
        let text = table(&as_of, diagnostic.name, &with(&[])).await;
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{}\n{text}", diagnostic.name);
        assert!(!text.ends_with("(0 rows)\n"), "{}", diagnostic.name);
        if takes("cluster") {
            for hostile in
                ["x' OR '1'='1", "etl'; SELECT 1; --", "etl' UNION SELECT * FROM stl_query --", "\\' OR true --", ""]
            {
                let text = table(&as_of, diagnostic.name, &with(&[("cluster", hostile)])).await;
                assert!(text.ends_with("(0 rows)\n"), "{}: {hostile}\n{text}", diagnostic.name);
            }
        } else {
            assert_eq!(diagnostic.name, "shared_queries");
        }
        if takes("from") {
            let text = table(&as_of, diagnostic.name, &with(&[("from", "2026-02-01"), ("to", "2026-03-01")])).await;
            assert!(text.ends_with("(0 rows)\n"), "{}\n{text}", diagnostic.name);
        }
        if takes("top") {
            let text = table(&as_of, diagnostic.name, &with(&[("top", "1")])).await;
            assert!(text.ends_with("(1 row)\n"), "{}\n{text}", diagnostic.name);
            let refused = run(&as_of, diagnostic.name, &given(&with(&[("top", "1; DROP TABLE stl_query")]))).await;
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Parameter, "{}", diagnostic.name);
        }
    }
}

#[tokio::test]
async fn rows_beyond_the_limit_of_an_outcome_are_counted() {
    let lake = sample().await;
    let answer = run(&lake.session().await, "slowest_queries", &BTreeMap::new()).await.unwrap();
    let outcome = Outcome::read(answer, 2).await.unwrap();
    assert_eq!((outcome.rows.len(), outcome.left_out), (2, 4));
    assert_eq!(outcome.columns[1], "query");
    assert_eq!((outcome.rows[0][1].text.as_str(), outcome.rows[0][1].number), ("2", Some(2.0)));
    assert_eq!(outcome.rows[0][3].number, Some(1_767_258_000_000_000.0));
    assert_eq!((outcome.rows[0][6].text.as_str(), outcome.rows[0][6].number), ("select 2 from t", None));
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_refused() {
    let lake = TestLake::new();
    let session = lake.session().await;
    let error = |name: &'static str, key: &'static str, value: &'static str| {
        let session = session.clone();
        async move {
            let given = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            let error = run(&session, name, &given).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Parameter, "{error}");
            error.to_string()
        }
    };
    assert_eq!(error("slowest_queries", "top", "ten").await, "parameter 'top': 'ten' is not a whole number");
    assert!(error("slowest_queries", "from", "yesterday").await.contains("'yesterday' is not a time"));
    assert!(error("slowest_queries", "clustre", "x").await.contains("did you mean 'cluster'"));
    assert!(error("slowest_query", "top", "1").await.contains("did you mean 'slowest_queries'"));
    assert!(get("nothing_like_it").unwrap_err().to_string().contains("there are costliest_queries, "));
    let needs = run(&session, "query_text", &BTreeMap::new()).await.unwrap_err();
    assert_eq!(needs.kind(), ErrorKind::Parameter);
    assert_eq!(needs.to_string(), "'query_text' needs a value for 'query': number of the query");
}

#[tokio::test]
async fn coverage_comes_from_the_ledger() {
    let lake = TestLake::new();
    assert!(coverage(&lake.session().await).await.unwrap().is_empty());
    let run = |cluster: &str,
               kind: &str,
               start: &str,
               covered: Option<&str>,
               outcome: &str,
               gap: Option<(&str, &str)>,
               new: i64| {
        json!({"cluster_id": cluster, "run_id": "r", "table_name": "stl_query", "kind": kind, "covered_until": covered,
            "gap_from": gap.map(|g| g.0), "gap_to": gap.map(|g| g.1), "rows_new": new, "started_at": start,
            "duration_ms": 5, "outcome": outcome, "error": (outcome == "failed").then_some("connection refused")})
    };
    lake.add_runs(
        "2026-01-01",
        json!([
            run("etl", "export", "2026-01-01 10:00:00", Some("2026-01-01 09:58:00"), "ok", None, 10),
            run(
                "etl",
                "export",
                "2026-01-01 11:00:00",
                Some("2026-01-01 10:58:00"),
                "gap",
                Some(("2026-01-01 10:00:00", "2026-01-01 10:30:00")),
                5
            ),
            run("bi", "export", "2026-01-01 10:00:00", None, "failed", None, 0),
        ]),
    )
    .await;
    lake.add_runs(
        "2026-01-02",
        json!([
            run("etl", "compact", "2026-01-02 10:00:00", None, "ok", None, 0),
            run("etl", "export", "2026-01-02 11:00:00", Some("2026-01-01 10:58:00"), "failed", None, 0),
        ]),
    )
    .await;
    let all = coverage(&lake.session().await).await.unwrap();
    assert_eq!(all.len(), 2);
    let (bi, etl) = (&all[0], &all[1]);
    assert_eq!((bi.cluster_id.as_str(), bi.covered_until, bi.failed), ("bi", None, 1));
    let time = |text| parse_time(text).unwrap();
    assert_eq!(etl.covered_until, Some(time("2026-01-01 10:58:00")));
    assert_eq!(etl.last_run, Some(time("2026-01-02 11:00:00")));
    assert_eq!((etl.last_outcome.as_str(), etl.last_error.as_deref()), ("failed", Some("connection refused")));
    assert_eq!((etl.runs, etl.failed, etl.rows_new), (3, 1, 15));
    assert_eq!(etl.gaps, [Gap { from: time("2026-01-01 10:00:00"), to: time("2026-01-01 10:30:00") }]);
}
