//! Files that cannot hold a matching row are not part of the plan.

use datafusion::physical_plan::displayable;
use lookback_query::Session;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::support::{TestLake, ask, query, sample};

async fn files(session: &Session, sql: &str) -> usize {
    let answer = session.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    displayable(answer.plan().as_ref()).indent(true).to_string().matches(".parquet").count()
}

#[tokio::test]
async fn partitions_and_bounds_prune_before_any_file_is_opened() {
    let lake = sample().await;
    let session = lake.session().await;
    for (filter, want) in [
        ("1 = 1", 5),
        ("cluster_id = 'etl'", 2),
        ("cluster_id LIKE 'b%'", 3),
        ("cluster_id IN ('etl', 'none')", 2),
        ("log_date = '2026-01-02'", 3),
        ("log_date > DATE '2026-01-02'", 0),
        ("cluster_id = 'bi' AND log_date < '2026-01-02'", 1),
        ("cluster_id = 'bi' OR log_date = '2026-01-01'", 4),
        ("query = 30", 1),
        ("query IN (1, 30)", 3),
        ("query = 3 AND cluster_id = 'bi'", 0),
        ("endtime >= '2026-01-02'", 3),
        ("endtime >= '2026-01-02 12:00:00'", 1),
        ("endtime > '2026-01-02 12:00:02.000999'", 0),
        ("endtime <= '2026-01-01 08:00:01.5'", 1),
        ("cluster_id = 'etl' OR query = 30", 3),
        ("endtime IS NULL", 0),
        ("querytxt LIKE '%select%'", 5),
        ("random() < 2 AND cluster_id = 'etl'", 2),
        ("endtime >= DATEADD(day, -1, TIMESTAMP '2026-01-03')", 3),
    ] {
        let sql = format!("SELECT query FROM stl_query WHERE {filter}");
        assert_eq!(files(&session, &sql).await, want, "{filter}");
    }
}

#[tokio::test]
async fn pruning_changes_no_answer() {
    let lake = sample().await;
    let session = lake.session().await;
    for filter in [
        "cluster_id = 'etl'",
        "cluster_id <> 'etl'",
        "log_date = '2026-01-02'",
        "query >= 2",
        "query <> 1",
        "endtime > '2026-01-01 10:00'",
        "starttime < '2026-01-01 09:00:01'",
        "NOT (query = 1 AND cluster_id = 'bi')",
        "cluster_id = 'bi' OR query = 2",
        "cluster_id IS NULL",
        "cluster_id IS NOT NULL AND log_date IS NOT NULL",
        "CASE WHEN cluster_id = 'bi' THEN log_date = '2026-01-01' ELSE query > 2 END",
        "EXTRACT(day FROM log_date) = 2",
    ] {
        let pruned = ask(&session, &format!("SELECT COUNT(*) FROM stl_query WHERE {filter}")).await;
        // A condition that is counted, not filtered by, reaches no file list.
        let sql = format!("SELECT SUM(CASE WHEN ok THEN 1 ELSE 0 END) FROM (SELECT ({filter}) AS ok FROM stl_query)");
        assert_eq!(pruned, ask(&session, &sql).await, "{filter}");
    }
    for (filter, want) in [
        ("cluster_id IN (SELECT 'etl')", "3"),
        ("query = (SELECT MAX(query) FROM stl_query)", "1"),
        ("EXISTS (SELECT 1 FROM stl_query x WHERE x.cluster_id <> q.cluster_id AND x.query = q.query)", "4"),
    ] {
        assert_eq!(ask(&session, &format!("SELECT COUNT(*) FROM stl_query q WHERE {filter}")).await, want, "{filter}");
    }
}

