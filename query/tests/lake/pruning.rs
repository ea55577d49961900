//! Files that cannot hold a matching row are not part of the plan.

use datafusion::physical_plan::displayable;
use lookback_query::Session;

use crate::support::{ask, query, sample};

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
async fn a_count_is_answered_from_the_log() {
    let lake = sample().await;
    let session = lake.session().await;
    let plan = ask(&session, "EXPLAIN SELECT COUNT(*) FROM stl_query WHERE cluster_id = 'bi'").await;
    assert!(!plan.contains("DataSourceExec: file_groups"), "{plan}");
    let plan = ask(&session, "EXPLAIN SELECT COUNT(*) FROM stl_query WHERE endtime > '2026-01-02'").await;
    assert!(plan.contains(".parquet"), "{plan}");
}
