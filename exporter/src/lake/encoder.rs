//! Sorted runs of rows into files, one open file for each day.
//!
//! A run that begins where the day's file ends continues it; a run that reaches back before that begins a new file, so that
//! every file is sorted. An open file is encoded and compressed already: it takes a small part of the memory of its rows.

use std::collections::BTreeMap;
use std::io;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use bytes::Bytes;
use lookback_schemas::layout::{FileKind, data_file};
use object_store::PutPayload;
use parquet::arrow::ArrowWriter;

use super::properties::{ROW_GROUP_ROWS, properties};
use super::stats::FileStats;
use super::writer::Origin;
use crate::error::{Error, ErrorKind, Result, lake};

/// Encoded bytes of all open files at which the one that was idle longest is complete.
const OPEN_BYTES: usize = 8 << 20;
/// Files open at the same time.
const OPEN_FILES: usize = 4;
/// Rows that are sorted together and encoded at once.
const PIECE_ROWS: usize = 1_024;
/// Rows that follow each other in their batch, on average, from which on they are not copied first.
const LONG_STRETCH: usize = 256;
/// Encoded bytes are kept in pieces, so that a growing file is not copied again and again.
const CHUNK_BYTES: usize = 1 << 20;

/// Rows of one day in the order of their time, as (batch, row).
pub(super) struct Run {
    pub(super) day: i32,
    pub(super) picks: Vec<(usize, usize)>,
    /// Time of the first row.
    pub(super) first: i64,
    /// Time of the last row.
    pub(super) last: i64,
}

/// A complete file, not yet in the store.
pub(super) struct Encoded {
    pub(super) day: i32,
    pub(super) path: String,
    pub(super) payload: PutPayload,
    pub(super) stats: FileStats,
}

/// Encodes rows of one cluster and table.
pub(super) struct Encoder {
    origin: Origin,
    /// Makes the names of files unique.
    unique: String,
    files: usize,
    runs: usize,
    open: BTreeMap<i32, OpenFile>,
}

struct OpenFile {
    path: String,
    writer: ArrowWriter<Chunks>,
    stats: FileStats,
    last: i64,
    /// The last run that went into it.
    touched: usize,
}

impl Encoder {
    pub(super) fn new(origin: Origin, unique: String) -> Self {
        Self { origin, unique, files: 0, runs: 0, open: BTreeMap::new() }
    }

    /// Adds a run; gives the files that became complete.
    pub(super) fn append(&mut self, batches: &[RecordBatch], run: &Run) -> Result<Vec<Encoded>> {
        let mut complete = Vec::new();
        if self.open.get(&run.day).is_some_and(|file| run.first < file.last) {
            complete.extend(self.close(run.day)?);
        }
        if !self.open.contains_key(&run.day) && self.open.len() >= OPEN_FILES {
            complete.extend(self.close_idle()?);
        }
        for piece in pieces(batches, &run.picks) {
            self.write(run.day, &piece?)?;
        }
        self.runs += 1;
        if let Some(file) = self.open.get_mut(&run.day) {
            file.last = run.last;
            file.touched = self.runs;
        }
        while self.open.values().map(OpenFile::bytes).sum::<usize>() >= OPEN_BYTES {
            complete.extend(self.close_idle()?);
        }
        Ok(complete)
    }

    /// Completes the file that was idle longest.
    fn close_idle(&mut self) -> Result<Option<Encoded>> {
        let idle = self.open.iter().min_by_key(|(_, file)| file.touched).map(|(day, _)| *day);
        idle.map_or(Ok(None), |day| self.close(day))
    }

    /// Completes what is open.
    pub(super) fn finish(&mut self) -> Result<Vec<Encoded>> {
        let days: Vec<i32> = self.open.keys().copied().collect();
        days.into_iter().filter_map(|day| self.close(day).transpose()).collect()
    }

    fn write(&mut self, day: i32, rows: &RecordBatch) -> Result<()> {
        let file = match self.open.entry(day) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let path = data_file(FileKind::Part, &self.origin.cluster_id, day, &self.unique, self.files);
                self.files += 1;
                let properties = properties(rows, &self.origin, ROW_GROUP_ROWS)?;
                let writer = ArrowWriter::try_new(Chunks::default(), rows.schema(), Some(properties));
                let writer = writer.map_err(lake("encoding rows"))?;
                entry.insert(OpenFile { path, writer, stats: FileStats::default(), last: i64::MIN, touched: 0 })
            }
        };
        file.stats.add(rows);
        file.writer.write(rows).map_err(lake("encoding rows"))
    }

    fn close(&mut self, day: i32) -> Result<Option<Encoded>> {
        let Some(OpenFile { path, writer, stats, .. }) = self.open.remove(&day) else { return Ok(None) };
        let chunks = writer.into_inner().map_err(lake("encoding rows"))?;
        Ok(Some(Encoded { day, path, payload: chunks.into_payload(), stats }))
    }
}

impl OpenFile {
    fn bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }
}

/// The picked rows in their order: as they lie in their batches where they lie in order already, otherwise copied, in pieces so
/// that the copy does not double the buffer.
fn pieces<'a>(
    batches: &'a [RecordBatch],
    picks: &'a [(usize, usize)],
) -> Box<dyn Iterator<Item = Result<RecordBatch>> + 'a> {
    let stretches = || picks.chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1);
    if stretches().count() * LONG_STRETCH <= picks.len() {
        return Box::new(stretches().map(|stretch| {
            let slice = stretch.first().and_then(|&(batch, row)| Some(batches.get(batch)?.slice(row, stretch.len())));
            slice.ok_or_else(|| Error::new(ErrorKind::Lake, "encoding rows: a row of no batch"))
        }));
    }
    let references: Vec<&RecordBatch> = batches.iter().collect();
    Box::new(
        picks
            .chunks(PIECE_ROWS)
            .map(move |piece| interleave_record_batch(&references, piece).map_err(lake("encoding rows"))),
    )
}

/// Collects what is written, in pieces of bounded size.
#[derive(Default)]
struct Chunks {
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl Chunks {
    fn into_payload(mut self) -> PutPayload {
        self.full.push(self.last.into());
        self.full.into_iter().collect()
    }
}

impl io::Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.last.len() + bytes.len() > CHUNK_BYTES && !self.last.is_empty() {
            let full = std::mem::take(&mut self.last);
            self.full.push(full.into());
        }
        self.last.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
