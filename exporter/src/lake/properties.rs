//! Parquet settings: which encoding each column of a file gets, by a look at its first rows.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use lookback_schemas::names::{FOOTER_COLUMNS, FOOTER_RUN, LOOKUP_COLUMNS};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::writer::Origin;
use crate::error::{Result, lake};

/// Rows of a row group.
pub(crate) const ROW_GROUP_ROWS: usize = 262_144;
/// Compression level: higher ones cost time and save next to nothing, except for statements.
const ZSTD_LEVEL: i32 = 3;
/// Compression level of long texts that hardly repeat. Statements resemble each other at length, and from this level on zstd
/// looks for the longest resemblance instead of the first: a quarter to a third of the size goes.
const TEXT_ZSTD_LEVEL: i32 = 5;
/// Average length from which on a text is long.
const LONG_TEXT: usize = 64;
/// Rows looked at to choose encodings.
const SAMPLE_ROWS: usize = 1_024;
/// Size of a page of text that hardly repeats: compression finds what is alike only within a page.
const TEXT_PAGE: usize = 4 << 20;
/// How often a bloom filter says "maybe" for nothing.
const BLOOM_FPP: f64 = 0.05;
/// Numbers whose distance to the one before fits into so many bits are stored as distances.
const NEAR_BITS: u32 = 16;

/// Parquet settings for a table's files: see ARCHITECTURE.md for the reasons.
///
/// `sample` is the beginning of the file, `rows` how many rows it has at most.
pub(crate) fn properties(sample: &RecordBatch, origin: &Origin, rows: usize) -> Result<WriterProperties> {
    let schema = sample.schema_ref();
    let zstd = |level| ZstdLevel::try_new(level).map(Compression::ZSTD).map_err(lake("setting the compression level"));
    let footer = vec![
        KeyValue::new(FOOTER_COLUMNS.to_owned(), origin.source_columns.join(",")),
        KeyValue::new(FOOTER_RUN.to_owned(), origin.run_id.clone()),
    ];
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("lookback {}", env!("CARGO_PKG_VERSION")))
        .set_compression(zstd(ZSTD_LEVEL)?)
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
        match fit(column, *field.name() == origin.time_column) {
            Fit::Dictionary => {}
            Fit::Distances => {
                builder = builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
            }
            Fit::Plain => {
                builder = builder.set_column_dictionary_enabled(path.clone(), false);
                if let Some(texts) = column.as_string_opt::<i32>() {
                    builder = builder.set_column_data_page_size_limit(path.clone(), TEXT_PAGE);
                    if texts.value_data().len() >= texts.len() * LONG_TEXT {
                        builder = builder.set_column_compression(path.clone(), zstd(TEXT_ZSTD_LEVEL)?);
                    }
                }
            }
        }
        if LOOKUP_COLUMNS.contains(&field.name().as_str()) && *field.data_type() == DataType::Int64 {
            // The filter starts at the size for this many values, and is folded to that of the values it got.
            let ndv = u64::try_from(rows.clamp(1, ROW_GROUP_ROWS)).unwrap_or(1);
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FPP)
                .set_column_bloom_filter_max_ndv(path, ndv);
        }
    }
    Ok(builder.build())
}

/// What suits a column.
#[derive(Debug, PartialEq, Eq)]
enum Fit {
    /// Values repeat: each once, and references.
    Dictionary,
    /// A value is near the one before, or the same: distances, which take hardly any time and space.
    Distances,
    /// Neither; a dictionary of values that hardly repeat costs time and makes the file larger.
    Plain,
}

fn fit(column: &ArrayRef, sorted: bool) -> Fit {
    let column = column.slice(0, column.len().min(SAMPLE_ROWS));
    let is_number = matches!(column.data_type(), DataType::Int64 | DataType::Timestamp(..));
    if sorted && is_number {
        return Fit::Distances;
    }
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        let distinct = numbers.values().iter().collect::<HashSet<_>>().len();
        return match distinct {
            0 | 1 => Fit::Distances,
            _ if distinct * 2 <= column.len() => Fit::Dictionary,
            _ if are_near(numbers.values()) => Fit::Distances,
            _ => Fit::Plain,
        };
    }
    if let Some(texts) = column.as_string_opt::<i32>() {
        let distinct = texts.iter().flatten().collect::<HashSet<_>>().len();
        return if distinct * 2 <= texts.len() { Fit::Dictionary } else { Fit::Plain };
    }
    match column.data_type() {
        DataType::Timestamp(..) | DataType::Float64 => Fit::Plain,
        _ => Fit::Dictionary,
    }
}

/// Whether nearly all numbers are near the one before.
fn are_near(numbers: &[i64]) -> bool {
    let near = numbers.windows(2).filter(|pair| pair[1].abs_diff(pair[0]) < 1 << NEAR_BITS).count();
    near * 50 >= numbers.len().saturating_sub(1) * 49
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn a_column_gets_what_suits_it() {
        let numbers = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let scattered = |i: i64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64);
        assert_eq!(fit(&numbers(vec![0; 100]), false), Fit::Distances);
        assert_eq!(fit(&numbers((0..100).map(|i| i % 7).collect()), false), Fit::Dictionary);
        assert_eq!(fit(&numbers((0..100).map(|i| 9_000_000 + i * 3 - i % 5).collect()), false), Fit::Distances);
        assert_eq!(fit(&numbers((0..100).map(scattered).collect()), false), Fit::Plain);
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(0..100));
        assert_eq!(fit(&times, true), Fit::Distances);
        assert_eq!(fit(&times, false), Fit::Plain);
        let texts = |f: fn(i32) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..100).map(f))) };
        assert_eq!(fit(&texts(|i| (i % 9).to_string()), false), Fit::Dictionary);
        assert_eq!(fit(&texts(|i| i.to_string()), false), Fit::Plain);
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![0.5; 10]));
        assert_eq!(fit(&doubles, false), Fit::Plain);
        assert_eq!(fit(&numbers(Vec::new()), false), Fit::Distances);
    }
}
