//! Writes lakes: Parquet files in partition folders, committed with statistics.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use deltalake::DeltaTableBuilder;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, TableReference};
use deltalake::kernel::{Action, Add, StructType};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use lookback_query::{Limits, QueryError, Session};
use lookback_schemas::layout::{FileKind, data_file, rollup_file};
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE, LOOKUP_COLUMNS};
use lookback_schemas::rollups::Rollup;
use lookback_schemas::time::{parse_day, rfc3339};
use lookback_schemas::{encryption, ledger, registry};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use url::Url;

/// Processor time that this process has used, all threads together; see proc(5).
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the tests in `lake` use it")]
pub fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // A tick is 10 ms on every Linux that this runs on.
    Duration::from_millis(fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}

/// Waits until nothing computes in this process any more.
///
/// # Panics
/// If something still does after `most`.
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the tests in `lake` use it")]
pub async fn until_idle(most: Duration, what: &str) {
    let began = Instant::now();
    loop {
        let before = processor_time();
        tokio::time::sleep(Duration::from_millis(200)).await;
        if processor_time() - before < Duration::from_millis(50) {
            return;
        }
        assert!(began.elapsed() < most, "still at work: {what}");
    }
}

pub struct TestLake {
    pub dir: tempfile::TempDir,
    files: std::sync::atomic::AtomicUsize,
}