#[tokio::test]
async fn days_of_times_are_compared_with_days() {
    let lake = TestLake::new();
    // From late in a day to early in another: fewer hours than the days have that they lie on.
    for (day, id, start, end) in [
        ("2026-01-01", 1, "2026-01-01 23:40:00", "2026-01-01 23:50:00"),
        ("2026-01-02", 2, "2026-01-01 23:55:00", "2026-01-02 00:10:00"),
    ] {
        lake.add("stl_query", "bi", day, &[], json!([query(id, start, end, "select 1")])).await;
    }
    let session = lake.session().await;
    for (sql, want) in [
        ("SELECT COUNT(*) FROM stl_query WHERE log_date = CAST(endtime AS date)", "2"),
        ("SELECT COUNT(*) FROM stl_query WHERE log_date = TRUNC(starttime)", "1"),
        ("SELECT query FROM stl_query WHERE endtime::date <> starttime::date", "2"),
        (
            "SELECT a.query FROM stl_query a JOIN stl_query b USING (cluster_id) WHERE a.starttime::date = b.log_date AND b.query = 2 ORDER BY 1",
            "",
        ),
        (
            "SELECT a.query FROM stl_query a JOIN stl_query b USING (cluster_id) WHERE a.starttime::date < b.endtime::date ORDER BY 1",
            "1\n2",
        ),
        (
            "SELECT a.query FROM stl_query a LEFT JOIN stl_query b ON a.query = b.query WHERE a.log_date = b.endtime::date \
             AND a.starttime::date <> b.log_date ORDER BY 1",
            "2",
        ),
    ] {
        assert_eq!(ask(&session, sql).await, want, "{sql}");
    }
}

#[tokio::test]
async fn a_later_incarnation_is_a_cluster_of_its_own() {
    let lake = sample().await;
    let rows = serde_json::json!([query(1, "2026-01-03 08:00:00", "2026-01-03 08:00:01", "select 6")]);
    lake.add("stl_query", "etl~2", "2026-01-03", &[], rows).await;
    let session = lake.session().await;
    assert_eq!(ask(&session, "SELECT querytxt FROM stl_query WHERE cluster_id = 'etl~2'").await, "select 6");
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_query WHERE SPLIT_PART(cluster_id, '~', 1) = 'etl'").await, "4");
}

#[tokio::test]
async fn row_groups_and_limits_are_used_inside_a_file() {
    let lake = sample().await;
    let session = lake.session().await;
    let sql = "SELECT query FROM stl_query WHERE cluster_id = 'etl' AND log_date = '2026-01-01' AND endtime >= '2026-01-01 09:00'";
    assert_eq!(ask(&session, sql).await, "2");
    let plan = ask(&session, &format!("EXPLAIN {sql}")).await;
    assert!(plan.contains("pruning_predicate=endtime_null_count"), "{plan}");
    assert_eq!(files(&session, "SELECT query FROM stl_query LIMIT 1").await, 5);
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM (SELECT query FROM stl_query LIMIT 4)").await, "4");
}

#[tokio::test]
async fn text_is_read_of_the_rows_that_were_chosen() {
    let lake = sample().await;
    let session = lake.session().await;
    let file = "FROM stl_query WHERE cluster_id = 'etl' AND log_date = '2026-01-01' AND MOD(query, 2) = 0";
    // The file has a second row, which its statistics do not rule out.
    for (column, left_the_scan) in [("querytxt", 1), ("userid", 2)] {
        let answer = session.query(&format!("SELECT {column} {file}")).await.unwrap();
        let progress = answer.progress();
        let rows: usize = answer.collect().await.unwrap().iter().map(arrow::array::RecordBatch::num_rows).sum();
        assert_eq!((rows, progress.read().rows), (1, left_the_scan), "{column}");
    }
}

#[tokio::test]
async fn a_count_is_answered_from_the_log() {
    let lake = sample().await;
    let session = lake.session().await;
    let plan = ask(&session, "EXPLAIN SELECT COUNT(*) FROM stl_query WHERE cluster_id = 'bi'").await;
    assert!(!plan.contains("DataSourceExec: file_groups"), "{plan}");
    let plan = ask(&session, "EXPLAIN SELECT COUNT(*) FROM stl_query WHERE endtime > '2026-01-02'").await;
    assert!(plan.contains(".parquet"), "{plan}");
}

