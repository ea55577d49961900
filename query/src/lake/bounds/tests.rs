#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Field, Int64Type, TimestampMicrosecondType};
use lookback_schemas::time::rfc3339;
use proptest::prelude::*;

use super::*;

fn parse(files: &[Option<&str>]) -> Statistics {
    let schema = Schema::new(vec![
        Field::new("query", DataType::Int64, true),
        Field::new("endtime", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        Field::new("day", DataType::Date32, true),
        Field::new("text", DataType::Utf8, true),
    ]);
    Statistics::parse(&schema, files.iter().copied())
}

#[test]
fn bounds_are_read_by_column_and_what_is_unknown_is_left_out() {
    let stats = parse(&[
        Some(
            r#"{"numRecords":7,"minValues":{"query":-3,"endtime":"2026-01-02T03:04:05.000006Z","day":"2026-01-02","text":"a"},
            "maxValues":{"query":9,"endtime":"2026-01-02T03:04:05.678Z","day":"2026-01-03","other":{"x":[1]}},
            "nullCount":{"query":0,"endtime":2},"tightBounds":true}"#,
        ),
        None,
        Some(r#"{"numRecords":5,"minValues":{"query":"x","endtime":true,"day":[1,{}]},"nullCount":{"query":-1}}"#),
        Some(r#"{"numRecords":5,"minValues":{"query":1},"#),
    ]);
    assert_eq!(stats.rows.iter().collect::<Vec<_>>(), [Some(7), None, Some(5), None]);
    assert!(stats.column("text").is_none());
    let query = stats.column("query").unwrap();
    assert_eq!(query.min.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(-3), None, None, None]);
    assert_eq!(query.nulls.iter().collect::<Vec<_>>(), [Some(0), None, None, None]);
    let day = stats.column("day").unwrap();
    assert_eq!(day.max.as_primitive::<Date32Type>().value(0), parse_day("2026-01-03").unwrap());
    let endtime = stats.column("endtime").unwrap();
    let max = endtime.max.as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!(rfc3339(max), "2026-01-02T03:04:05.678999Z", "the rest of a millisecond may be there");
    let of_file = endtime.of_file(0);
    assert!(matches!(of_file.max_value, Precision::Inexact(_)) && matches!(of_file.min_value, Precision::Exact(_)));
    assert_eq!(endtime.of_file(1), ColumnStatistics::new_unknown());
}

#[test]
fn a_time_that_is_none_has_no_bound() {
    for text in
        ["2026-02-30T00:00:00.000000Z", "2026-01-01T24:00:00.000000Z", "2026-01-01T00:00:0x.000000Z", "", "soon"]
    {
        assert_eq!(moment(text), None, "{text}");
    }
    assert_eq!(moment("2026-01-01T02:00:00+02:00"), moment("2026-01-01T00:00:00.000000Z"));
}

proptest! {
    #[test]
    fn times_that_exporters_write_are_read_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
        prop_assert_eq!(written(rfc3339(micros).as_bytes()), Some(micros));
    }
}

#[test]
fn many_files_keep_their_order() {
    let files: Vec<String> = (0..FILES_PER_THREAD * 2 + 1)
        .map(|n| match n % 5 {
            0 => "damaged".to_owned(),
            _ => format!(r#"{{"numRecords":{n},"minValues":{{"query":{}}},"nullCount":{{"query":{n}}}}}"#, n * 2),
        })
        .collect();
    let stats = parse(&files.iter().map(|json| Some(json.as_str())).collect::<Vec<_>>());
    let query = stats.column("query").unwrap();
    assert_eq!(stats.rows.len(), files.len());
    for n in 0..files.len() {
        let known = n % 5 != 0;
        assert_eq!(stats.rows.is_valid(n).then(|| stats.rows.value(n)), known.then_some(n as u64));
        let min = query.min.as_primitive::<Int64Type>();
        assert_eq!(min.is_valid(n).then(|| min.value(n)), known.then_some(n as i64 * 2));
        assert_eq!(query.nulls.is_valid(n).then(|| query.nulls.value(n)), known.then_some(n as u64));
    }
}
