//! Parquet files of the lake, read by range: a footer and the columns asked for, never a whole file in memory.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::table::LakeTable;
use crate::error::{Result, lake};

/// Bytes at the end of a file that are read at once in the hope that they hold the footer.
const FOOTER_GUESS: usize = 32 << 10;

/// An object that holds a Parquet file.
pub struct ObjectFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

/// Opens a file of a table for reading.
///
/// # Errors
/// [`crate::ErrorKind::Lake`] if it cannot be read or is no Parquet file.
pub async fn open(table: &LakeTable, path: &str, size: u64) -> Result<ParquetRecordBatchStreamBuilder<ObjectFile>> {
    let file = ObjectFile { store: Arc::clone(table.store()), path: table.object(path), size };
    ParquetRecordBatchStreamBuilder::new(file).await.map_err(lake(format!("reading {}/{path}", table.name())))
}

impl AsyncFileReader for ObjectFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move { self.store.get_range(&self.path, range).await.map_err(ParquetError::from) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(ParquetError::from) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let size = self.size;
            let options = options.map(|o| o.metadata_options().clone());
            let reader =
                ParquetMetaDataReader::new().with_metadata_options(options).with_prefetch_hint(Some(FOOTER_GUESS));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}
