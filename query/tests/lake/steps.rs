//! Joins cluster by cluster, and groups made in scans, give the rows that the engine's own steps give.

use lookback_query::{Limits, Session};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{TestLake, ask, counted};

const DAYS: [&str; 3] = ["2026-01-01", "2026-01-02", "2026-01-03"];

/// Four clusters, whose queries have the same numbers. One has no scans, one only scans of no query, and some values are NULL.
async fn fleet() -> TestLake {
    let lake = TestLake::new();
    for (c, cluster) in ["bi", "etl", "lab", "ml"].into_iter().enumerate() {
        for (d, day) in DAYS.into_iter().enumerate() {
            let queries: Vec<Value> = (0..60 + 7 * c)
                .map(|n| {
                    json!({
                        "query": (c != 3 || n % 5 > 0).then_some(d * 100 + n), "userid": 100 + (n * 7 + c) % 9,
                        "aborted": i32::from(n % 11 == 0), "starttime": format!("{day}T0{}:00:00Z", n % 10),
                        "database": (["dev", "prod ", "prod"].get(n % 4)), "querytxt": format!("select {n}"),
                    })
                })
                .collect();
            lake.add("stl_query", cluster, day, &[], queries.into()).await;
            let first = if c == 2 { 1_000 } else { 0 };
            let scans: Vec<Value> = (0..150 + 20 * c)
                .map(|n| {
                    json!({
                        "query": first + d * 100 + n / 3, "segment": n % 3, "starttime": format!("{day}T0{}:00:00Z", n % 10),
                        "bytes": (n % 13 > 0).then_some(n * 1_000_003), "rows": n % 17,
                        "perm_table_name": (n % 19 > 0).then(|| format!("table {}", (n * n) % (9 + c))),
                    })
                })
                .collect();
            if cluster != "etl" {
                lake.add("stl_scan", cluster, day, &[], scans.into()).await;
            }
        }
    }
    lake
}

async fn session(lake: &TestLake, target_partitions: usize, columns_bytes: usize) -> Session {
    let limits = Limits { target_partitions, columns_bytes, ..Limits::default() };
    Session::open(lake.location(), limits).await.unwrap()
}

/// Everything by the engine's own steps.
async fn plain(lake: &TestLake) -> Session {
    session(lake, 1, 0).await
}

async fn plan(session: &Session, sql: &str) -> String {
    ask(session, &format!("EXPLAIN {sql}")).await
}

/// Files that grouped scans gave to the engine while they answered.
async fn left(session: &Session, sql: &str) -> usize {
    let left = counted(session, sql, "GroupedScan", "files_left").await;
    left.unwrap_or_else(|| panic!("no grouped scan: {sql}"))
}

