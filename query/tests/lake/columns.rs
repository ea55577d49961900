//! Columns that are kept in memory change no answer, and are not read again.

use lookback_query::{Limits, Session};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::pruning::{filter, mixed};
use crate::support::{TestLake, ask, query};

async fn session(lake: &TestLake, columns_bytes: usize) -> Session {
    let limits = Limits { target_partitions: 2, columns_bytes, ..Limits::default() };
    Session::open(lake.location(), limits).await.unwrap()
}

/// Bytes that a statement reads.
async fn bytes(session: &Session, sql: &str) -> u64 {
    let answer = session.query(sql).await.unwrap();
    let progress = answer.progress();
    answer.collect().await.unwrap();
    progress.read().bytes
}

const QUESTIONS: [&str; 9] = [
    "SELECT cluster_id, log_date, COUNT(*), SUM(query), MIN(starttime), MAX(endtime) FROM stl_query GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT query, DATEDIFF(ms, starttime, endtime) AS took, cluster_id FROM stl_query ORDER BY took DESC NULLS LAST, query, cluster_id, log_date, starttime LIMIT 7",
    "SELECT concurrency_scaling_status, COUNT(*) FROM stl_query GROUP BY 1 ORDER BY 1",
    "SELECT querytxt, COUNT(DISTINCT cluster_id) FROM stl_query GROUP BY 1 ORDER BY 1",
    "SELECT COUNT(*) FROM stl_query WHERE querytxt LIKE '%1'",
    "SELECT a.cluster_id, COUNT(*) FROM stl_query a JOIN stl_query b ON a.cluster_id = b.cluster_id AND a.query = b.query WHERE b.log_date > '2026-01-02' GROUP BY 1 ORDER BY 1",
    "SELECT query FROM stl_query WHERE query > (SELECT AVG(query) FROM stl_query) ORDER BY query",
    "SELECT UPPER(cluster_id) || query, query + 1, starttime::date FROM stl_query ORDER BY 1, 2, 3",
    "SELECT cluster_id, query, starttime FROM stl_query ORDER BY starttime DESC, cluster_id, query LIMIT 3",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_what_was_read() {
    let lake = mixed().await;
    let reading = session(&lake, 0).await;
    // Room for all, for so little that it is given and taken all the time, and for less than one column.
    for room in [64 << 20, 20_000, 600] {
        let keeping = session(&lake, room).await;
        for time in 0..4 {
            for sql in QUESTIONS {
                assert_eq!(ask(&keeping, sql).await, ask(&reading, sql).await, "time {time}, {room} bytes: {sql}");
            }
        }
    }
}

#[test]
fn whatever_the_filter_what_is_kept_changes_no_row() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let lake = runtime.block_on(mixed());
    let (reading, keeping) = runtime.block_on(async { (session(&lake, 0).await, session(&lake, 64 << 20).await) });
    let columns = "cluster_id, log_date, query, starttime, endtime, concurrency_scaling_status";
    let order = "ORDER BY cluster_id, log_date, query, starttime";
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() });
    let result = runner.run(&filter(), |filter| {
        let sql = format!("SELECT {columns} FROM stl_query WHERE {filter} {order}");
        let read = runtime.block_on(ask(&reading, &sql));
        for time in 0..3 {
            prop_assert_eq!(&read, &runtime.block_on(ask(&keeping, &sql)), "time {}: {}", time, filter);
        }
        Ok(())
    });
    result.unwrap();
}

#[tokio::test]
async fn columns_are_read_twice_and_never_again() {
    let lake = mixed().await;
    let keeping = session(&lake, 64 << 20).await;
    let sql = "SELECT cluster_id, SUM(query) FROM stl_query GROUP BY 1";
    for _ in 0..2 {
        assert!(bytes(&keeping, sql).await > 0);
    }
    assert_eq!(bytes(&keeping, sql).await, 0);
    // A further column is asked for the first time; the other one is there.
    let more = "SELECT cluster_id, SUM(query), MIN(starttime) FROM stl_query GROUP BY 1";
    let two = bytes(&keeping, more).await;
    assert!(two > 0);
    let missing = bytes(&keeping, more).await;
    assert!(0 < missing && missing < two, "{missing} of {two}");
    assert_eq!(bytes(&keeping, more).await, 0);
    let progress = keeping.query(sql).await.unwrap();
    let seen = progress.progress();
    progress.collect().await.unwrap();
    assert!(seen.read().rows > 0 && seen.read().files > 0, "{:?}", seen.read());
    let reading = session(&lake, 0).await;
    for _ in 0..3 {
        assert!(bytes(&reading, sql).await > 0);
    }
}

#[tokio::test]
async fn what_a_limit_rules_out_is_not_read() {
    let lake = TestLake::new();
    let day = |n: i64| {
        let date = format!("2026-01-{:02}", n + 1);
        let row = query(n, &format!("{date} 10:00:00"), &format!("{date} 10:00:01"), "select 1");
        ("etl".to_owned(), date, json!([row]))
    };
    lake.add_days("stl_query", (0..30).map(day)).await;
    let keeping = session(&lake, 64 << 20).await;
    // A filter that bounds say nothing about rules out nothing; neither time were the columns kept.
    let all = bytes(&keeping, "SELECT query FROM stl_query ORDER BY abs(query) LIMIT 1").await;
    let keeping = session(&lake, 64 << 20).await;
    let first = "SELECT query FROM stl_query ORDER BY query LIMIT 1";
    let some = bytes(&keeping, first).await;
    assert!(some * 3 < all, "{some} of {all}");
    assert_eq!(ask(&keeping, first).await, "0");
}

#[tokio::test]
async fn where_few_rows_are_wanted_they_are_read() {
    let lake = mixed().await;
    let keeping = session(&lake, 64 << 20).await;
    for sql in [
        "SELECT query, starttime FROM stl_query WHERE cluster_id = 'bi' AND log_date = '2026-01-03'",
        "SELECT query FROM stl_query LIMIT 1",
        "SELECT querytxt FROM stl_query WHERE query = 3",
    ] {
        for _ in 0..4 {
            assert!(bytes(&keeping, sql).await > 0, "{sql}");
        }
    }
}
