//! Reads ahead of a scan, so that its threads find the next files in memory.
//!
//! A part of a scan reads one file after the other and waits for each: first for the footer, then for the columns. With hundreds of
//! files that nobody read lately, a month of a fleet, most of a statement would be waiting. So while the first files are decoded,
//! the footers of those that come next are fetched, and of files in a folder the operating system is told which of their bytes are
//! wanted; it reads them while the processors are busy. Nothing rests on it: what was not fetched is read as if this were not here.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_plan::metrics::Count;
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use object_store::ObjectMeta;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::columns::Columns;
use crate::footers::{FOOTER_BYTES, Footers, Reach};

/// Files that are fetched before their turn.
const FILES: usize = 16;
/// Most bytes of a file that are asked for: what is ahead has to fit into memory that nobody counts.
const MOST_OF_A_FILE: u64 = 4 << 20;
/// Files up to this size are asked for as a whole: what is saved by leaving columns out is less than another request takes.
const SMALL: u64 = 256 << 10;
/// Bytes between two columns that are read rather than stepped over.
const GAP: u64 = 64 << 10;
/// Footers that are fetched at the same time over a network.
const AT_ONCE: usize = 8;

/// What one scan is about to read.
pub(crate) struct Ahead {
    reader: Arc<Footers>,
    kept: Arc<Columns>,
    // In the order in which they are read; empty until that is known.
    files: OnceLock<Vec<ObjectMeta>>,
    opened: AtomicUsize,
    // Held by whoever fetches.
    fetched: Mutex<Fetched>,
}

/// How many of the files were fetched, in their order.
#[derive(Default)]
struct Fetched {
    files: usize,
    /// Those of which the end was asked for.
    ends: usize,
}

impl Ahead {
    /// Of a scan that reads with `reader` what is not among `kept`.
    pub(crate) fn new(reader: Arc<Footers>, kept: Arc<Columns>) -> Arc<Self> {
        Arc::new(Self { reader, kept, files: OnceLock::new(), opened: AtomicUsize::new(0), fetched: Mutex::default() })
    }

    /// These are the files, in this order. Said once: what a repeated scan reads is in memory.
    pub(crate) fn order(&self, files: impl Iterator<Item = ObjectMeta>) {
        self.files.get_or_init(|| files.collect());
    }

