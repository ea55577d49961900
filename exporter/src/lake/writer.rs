//! New rows into sorted data files.
//!
//! Rows collect in a buffer of bounded size. When it is full, each day's rows are sorted by time and written as one file, so
//! memory does not depend on how much there is to export; rows of days that are barely represented wait for company. Encoding
//! runs beside the reading of further rows, one buffer at a time.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, interleave_record_batch};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use deltalake::kernel::{Action, Add};
use lookback_schemas::layout::{FileKind, data_file};
use lookback_schemas::names::{CLUSTER_ID, FOOTER_COLUMNS, FOOTER_RUN, LOG_DATE, LOOKUP_COLUMNS};
use lookback_schemas::time::{day_name, day_of, rfc3339};
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::table::LakeTable;
use crate::error::{Error, ErrorKind, Result, lake};

/// Rows and bytes (in Arrow's memory) at which the buffer is written.
const BUFFER_ROWS: usize = 122_880;
const BUFFER_BYTES: usize = 16 << 20;
/// A day with less than this share of a full buffer waits for more rows.
const WORTH_A_FILE: usize = 10;
/// Rows sorted and encoded at once; also what the encodings of a file are chosen by.
const PIECE_ROWS: usize = 4_096;
/// Texts looked at for the same purpose.
const TEXT_SAMPLE: usize = 1_024;
/// Size of a page of text that hardly repeats: compression finds what is alike only within a page.
const TEXT_PAGE: usize = 4 << 20;
/// Rows of a row group.
pub(crate) const ROW_GROUP_ROWS: usize = 262_144;
/// Compression level: higher ones cost far more time than they save space on these tables.
const ZSTD_LEVEL: i32 = 3;

/// What a file was made from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Partition.
    pub cluster_id: String,
    /// The run that writes.
    pub run_id: String,
    /// Columns that the rows were read with.
    pub source_columns: Vec<String>,
    /// The column that the rows are sorted by.
    pub time_column: String,
}

/// A file that is in the store, but not yet in the table.
#[derive(Debug, Clone)]
pub struct WrittenFile {
    /// Path relative to the table.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
    /// The action that adds it.
    pub add: Add,
}

impl WrittenFile {
    /// The action to commit; `data_change` is false for a rewrite of rows that the table has already.
    #[must_use]
    pub fn action(&self, data_change: bool) -> Action {
        Action::Add(Add { data_change, ..self.add.clone() })
    }
}

/// Parquet settings for a table's files: see ARCHITECTURE.md for the reasons.
///
/// `sample` is the beginning of the file, `rows` about how many rows the whole has.
pub(crate) fn properties(sample: &RecordBatch, origin: &Origin, rows: usize) -> Result<WriterProperties> {
    let schema = sample.schema_ref();
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(lake("setting the compression level"))?;
    let footer = vec![
        KeyValue::new(FOOTER_COLUMNS.to_owned(), origin.source_columns.join(",")),
        KeyValue::new(FOOTER_RUN.to_owned(), origin.run_id.clone()),
    ];
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("lookback {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_key_value_metadata(Some(footer));
    if let Ok(index) = schema.index_of(&origin.time_column) {
        let column_idx = i32::try_from(index).unwrap_or(i32::MAX);
        builder =
            builder.set_sorting_columns(Some(vec![SortingColumn { column_idx, descending: false, nulls_first: true }]));
    }
    for (field, column) in schema.fields().iter().zip(sample.columns()) {
        let path = ColumnPath::from(field.name().as_str());
        if *field.name() == origin.time_column {
            // Sorted: its differences are what is small.
            builder = builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        } else if matches!(field.data_type(), DataType::Timestamp(..)) || hardly_repeats(column) {
            // A dictionary of values that hardly repeat costs time and makes the file larger.
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
            if *field.data_type() == DataType::Utf8 {
                builder = builder.set_column_data_page_size_limit(path.clone(), TEXT_PAGE);
            }
        }
        if LOOKUP_COLUMNS.contains(&field.name().as_str()) && *field.data_type() == DataType::Int64 {
            let ndv = u64::try_from(rows.clamp(1, ROW_GROUP_ROWS)).unwrap_or(1);
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), 0.01)
                .set_column_bloom_filter_max_ndv(path, ndv);
        }
    }
    Ok(builder.build())
}

/// Whether more than one in six values of a sample is a new one.
fn hardly_repeats(column: &ArrayRef) -> bool {
    let distinct = if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        numbers.values().iter().collect::<HashSet<_>>().len()
    } else if let Some(texts) = column.as_string_opt::<i32>() {
        // Long texts are dear to compare; a part of them tells as much.
        let part = texts.slice(0, texts.len().min(TEXT_SAMPLE));
        return part.iter().flatten().collect::<HashSet<_>>().len() * 2 > part.len();
    } else {
        return *column.data_type() == DataType::Float64;
    };
    distinct * 6 > column.len()
}

/// Minimum, maximum and null count of a file, for the columns that questions and exports narrow down by.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileStats {
    rows: u64,
    columns: BTreeMap<String, ColumnStats>,
}

