//! A hostile statement ends within its limits, and takes nothing from the others.

use std::time::{Duration, Instant};

use futures::StreamExt;
use lookback_query::{ErrorKind, Limits, QueryError, Session};

use crate::support::{ask, csv, sample, until_idle};

const SOON: Duration = Duration::from_millis(300);
/// What a machine that does other things, too, may take to stop what has to.
const STOPPED: Duration = Duration::from_secs(10);

fn limits() -> Limits {
    Limits { target_partitions: 2, ..Limits::default() }
}

/// How long a statement took to fail, and how.
async fn failing(session: &Session, sql: &str) -> (Duration, QueryError) {
    let began = Instant::now();
    let error = csv(session, sql).await.expect_err(sql);
    (began.elapsed(), error)
}

const ENDLESS: [&str; 6] = [
    // Makes rows of nothing but memory.
    "SELECT SUM(a.value * b.value + c.value) FROM range(0, 300) a, range(0, 300) b, range(0, 1000000000) c",
    // A condition that no pair meets: nothing comes out of the join to stop at.
    "SELECT COUNT(*) FROM range(0, 1000000) a JOIN range(0, 1000000) b ON a.value * b.value < -1",
    "SELECT COUNT(*) FROM range(0, 1000000) a JOIN range(0, 1000000) b ON a.value % 2 = b.value % 2 AND a.value * b.value < -1",
    "SELECT COUNT(*) FROM range(0, 1000000) a LEFT JOIN range(0, 1000000) b ON a.value + b.value < -1",
    "SELECT COUNT(*) FROM range(0, 1000000) a WHERE EXISTS (SELECT 1 FROM range(0, 1000000) b WHERE b.value * a.value < -1)",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT COUNT(*) FROM t",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_never_ends_is_stopped_whatever_it_is_at() {
    let lake = sample().await;
    let session = Session::open(lake.location(), Limits { timeout: SOON, ..limits() }).await.unwrap();
    for sql in ENDLESS {
        let (took, error) = failing(&session, sql).await;
        assert_eq!(error.kind(), ErrorKind::Limit, "{sql}: {error}");
        assert!(error.to_string().contains("was stopped after 0.3 s"), "{sql}: {error}");
        assert!(took < STOPPED, "{sql}: {took:?}");
        until_idle(STOPPED, sql).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_nobody_waits_for_ends() {
    let lake = sample().await;
    let session = Session::open(lake.location(), limits()).await.unwrap();
    for sql in ENDLESS {
        let answer = session.query(sql).await.unwrap();
        let began = Instant::now();
        let waited = tokio::time::timeout(SOON, answer.into_stream().next()).await;
        assert!(waited.is_err(), "{sql}");
        // Whoever asks has threads that a statement cannot take away.
        assert!(began.elapsed() < STOPPED, "{sql}: {:?}", began.elapsed());
        until_idle(STOPPED, sql).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_statements_leave_the_others_their_turn() {
    let lake = sample().await;
    let session = Session::open(lake.location(), limits()).await.unwrap();
    let mut endless = Vec::new();
    for sql in ENDLESS {
        let mut rows = session.query(sql).await.unwrap().into_stream();
        endless.push(tokio::spawn(async move { rows.next().await.is_some() }));
    }
    let began = Instant::now();
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_query").await, "6");
    assert!(began.elapsed() < STOPPED, "{:?}", began.elapsed());
    assert!(endless.iter().all(|one| !one.is_finished()));
    endless.iter().for_each(tokio::task::JoinHandle::abort);
    until_idle(STOPPED, "all").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_regular_expression_is_no_bomb() {
    let lake = sample().await;
    let session = Session::open(lake.location(), Limits { timeout: SOON, ..limits() }).await.unwrap();
    let began = Instant::now();
    let text = "REPEAT('a', CAST(100 + value % 3000 AS INT))";
    let sql = format!("SELECT COUNT(*) FROM range(0, 10000000) WHERE {text} ~ '((a*)*(a|aa)+)+(a*)*b$'");
    assert_eq!(csv(&session, &sql).await.unwrap_err().kind(), ErrorKind::Limit);
    assert!(began.elapsed() < STOPPED, "{:?}", began.elapsed());
    let sql = format!("SELECT COUNT(*) FROM range(0, 10) WHERE {text} ~ '(((a{{1000}}){{1000}}){{1000}}){{1000}}'");
    assert!(csv(&session, &sql).await.is_err());
}

const WIDE: &str = "SELECT value, REPEAT('x', 300) || value AS text FROM range(0, 400000) ORDER BY text DESC";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sort_that_does_not_fit_in_memory_spills_up_to_its_limit() {
    let lake = sample().await;
    let small = Limits { memory_bytes: 192 << 20, ..limits() };
    let session = Session::open(lake.location(), small).await.unwrap();
    let first = format!(
        "SELECT COUNT(*), MIN(value) FROM (SELECT value, LAG(text) OVER (ORDER BY text) AS before FROM ({WIDE})) WHERE before IS NOT NULL"
    );
    assert_eq!(ask(&session, &first).await, "399999,1");
    let session = Session::open(lake.location(), Limits { spill_bytes: 1 << 20, ..small }).await.unwrap();
    let error = csv(&session, WIDE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains("temporary files"), "{error}");
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_query").await, "6");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_is_slow_does_not_outlast_the_limit() {
    let lake = sample().await;
    let session = Session::open(lake.location(), Limits { timeout: Duration::from_secs(2), ..limits() }).await.unwrap();
    let sql = "SELECT value, REPEAT('x', 1000) FROM range(0, 10000000)";
    let mut rows = session.query(sql).await.unwrap().into_stream();
    assert!(rows.next().await.unwrap().is_ok());
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_query WHERE query < 30").await, "5");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let error = QueryError::from(rows.next().await.unwrap().unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(rows.next().await.is_none());
    drop(rows);
    until_idle(STOPPED, sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_takes_all_the_memory_it_can_leaves_some_to_the_others() {
    let lake = sample().await;
    let session = Session::open(lake.location(), Limits { memory_bytes: 64 << 20, ..limits() }).await.unwrap();
    // The smaller side of the join is held until the last row, and cannot spill.
    let hog =
        "SELECT a.value, b.value FROM range(0, 600000) a JOIN range(0, 100000000) b ON a.value = b.value % 600000";
    let mut rows = session.query(hog).await.unwrap().into_stream();
    assert!(rows.next().await.unwrap().is_ok());
    let (_, error) = failing(&session, &format!("SELECT array_length(array_agg(text)) FROM ({WIDE})")).await;
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    let join = "SELECT COUNT(*) FROM stl_query a JOIN stl_query b ON a.query = b.query WHERE a.querytxt <> b.querytxt";
    assert_eq!(ask(&session, join).await, "4");
    assert!(rows.next().await.unwrap().is_ok());
}

/// Does work on a thread with a stack as the program gives to those that read statements.
fn deep<W: Future<Output = ()>>(work: impl FnOnce() -> W + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || runtime.block_on(work())).unwrap();
    thread.join().unwrap();
}

/// Operators in a row were functions in functions, and planning took the fourth power of their number.
#[test]
fn long_rows_of_operators_are_planned_in_time() {
    deep(|| async {
        let lake = sample().await;
        let session =
            Session::open(lake.location(), Limits { timeout: Duration::from_secs(30), ..limits() }).await.unwrap();
        let row = |one: &str, between: &str, times: usize| vec![one; times].join(between);
        let mixed: String = (0..60).map(|_| " + query * 2 - query / 3 * 3").collect();
        for (sql, want) in [
            (format!("SELECT {}", row("1", " + ", 700)), "700"),
            (format!("SELECT {} FROM stl_query WHERE query = 30", row("query", " + ", 700)), "21000"),
            (format!("SELECT query{mixed} FROM stl_query WHERE query = 30"), "1830"),
            (format!("SELECT COUNT(*) FROM stl_query WHERE {}", row("query = 30", " OR ", 390)), "1"),
            (
                format!(
                    "SELECT CASE {} ELSE 7 END FROM stl_query WHERE query = 30",
                    row("WHEN query = 1 THEN 2", " ", 900)
                ),
                "7",
            ),
        ] {
            let shown = sql.get(..60).unwrap_or_default();
            assert_eq!(csv(&session, &sql).await.unwrap_or_else(|e| panic!("{shown}: {e}")), want, "{shown}");
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planning_ends_with_the_time_of_its_statement() {
    let lake = sample().await;
    let session = Session::open(lake.location(), Limits { timeout: SOON, ..limits() }).await.unwrap();
    // Every name stands for two of the one before.
    let doubled = |times: usize| {
        let names: String = (1..times).map(|n| format!(", c{n} AS (SELECT a.x FROM c{0} a, c{0} b)", n - 1)).collect();
        format!("WITH c0 AS (SELECT 1 AS x){names} SELECT COUNT(*) FROM c{}", times - 1)
    };
    let long = doubled(12);
    let (took, error) = failing(&session, &long).await;
    assert!(error.kind() == ErrorKind::Limit && error.to_string().contains("was stopped after 0.3 s"), "{error}");
    assert!(took < STOPPED, "{took:?}");
    let (took, error) = failing(&session, &doubled(40)).await;
    assert!(error.kind() == ErrorKind::Limit && took < STOPPED, "{took:?} {error}");
    let patient = session.with_timeout(STOPPED * 3);
    let (_, error) = failing(&patient, &doubled(16)).await;
    assert!(error.to_string().contains("steps once every name of WITH is written out"), "{error}");
}

/// The parser counts the levels of one text; views put many texts into each other, and once ended the process.
#[test]
fn views_on_views_have_a_limit() {
    deep(|| async {
        let lake = sample().await;
        let session = Session::open(lake.location(), limits()).await.unwrap();
        ask(&session, "CREATE VIEW v0 AS SELECT 1 AS x").await;
        let mut error = None;
        for n in 1..400 {
            let sql = format!("CREATE VIEW v{n} AS SELECT x FROM v{} WITH NO SCHEMA BINDING", n - 1);
            if let Err(refused) = csv(&session, &sql).await {
                error = Some((n, refused));
                break;
            }
        }
        let (n, error) = error.unwrap();
        assert!(error.kind() == ErrorKind::Limit && error.to_string().contains("too many levels"), "{error}");
        assert!(n > 40, "{n}");
        assert_eq!(ask(&session, &format!("SELECT x FROM v{}", n - 2)).await, "1");
        // In one text as in many.
        let row = vec!["x = (SELECT MAX(x) FROM v40)"; 390].join(" OR ");
        let error = csv(&session, &format!("SELECT x FROM v1 WHERE {row}")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    });
}
