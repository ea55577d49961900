//! New rows into sorted data files.
//!
//! Rows collect in a buffer of bounded size. When it is full, each day's rows are sorted by time and encoded as the next part of
//! the day's file, so memory does not depend on how much there is to export; rows of days that are barely represented wait for
//! company. Encoding runs beside the reading of further rows, one buffer at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, interleave_record_batch};
use deltalake::kernel::{Action, Add};
use lookback_schemas::time::day_of;
use object_store::ObjectStoreExt;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::encoder::{Encoded, Encoder, Run};
use super::table::LakeTable;
use crate::error::{Error, ErrorKind, Result, lake};

/// Rows and bytes (in Arrow's memory) at which the buffer is sorted and encoded.
const BUFFER_ROWS: usize = 98_304;
const BUFFER_BYTES: usize = 10 << 20;
/// A day with less than this share of a full buffer waits for more rows.
const WORTH_A_RUN: usize = 10;

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

/// Buffers rows of one cluster and table, and writes them as files.
pub struct Writer {
    table: Arc<LakeTable>,
    origin: Origin,
    /// This machine's time, for the files' modification time.
    now: i64,
    batches: Vec<RecordBatch>,
    /// (batch, row, time) of everything buffered.
    rows: Vec<(u32, u32, i64)>,
    bytes: usize,
    /// `None` while it is at work.
    encoder: Option<Encoder>,
    running: Option<JoinHandle<Done>>,
    written: Vec<WrittenFile>,
}

impl Writer {
    /// A writer for rows of one cluster. `now` is this machine's time, microseconds.
    #[must_use]
    pub fn new(table: Arc<LakeTable>, origin: Origin, now: i64) -> Self {
        let encoder = Encoder::new(origin.clone(), Uuid::now_v7().simple().to_string());
        Self {
            table,
            origin,
            now,
            batches: Vec::new(),
            rows: Vec::new(),
            bytes: 0,
            encoder: Some(encoder),
            running: None,
            written: Vec::new(),
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

    /// Encodes what is buffered, or what of it is worth it; `all` also completes the files.
    async fn flush(&mut self, all: bool) -> Result<()> {
        self.settle().await?;
        let what = || format!("writing rows of {}", self.table.name());
        let Some(encoder) = self.encoder.take() else {
            return Err(Error::new(ErrorKind::Lake, format!("{}: the encoder was lost", what())));
        };
        let mut days: BTreeMap<i32, Vec<(u32, u32, i64)>> = BTreeMap::new();
        for same_day in self.rows.chunk_by(|a, b| day_of(a.2) == day_of(b.2)) {
            if let Some(first) = same_day.first() {
                days.entry(day_of(first.2)).or_default().extend_from_slice(same_day);
            }
        }
        let total = self.rows.len();
        self.rows.clear();
        self.bytes = 0;
        let batches = std::mem::take(&mut self.batches);
        let mut runs = Vec::new();
        for (day, mut rows) in days {
            // The position breaks ties, so that the same input gives the same file.
            rows.sort_unstable_by_key(|&(batch, row, time)| (time, batch, row));
            let picks: Vec<(usize, usize)> =
                rows.iter().map(|&(batch, row, _)| (batch as usize, row as usize)).collect();
            if all || rows.len() * WORTH_A_RUN >= total {
                let time = |row: Option<&(u32, u32, i64)>| row.map_or(i64::MIN, |r| r.2);
                runs.push(Run { day, picks, first: time(rows.first()), last: time(rows.last()) });
            } else {
                let references: Vec<&RecordBatch> = batches.iter().collect();
                let waiting = interleave_record_batch(&references, &picks).map_err(lake(what()))?;
                let number = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
                self.rows.extend((0_u32..).zip(&rows).map(|(i, row)| (number, i, row.2)));
                self.bytes += waiting.get_array_memory_size();
                self.batches.push(waiting);
            }
        }
        let work = Work { table: Arc::clone(&self.table), origin: self.origin.clone(), now: self.now };
        self.running = Some(tokio::spawn(work.run(encoder, batches, runs, all)));
        Ok(())
    }

    /// Waits for the encoder.
    async fn settle(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let done = running.await.map_err(lake(format!("writing rows of {}", self.table.name())))?;
        self.encoder = done.encoder;
        self.written.extend(done.written);
        done.result
    }

    /// Writes everything that is left, and gives the files to commit.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if a file cannot be written.
    pub async fn finish(&mut self) -> Result<Vec<WrittenFile>> {
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

/// What became of a [`Work`].
struct Done {
    /// `None` if it was lost to a panic.
    encoder: Option<Encoder>,
    /// Files that were stored, also if it failed afterwards: they can be deleted.
    written: Vec<WrittenFile>,
    result: Result<()>,
}

/// Encodes runs and stores the files that become complete.
struct Work {
    table: Arc<LakeTable>,
    origin: Origin,
    now: i64,
}

impl Work {
    async fn run(self, encoder: Encoder, batches: Vec<RecordBatch>, runs: Vec<Run>, all: bool) -> Done {
        let mut written = Vec::new();
        let mut encoder = Some(encoder);
        let result = self.encode(&mut encoder, Arc::new(batches), runs, all, &mut written).await;
        Done { encoder, written, result }
    }

    async fn encode(
        &self,
        encoder: &mut Option<Encoder>,
        batches: Arc<Vec<RecordBatch>>,
        runs: Vec<Run>,
        all: bool,
        written: &mut Vec<WrittenFile>,
    ) -> Result<()> {
        for run in runs {
            let batches = Arc::clone(&batches);
            self.step(encoder, written, move |encoder| encoder.append(&batches, &run)).await?;
        }
        if all {
            self.step(encoder, written, Encoder::finish).await?;
        }
        Ok(())
    }

    /// Does something with the encoder on a thread that may be busy, and stores the files that it gives.
    async fn step(
        &self,
        slot: &mut Option<Encoder>,
        written: &mut Vec<WrittenFile>,
        work: impl FnOnce(&mut Encoder) -> Result<Vec<Encoded>> + Send + 'static,
    ) -> Result<()> {
        let what = || format!("writing rows of {}", self.table.name());
        let Some(mut encoder) = slot.take() else { return Err(Error::new(ErrorKind::Lake, what())) };
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&mut encoder);
            (encoder, result)
        });
        let (encoder, result) = done.await.map_err(lake(what()))?;
        *slot = Some(encoder);
        for file in result? {
            written.push(self.store(file).await?);
        }
        Ok(())
    }

    async fn store(&self, file: Encoded) -> Result<WrittenFile> {
        let Encoded { day, path, payload, stats } = file;
        let size = payload.content_length() as u64;
        let stored = self.table.store().put(&self.table.object(&path), payload).await;
        stored.map_err(|e| {
            Error::new(ErrorKind::Lake, format!("writing {}/{path}", self.table.name()))
                .because(e)
                .advise("the lake must be writable and have space; nothing was committed")
        })?;
        Ok(stats.add_action(path, size, &self.origin, day, self.now))
    }
}