#[derive(Debug, Clone, Default)]
struct ColumnStats {
    range: Option<(i64, i64)>,
    nulls: u64,
    is_time: bool,
}

impl FileStats {
    /// Takes a batch into account.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let is_time = matches!(field.data_type(), DataType::Timestamp(..));
            let is_lookup = LOOKUP_COLUMNS.contains(&field.name().as_str()) && *field.data_type() == DataType::Int64;
            if !is_time && !is_lookup {
                continue;
            }
            let range = if is_time {
                let array = array.as_primitive::<TimestampMicrosecondType>();
                arrow::compute::min(array).zip(arrow::compute::max(array))
            } else {
                let array = array.as_primitive::<Int64Type>();
                arrow::compute::min(array).zip(arrow::compute::max(array))
            };
            let column = self.columns.entry(field.name().clone()).or_default();
            column.is_time = is_time;
            column.nulls += array.null_count() as u64;
            column.range = match (column.range, range) {
                (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                (one, other) => one.or(other),
            };
        }
    }

    fn json(&self) -> String {
        let (mut low, mut high, mut nulls) = (Map::new(), Map::new(), Map::new());
        for (name, column) in &self.columns {
            nulls.insert(name.clone(), json!(column.nulls));
            if let Some((min, max)) = column.range {
                let value = |v: i64| if column.is_time { Value::from(rfc3339(v)) } else { Value::from(v) };
                low.insert(name.clone(), value(min));
                high.insert(name.clone(), value(max));
            }
        }
        json!({ "numRecords": self.rows, "minValues": low, "maxValues": high, "nullCount": nulls }).to_string()
    }

    /// The action that adds a file with these statistics.
    pub(crate) fn add_action(&self, path: String, size: u64, origin: &Origin, day: i32, modified: i64) -> WrittenFile {
        let partition =
            [(CLUSTER_ID.to_owned(), Some(origin.cluster_id.clone())), (LOG_DATE.to_owned(), Some(day_name(day)))];
        let add = Add {
            path: path.clone(),
            partition_values: partition.into_iter().collect(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            modification_time: modified / 1_000,
            data_change: true,
            stats: Some(self.json()),
            ..Add::default()
        };
        WrittenFile { path, size, rows: self.rows, add }
    }
}

/// Buffers rows of one cluster and table, and writes them as files.
pub struct Writer {
    table: Arc<LakeTable>,
    origin: Origin,
    unique: String,
    /// This machine's time, for the files' modification time.
    now: i64,
    batches: Vec<RecordBatch>,
    /// (batch, row, time) of everything buffered.
    rows: Vec<(u32, u32, i64)>,
    bytes: usize,
    running: Option<JoinHandle<Result<Vec<WrittenFile>>>>,
    written: Vec<WrittenFile>,
    files: usize,
}

impl Writer {
    /// A writer for rows of one cluster. `now` is this machine's time, microseconds.
    #[must_use]
    pub fn new(table: Arc<LakeTable>, origin: Origin, now: i64) -> Self {
        Self {
            table,
            origin,
            unique: Uuid::now_v7().simple().to_string(),
            now,
            batches: Vec::new(),
            rows: Vec::new(),
            bytes: 0,
            running: None,
            written: Vec::new(),
            files: 0,
        }
    }

    /// Adds rows; `times` says when each belongs, and `keep` which of them are new.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if a file cannot be written.
    pub async fn push(&mut self, batch: RecordBatch, times: &[i64], keep: &[bool]) -> Result<()> {
        let kept = keep.iter().filter(|k| **k).count();
        if kept == 0 {
            return Ok(());
        }
        if kept * 2 < batch.num_rows() {
            // An overlap is mostly rows that the lake has: do not hold on to them.
            let mask = BooleanArray::from(keep.to_vec());
            let batch = filter_record_batch(&batch, &mask)
                .map_err(lake(format!("picking new rows of {}", self.table.name())))?;
            let times: Vec<i64> = times.iter().zip(keep).filter_map(|(t, k)| k.then_some(*t)).collect();
            return Box::pin(self.push(batch, &times, &vec![true; kept])).await;
        }
        let number = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        for (row, (time, _)) in times.iter().zip(keep).enumerate().filter(|(_, (_, keep))| **keep) {
            self.rows.push((number, u32::try_from(row).unwrap_or(u32::MAX), *time));
        }
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        if self.rows.len() >= BUFFER_ROWS || self.bytes >= BUFFER_BYTES {
            self.flush(false).await?;
        }
        Ok(())
    }

