//! A data file whose columns are read as a whole.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Fields};
use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use datafusion::parquet::basic::{ConvertedType, Encoding, LogicalType};
use datafusion::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use datafusion::parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

use super::pages::Column;
use crate::footers::FileReader;

/// A file, and what its footer says.
pub(super) struct DataFile {
    reader: FileReader,
    footer: Arc<ParquetMetaData>,
}

impl DataFile {
    /// # Errors
    /// If the footer cannot be read.
    pub(super) async fn open(mut reader: FileReader) -> Result<Self> {
        let footer = reader.get_metadata(None).await?;
        Ok(Self { reader, footer })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.groups().iter().map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    /// The number of a column; none if the file lacks it.
    ///
    /// # Errors
    /// If it is no plain column.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>> {
        let columns = self.schema().columns();
        let Some(number) = columns.iter().position(|column| column.path().parts().first().is_some_and(|n| n == name))
        else {
            return Ok(None);
        };
        match columns[number].max_rep_level() == 0 && columns[number].path().parts().len() == 1 {
            true => Ok(Some(number)),
            false => Err(DataFusionError::NotImplemented(format!("column {name} of a data file has columns in it"))),
        }
    }

    /// Bytes that columns take once they are decoded, about.
    pub(super) fn bytes(&self, columns: &[usize]) -> u64 {
        let decoded = |group: &RowGroupMetaData| {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            let chunks = columns.iter().filter_map(|&column| group.columns().get(column));
            let bytes = chunks.map(|chunk| {
                let texts = chunk.unencoded_byte_array_data_bytes().unwrap_or(0).max(chunk.uncompressed_size());
                u64::try_from(texts).unwrap_or(0).saturating_add(rows.saturating_mul(8))
            });
            bytes.fold(0, u64::saturating_add)
        };
        self.groups().iter().map(decoded).fold(0, u64::saturating_add)
    }

    /// All rows of columns, in the order of these. Texts that are nothing but a list of values in the file stay one.
    ///
    /// # Errors
    /// If the file cannot be read, or is not what its footer says.
    pub(super) async fn read(&mut self, columns: &[usize]) -> Result<Vec<ArrayRef>> {
        let mut ranges: Vec<Range<u64>> = Vec::with_capacity(columns.len() * self.groups().len());
        for &column in columns {
            for group in self.groups() {
                let chunk = group.columns().get(column).ok_or_else(|| lacks(column))?;
                let (start, length) = chunk.byte_range();
                ranges.push(start..start.saturating_add(length));
            }
        }
        let mut chunks = self.reader.get_byte_ranges(ranges).await?.into_iter();
        columns.iter().map(|&column| self.decode(column, chunks.by_ref().take(self.groups().len()).collect())).collect()
    }

    fn decode(&self, number: usize, chunks: Vec<Bytes>) -> Result<ArrayRef> {
        let of = self.schema().column(number).self_type_ptr();
        let name = of.name().to_owned();
        let listed = is_text(&of) && self.is_listed(number);
        let texts = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let hint = listed.then(|| Fields::from(vec![Field::new(&name, texts, true)]));
        let alone = SchemaDescriptor::new(Arc::new(Type::group_type_builder("column").with_fields(vec![of]).build()?));
        let levels = parquet_to_arrow_field_levels(&alone, ProjectionMask::all(), hint.as_ref())?;
        let column = Column::new(Arc::clone(&self.footer), number, chunks);
        let reader = ParquetRecordBatchReader::try_new_with_row_groups(&levels, &column, self.rows().max(1), None)?;
        let batches = reader.collect::<Result<Vec<RecordBatch>, _>>()?;
        let arrays: Vec<&dyn Array> =
            batches.iter().filter_map(|batch| batch.columns().first()).map(AsRef::as_ref).collect();
        let array = match (arrays.as_slice(), batches.first()) {
            (_, None) | ([], _) => new_empty_array(&DataType::Null),
            ([_], Some(batch)) => Arc::clone(batch.column(0)),
            (some, _) => concat(some)?,
        };
        match array.len() == self.rows() {
            true => Ok(array),
            false => Err(DataFusionError::Execution(format!(
                "column {name} of a data file has {} rows of {}: the file is damaged",
                array.len(),
                self.rows()
            ))),
        }
    }

    /// Whether a column is nothing but a list of values, and a number for each row: then its texts need not be written out, nor
    /// compared to find which are the same.
    fn is_listed(&self, column: usize) -> bool {
        self.groups().iter().filter_map(|group| group.columns().get(column)).all(|chunk| {
            let only = |encoding| chunk.page_encoding_stats_mask().is_some_and(|mask| mask.is_only(encoding));
            chunk.dictionary_page_offset().is_some()
                && (only(Encoding::RLE_DICTIONARY) || only(Encoding::PLAIN_DICTIONARY))
        })
    }

    fn schema(&self) -> &SchemaDescriptor {
        self.footer.file_metadata().schema_descr()
    }

    fn groups(&self) -> &[RowGroupMetaData] {
        self.footer.row_groups()
    }
}

fn is_text(of: &TypePtr) -> bool {
    let of = of.get_basic_info();
    of.converted_type() == ConvertedType::UTF8 || matches!(of.logical_type_ref(), Some(LogicalType::String))
}

