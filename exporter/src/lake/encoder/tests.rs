#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::*;

fn encoder() -> Encoder {
    let columns = vec!["endtime".to_owned(), "query".to_owned()];
    let origin = Origin {
        cluster_id: "etl".into(),
        run_id: "run".into(),
        source_columns: columns,
        time_column: "endtime".into(),
    };
    Encoder::new(origin, "unique".into())
}

/// Rows of a time and a number.
fn batch(rows: &[(i64, i64)]) -> RecordBatch {
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| r.0)));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.1)));
    RecordBatch::try_from_iter([("endtime", times), ("query", numbers)]).unwrap()
}

/// All rows of a batch as a run, sorted.
fn run(day: i32, rows: &[(i64, i64)]) -> Run {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&i| (rows[i].0, i));
    Run {
        day,
        first: rows[*order.first().unwrap()].0,
        last: rows[*order.last().unwrap()].0,
        picks: order.into_iter().map(|i| (0, i)).collect(),
    }
}

fn encode(runs: &[(i32, Vec<(i64, i64)>)]) -> Vec<Encoded> {
    let mut encoder = encoder();
    let mut files = Vec::new();
    for (day, rows) in runs {
        files.extend(encoder.append(&[batch(rows)], &run(*day, rows)).unwrap());
        assert!(encoder.open.len() <= OPEN_FILES);
    }
    files.extend(encoder.finish().unwrap());
    files
}

fn rows_of(file: &Encoded) -> Vec<(i64, i64)> {
    let bytes: Vec<u8> = file.payload.iter().flat_map(|chunk| chunk.to_vec()).collect();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let numbers = batch.column(1).as_primitive::<Int64Type>();
        rows.extend(times.values().iter().copied().zip(numbers.values().iter().copied()));
    }
    rows
}

#[test]
fn runs_that_follow_each_other_become_one_file() {
    let files = encode(&[(7, vec![(1, 1), (2, 2)]), (7, vec![(2, 3), (9, 4)]), (8, vec![(20, 5)])]);
    assert_eq!(files.iter().map(|f| f.day).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(rows_of(&files[0]), [(1, 1), (2, 2), (2, 3), (9, 4)]);
    assert_ne!(files[0].path, files[1].path);
}

#[test]
fn a_run_that_reaches_back_becomes_another_file() {
    let files = encode(&[(7, vec![(1, 1), (5, 2)]), (7, vec![(4, 3), (9, 4)])]);
    assert_eq!(files.len(), 2);
    assert_eq!(rows_of(&files[1]), [(4, 3), (9, 4)]);
}

#[test]
fn rows_in_order_are_not_copied() {
    let rows: Vec<(i64, i64)> = (0..1_000).map(|i| (i, i)).collect();
    let whole = [batch(&rows)];
    let picks: Vec<(usize, usize)> = (100..900).map(|i| (0, i)).collect();
    let pieces: Vec<RecordBatch> = pieces(&whole, &picks).collect::<Result<_>>().unwrap();
    assert_eq!(pieces.len(), 1);
    let numbers = |batch: &RecordBatch| batch.column(1).as_primitive::<Int64Type>().values()[..800].as_ptr();
    assert_eq!(numbers(&pieces[0]), numbers(&whole[0].slice(100, 800)), "the same memory");
}

proptest! {
    #[test]
    fn every_row_is_in_one_file_of_its_day_and_files_are_sorted(
        runs in prop::collection::vec((0_i32..7, prop::collection::vec((0_i64..50, any::<i64>()), 1..30)), 1..20),
    ) {
        let files = encode(&runs);
        let mut wanted: Vec<(i32, i64, i64)> =
            runs.iter().flat_map(|(day, rows)| rows.iter().map(|r| (*day, r.0, r.1))).collect();
        let mut found = Vec::new();
        let mut paths = std::collections::HashSet::new();
        for file in &files {
            let rows = rows_of(file);
            prop_assert!(rows.is_sorted_by_key(|r| r.0));
            prop_assert!(paths.insert(file.path.clone()));
            found.extend(rows.into_iter().map(|r| (file.day, r.0, r.1)));
        }
        wanted.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, wanted);
    }
}
