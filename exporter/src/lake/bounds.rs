//! The statistics of a data file as a table's log has them, kept small: a long-running exporter remembers those of every file.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

/// Rows of a file, and bounds of those of its columns that have some.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) rows: Option<u64>,
    columns: Box<[ColumnBounds]>,
}

/// Bounds of one column: numbers, or times in microseconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ColumnBounds {
    name: Arc<str>,
    pub(super) is_time: bool,
    pub(super) range: (i64, i64),
    pub(super) nulls: Option<u64>,
}

/// Names of columns, each of them once.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<Arc<str>>);

impl Names {
    fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

/// What Delta's JSON says.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Said {
    num_records: Option<u64>,
    min_values: BTreeMap<String, Value>,
    max_values: BTreeMap<String, Value>,
    null_count: BTreeMap<String, Value>,
}

impl Bounds {
    /// Reads the JSON of the log. Statistics that cannot be read are none: they only cost speed.
    pub(super) fn read(json: &str, names: &mut Names) -> Self {
        let Ok(said) = serde_json::from_str::<Said>(json) else { return Self::default() };
        let column = |(name, low): (&String, &Value)| {
            let high = said.max_values.get(name)?;
            let (is_time, range) = match (low, high) {
                (Value::Number(low), Value::Number(high)) => (false, low.as_i64().zip(high.as_i64())),
                (Value::String(low), Value::String(high)) => (true, micros(low).zip(micros(high))),
                _ => return None,
            };
            let nulls = said.null_count.get(name).and_then(Value::as_u64);
            range.map(|range| ColumnBounds { name: names.of(name), is_time, range, nulls })
        };
        Self { rows: said.num_records, columns: said.min_values.iter().filter_map(column).collect() }
    }

    /// What is known of a column.
    pub(super) fn column(&self, name: &str) -> Option<&ColumnBounds> {
        self.columns.iter().find(|c| &*c.name == name)
    }
}

fn micros(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|t| t.timestamp_micros())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn numbers_and_times_have_bounds_and_what_is_not_understood_has_none() {
        let json = r#"{"numRecords":3,"minValues":{"query":-1,"starttime":"2026-01-01T00:00:00.000001Z","text":"a","odd":1},
            "maxValues":{"query":9,"starttime":"2026-01-01T00:00:01Z","text":"b"},"nullCount":{"query":0,"starttime":2}}"#;
        let mut names = Names::default();
        let bounds = Bounds::read(json, &mut names);
        assert_eq!(bounds.rows, Some(3));
        let query = bounds.column("query").unwrap();
        assert_eq!((query.is_time, query.range, query.nulls), (false, (-1, 9), Some(0)));
        let time = bounds.column("starttime").unwrap();
        assert_eq!((time.is_time, time.nulls), (true, Some(2)));
        assert_eq!(time.range, (1_767_225_600_000_001, 1_767_225_601_000_000));
        assert!(bounds.column("text").is_none() && bounds.column("odd").is_none());
        assert_eq!(Bounds::read("{", &mut names), Bounds::default());
        // The second file has the names of the first.
        let again = Bounds::read(json, &mut names);
        assert!(Arc::ptr_eq(&again.column("query").unwrap().name, &query.name));
    }
}