const JOINED: [&str; 10] = [
    "SELECT q.userid, COUNT(*), SUM(s.bytes) FROM stl_query q JOIN stl_scan s ON q.cluster_id = s.cluster_id AND q.query = s.query
     WHERE q.aborted = 0 GROUP BY 1 ORDER BY 1",
    "SELECT q.cluster_id, q.query, s.segment, s.bytes FROM stl_query q LEFT JOIN stl_scan s ON q.query = s.query
     AND q.cluster_id = s.cluster_id AND s.bytes > 5000000 ORDER BY 1, 2, 3, 4",
    "SELECT s.cluster_id, s.query, s.segment, q.userid FROM stl_query q RIGHT JOIN stl_scan s ON q.query = s.query
     AND q.cluster_id = s.cluster_id AND q.aborted = 1 ORDER BY 1, 2, 3, 4",
    "SELECT q.cluster_id, s.cluster_id, q.query, s.query, s.segment FROM stl_query q FULL JOIN stl_scan s ON q.query = s.query
     AND q.cluster_id = s.cluster_id ORDER BY 1, 2, 3, 4, 5",
    "SELECT cluster_id, query FROM stl_query q WHERE EXISTS (SELECT 1 FROM stl_scan s WHERE s.cluster_id = q.cluster_id
     AND s.query = q.query AND s.rows > 9) ORDER BY 1, 2",
    "SELECT cluster_id, query FROM stl_query q WHERE NOT EXISTS (SELECT 1 FROM stl_scan s WHERE s.cluster_id = q.cluster_id
     AND s.query = q.query) ORDER BY 1, 2",
    "SELECT q.cluster_id, q.userid, a.scans, a.bytes FROM stl_query q JOIN (SELECT cluster_id, query, COUNT(*) AS scans,
     SUM(bytes) AS bytes FROM stl_scan GROUP BY 1, 2 HAVING COUNT(*) > 1) a ON a.cluster_id = q.cluster_id AND a.query = q.query
     ORDER BY 1, 2, 3, 4",
    "SELECT a.cluster_id, COUNT(*), COUNT(DISTINCT b.query) FROM stl_query a JOIN stl_query b ON a.cluster_id = b.cluster_id
     AND a.query = b.query AND a.log_date = b.log_date JOIN stl_scan s ON s.cluster_id = b.cluster_id AND s.query = b.query
     GROUP BY 1 ORDER BY 1",
    "SELECT COUNT(*) FROM stl_query q JOIN stl_scan s ON q.cluster_id = s.cluster_id WHERE s.log_date = '2026-01-02'",
    "SELECT q.database, COUNT(*) FROM stl_query q JOIN stl_scan s USING (cluster_id, query)
     WHERE cluster_id IN ('bi', 'ml') AND s.perm_table_name = 'table 4' GROUP BY 1 ORDER BY 1",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_of_each_cluster_with_itself_is_made_cluster_by_cluster() {
    let lake = fleet().await;
    let (plain, stepped) = (plain(&lake).await, session(&lake, 2, 64 << 20).await);
    for sql in JOINED {
        assert!(plan(&stepped, sql).await.contains("ByCluster"), "{sql}: {}", plan(&stepped, sql).await);
        assert!(!plan(&plain, sql).await.contains("ByCluster"), "{sql}");
        let wanted = ask(&plain, sql).await;
        assert!(!wanted.is_empty(), "{sql}");
        for time in 0..3 {
            assert_eq!(ask(&stepped, sql).await, wanted, "time {time}: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_mixes_clusters_is_not() {
    let lake = fleet().await;
    let (plain, stepped) = (plain(&lake).await, session(&lake, 2, 64 << 20).await);
    for sql in [
        "SELECT COUNT(*) FROM stl_query q JOIN stl_scan s ON q.query = s.query",
        "SELECT COUNT(*) FROM stl_query q JOIN stl_scan s ON q.cluster_id = s.perm_table_name AND q.query = s.query",
        "SELECT COUNT(*) FROM (SELECT CASE WHEN query > 9 THEN 'bi' ELSE 'etl' END AS cluster_id, query FROM stl_query) q
         JOIN stl_scan s ON q.cluster_id = s.cluster_id AND q.query = s.query",
        "SELECT COUNT(*) FROM (SELECT cluster_id, query FROM stl_query ORDER BY starttime, cluster_id, query LIMIT 9) q
         JOIN stl_scan s ON q.cluster_id = s.cluster_id AND q.query = s.query",
        "SELECT COUNT(*) FROM (SELECT MAX(cluster_id) AS cluster_id, query FROM stl_query GROUP BY query) q
         JOIN stl_scan s ON q.cluster_id = s.cluster_id AND q.query = s.query",
        "SELECT COUNT(*) FROM stl_query q JOIN stl_scan s ON q.cluster_id = s.cluster_id AND q.query = s.query
         WHERE q.cluster_id = 'bi'",
    ] {
        assert!(!plan(&stepped, sql).await.contains("ByCluster"), "{sql}");
        assert_eq!(ask(&stepped, sql).await, ask(&plain, sql).await, "{sql}");
    }
    // Of each cluster for itself what is left of joins that are made of all together.
    let both =
        "SELECT COUNT(*) FROM (SELECT q.userid AS n FROM stl_query q JOIN stl_scan s ON q.cluster_id = s.cluster_id
                AND q.query = s.query) a JOIN (SELECT q.userid + 1 AS n FROM stl_query q JOIN stl_scan s
                ON q.cluster_id = s.cluster_id AND q.query = s.query) b ON a.n = b.n";
    assert_eq!(ask(&stepped, both).await, ask(&plain, both).await);
}

const GROUPED: [&str; 9] = [
    "SELECT perm_table_name, COUNT(*), SUM(bytes), MIN(rows), AVG(bytes) FROM stl_scan GROUP BY 1 ORDER BY 1",
    "SELECT cluster_id, log_date, COUNT(*), COUNT(bytes) FROM stl_scan GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT userid, aborted, COUNT(*), MAX(starttime) FROM stl_query GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT database, COUNT(DISTINCT cluster_id), COUNT(DISTINCT userid) FROM stl_query GROUP BY 1 ORDER BY 1",
    "SELECT UPPER(perm_table_name) AS t, segment % 2 AS half, SUM(bytes) FROM stl_scan GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT segment, MEDIAN(bytes), LISTAGG(DISTINCT rows, ',') WITHIN GROUP (ORDER BY rows) FROM stl_scan GROUP BY 1 ORDER BY 1",
    "SELECT segment, SUM(CASE WHEN rows > 4 THEN bytes END) FROM stl_scan WHERE rows < 12 AND segment <> 1 GROUP BY 1 ORDER BY 1",
    "SELECT query, COUNT(*) FROM stl_scan GROUP BY 1 ORDER BY 1",
    "SELECT querytxt, COUNT(*) FROM stl_query GROUP BY 1 ORDER BY 1",
];

/// Texts that are computed with are left to the engine.
const TEXTS: [&str; 4] = [
    "SELECT userid, aborted, MAX(querytxt) FROM stl_query GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT cluster_id, COUNT(*) FROM stl_query WHERE querytxt LIKE '%3%' GROUP BY 1 ORDER BY 1",
    "SELECT perm_table_name FROM stl_scan WHERE perm_table_name LIKE '%e _' GROUP BY 1 ORDER BY 1",
    "SELECT cluster_id, SUBSTRING(perm_table_name, 7, 9)::int AS n, COUNT(*) FROM stl_scan WHERE perm_table_name <> 'table 0'
     GROUP BY 1, 2 ORDER BY 1, 2",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_few_values_are_made_in_the_scan() {
    let lake = fleet().await;
    let plain = plain(&lake).await;
    for sql in GROUPED.into_iter().chain(TEXTS) {
        let stepped = session(&lake, 2, 64 << 20).await;
        let planned = plan(&stepped, sql).await;
        assert_eq!(planned.contains("GroupedScan"), GROUPED.contains(&sql), "{sql}: {planned}");
        assert!(!plan(&plain, sql).await.contains("GroupedScan"), "{sql}");
        let wanted = ask(&plain, sql).await;
        assert!(!wanted.is_empty(), "{sql}");
        // Read, read to be kept, from memory.
        for time in 0..3 {
            assert_eq!(ask(&stepped, sql).await, wanted, "time {time}: {sql}");
        }
        if GROUPED.contains(&sql) {
            // Statements are different texts: no value of theirs is few.
            assert_eq!(left(&stepped, sql).await > 0, sql.contains("querytxt"), "{sql}");
        }
        // With room for less than a column, nothing is ever in memory.
        let small = session(&lake, 2, 600).await;
        for time in 0..3 {
            assert_eq!(ask(&small, sql).await, wanted, "time {time}, little room: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_a_row_that_no_filter_lets_through_is_none() {
    let lake = fleet().await;
    let stepped = session(&lake, 2, 64 << 20).await;
    let sql = |filter: &str| {
        format!("SELECT 100 / (segment - 1) AS n, COUNT(*) FROM stl_scan WHERE {filter} GROUP BY 1 ORDER BY 1")
    };
    for _ in 0..3 {
        assert_eq!(ask(&stepped, &sql("segment <> 1")).await.lines().count(), 2);
        let all = stepped.query(&sql("rows >= 0")).await.unwrap().collect().await;
        assert!(all.unwrap_err().to_string().to_lowercase().contains("zero"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_turn_out_to_be_many_are_the_engines() {
    let lake = TestLake::new();
    for (c, cluster) in ["bi", "etl"].into_iter().enumerate() {
        for (d, day) in DAYS.into_iter().enumerate() {
            let row = |n: usize| json!({ "query": d * 100_000 + n, "userid": n % 7 + c, "starttime": format!("{day}T00:00:00Z") });
            lake.add("stl_query", cluster, day, &[], (0..15_000).map(row).collect()).await;
        }
    }
    let (plain, stepped) = (plain(&lake).await, session(&lake, 2, 64 << 20).await);
    for groups in ["cluster_id, query", "userid, query", "query"] {
        let inner = format!("SELECT {groups}, COUNT(*) AS n, SUM(userid) AS s FROM stl_query GROUP BY {groups}");
        assert!(plan(&stepped, &inner).await.contains("GroupedScan"), "{groups}");
        let sql = format!("SELECT COUNT(*), SUM(n), SUM(s), SUM(query), MAX(n) FROM ({inner}) x");
        let wanted = ask(&plain, &sql).await;
        for time in 0..3 {
            assert_eq!(ask(&stepped, &sql).await, wanted, "time {time}: {groups}");
        }
        assert!(left(&stepped, &sql).await > 0, "{groups}");
    }
}

/// A statement about scans or queries, grouped and filtered at random.
fn statement() -> impl Strategy<Value = String> {
    let group = prop::sample::subsequence(
        vec![
            "cluster_id",
            "log_date",
            "userid",
            "aborted",
            "database",
            "querytxt",
            "query",
            "RTRIM(database)",
            "userid % 3",
        ],
        1..4,
    );
    let filter = prop::sample::subsequence(
        vec![
            "aborted = 0",
            "userid > 103",
            "database = 'prod'",
            "log_date > '2026-01-01'",
            "cluster_id <> 'lab'",
            "query % 7 < 5",
            "starttime > '2026-01-02 05:00:00'",
            "querytxt LIKE '%3%'",
        ],
        0..4,
    );
    let joined = prop::sample::select(vec!["", "JOIN", "LEFT JOIN"]);
    (group, filter, joined).prop_map(|(group, filter, joined)| {
        let keys: Vec<String> = (1..=group.len()).map(|n| n.to_string()).collect();
        let keys = keys.join(", ");
        let filter = if filter.is_empty() { "1 = 1".to_owned() } else { filter.join(" AND ") };
        let from = match joined {
            "" => "stl_query".to_owned(),
            _ => format!(
                "(SELECT q.*, s.bytes FROM stl_query q {joined} stl_scan s ON s.query = q.query AND s.cluster_id = q.cluster_id) x"
            ),
        };
        let more = if joined.is_empty() { "" } else { ", SUM(bytes)" };
        format!(
            "SELECT {}, COUNT(*), SUM(userid), MIN(starttime){more} FROM {from} WHERE {filter} GROUP BY {keys} ORDER BY {keys}",
            group.join(", ")
        )
    })
}

#[test]
fn whatever_is_asked_the_steps_change_no_answer() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let lake = runtime.block_on(fleet());
    let (plain, stepped) = runtime.block_on(async { (plain(&lake).await, session(&lake, 3, 64 << 20).await) });
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    let result = runner.run(&statement(), |sql| {
        let wanted = runtime.block_on(ask(&plain, &sql));
        for time in 0..3 {
            prop_assert_eq!(&wanted, &runtime.block_on(ask(&stepped, &sql)), "time {}: {}", time, sql);
        }
        Ok(())
    });
    result.unwrap();
}