fn lacks(column: usize) -> DataFusionError {
    DataFusionError::Execution(format!("a data file lacks column {column} in a part of it: the file is damaged"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use arrow::array::{BooleanArray, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::compute::cast;
    use datafusion::execution::runtime_env::RuntimeEnv;
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use datafusion::parquet::basic::{Compression, ZstdLevel};
    use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
    use datafusion::physical_plan::metrics::Count;
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};
    use proptest::prelude::*;

    use super::*;
    use crate::footers::Footers;

    async fn open(bytes: Vec<u8>) -> DataFile {
        let (store, path) = (InMemory::new(), Path::from("file"));
        store.put(&path, bytes.into()).await.unwrap();
        let file = store.head(&path).await.unwrap();
        let known = RuntimeEnv::default().cache_manager.get_file_metadata_cache();
        let store: Arc<dyn ObjectStore> = Arc::new(store);
        DataFile::open(Footers::new(store, known, None).open(file, Count::new())).await.unwrap()
    }

    fn columns(rows: &[(Option<i64>, Option<String>, bool)]) -> RecordBatch {
        let numbers = || rows.iter().map(|row| row.0);
        let texts = || rows.iter().map(|row| row.1.as_deref());
        RecordBatch::try_from_iter_with_nullable([
            ("number", Arc::new(numbers().collect::<Int64Array>()) as ArrayRef, true),
            ("small", Arc::new(numbers().map(|n| n.map(|n| n as i32 % 7)).collect::<Int32Array>()) as ArrayRef, true),
            (
                "real",
                Arc::new(numbers().map(|n| n.map(|n| n as f64 / 3.0)).collect::<Float64Array>()) as ArrayRef,
                true,
            ),
            ("at", Arc::new(numbers().collect::<TimestampMicrosecondArray>()) as ArrayRef, true),
            ("text", Arc::new(texts().collect::<StringArray>()) as ArrayRef, true),
            ("always", Arc::new(rows.iter().map(|row| Some(row.2)).collect::<BooleanArray>()) as ArrayRef, false),
        ])
        .unwrap()
    }

    fn written(rows: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
        // The writer looks at the ends of pages once for so many rows.
        for from in (0..rows.num_rows()).step_by(7) {
            writer.write(&rows.slice(from, 7.min(rows.num_rows() - from))).unwrap();
        }
        writer.close().unwrap();
        bytes
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    proptest! {
        /// Pages of every kind that there is a writer for, against the library's own reader.
        #[test]
        fn columns_are_what_was_written(
            rows in prop::collection::vec((any::<Option<i64>>(), prop::option::of("[a-c]{0,3}|.{0,9}"), any::<bool>()), 0..120),
            compression in prop::sample::select(vec![
                Compression::ZSTD(ZstdLevel::default()), Compression::SNAPPY, Compression::UNCOMPRESSED,
            ]),
            version in prop::sample::select(vec![WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]),
            (listed, noted) in any::<(bool, bool)>(),
            (page, group) in (1_usize..60, 1_usize..150),
        ) {
            let statistics = if noted { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
            let properties = WriterProperties::builder()
                .set_compression(compression)
                .set_writer_version(version)
                .set_dictionary_enabled(listed)
                .set_statistics_enabled(statistics)
                .set_write_page_header_statistics(noted)
                .set_data_page_row_count_limit(page)
                .set_write_batch_size(5)
                .set_max_row_group_row_count(Some(group))
                .build();
            let rows = columns(&rows);
            let bytes = written(&rows, properties);
            let library = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes.clone())).unwrap().build().unwrap();
            let library: Vec<RecordBatch> = library.map(Result::unwrap).collect();
            runtime().block_on(async {
                let mut file = open(bytes).await;
                assert_eq!(file.rows(), rows.num_rows());
                assert_eq!(file.number("another").unwrap(), None);
                let wanted = ["text", "number", "always", "at", "real", "small"];
                let numbers: Vec<usize> = wanted.iter().map(|name| file.number(name).unwrap().unwrap()).collect();
                for (name, array) in wanted.iter().zip(file.read(&numbers).await.unwrap()) {
                    let expected = rows.column_by_name(name).unwrap();
                    let array = cast(&array, expected.data_type()).unwrap();
                    assert_eq!(&array, expected, "{name}");
                    let library: Vec<&dyn Array> =
                        library.iter().map(|batch| batch.column_by_name(name).unwrap().as_ref()).collect();
                    if !library.is_empty() {
                        assert_eq!(&array, &concat(&library).unwrap(), "{name}");
                    }
                }
            });
        }
    }

    #[test]
    fn texts_of_few_values_stay_a_list() {
        let rows: Vec<_> = (0..100).map(|n| (Some(n), Some(format!("table {}", n % 3)), true)).collect();
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let bytes = written(&columns(&rows), properties);
        runtime().block_on(async {
            let mut file = open(bytes).await;
            let text = file.number("text").unwrap().unwrap();
            let array = file.read(&[text]).await.unwrap().remove(0);
            let DataType::Dictionary(_, of) = array.data_type() else { panic!("{}", array.data_type()) };
            assert_eq!(**of, DataType::Utf8);
            assert!(file.bytes(&[text]) >= 100 * 7, "{}", file.bytes(&[text]));
        });
    }
}
