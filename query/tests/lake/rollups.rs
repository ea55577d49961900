//! Rollups over lakes that store none, some or outdated ones: what is asked for under `_current` is always what the logs say.

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use lookback_query::{Limits, Session};
use lookback_schemas::rollups::{DayState, FINGERPRINTS, HOURLY, Rollup};
use lookback_schemas::time::parse_day;
use serde_json::{Value, json};

use crate::support::{TestLake, ask, counted};

/// A stay in a service class.
fn wlm(query: i64, user: i64, class: i64, end: &str, queue: i64, exec: i64) -> Value {
    json!({ "userid": user, "query": query, "service_class": class, "service_class_start_time": "2026-01-01 00:00:00",
        "service_class_end_time": end, "total_queue_time": queue, "total_exec_time": exec })
}

fn query(id: i64, user: i64, start: &str, end: &str, aborted: i64, text: &str) -> Value {
    json!({ "userid": user, "query": id, "database": "dev", "querytxt": text, "starttime": start, "endtime": end,
        "aborted": aborted, "concurrency_scaling_status": i64::from(id == 2) })
}

fn scan(query: i64, user: i64, kind: i64, end: &str, rows: i64, bytes: i64) -> Value {
    json!({ "userid": user, "query": query, "type": kind, "starttime": end, "endtime": end, "rows": rows, "bytes": bytes })
}

/// Two clusters whose query ids collide; `etl` has two days.
async fn lake() -> TestLake {
    let lake = TestLake::new();
    let rows = json!([
        query(1, 100, "2026-01-01 08:00:00", "2026-01-01 08:00:00.5", 0, "SELECT 1"),
        query(2, 100, "2026-01-01 08:10:00", "2026-01-01 08:10:20", 0, "select  7"),
        query(3, 101, "2026-01-01 08:59:59", "2026-01-01 09:00:01", 1, "select a from b"),
        // Redshift's "never": placed by its start, and of unknown length.
        query(4, 101, "2026-01-01 09:30:00", "2000-01-01 00:00:00", 0, "select a from b"),
    ]);
    lake.add("stl_query", "etl", "2026-01-01", &[], rows).await;
    let rows = json!([query(5, 100, "2026-01-02 10:00:00", "2026-01-02 10:20:00", 0, "select 1")]);
    lake.add("stl_query", "etl", "2026-01-02", &[], rows).await;
    let rows = json!([query(1, 100, "2026-01-01 08:00:00", "2026-01-01 08:00:01", 0, "select 1")]);
    lake.add("stl_query", "bi", "2026-01-01", &[], rows).await;
    let rows = json!([
        wlm(1, 100, 6, "2026-01-01 08:00:00.4", 100_000, 300_000),
        wlm(2, 100, 6, "2026-01-01 08:10:20", 5_000_000, 15_000_000),
        // The same query once more, in another class.
        wlm(2, 100, 7, "2026-01-01 08:10:21", 1_000_000, 1),
        wlm(3, 101, 7, "2026-01-01 09:00:00", 0, 2_000_000),
    ]);
    lake.add("stl_wlm_query", "etl", "2026-01-01", &[], rows).await;
    let rows = json!([
        scan(1, 100, 2, "2026-01-01 08:00:00.2", 10, 1_000),
        scan(1, 100, 2, "2026-01-01 08:00:00.3", 30, 3_000),
        // Data from the network: no table's.
        scan(1, 100, 1, "2026-01-01 08:00:00.3", 500, 50_000),
    ]);
    lake.add("stl_scan", "etl", "2026-01-01", &[], rows).await;
    lake
}

/// A day as `maintain` stores it: computed by the session, in a file whose name says from what.
async fn store(lake: &TestLake, rollup: &'static Rollup, cluster: &str, day: &str) {
    let pinned = lake.session().await.rollup(rollup).await.unwrap();
    let date = parse_day(day).unwrap();
    let source = pinned.days()[&(cluster.to_owned(), date)].source.clone();
    let rows: Vec<RecordBatch> = pinned.compute(cluster, date).await.unwrap().try_collect().await.unwrap();
    lake.add_rollup(rollup, cluster, day, &source, &rows).await;
}

async fn states(session: &Session) -> String {
    ask(session, "SELECT rollup, cluster_id, log_date, state, log_files FROM lookback_rollup_state ORDER BY 1, 2, 3")
        .await
}

const BY_HOUR: &str = "SELECT cluster_id, hour, SUM(queries), SUM(aborted), SUM(scaled), SUM(timed), SUM(elapsed_us), MAX(longest_us), \
     SUM(under_1s), SUM(under_10s), SUM(under_1m), SUM(under_10m), SUM(wlm_queries), SUM(queue_us), MAX(longest_queue_us), \
     SUM(exec_us), MAX(longest_exec_us), SUM(scan_steps), SUM(scan_rows), SUM(scan_bytes) \
     FROM lookback_hourly_current GROUP BY 1, 2 ORDER BY 1, 2";

