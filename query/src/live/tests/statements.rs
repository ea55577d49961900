//! Statements over clusters that are made up, beside a lake without rows: what is read of which cluster, and what becomes of it.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::util::pretty::pretty_format_batches;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use lookback_schemas::TableSpec;
use lookback_schemas::time::{DAY, HOUR};

use crate::error::{ErrorKind, QueryError};
use crate::live::{Live, Read, Rows};
use crate::session::{Limits, Session};

const NOON: i64 = 20_600 * DAY + 12 * HOUR;

/// Clusters `a` to `e`; each has two queries, but for `d`, which breaks off, and `e`, where a column has another type.
#[derive(Debug, Default)]
struct Fake {
    reads: Mutex<Vec<Read>>,
}

impl Fake {
    /// The reads so far, sorted by cluster.
    fn taken(&self) -> Vec<Read> {
        let mut reads = std::mem::take(&mut *self.reads.lock().unwrap());
        reads.sort_by(|a, b| a.cluster.cmp(&b.cluster));
        reads
    }

    fn names(&self) -> Vec<String> {
        self.taken().into_iter().map(|read| read.cluster).collect()
    }
}

fn rows(cluster: &str) -> RecordBatch {
    let number: ArrayRef = match cluster {
        "e" => Arc::new(StringArray::from(vec!["1", "2"])),
        _ => Arc::new(Int64Array::from(vec![1, 2])),
    };
    let ended = TimestampMicrosecondArray::from(vec![NOON, NOON + HOUR]).with_timezone("UTC");
    RecordBatch::try_from_iter([
        ("query", number),
        ("endtime", Arc::new(ended) as ArrayRef),
        ("a_column_that_no_lake_has", Arc::new(Int64Array::from(vec![7, 8])) as ArrayRef),
        ("cluster_id", Arc::new(StringArray::from(vec![cluster; 2])) as ArrayRef),
        ("log_date", Arc::new(Date32Array::from(vec![20_600; 2])) as ArrayRef),
    ])
    .unwrap()
}

#[async_trait]
impl Live for Fake {
    async fn clusters(&self) -> Result<Vec<String>, QueryError> {
        Ok(["a", "b", "c", "d", "e"].map(str::to_owned).to_vec())
    }

    fn read(&self, read: Read) -> Rows {
        let broken = (read.cluster == "d").then(|| Err(QueryError::new(ErrorKind::Read, "cluster 'd' is down")));
        let rows = rows(&read.cluster);
        self.reads.lock().unwrap().push(read);
        stream::iter(std::iter::once(Ok(rows)).chain(broken)).boxed()
    }

    fn at_once(&self) -> usize {
        2
    }

    fn memory(&self, _: &TableSpec) -> usize {
        0
    }
}

/// A session over a lake without rows.
async fn session(fake: &Arc<Fake>) -> (tempfile::TempDir, Session) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lookback.json"), r#"{"format": "lookback-lake", "version": 1}"#).unwrap();
    let limits = Limits { target_partitions: 2, ..Limits::default() };
    let session = Session::open(folder.path().to_str().unwrap(), limits).await.unwrap();
    (folder, session.with_live(Arc::clone(fake) as Arc<dyn Live>))
}

async fn answer(session: &Session, sql: &str) -> Result<String, QueryError> {
    let batches = session.query(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches).unwrap().to_string())
}