impl TestLake {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lookback.json"), r#"{"format": "lookback-lake", "version": 1}"#).unwrap();
        Self { dir, files: 0.into() }
    }

    pub fn location(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    pub async fn session(&self) -> Session {
        let limits = Limits { target_partitions: 2, ..Limits::default() };
        Session::open(self.location(), limits).await.unwrap()
    }

    /// Adds one file with rows of a registry table; `without` names columns that the file lacks.
    pub async fn add(&self, table: &str, cluster: &str, day: &str, without: &[&str], rows: Value) {
        let spec = registry().table(table).unwrap();
        let all: Vec<Field> =
            spec.columns.iter().map(|c| Field::new(c.name.clone(), c.lake_type().unwrap().arrow(), true)).collect();
        let kept: Vec<Field> = all.iter().filter(|f| !without.contains(&f.name().as_str())).cloned().collect();
        self.create(table, &Schema::new(all), &[CLUSTER_ID, LOG_DATE]).await;
        self.commit(table, cluster, day, &batch(Schema::new(kept), &rows), true).await;
    }

    /// Adds the first file of a table that lacks columns as a whole, because its clusters do.
    #[allow(dead_code, reason = "the tests in `scripts` use it")]
    pub async fn add_narrow(&self, table: &str, cluster: &str, day: &str, without: &[&str], rows: Value) {
        let columns = registry().table(table).unwrap().columns.iter();
        let kept = columns.filter(|c| !without.contains(&c.name.as_str()));
        let fields: Vec<Field> =
            kept.map(|c| Field::new(c.name.clone(), c.lake_type().unwrap().arrow(), true)).collect();
        let schema = Schema::new(fields);
        self.create(table, &schema, &[CLUSTER_ID, LOG_DATE]).await;
        self.commit(table, cluster, day, &batch(schema, &rows), true).await;
    }

    /// Adds rows to the run ledger.
    pub async fn add_runs(&self, day: &str, rows: Value) {
        let schema = ledger::schema().as_ref().clone();
        self.create("lookback_export_runs", &schema, &[LOG_DATE]).await;
        self.commit("lookback_export_runs", "-", day, &batch(schema, &rows), false).await;
    }

    /// Adds a file of a table of the encryption record; `day` names its partition.
    #[allow(dead_code, reason = "the tests in `audit` use it")]
    pub async fn add_record(&self, table: &encryption::Table, account: &str, day: &str, rows: &Value) {
        let schema = table.schema().as_ref().clone();
        self.create(table.name, &schema, &[encryption::ACCOUNT_ID, LOG_DATE]).await;
        let number = self.files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = format!("{}={account}/{LOG_DATE}={day}/part-test-{number}.parquet", encryption::ACCOUNT_ID);
        let partition = [(encryption::ACCOUNT_ID, account), (LOG_DATE, day)];
        let partition = partition.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).into();
        self.commit_at(table.name, path, partition, &batch(schema, rows)).await;
    }

    /// Stores a day of a rollup in a file that says what it was computed from.
    pub async fn add_rollup(&self, rollup: &Rollup, cluster: &str, day: &str, source: &str, rows: &[RecordBatch]) {
        let schema = rollup.schema();
        let fit = |rows: &RecordBatch| {
            let columns = schema.fields().iter().map(|field| {
                arrow::compute::cast(rows.column_by_name(field.name()).unwrap(), field.data_type()).unwrap()
            });
            RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap()
        };
        let rows: Vec<RecordBatch> = rows.iter().map(fit).collect();
        let rows = arrow::compute::concat_batches(&schema, &rows).unwrap();
        self.create(rollup.name, &schema, &[CLUSTER_ID, LOG_DATE]).await;
        let number = self.files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = rollup_file(cluster, parse_day(day).unwrap(), &number.to_string(), source);
        self.commit_at(rollup.name, path, partition(cluster, day), &rows).await;
    }

    fn url(&self, table: &str) -> Url {
        Url::from_directory_path(std::fs::canonicalize(self.dir.path()).unwrap().join(table)).unwrap()
    }

    async fn create(&self, table: &str, columns: &Schema, partition: &[&str]) {
        let folder = self.dir.path().join(table);
        if folder.exists() {
            return;
        }
        std::fs::create_dir_all(&folder).unwrap();
        let mut fields: Vec<Field> = partition
            .iter()
            .map(|c| Field::new(*c, if *c == LOG_DATE { DataType::Date32 } else { DataType::Utf8 }, true))
            .collect();
        fields.extend(columns.fields().iter().map(|f| f.as_ref().clone()));
        let schema: StructType = (&Schema::new(fields)).try_into_kernel().unwrap();
        let store = DeltaTableBuilder::from_url(self.url(table)).unwrap().build_storage().unwrap();
        CreateBuilder::new()
            .with_log_store(store)
            .with_columns(schema.fields().cloned())
            .with_partition_columns(partition.to_vec())
            .with_save_mode(SaveMode::Ignore)
            .await
            .unwrap();
    }

    /// Adds a file for each of many clusters and days, in one commit.
    #[allow(dead_code, reason = "the tests in `lake` use it")]
    pub async fn add_days(&self, table: &str, rows: impl IntoIterator<Item = (String, String, Value)>) {
        let columns = registry().table(table).unwrap().columns.iter();
        let fields = columns.map(|c| Field::new(c.name.clone(), c.lake_type().unwrap().arrow(), true));
        let schema = Schema::new(fields.collect::<Vec<_>>());
        self.create(table, &schema, &[CLUSTER_ID, LOG_DATE]).await;
        let files = rows.into_iter().enumerate().map(|(number, (cluster, day, rows))| {
            let path = data_file(FileKind::Part, &cluster, parse_day(&day).unwrap(), "days", number);
            self.file(table, path, partition(&cluster, &day), &batch(schema.clone(), &rows))
        });
        self.commit_files(table, files.collect()).await;
    }

    async fn commit(&self, table: &str, cluster: &str, day: &str, rows: &RecordBatch, by_cluster: bool) {
        let number = self.files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut path = data_file(FileKind::Part, cluster, parse_day(day).unwrap(), "test", number);
        let mut values = partition(cluster, day);
        if !by_cluster {
            values.remove(CLUSTER_ID);
            path = path.split_once('/').unwrap().1.to_owned();
        }
        self.commit_at(table, path, values, rows).await;
    }

    async fn commit_at(&self, table: &str, path: String, partition: Partition, rows: &RecordBatch) {
        self.commit_files(table, vec![self.file(table, path, partition, rows)]).await;
    }

    /// Writes a file.
    fn file(&self, table: &str, path: String, partition: Partition, rows: &RecordBatch) -> Action {
        let size = write_parquet(&self.dir.path().join(table).join(&path), rows);
        Action::Add(Add {
            path,
            partition_values: partition,
            size,
            modification_time: 0,
            data_change: true,
            stats: Some(stats(rows).to_string()),
            tags: None,
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        })
    }

    async fn commit_files(&self, table: &str, files: Vec<Action>) {
        let mut delta = DeltaTableBuilder::from_url(self.url(table)).unwrap().build().unwrap();
        delta.load().await.unwrap();
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let state: &dyn TableReference = delta.snapshot().unwrap();
        CommitBuilder::default().with_actions(files).build(Some(state), delta.log_store(), operation).await.unwrap();
    }
}

type Partition = std::collections::HashMap<String, Option<String>>;

fn partition(cluster: &str, day: &str) -> Partition {
    [(CLUSTER_ID, cluster), (LOG_DATE, day)].map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).into()
}

fn batch(schema: Schema, rows: &Value) -> RecordBatch {
    let mut decoder = arrow::json::ReaderBuilder::new(Arc::new(schema)).build_decoder().unwrap();
    decoder.serialize(rows.as_array().unwrap()).unwrap();
    decoder.flush().unwrap().unwrap()
}

