//! The shipped diagnostics and the coverage of the ledger.

use std::collections::BTreeMap;

use lookback_query::coverage::{Gap, coverage};
use lookback_query::diagnostics::{get, list, parse_time, run};
use lookback_query::{ErrorKind, Format, Session};
use serde_json::json;

use crate::support::{TestLake, sample};

async fn table(session: &Session, name: &str, given: &[(&str, &str)]) -> String {
    let given: BTreeMap<String, String> = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let answer = run(session, name, &given).await.unwrap_or_else(|e| panic!("{name}: {e}: {e:?}"));
    let mut bytes = Vec::new();
    lookback_query::write(answer.into_stream(), Format::Table, &mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn busy() -> TestLake {
    let lake = sample().await;
    let wlm = |query: i64, queue: i64, exec: i64| {
        json!({"userid": 100, "xid": 1, "task": 1, "query": query, "service_class": 6, "slot_count": 1,
            "service_class_start_time": "2026-01-01 09:00:00", "service_class_end_time": "2026-01-01 09:30:00",
            "total_queue_time": queue, "total_exec_time": exec})
    };
    lake.add(
        "stl_wlm_query",
        "etl",
        "2026-01-01",
        &[],
        json!([wlm(1, 500_000, 1_000_000), wlm(2, 120_000_000, 480_000_000)]),
    )
    .await;
    let event = |query: i64, event: &str| {
        json!({"userid": 100, "query": query, "slice": 0, "segment": 1, "step": 2, "pid": 1, "xid": 1, "event": event,
            "solution": "Review the join predicates to avoid Cartesian products", "event_time": "2026-01-01 09:01:00"})
    };
    let nested = "Nested Loop Join in the query plan:plan: ->Nested Loop";
    lake.add(
        "stl_alert_event_log",
        "etl",
        "2026-01-01",
        &[],
        json!([event(1, nested), event(2, nested), event(2, nested)]),
    )
    .await;
    let step = |query: i64, disk: &str, bytes: i64| {
        json!({"userid": 100, "query": query, "slice": 0, "segment": 1, "step": 2, "starttime": "2026-01-01 09:00:00",
            "endtime": "2026-01-01 09:00:10", "tasknum": 1, "rows": 1000, "bytes": bytes, "is_diskbased": disk, "workmem": 1})
    };
    lake.add("stl_sort", "etl", "2026-01-01", &[], json!([step(2, "t", 5 << 20), step(1, "f", 9 << 20)])).await;
    lake.add("stl_hash", "etl", "2026-01-01", &[], json!([step(2, "t", 1 << 20)])).await;
    let connection = |user: &str, tls: Option<&str>, event: &str| {
        json!({"event": event, "recordtime": "2026-01-01 07:00:00.5", "remotehost": "::ffff:10.0.0.7", "remoteport": "5000",
            "pid": 1, "dbname": "dev", "username": user, "authmethod": "password", "duration": 0, "sslversion": tls,
            "application_name": "psql"})
    };
    let rows = json!([
        connection("mallory", None, "authenticated"),
        connection("mallory", Some(""), "authenticated"),
        connection("alice", Some("TLSv1.2"), "authenticated"),
        connection("mallory", None, "disconnecting session")
    ]);
    lake.add("stl_connection_log", "etl", "2026-01-01", &[], rows).await;
    lake
}

#[tokio::test]
async fn every_diagnostic_answers_an_empty_lake_and_fits_the_screen() {
    assert_eq!(list().len(), 6);
    let (empty, busy) = (TestLake::new(), busy().await);
    for diagnostic in list() {
        assert!(diagnostic.params.iter().any(|p| p.name == "cluster"), "{}", diagnostic.name);
        let text = table(&empty.session().await, diagnostic.name, &[]).await;
        assert!(text.ends_with("(0 rows)\n"), "{text}");
        let text = table(&busy.session().await, diagnostic.name, &[]).await;
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{}\n{text}", diagnostic.name);
        assert!(!text.ends_with("(0 rows)\n"), "{}", diagnostic.name);
        let text = table(&busy.session().await, diagnostic.name, &[("cluster", "x' OR '1'='1")]).await;
        assert!(text.ends_with("(0 rows)\n"), "{text}");
        let text = table(&busy.session().await, diagnostic.name, &[("from", "2026-02-01"), ("to", "2026-03-01")]).await;
        assert!(text.ends_with("(0 rows)\n"), "{text}");
    }
}

#[tokio::test]
async fn what_the_diagnostics_say() {
    let lake = busy().await;
    let session = lake.session().await;
    insta::assert_snapshot!(table(&session, "hourly_queries", &[("cluster", "etl")]).await, @r#"
     cluster_id | hour                | queries | errors | users | median_s |  p95_s | longest_s
    ------------+---------------------+---------+--------+-------+----------+--------+-----------
     etl        | 2026-01-02 08:00:00 |       1 |      0 |     1 |     3.12 |   3.12 |      3.12
     etl        | 2026-01-01 09:00:00 |       1 |      0 |     1 |   600.25 | 600.25 |    600.25
     etl        | 2026-01-01 08:00:00 |       1 |      0 |     1 |      1.5 |    1.5 |       1.5
    (3 rows)
    "#);
    insta::assert_snapshot!(table(&session, "slowest_queries", &[("top", "3")]).await, @r#"
     cluster_id | query | userid | started             | total_s | queue_s | text
    ------------+-------+--------+---------------------+---------+---------+---------------------------------
     etl        |     2 |    102 | 2026-01-01 09:00:00 |   600.3 |   120.0 | select 2 from t
     bi         |     1 |    101 | 2026-01-01 10:00:00 |    30.0 |         | select 3
     etl        |     3 |    100 | 2026-01-02 08:00:00 |     3.1 |         | insert into t values ('é, "x"')
    (3 rows)
    "#);
    insta::assert_snapshot!(table(&session, "alerts", &[]).await, @r#"
     cluster_id | alert                              | times | queries | suggestion
    ------------+------------------------------------+-------+---------+------------------------------------------
     etl        | Nested Loop Join in the query plan |     3 |       2 | Review the join predicates to avoid Cart
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "queue_pressure", &[]).await, @r#"
     cluster_id | service_class | hour                | queries | queue_s | exec_s | longest_queue_s | queue_pct
    ------------+---------------+---------------------+---------+---------+--------+-----------------+-----------
     etl        |             6 | 2026-01-01 09:00:00 |       2 |   120.5 |  481.0 |           120.0 |      20.0
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "disk_spill", &[]).await, @r#"
     cluster_id | query | userid | sorts | hashes | aggrs | step_rows |  mb | text
    ------------+-------+--------+-------+--------+-------+-----------+-----+-----------------
     etl        |     2 |    102 |     1 |      1 |     0 |      2000 | 6.0 | select 2 from t
    (1 row)
    "#);
    insta::assert_snapshot!(table(&session, "plaintext_sessions", &[]).await, @r#"
     cluster_id | username | remotehost      | application | connections | first_seen | last_seen
    ------------+----------+-----------------+-------------+-------------+------------+------------
     etl        | mallory  | ::ffff:10.0.0.7 | psql        |           2 | 2026-01-01 | 2026-01-01
    (1 row)
    "#);
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
    assert!(get("nothing_like_it").unwrap_err().to_string().contains("there are hourly_queries, "));
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