    /// The next file is in memory.
    pub(crate) fn passed(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// The next file is about to be read: those after it are fetched, if nobody does that already. `columns` of them are wanted;
    /// `bytes` counts what is read.
    pub(crate) fn opened(self: &Arc<Self>, columns: &Arc<[Arc<str>]>, bytes: &Count) {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        let Some(files) = self.files.get().filter(|files| opened < files.len()) else { return };
        // Some at a time: half of what is ahead is left when the next are fetched.
        let due = self.fetched.try_lock().is_ok_and(|fetched| fetched.files < files.len().min(opened + FILES / 2));
        let Some(runtime) = Handle::try_current().ok().filter(|_| due) else { return };
        let (ahead, columns, bytes) = (Arc::clone(self), Arc::clone(columns), bytes.clone());
        match self.reader.reach() {
            Some(Reach::Folder(folder)) => {
                let folder = folder.clone();
                runtime.spawn_blocking(move || ahead.fetch_of_folder(&folder, &columns, &bytes));
            }
            Some(Reach::Network(home)) => {
                home.spawn(async move { ahead.fetch_footers(&columns, &bytes).await });
            }
            None => {}
        }
    }

    /// The files to fetch now, from what was fetched on. Files whose turn has come are not among them.
    fn due(&self, fetched: usize) -> Range<usize> {
        let opened = self.opened.load(Ordering::Relaxed);
        let files = self.files.get().map_or(0, Vec::len);
        fetched.max(opened)..files.min(opened + FILES)
    }

    fn file(&self, number: usize) -> Option<&ObjectMeta> {
        self.files.get()?.get(number)
    }

    fn fetch_of_folder(&self, folder: &Path, columns: &[Arc<str>], bytes: &Count) {
        let Ok(mut fetched) = self.fetched.try_lock() else { return };
        loop {
            let due = self.due(fetched.files);
            let Some(file) = self.file(due.start).filter(|_| !due.is_empty()) else { return };
            // Footers are read one after the other: the disk shall have several of them to look for.
            for number in fetched.ends.max(due.start)..due.start + FILES {
                let Some(file) = self.file(number) else { break };
                if file.size > SMALL && !self.kept.has(file.location.as_ref(), columns) {
                    let end = file.size - FOOTER_BYTES as u64..file.size;
                    advise(&folder.join(file.location.as_ref()), std::slice::from_ref(&end));
                }
                fetched.ends = number + 1;
            }
            fetched.files = due.start + 1;
            if self.kept.has(file.location.as_ref(), columns) {
                continue;
            }
            let path = folder.join(file.location.as_ref());
            if file.size <= SMALL {
                advise(&path, std::slice::from_ref(&(0..file.size)));
                continue;
            }
            // In a folder, reading never waits for anything but the disk. A file that cannot be read fails in its turn.
            let mut reader = self.reader.open(file.clone(), bytes.clone());
            if let Some(Ok(footer)) = reader.get_metadata(None).now_or_never() {
                advise(&path, &wanted(&footer, columns));
            }
        }
    }

    async fn fetch_footers(&self, columns: &[Arc<str>], bytes: &Count) {
        let Ok(mut fetched) = self.fetched.try_lock() else { return };
        let due = self.due(fetched.files);
        fetched.files = due.end.max(fetched.files);
        let mut fetching = Vec::with_capacity(FILES);
        for file in due.filter_map(|number| self.file(number)) {
            if !self.kept.has(file.location.as_ref(), columns) {
                let mut reader = self.reader.open(file.clone(), bytes.clone());
                // A file that cannot be read fails in its turn.
                fetching.push(async move { reader.get_metadata(None).await.map(drop).unwrap_or_default() });
            }
        }
        stream::iter(fetching).buffer_unordered(AT_ONCE).collect::<()>().await;
    }
}

/// Where the columns are in a file: neighbours joined, in ascending order, no more than is good to ask for at once.
fn wanted(footer: &ParquetMetaData, columns: &[Arc<str>]) -> Vec<Range<u64>> {
    let mut chunks: Vec<Range<u64>> = Vec::new();
    for group in footer.row_groups() {
        for column in group.columns() {
            let path = column.column_path().parts();
            if path.first().is_some_and(|name| columns.iter().any(|wanted| **wanted == **name)) {
                let (start, length) = column.byte_range();
                chunks.push(start..start.saturating_add(length));
            }
        }
    }
    joined(chunks)
}

fn joined(mut chunks: Vec<Range<u64>>) -> Vec<Range<u64>> {
    chunks.sort_unstable_by_key(|chunk| chunk.start);
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut left = MOST_OF_A_FILE;
    for chunk in chunks {
        let from = match ranges.last() {
            Some(last) if chunk.start <= last.end.saturating_add(GAP) => last.end,
            _ => chunk.start,
        };
        let until = chunk.end.min(from.saturating_add(left));
        left -= until.saturating_sub(from);
        match ranges.last_mut() {
            Some(last) if last.end == from => last.end = until.max(from),
            _ if until > from => ranges.push(from..until),
            _ => {}
        }
    }
    ranges
}

/// Asks the operating system to read parts of a file soon. A wish: whether it is heard changes no answer.
#[cfg(target_os = "linux")]
fn advise(file: &Path, ranges: &[Range<u64>]) {
    use rustix::fs::{Advice, fadvise};
    let Ok(file) = std::fs::File::open(file) else { return };
    for range in ranges {
        if let Some(length) = std::num::NonZeroU64::new(range.end.saturating_sub(range.start)) {
            // Not every file system takes advice.
            let _ = fadvise(&file, range.start, Some(length), Advice::WillNeed);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: &Path, _: &[Range<u64>]) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(chunks: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let chunks = chunks.iter().map(|&(from, until)| from..until).collect();
        joined(chunks).into_iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn neighbours_are_read_together() {
        assert_eq!(pairs(&[(200, 300), (100, 200), (1_000, 1_100)]), [(100, 1_100)]);
        assert_eq!(pairs(&[(100, 200), (100, 200), (120, 150)]), [(100, 200)]);
        assert_eq!(pairs(&[(100, 200), (1_000_000, 1_000_100)]), [(100, 200), (1_000_000, 1_000_100)]);
        assert!(pairs(&[]).is_empty());
    }

    #[test]
    fn no_more_is_asked_for_than_fits() {
        let bytes = |ranges: &[(u64, u64)]| ranges.iter().map(|(from, until)| until - from).sum::<u64>();
        let far: Vec<(u64, u64)> = (0..100).map(|n| (n << 20, (n << 20) + (100 << 10))).collect();
        assert_eq!(bytes(&pairs(&far)), MOST_OF_A_FILE);
        assert_eq!(bytes(&pairs(&[(0, MOST_OF_A_FILE * 3)])), MOST_OF_A_FILE);
    }
}
