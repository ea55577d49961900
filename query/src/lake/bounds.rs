//! What the Delta log says about the columns of each file, laid out by column.
//!
//! - Row counts are exact.
//! - Minimum and maximum are kept for integers, times and dates only; for other types, writers may shorten them.
//! - Some writers cut times to milliseconds. A maximum without microseconds is therefore taken up to the end of its
//!   millisecond, and is a bound, not a value.
//! - Statistics that cannot be read only cost speed.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::{self, available_parallelism};

use arrow::array::{Array, ArrayRef, BooleanArray, Date32Array, Int64Array, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Schema, TimeUnit};
use chrono::{DateTime, NaiveDate};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue};
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND, parse_day};
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Files from which on a table's statistics are parsed by all processors.
const FILES_PER_THREAD: usize = 2_000;

/// Statistics of the files of a table.
#[derive(Debug)]
pub(super) struct Statistics {
    /// Rows of each file.
    pub(super) rows: UInt64Array,
    columns: BTreeMap<String, Bounds>,
}

/// Statistics of one column, one entry per file.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) min: ArrayRef,
    pub(super) max: ArrayRef,
    // Whether `max` is a value of the file, not only a bound.
    pub(super) exact: BooleanArray,
    pub(super) nulls: UInt64Array,
}

impl Statistics {
    /// Of files whose statistics are these, as JSON, in the order of the files.
    pub(super) fn parse<'a>(schema: &Schema, files: impl Iterator<Item = Option<&'a str>>) -> Self {
        let files: Vec<Option<&str>> = files.collect();
        // A fleet's year is tens of megabytes of JSON, and a first question waits for it.
        let threads = if files.len() < FILES_PER_THREAD { 1 } else { available_parallelism().map_or(1, NonZero::get) };
        let size = files.len().div_ceil(threads).max(1);
        let (mut rows, mut columns) = (Vec::with_capacity(files.len()), columns_of(schema));
        thread::scope(|scope| {
            let mut parts = files.chunks(size);
            let first = parts.next().unwrap_or_default();
            let others: Vec<_> = parts.map(|part| scope.spawn(move || part_of(schema, part))).collect();
            take_part(part_of(schema, first), &mut rows, &mut columns);
            for other in others {
                take_part(other.join().unwrap_or_else(|panic| resume_unwind(panic)), &mut rows, &mut columns);
            }
        });
        let columns = columns.into_iter().filter(Column::is_useful).map(|c| (c.name.clone(), c.finish())).collect();
        Self { rows: rows.into(), columns }
    }

    pub(super) fn column(&self, name: &str) -> Option<&Bounds> {
        self.columns.get(name)
    }

    /// The columns that something is known of.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// A column's bounds; unknown ones if only the others have some.
    pub(super) fn bounds_or_none(&self, name: &str, others: &Self) -> Bounds {
        match (self.columns.get(name), others.columns.get(name)) {
            (Some(own), _) => own.clone(),
            (None, Some(other)) => Bounds::unknown(other.min.data_type(), self.rows.len()),
            (None, None) => Bounds::unknown(&DataType::Int64, self.rows.len()),
        }
    }

    pub(super) fn new(rows: UInt64Array, columns: BTreeMap<String, Bounds>) -> Self {
        Self { rows, columns }
    }

    pub(super) fn row_count(&self, file: usize) -> Precision<usize> {
        let rows = self.rows.is_valid(file).then(|| usize::try_from(self.rows.value(file)).ok()).flatten();
        rows.map_or(Precision::Absent, Precision::Exact)
    }
}

impl Bounds {
    fn unknown(data_type: &DataType, files: usize) -> Self {
        let values = array(data_type, vec![None; files]);
        let nulls = UInt64Array::new_null(files);
        Self { min: Arc::clone(&values), max: values, exact: vec![true; files].into(), nulls }
    }

    pub(super) fn of_file(&self, file: usize) -> ColumnStatistics {
        let value = |array: &ArrayRef, exact| match ScalarValue::try_from_array(array, file) {
            Ok(value) if value.is_null() => Precision::Absent,
            Ok(value) if exact => Precision::Exact(value),
            Ok(value) => Precision::Inexact(value),
            Err(_) => Precision::Absent,
        };
        let nulls = self.nulls.is_valid(file).then(|| usize::try_from(self.nulls.value(file)).ok()).flatten();
        ColumnStatistics {
            null_count: nulls.map_or(Precision::Absent, Precision::Exact),
            min_value: value(&self.min, true),
            max_value: value(&self.max, self.exact.value(file)),
            ..ColumnStatistics::new_unknown()
        }
    }
}

/// The columns that bounds are kept of, before any file.
fn columns_of(schema: &Schema) -> Vec<Column> {
    let bounded = schema.fields().iter().filter(|f| has_bounds(f.data_type()));
    bounded.map(|f| Column::new(f.name(), f.data_type())).collect()
}

/// Rows and columns of some of the files.
type FilesPart = (Vec<Option<u64>>, Vec<Column>);

fn part_of(schema: &Schema, files: &[Option<&str>]) -> FilesPart {
    let (mut rows, mut columns) = (Vec::with_capacity(files.len()), columns_of(schema));
    for (file, json) in files.iter().enumerate() {
        let mut count = None;
        columns.iter_mut().for_each(Column::begin);
        if let Some(json) = json {
            let stats = OfFile { columns: &mut columns, rows: &mut count };
            if stats.deserialize(&mut serde_json::Deserializer::from_str(json)).is_err() {
                count = None;
                columns.iter_mut().for_each(|column| column.forget(file));
            }
        }
        rows.push(count);
    }
    (rows, columns)
}