    /// Writes what is buffered, or what of it is worth a file.
    async fn flush(&mut self, all: bool) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.settle().await?;
        let mut days: BTreeMap<i32, Vec<(u32, u32, i64)>> = BTreeMap::new();
        for row in self.rows.drain(..) {
            days.entry(day_of(row.2)).or_default().push(row);
        }
        let total: usize = days.values().map(Vec::len).sum();
        let batches = std::mem::take(&mut self.batches);
        self.bytes = 0;
        let what = || format!("writing rows of {}", self.table.name());
        let mut ready = Vec::new();
        for (day, mut rows) in days {
            // The position breaks ties, so that the same input gives the same file.
            rows.sort_unstable_by_key(|&(batch, row, time)| (time, batch, row));
            let picks: Vec<(usize, usize)> =
                rows.iter().map(|&(batch, row, _)| (batch as usize, row as usize)).collect();
            if all || rows.len() * WORTH_A_FILE >= total {
                let path = data_file(FileKind::Part, &self.origin.cluster_id, day, &self.unique, self.files);
                self.files += 1;
                ready.push(Planned { day, path, picks });
            } else {
                let references: Vec<&RecordBatch> = batches.iter().collect();
                let waiting = interleave_record_batch(&references, &picks).map_err(lake(what()))?;
                let number = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
                self.rows.extend((0_u32..).zip(&rows).map(|(i, row)| (number, i, row.2)));
                self.bytes += waiting.get_array_memory_size();
                self.batches.push(waiting);
            }
        }
        let (table, origin, now) = (Arc::clone(&self.table), self.origin.clone(), self.now);
        self.running = Some(tokio::spawn(write_files(table, origin, now, batches, ready)));
        Ok(())
    }

    /// Waits for files that are being written.
    async fn settle(&mut self) -> Result<()> {
        if let Some(running) = self.running.take() {
            let files = running.await.map_err(lake(format!("writing rows of {}", self.table.name())))??;
            self.written.extend(files);
        }
        Ok(())
    }

    /// Writes everything that is left, and gives the files to commit.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if a file cannot be written.
    pub async fn finish(mut self) -> Result<Vec<WrittenFile>> {
        self.flush(true).await?;
        self.settle().await?;
        Ok(std::mem::take(&mut self.written))
    }

    /// Deletes what was written and will not be committed. Best effort: what stays is removed by `maintain`.
    pub async fn discard(mut self) {
        let _ = self.settle().await;
        remove_files(&self.table, &self.written).await;
    }
}

/// Deletes files that were not committed. Best effort.
pub async fn remove_files(table: &LakeTable, files: &[WrittenFile]) {
    for file in files {
        if let Err(error) = table.store().delete(&table.object(&file.path)).await {
            tracing::debug!(path = %file.path, %error, "an uncommitted file stays until `lookback maintain`");
        }
    }
}

/// A file to write: its day, its path, and its rows as (batch, row) in order.
struct Planned {
    day: i32,
    path: String,
    picks: Vec<(usize, usize)>,
}

async fn write_files(
    table: Arc<LakeTable>,
    origin: Origin,
    now: i64,
    batches: Vec<RecordBatch>,
    ready: Vec<Planned>,
) -> Result<Vec<WrittenFile>> {
    let batches = Arc::new(batches);
    let mut written = Vec::with_capacity(ready.len());
    for Planned { day, path, picks } in ready {
        let what = format!("writing {}/{path}", table.name());
        let (shared, origin_copy) = (Arc::clone(&batches), origin.clone());
        let encoded = tokio::task::spawn_blocking(move || encode(&shared, &picks, &origin_copy)).await;
        let (bytes, stats) = encoded.map_err(lake(what.clone()))??;
        let size = bytes.len() as u64;
        put(table.store().as_ref(), &table, &path, bytes).await.map_err(|e| {
            Error::new(ErrorKind::Lake, what)
                .because(e)
                .advise("the lake must be writable and have space; nothing was committed")
        })?;
        written.push(stats.add_action(path, size, &origin, day, now));
    }
    Ok(written)
}

async fn put(store: &dyn ObjectStore, table: &LakeTable, path: &str, bytes: Vec<u8>) -> object_store::Result<()> {
    store.put(&table.object(path), bytes.into()).await.map(|_| ())
}

/// A Parquet file of the picked rows, in their order.
fn encode(batches: &[RecordBatch], picks: &[(usize, usize)], origin: &Origin) -> Result<(Vec<u8>, FileStats)> {
    let what = || lake::<Box<dyn std::error::Error + Send + Sync>>("encoding rows");
    let references: Vec<&RecordBatch> = batches.iter().collect();
    let mut stats = FileStats::default();
    let mut writer = None;
    // In pieces, so that the sorted copy does not double the buffer.
    for piece in picks.chunks(PIECE_ROWS) {
        let sorted = interleave_record_batch(&references, piece).map_err(|e| what()(e.into()))?;
        stats.add(&sorted);
        let writer = match &mut writer {
            Some(writer) => writer,
            empty => {
                let properties = properties(&sorted, origin, picks.len())?;
                let new = ArrowWriter::try_new(Vec::new(), sorted.schema(), Some(properties));
                empty.insert(new.map_err(|e| what()(e.into()))?)
            }
        };
        writer.write(&sorted).map_err(|e| what()(e.into()))?;
    }
    let writer = writer.ok_or_else(|| Error::new(ErrorKind::Lake, "no rows to encode"))?;
    let bytes = writer.into_inner().map_err(|e| what()(e.into()))?;
    Ok((bytes, stats))
}