fn write_parquet(path: &Path, rows: &RecordBatch) -> i64 {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    std::fs::write(path, &bytes).unwrap();
    i64::try_from(bytes.len()).unwrap()
}

/// What the exporter writes: bounds of the time columns and of the columns that are looked up.
fn stats(rows: &RecordBatch) -> Value {
    let (mut low, mut high, mut nulls) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let name = field.name().clone();
        let (values, text): (Vec<i64>, bool) = match field.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                (column.as_primitive::<TimestampMicrosecondType>().iter().flatten().collect(), true)
            }
            DataType::Int64 if LOOKUP_COLUMNS.contains(&name.as_str()) => {
                (column.as_primitive::<Int64Type>().iter().flatten().collect(), false)
            }
            _ => continue,
        };
        let value = |v: i64| if text { json!(rfc3339(v)) } else { json!(v) };
        if let (Some(min), Some(max)) = (values.iter().min(), values.iter().max()) {
            low.insert(name.clone(), value(*min));
            high.insert(name.clone(), value(*max));
        }
        nulls.insert(name, column.null_count());
    }
    json!({ "numRecords": rows.num_rows(), "minValues": low, "maxValues": high, "nullCount": nulls })
}

/// One row of stl_query.
pub fn query(id: i64, start: &str, end: &str, text: &str) -> Value {
    json!({ "userid": 100 + id % 3, "query": id, "xid": id * 10, "pid": 4000 + id, "database": "dev", "querytxt": text,
        "starttime": start, "endtime": end, "aborted": 0, "insert_pristine": 0, "concurrency_scaling_status": 0 })
}

/// Two clusters, two days, five files; the oldest file lacks a column that AWS added later.
pub async fn sample() -> TestLake {
    let lake = TestLake::new();
    let old = ["concurrency_scaling_status"];
    let rows = json!([
        query(1, "2026-01-01 08:00:00.000001", "2026-01-01 08:00:01.5", "select 1"),
        query(2, "2026-01-01 09:00:00", "2026-01-01 09:10:00.25", "select\n  2\tfrom t"),
    ]);
    lake.add("stl_query", "etl", "2026-01-01", &old, rows).await;
    let rows =
        json!([query(3, "2026-01-02 08:00:00", "2026-01-02 08:00:03.123456", "insert into t values ('é, \"x\"')")]);
    lake.add("stl_query", "etl", "2026-01-02", &[], rows).await;
    let rows = json!([query(1, "2026-01-01 10:00:00", "2026-01-01 10:00:30", "select 3")]);
    lake.add("stl_query", "bi", "2026-01-01", &[], rows).await;
    let rows = json!([query(2, "2026-01-02 10:00:00", "2026-01-02 10:00:02", "select 4")]);
    lake.add("stl_query", "bi", "2026-01-02", &[], rows).await;
    let rows = json!([query(30, "2026-01-02 12:00:00", "2026-01-02 12:00:02", "select 5")]);
    lake.add("stl_query", "bi", "2026-01-02", &[], rows).await;
    lake
}

/// The answer as CSV without its header.
pub async fn csv(session: &Session, sql: &str) -> Result<String, QueryError> {
    let answer = session.query(sql).await?;
    let mut bytes = Vec::new();
    lookback_query::write(answer.into_stream(), lookback_query::Format::Csv, &mut bytes).await?;
    let text = String::from_utf8(bytes).unwrap();
    Ok(text.split_once('\n').map_or("", |(_, rest)| rest).trim_end().to_owned())
}

/// What the steps of a name counted while a statement was answered; `None` if its plan has no such step.
#[allow(dead_code, reason = "the tests in `lake` use it")]
pub async fn counted(session: &Session, sql: &str, step: &str, metric: &str) -> Option<usize> {
    let answer = session.query(sql).await.unwrap();
    let plan = Arc::clone(answer.plan());
    answer.collect().await.unwrap();
    let (mut steps, mut counted) = (vec![plan], None);
    while let Some(next) = steps.pop() {
        steps.extend(next.children().into_iter().cloned());
        if next.name() == step {
            let of_step = next.metrics().and_then(|metrics| metrics.sum_by_name(metric));
            counted = Some(counted.unwrap_or(0) + of_step.map_or(0, |count| count.as_usize()));
        }
    }
    counted
}

/// The answer to a statement that must succeed.
pub async fn ask(session: &Session, sql: &str) -> String {
    csv(session, sql).await.unwrap_or_else(|e| panic!("{sql}: {e}: {e:?}"))
}