/// Adds the files that come next.
fn take_part((mut more, others): FilesPart, rows: &mut Vec<Option<u64>>, columns: &mut [Column]) {
    rows.append(&mut more);
    for (column, mut other) in columns.iter_mut().zip(others) {
        column.min.append(&mut other.min);
        column.max.append(&mut other.max);
        column.nulls.append(&mut other.nulls);
    }
}

fn has_bounds(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, None))
}

/// A column while the files are read.
struct Column {
    name: String,
    data_type: DataType,
    min: Vec<Option<i64>>,
    max: Vec<Option<i64>>,
    nulls: Vec<Option<u64>>,
}

impl Column {
    fn new(name: &str, data_type: &DataType) -> Self {
        Self { name: name.to_owned(), data_type: data_type.clone(), min: vec![], max: vec![], nulls: vec![] }
    }

    fn begin(&mut self) {
        self.min.push(None);
        self.max.push(None);
        self.nulls.push(None);
    }

    fn forget(&mut self, file: usize) {
        (self.min[file], self.max[file], self.nulls[file]) = (None, None, None);
    }

    fn is_useful(&self) -> bool {
        self.min.iter().chain(&self.max).any(Option::is_some) || self.nulls.iter().any(Option::is_some)
    }

    fn finish(self) -> Bounds {
        let time = matches!(self.data_type, DataType::Timestamp(..));
        let cut = |max: &Option<i64>| time && max.is_some_and(|max| max % 1000 == 0);
        let exact = self.max.iter().map(|max| !cut(max)).collect::<Vec<_>>().into();
        let max = self.max.iter().map(|max| if cut(max) { max.map(|max| max.saturating_add(999)) } else { *max });
        let max = array(&self.data_type, max.collect());
        Bounds { min: array(&self.data_type, self.min), max, exact, nulls: self.nulls.into() }
    }
}

fn array(data_type: &DataType, values: Vec<Option<i64>>) -> ArrayRef {
    match data_type {
        DataType::Date32 => {
            let days = values.into_iter().map(|value| value.and_then(|day| i32::try_from(day).ok()));
            Arc::new(days.collect::<Date32Array>())
        }
        DataType::Timestamp(..) => Arc::new(TimestampMicrosecondArray::from(values)),
        _ => Arc::new(Int64Array::from(values)),
    }
}

/// Reads the statistics of one file straight into the columns: tens of thousands of files are read for one question.
struct OfFile<'a> {
    columns: &'a mut [Column],
    rows: &'a mut Option<u64>,
}

impl<'de> DeserializeSeed<'de> for OfFile<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OfFile<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the statistics of a file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<&str>()? {
            let part = match key {
                "numRecords" => {
                    *self.rows = map.next_value()?;
                    continue;
                }
                "minValues" => Part::Min,
                "maxValues" => Part::Max,
                "nullCount" => Part::Nulls,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            map.next_value_seed(OfColumns { columns: &mut *self.columns, part })?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Part {
    Min,
    Max,
    Nulls,
}

struct OfColumns<'a> {
    columns: &'a mut [Column],
    part: Part,
}

impl<'de> DeserializeSeed<'de> for OfColumns<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OfColumns<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values by column")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<&str>()? {
            let Some(column) = self.columns.iter_mut().find(|column| column.name == key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            match self.part {
                Part::Min => *last(&mut column.min) = map.next_value_seed(Bound(&column.data_type))?,
                Part::Max => *last(&mut column.max) = map.next_value_seed(Bound(&column.data_type))?,
                Part::Nulls => {
                    let nulls = map.next_value_seed(Bound(&DataType::Int64))?;
                    *last(&mut column.nulls) = nulls.and_then(|nulls| u64::try_from(nulls).ok());
                }
            }
        }
        Ok(())
    }
}

/// The entry of the file that is being read.
fn last<T: Default>(values: &mut Vec<T>) -> &mut T {
    if values.is_empty() {
        values.push(T::default());
    }
    let last = values.len() - 1;
    &mut values[last]
}

/// A bound as Delta's JSON has it: a number, an RFC 3339 time or a day. Anything else is none.
struct Bound<'a>(&'a DataType);

impl<'de> DeserializeSeed<'de> for Bound<'_> {
    type Value = Option<i64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<i64>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bound<'_> {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bound")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Option<i64>, E> {
        Ok((*self.0 == DataType::Int64).then_some(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Option<i64>, E> {
        Ok(i64::try_from(value).ok().filter(|_| *self.0 == DataType::Int64))
    }

    fn visit_str<E>(self, value: &str) -> Result<Option<i64>, E> {
        Ok(match self.0 {
            DataType::Date32 => parse_day(value).map(i64::from),
            DataType::Timestamp(..) => moment(value),
            _ => None,
        })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<i64>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<i64>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Microseconds of an RFC 3339 time. The form that exporters write is read directly, any other by the library.
fn moment(text: &str) -> Option<i64> {
    written(text.as_bytes())
        .or_else(|| DateTime::from_str(text).ok().map(|time: DateTime<chrono::Utc>| time.timestamp_micros()))
}

/// `2026-11-22T10:09:08.000007Z`
fn written(text: &[u8]) -> Option<i64> {
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')];
    if text.len() != 27 || marks.iter().any(|&(at, mark)| text[at] != mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0_i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
    Some(i64::from(day.to_epoch_days()) * DAY + hour * HOUR + minute * MINUTE + second * SECOND + number(20, 26)?)
}

#[cfg(test)]
mod tests;