#[tokio::test]
async fn rows_come_in_the_columns_of_the_lake() {
    let fake = Arc::new(Fake::default());
    let (_folder, session) = session(&fake).await;
    let sql = "SELECT cluster_id, query, endtime, querytxt, log_date FROM live.stl_query WHERE cluster_id = 'b' AND query = 2";
    insta::assert_snapshot!(answer(&session, sql).await.unwrap(), @r"
    +------------+-------+---------------------+----------+------------+
    | cluster_id | query | endtime             | querytxt | log_date   |
    +------------+-------+---------------------+----------+------------+
    | b          | 2     | 2026-05-27T13:00:00 |          | 2026-05-27 |
    +------------+-------+---------------------+----------+------------+
    ");
    let read = fake.taken().pop().unwrap();
    assert_eq!((read.cluster.as_str(), read.beside), ("b", None));
    assert!(read.columns.iter().any(|c| c == "querytxt") && !read.columns.iter().any(|c| c == "label"), "{read:?}");
    assert!(!read.columns.iter().any(|c| c == "cluster_id" || c == "log_date"), "{read:?}");
    // A count needs no column at all.
    let sql = "SELECT count(*) AS n FROM all.stl_query WHERE cluster_id < 'c'";
    let error = answer(&session, sql).await.unwrap_err();
    // A filter that says nothing certain spares no cluster.
    assert!(error.to_string().starts_with("cluster 'd' is down"), "{error}");
    let sql = "SELECT count(*) AS n FROM all.stl_query WHERE cluster_id IN ('a', 'c', 'z')";
    insta::assert_snapshot!(answer(&session, sql).await.unwrap(), @r"
    +---+
    | n |
    +---+
    | 4 |
    +---+
    ");
}

#[tokio::test]
async fn filters_decide_what_is_read() {
    let fake = Arc::new(Fake::default());
    let (_folder, session) = session(&fake).await;
    for (filter, clusters) in [
        ("cluster_id = 'a'", "a"),
        ("cluster_id = 'a@2'", "a"),
        ("cluster_id IN ('a', 'b')", "a b"),
        ("cluster_id = 'a' OR cluster_id = 'c'", "a c"),
        ("cluster_id = 'a' AND cluster_id = 'b'", ""),
        ("cluster_id = 'nobody'", ""),
        ("cluster_id = 'a' AND endtime > '2026-05-27' AND endtime < '2026-05-26'", ""),
    ] {
        answer(&session, &format!("SELECT count(*) FROM live.stl_query WHERE {filter}")).await.unwrap();
        assert_eq!(fake.names().join(" "), clusters, "{filter}");
    }
    let since = "SELECT query FROM all.stl_query WHERE cluster_id = 'a' AND endtime >= '2026-05-27 12:30:00'";
    insta::assert_snapshot!(answer(&session, since).await.unwrap(), @r"
    +-------+
    | query |
    +-------+
    | 2     |
    +-------+
    ");
    let read = fake.taken().pop().unwrap();
    assert_eq!((read.from, read.to), (NOON + HOUR / 2, i64::MAX));
    // What is bound later, and what the moment of the statement decides.
    let late = "SELECT query FROM live.stl_query WHERE cluster_id = 'a' AND log_date >= trunc(getdate()) - 1";
    answer(&session, late).await.unwrap();
    assert!(fake.taken().pop().unwrap().from > NOON);
}

#[tokio::test]
async fn a_cluster_that_fails_fails_the_statement() {
    let fake = Arc::new(Fake::default());
    let (_folder, session) = session(&fake).await;
    for schema in ["live", "all"] {
        let broken = answer(&session, &format!("SELECT count(*) FROM {schema}.stl_query")).await.unwrap_err();
        assert!(["cluster 'd' is down", "cluster 'e'"].iter().any(|t| broken.to_string().contains(t)), "{broken}");
        let other = answer(&session, &format!("SELECT query FROM {schema}.stl_query WHERE cluster_id = 'e'")).await;
        let other = other.unwrap_err().to_string();
        assert!(other.contains("cluster 'e': column stl_query.query is Utf8 there and Int64 in the lake"), "{other}");
    }
}

#[tokio::test]
async fn whoever_does_not_read_clusters_is_told_how() {
    let (folder, session) = session(&Arc::default()).await;
    let off = Session::open(folder.path().to_str().unwrap(), Limits::default()).await.unwrap();
    let error = answer(&off, "SELECT 1 FROM live.stl_query").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sql);
    assert!(error.to_string().contains("Start with --live"), "{error}");
    let earlier = session.with_as_of(Some(NOON));
    let error = answer(&earlier, "SELECT 1 FROM all.stl_query").await.unwrap_err().to_string();
    assert!(error.contains("another moment") && error.contains("'stl_query'"), "{error}");
    for table in ["svl_qlog", "sys_query_history", "lookback_clusters", "encryption_events", "nothing"] {
        let error = answer(&session, &format!("SELECT 1 FROM live.{table}")).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("there is no 'live.{table}': ")), "{error}");
    }
    // Who may see a table's history may see the table.
    let statement = session.prepare("SELECT 1 FROM live.encryption_events, all.STL_Query").unwrap().pop().unwrap();
    assert!(statement.reads_record() && statement.tables().contains("stl_query"));
    let other = answer(&session, "SELECT 1 FROM other.stl_query").await.unwrap_err().to_string();
    assert!(other.contains("write 'stl_query'"), "{other}");
}