/// Worked out by hand from the rows above.
const HOURS: &str = "\
bi,2026-01-01 08:00:00,1,0,0,1,1000000,1000000,0,1,1,1,0,0,,0,,0,0,0
etl,2026-01-01 08:00:00,2,0,1,2,20500000,20000000,1,1,2,2,3,6100000,5000000,15300001,15000000,2,40,4000
etl,2026-01-01 09:00:00,2,1,0,1,2000000,2000000,0,1,1,1,1,0,0,2000000,2000000,0,0,0
etl,2026-01-02 10:00:00,1,0,0,1,1200000000,1200000000,0,0,0,0,0,0,,0,,0,0,0";

#[tokio::test]
async fn hours_are_summed_up_from_the_logs_where_nothing_is_stored() {
    let lake = lake().await;
    let session = lake.session().await;
    assert_eq!(ask(&session, BY_HOUR).await, HOURS);
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM lookback_hourly").await, "0");
    let classes = "SELECT service_class, SUM(queue_us) FROM lookback_hourly_current WHERE service_class IS NOT NULL GROUP BY 1 ORDER BY 1";
    assert_eq!(ask(&session, classes).await, "6,5100000\n7,1000000");
    insta::assert_snapshot!(states(&session).await, @r"
    lookback_fingerprints,bi,2026-01-01,missing,1
    lookback_fingerprints,etl,2026-01-01,missing,2
    lookback_fingerprints,etl,2026-01-02,missing,1
    lookback_hourly,bi,2026-01-01,missing,1
    lookback_hourly,etl,2026-01-01,missing,3
    lookback_hourly,etl,2026-01-02,missing,1
    ");
}

#[tokio::test]
async fn stored_days_and_days_of_the_logs_are_one_answer() {
    let lake = lake().await;
    store(&lake, &HOURLY, "etl", "2026-01-01").await;
    store(&lake, &HOURLY, "bi", "2026-01-01").await;
    let session = lake.session().await;
    assert_eq!(ask(&session, BY_HOUR).await, HOURS);
    assert_ne!(ask(&session, "SELECT COUNT(*) FROM lookback_hourly").await, "0");

    // Late rows make a stored day stale: the old sums stay visible under their own name, and nowhere else.
    let late = json!([query(9, 100, "2026-01-01 08:30:00", "2026-01-01 08:30:01", 0, "select 9")]);
    lake.add("stl_query", "etl", "2026-01-01", &[], late).await;
    let hour = |table: &str| {
        format!("SELECT SUM(queries) FROM {table} WHERE cluster_id = 'etl' AND hour = '2026-01-01 08:00'")
    };
    assert_eq!(ask(&session, &hour("lookback_hourly")).await, "2");
    assert_eq!(ask(&session, &hour("lookback_hourly_current")).await, "3");
    insta::assert_snapshot!(states(&session).await, @r"
    lookback_fingerprints,bi,2026-01-01,missing,1
    lookback_fingerprints,etl,2026-01-01,missing,3
    lookback_fingerprints,etl,2026-01-02,missing,1
    lookback_hourly,bi,2026-01-01,current,1
    lookback_hourly,etl,2026-01-01,stale,4
    lookback_hourly,etl,2026-01-02,missing,1
    ");
    let pinned = session.rollup(&HOURLY).await.unwrap();
    let first = parse_day("2026-01-01").unwrap();
    assert!(pinned.covers(Some("bi"), &(first..=first + 1)));
    assert!(!pinned.covers(Some("etl"), &(first..=first)));
    assert!(!pinned.covers(None, &(first..=first)));
    assert!(pinned.covers(None, &(first + 5..=first + 9)));
    assert_eq!(pinned.days()[&("etl".to_owned(), first)].state, DayState::Stale);
}

/// Days that a statement computes from the logs.
async fn computed(session: &Session, sql: &str) -> Option<usize> {
    counted(session, sql, "DaysComputed", "days_computed").await
}

#[tokio::test]
async fn a_day_is_computed_once_until_the_logs_have_more_of_it() {
    let lake = lake().await;
    let session = lake.session().await;
    let totals = "SELECT SUM(queries) FROM lookback_hourly_current";
    let shapes = "SELECT COUNT(*) FROM lookback_fingerprints_current";
    let first =
        "SELECT SUM(queue_us) FROM lookback_hourly_current WHERE log_date = '2026-01-01' AND cluster_id = 'etl'";
    assert_eq!(computed(&session, first).await, Some(1));
    assert_eq!(computed(&session, totals).await, Some(2));
    assert_eq!(computed(&session, BY_HOUR).await, Some(0));
    assert_eq!(ask(&session, BY_HOUR).await, HOURS);
    // Another rollup of the same days, and the same rollup for whoever else asks.
    assert_eq!(computed(&session, shapes).await, Some(3));
    assert_eq!(computed(&session.apart(), totals).await, Some(0));

    let late = json!([query(9, 100, "2026-01-01 08:30:00", "2026-01-01 08:30:01", 0, "select 9")]);
    lake.add("stl_query", "bi", "2026-01-01", &[], late).await;
    assert_eq!(computed(&session, totals).await, Some(1));
    assert_eq!(ask(&session, totals).await, "7");
    store(&lake, &HOURLY, "bi", "2026-01-01").await;
    store(&lake, &HOURLY, "etl", "2026-01-01").await;
    store(&lake, &HOURLY, "etl", "2026-01-02").await;
    assert_eq!(computed(&session, totals).await, None);
    assert_eq!(ask(&session, totals).await, "7");

    // Without room, each statement computes what it asks for.
    let limits = Limits { columns_bytes: 0, ..*session.limits() };
    let narrow = Session::open(lake.location(), limits).await.unwrap();
    for _ in 0..2 {
        assert_eq!(computed(&narrow, shapes).await, Some(3));
    }
}

#[tokio::test]
async fn statements_at_the_same_time_compute_a_day_once() {
    let lake = lake().await;
    let session = lake.session().await;
    let together = (0..8).map(|n| {
        let (session, sql) = (session.apart(), format!("SELECT {n}, SUM(queries) FROM lookback_hourly_current"));
        async move { computed(&session, &sql).await }
    });
    let counts = futures::future::join_all(together).await;
    assert_eq!(counts.into_iter().flatten().sum::<usize>(), 3);
}

#[tokio::test]
async fn a_day_of_too_many_rows_is_not_kept_and_is_answered() {
    const TEXTS: i64 = 4_000;
    let lake = TestLake::new();
    let of = |n: i64| query(n, 100, "2026-01-01 08:00:00", "2026-01-01 08:00:01", 0, &format!("select c{n} from t"));
    lake.add("stl_query", "etl", "2026-01-01", &[], (0..TEXTS).map(of).collect()).await;
    let sql = "SELECT COUNT(*), SUM(runs) FROM lookback_fingerprints_current";
    let roomy = lake.session().await;
    // A quarter of it is for days.
    let limits = Limits { columns_bytes: 1 << 20, ..*roomy.limits() };
    let narrow = Session::open(lake.location(), limits).await.unwrap();
    for (session, again) in [(roomy, 0), (narrow, 1)] {
        assert_eq!(computed(&session, sql).await, Some(1));
        assert_eq!(computed(&session, sql).await, Some(again));
        assert_eq!(ask(&session, sql).await, format!("{TEXTS},{TEXTS}"));
    }
}

#[tokio::test]
async fn many_days_that_were_never_stored_give_the_same_as_few() {
    let lake = TestLake::new();
    // More than are computed as a whole.
    let days = (0..21).flat_map(|cluster| (1..=20).map(move |day| (cluster, day)));
    let of_day = days.map(|(cluster, day)| {
        let (start, end) = (format!("2026-01-{day:02} 08:00:00"), format!("2026-01-{day:02} 08:00:{day:02}"));
        let rows = json!([query(cluster, 100, &start, &end, 0, "select 1")]);
        (format!("c{cluster:02}"), format!("2026-01-{day:02}"), rows)
    });
    lake.add_days("stl_query", of_day).await;
    let by_day =
        "SELECT log_date, COUNT(*), SUM(queries), SUM(elapsed_us) FROM lookback_hourly_current GROUP BY 1 ORDER BY 1";
    let expected =
        (1..=20).map(|day| format!("2026-01-{day:02},21,21,{}", 21_000_000 * day)).collect::<Vec<_>>().join("\n");
    let session = lake.session().await;
    assert_eq!(computed(&session, by_day).await, None);
    assert_eq!(ask(&session, by_day).await, expected);
    for day in 1..=20 {
        store(&lake, &HOURLY, "c00", &format!("2026-01-{day:02}")).await;
    }
    assert_eq!(computed(&session, by_day).await, Some(400));
    assert_eq!(ask(&session, by_day).await, expected);
}

#[tokio::test]
async fn a_stored_day_without_logs_is_not_in_the_answer() {
    let lake = lake().await;
    let source = lookback_schemas::rollups::source_state("", Vec::new());
    let pinned = lake.session().await.rollup(&HOURLY).await.unwrap();
    let date = parse_day("2026-01-01").unwrap();
    let rows: Vec<RecordBatch> = pinned.compute("etl", date).await.unwrap().try_collect().await.unwrap();
    lake.add_rollup(&HOURLY, "gone", "2026-01-01", &source, &rows).await;
    let session = lake.session().await;
    assert_eq!(ask(&session, BY_HOUR).await, HOURS);
    assert!(states(&session).await.contains("lookback_hourly,gone,2026-01-01,superfluous,0"));
}

#[tokio::test]
async fn fingerprints_sum_up_what_differs_in_constants_only() {
    let lake = lake().await;
    store(&lake, &FINGERPRINTS, "etl", "2026-01-01").await;
    let session = lake.session().await;
    let sql = "SELECT cluster_id, log_date, shape, runs, aborted, timed, elapsed_us, longest_us, wlm_runs, queue_us, \
               longest_queue_us, exec_us, users, first_seen, last_seen, example_query \
               FROM lookback_fingerprints_current ORDER BY 1, 2, 3";
    assert_eq!(
        ask(&session, sql).await,
        "\
bi,2026-01-01,select ?,1,0,1,1000000,1000000,0,0,,0,1,2026-01-01 08:00:00,2026-01-01 08:00:00,1
etl,2026-01-01,select ?,2,0,2,20500000,20000000,2,6100000,6000000,15300001,1,2026-01-01 08:00:00,2026-01-01 08:10:00,1
etl,2026-01-01,select a from b,2,1,1,2000000,2000000,1,0,0,2000000,1,2026-01-01 08:59:59,2026-01-01 09:30:00,3
etl,2026-01-02,select ?,1,0,1,1200000000,1200000000,0,0,,0,1,2026-01-02 10:00:00,2026-01-02 10:00:00,5"
    );
    let across = "SELECT COUNT(DISTINCT cluster_id), SUM(runs) FROM lookback_fingerprints_current GROUP BY fingerprint ORDER BY 2";
    assert_eq!(ask(&session, across).await, "1,2\n2,4");
}

#[tokio::test]
async fn a_filter_on_cluster_and_day_reads_no_other_log() {
    let lake = lake().await;
    store(&lake, &HOURLY, "bi", "2026-01-01").await;
    // Whoever opens a file of another day, or the log of a day that is stored, finds no Parquet.
    for table in ["stl_query", "stl_wlm_query", "stl_scan"] {
        for cluster in ["etl", "bi"] {
            let folder = lake.dir.path().join(format!("{table}/cluster_id={cluster}/log_date=2026-01-01"));
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                std::fs::write(entry.unwrap().path(), "no Parquet").unwrap();
            }
        }
    }
    let session = lake.session().await;
    let sum =
        |filter: &str| format!("SELECT SUM(queries), SUM(elapsed_us) FROM lookback_hourly_current WHERE {filter}");
    assert_eq!(ask(&session, &sum("cluster_id = 'etl' AND log_date = '2026-01-02'")).await, "1,1200000000");
    assert_eq!(ask(&session, &sum("log_date >= '2026-01-02'")).await, "1,1200000000");
    assert_eq!(ask(&session, &sum("cluster_id = 'bi'")).await, "1,1000000");
    let error = session.query(&sum("cluster_id = 'etl'")).await.unwrap().collect().await.unwrap_err();
    assert_eq!(error.kind(), lookback_query::ErrorKind::Read, "{error}");
}

#[tokio::test]
async fn rollups_of_an_empty_lake_are_empty_and_can_be_joined() {
    let lake = TestLake::new();
    let session = lake.session().await;
    for table in
        ["lookback_hourly", "lookback_hourly_current", "lookback_fingerprints", "lookback_fingerprints_current"]
    {
        assert_eq!(
            ask(&session, &format!("SELECT COUNT(*) FROM {table} a JOIN {table} b USING (cluster_id)")).await,
            "0"
        );
    }
    assert_eq!(states(&session).await, "");
}

#[tokio::test]
async fn what_is_stored_has_the_columns_that_are_declared() {
    let lake = lake().await;
    let session = lake.session().await;
    for rollup in [&HOURLY, &FINGERPRINTS] {
        let declared: Vec<String> = rollup.schema().fields().iter().map(|field| field.name().clone()).collect();
        let asked = session.query(&format!("SELECT * FROM {}_current", rollup.name)).await.unwrap();
        let names: Vec<String> = asked.schema().fields().iter().map(|field| field.name().clone()).collect();
        let whole: Vec<String> = declared.into_iter().chain(["cluster_id".to_owned(), "log_date".to_owned()]).collect();
        assert_eq!(names, whole);
    }
    let listed = "SELECT table_name, table_type FROM information_schema.tables WHERE table_name LIKE 'lookback_%_current' \
                  OR table_name IN ('lookback_hourly', 'lookback_rollup_state') ORDER BY 1";
    insta::assert_snapshot!(ask(&session, listed).await, @r"
    lookback_fingerprints_current,VIEW
    lookback_hourly,BASE TABLE
    lookback_hourly_current,VIEW
    lookback_rollup_state,VIEW
    ");
}
