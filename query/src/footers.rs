//! Reads data files for scans, and keeps their footers in memory.
//!
//! A data file never changes and its name is never used again, so a footer that was read stays right. It is kept without what
//! the writer noted in it: the Arrow schema there is decoded anew for every file that is opened, and says nothing that the
//! Parquet schema does not.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetMetaData;
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{FileMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{ObjectMeta, ObjectStore};
use tokio::runtime::Handle;

/// Bytes read from the end of a file whose footer is not known: that of 35 columns takes some 10 kB.
pub(crate) const FOOTER_BYTES: usize = 32 << 10;

/// How data files are reached.
#[derive(Debug)]
pub(crate) enum Reach {
    /// In a folder: read by the statement's own threads, which have nothing better to do. Through `object_store` every read would
    /// change threads twice, which for a month of small files costs more than the reading.
    Folder(PathBuf),
    /// Over a network: by the runtime that the session was opened on. Connections belong to it, outlive statements, and are not
    /// held up by a statement that computes.
    Network(Handle),
}

/// Opens the files of one scan.
pub(crate) struct Footers {
    store: Arc<dyn ObjectStore>,
    known: Arc<FileMetadataCache>,
    reach: Option<Arc<Reach>>,
    // One for the scan: the engine would count for every file by itself.
    bytes: OnceLock<Count>,
}

impl fmt::Debug for Footers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Footers").finish_non_exhaustive()
    }
}

impl Footers {
    /// For files in `store`, with the footers that are known to a session; `reach` says how they are read.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, known: Arc<FileMetadataCache>, reach: Option<Arc<Reach>>) -> Self {
        Self { store, known, reach, bytes: OnceLock::new() }
    }

    pub(crate) fn reach(&self) -> Option<&Reach> {
        self.reach.as_deref()
    }

    /// Opens one file; what is read of it is added to `bytes`.
    pub(crate) fn open(&self, file: ObjectMeta, bytes: Count) -> FileReader {
        FileReader {
            store: Arc::clone(&self.store),
            known: Arc::clone(&self.known),
            reach: self.reach.clone(),
            bytes,
            file,
        }
    }

    /// Counts what is read of files among the metrics of the scan, from now on.
    pub(crate) fn counted(&self, metrics: &ExecutionPlanMetricsSet) -> Count {
        self.bytes.get_or_init(|| MetricBuilder::new(metrics).global_counter("bytes_scanned")).clone()
    }
}

impl ParquetFileReaderFactory for Footers {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        Ok(Box::new(self.open(file.object_meta, self.counted(metrics))))
    }
}

/// Reads one file.
pub(crate) struct FileReader {
    store: Arc<dyn ObjectStore>,
    known: Arc<FileMetadataCache>,
    reach: Option<Arc<Reach>>,
    bytes: Count,
    file: ObjectMeta,
}

impl FileReader {
    fn count(&self, range: &Range<u64>) {
        self.bytes.add(usize::try_from(range.end - range.start).unwrap_or(usize::MAX));
    }

    async fn read(&self, ranges: Vec<Range<u64>>) -> ParquetResult<Vec<Bytes>> {
        let (store, path) = (Arc::clone(&self.store), self.file.location.clone());
        match self.reach.as_deref() {
            Some(Reach::Folder(folder)) => read_file(folder, &path, &ranges),
            Some(Reach::Network(home)) => {
                let read = home.spawn(async move { store.get_ranges(&path, &ranges).await });
                read.await.map_err(|e| ParquetError::External(e.into()))?
            }
            None => store.get_ranges(&path, &ranges).await,
        }
        .map_err(external)
    }

    fn known(&self) -> Option<Arc<ParquetMetaData>> {
        let entry = self.known.get(&self.file.location).filter(|entry| entry.is_valid_for(&self.file))?;
        let footer = entry.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?;
        Some(Arc::clone(footer.parquet_metadata()))
    }
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.count(&range);
        async move { self.read(vec![range]).await?.pop().ok_or_else(|| ParquetError::EOF("no range was read".into())) }
            .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        ranges.iter().for_each(|range| self.count(range));
        self.read(ranges).boxed()
    }

    /// The footer without the page index, which the engine asks for where it helps.
    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            if let Some(known) = self.known() {
                return Ok(known);
            }
            let size = self.file.size;
            let reader = ParquetMetaDataReader::new()
                .with_prefetch_hint(Some(FOOTER_BYTES))
                .with_page_index_policy(PageIndexPolicy::Skip);
            let footer = Arc::new(without_notes(reader.load_and_finish(&mut *self, size).await?));
            let entry = Arc::new(CachedParquetMetaData::new(Arc::clone(&footer)));
            self.known.put(&self.file.location, CachedFileMetadataEntry::new(self.file.clone(), entry));
            Ok(footer)
        }
        .boxed()
    }
}

/// Parts of a file in a folder. The lake's names are those of its files, character by character.
fn read_file(
    folder: &Path,
    path: &object_store::path::Path,
    ranges: &[Range<u64>],
) -> object_store::Result<Vec<Bytes>> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => object_store::Error::NotFound { path: path.to_string(), source: source.into() },
        _ => object_store::Error::Generic { store: "a folder", source: source.into() },
    };
    let mut file = File::open(folder.join(path.as_ref())).map_err(failed)?;
    let read = |range: &Range<u64>| {
        file.seek(SeekFrom::Start(range.start))?;
        let length = range.end.saturating_sub(range.start);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        if (&file).take(length).read_to_end(&mut bytes)? as u64 != length {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Bytes::from(bytes))
    };
    ranges.iter().map(read).collect::<std::io::Result<_>>().map_err(failed)
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

fn without_notes(footer: ParquetMetaData) -> ParquetMetaData {
    let file = footer.file_metadata();
    let orders = file.column_orders().cloned();
    let created_by = file.created_by().map(str::to_owned);
    let file = FileMetaData::new(file.version(), file.num_rows(), created_by, None, file.schema_descr_ptr(), orders);
    ParquetMetaData::new(file, footer.row_groups().to_vec())
}