/// Three clusters, four days, two files each; ids and times overlap, some times are not known, some files lack a column.
pub async fn mixed() -> TestLake {
    let lake = TestLake::new();
    for (c, cluster) in ["bi", "etl", "etl~2"].iter().enumerate() {
        for day in 1..=4 {
            for part in 0..2 {
                let rows: Vec<_> = (0..3)
                    .map(|row| {
                        let id = i64::try_from(c * 2 + day * 3 + part * 2 + row).unwrap();
                        let start = format!("2026-01-0{day} {:02}:00:00.{:06}", 3 * part + row, id * 1_001);
                        let end = format!("2026-01-0{day} {:02}:30:00.{:03}", 3 * part + row, id);
                        let mut row = query(id, &start, &end, &format!("select {}", id % 4));
                        if id % 5 == 0 {
                            row["endtime"] = serde_json::Value::Null;
                        }
                        row
                    })
                    .collect();
                let without: &[&str] = if (day + part) % 3 == 0 { &["concurrency_scaling_status"] } else { &[] };
                lake.add("stl_query", cluster, &format!("2026-01-0{day}"), without, json!(rows)).await;
            }
        }
    }
    lake
}

/// A condition, whose files the plan may leave out by partition values, by bounds, by both or not at all.
pub fn filter() -> impl Strategy<Value = String> {
    let compared = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let cluster = prop::sample::select(vec!["'bi'", "'etl'", "'etl~2'", "'none'"]);
    let leaf = prop_oneof![
        (compared.clone(), cluster).prop_map(|(op, c)| format!("cluster_id {op} {c}")),
        (compared.clone(), 1..7).prop_map(|(op, day)| format!("log_date {op} DATE '2026-01-0{day}'")),
        (compared.clone(), 0..20).prop_map(|(op, id)| format!("query {op} {id}")),
        (compared.clone(), 1..5, 0..8)
            .prop_map(|(op, day, hour)| format!("endtime {op} '2026-01-0{day} 0{hour}:30:00.003'")),
        (compared, 1..5).prop_map(|(op, day)| format!("DATE_TRUNC('day', starttime) {op} '2026-01-0{day}'")),
        prop::collection::vec(0..20, 1..4)
            .prop_map(|ids| format!("query IN ({})", ids.iter().map(i32::to_string).collect::<Vec<_>>().join(", "))),
        (1..20, 0..6).prop_map(|(low, more)| format!("query BETWEEN {low} AND {}", low + more)),
        (1..4).prop_map(|n| format!("querytxt LIKE '%{n}'")),
        Just("endtime IS NULL".to_owned()),
        Just("concurrency_scaling_status = 0".to_owned()),
        Just("concurrency_scaling_status IS NULL".to_owned()),
        Just("cluster_id LIKE 'etl%'".to_owned()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("(NOT {a})")),
        ]
    })
}

#[test]
fn whatever_the_filter_pruning_changes_no_row() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lake = runtime.block_on(mixed());
    let session = runtime.block_on(lake.session());
    let columns = "cluster_id, log_date, query, starttime, endtime, concurrency_scaling_status";
    let order = "ORDER BY cluster_id, log_date, query, starttime";
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() });
    let result = runner.run(&filter(), |filter| {
        let pruned =
            runtime.block_on(ask(&session, &format!("SELECT {columns} FROM stl_query WHERE {filter} {order}")));
        // A condition that is an answer, and not filtered by, reaches no file list.
        let all =
            runtime.block_on(ask(&session, &format!("SELECT {columns}, ({filter}) AS kept FROM stl_query {order}")));
        let kept: Vec<&str> = all.lines().filter_map(|line| line.strip_suffix(",true")).collect();
        prop_assert_eq!(pruned, kept.join("\n"), "{}", filter);
        Ok(())
    });
    result.unwrap();
}

#[tokio::test]
async fn only_files_that_can_match_are_opened() {
    let lake = mixed().await;
    let session = lake.session().await;
    for (sql, want) in [
        ("SELECT querytxt FROM stl_query", 24),
        ("SELECT querytxt FROM stl_query WHERE cluster_id = 'bi' AND log_date = '2026-01-03'", 2),
        ("SELECT querytxt FROM stl_query WHERE cluster_id = 'bi' AND starttime < '2026-01-01 02:30'", 1),
        ("SELECT COUNT(*) FROM stl_query", 0),
    ] {
        let answer = session.query(sql).await.unwrap();
        let progress = answer.progress();
        answer.collect().await.unwrap();
        assert_eq!(progress.read().files, want, "{sql}");
    }
}
