//! Rollups: small tables in the lake with what dashboards ask every minute, summed up from the logs, one file for each cluster
//! and day.
//!
//! - [`HOURLY`]: queries, queues and scans by hour, user and service class.
//! - [`FINGERPRINTS`]: the queries of a day that differ in nothing but constants, as one row.
//!
//! Times are whole microseconds and counts are integers, so that sums of sums are exact: any coarser grouping of the hourly
//! rollup is what the logs would have given. What is no sum is said so below. The statement that computes a rollup belongs to
//! the query layer; which days have to be computed again is decided here, by [`days`].

mod state;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use crate::names::{FINGERPRINTS_TABLE, HOURLY_TABLE};

pub use state::{Day, DayState, Key, days, source_state};

/// A rollup.
#[derive(Debug, PartialEq, Eq)]
pub struct Rollup {
    /// Its table in the lake.
    pub name: &'static str,
    /// The tables that it is computed from, cluster by cluster and day by day: nothing of another day has a part in it.
    pub sources: &'static [&'static str],
    /// The columns that its files are sorted by.
    pub order: &'static [&'static str],
    columns: &'static [(&'static str, Kind)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Time,
    Text,
    Number,
}

/// What ran, waited and was scanned in each hour. The hour is that in which the row's own log placed it: the end of a query, of
/// its stay in a service class, or of a scan step (the start, where a row has no end). So it is never outside of the row's `log_date`.
///
/// The logs share a user, but no more: `stl_query` has no service class and `stl_wlm_query` no database. Each row here comes
/// from one of the three logs. It has NULL in the columns that this log lacks, 0 in the counts and sums of the others, and NULL in
/// their maxima; sum over what is not asked for.
///
/// | column | from | meaning |
/// |---|---|---|
/// | `hour` | all | start of the hour, UTC |
/// | `database` | `stl_query` | database |
/// | `userid` | all | user |
/// | `service_class` | `stl_wlm_query` | service class |
/// | `queries`, `aborted` | `stl_query` | queries, and those of them that were stopped by the system or cancelled (`aborted` is not 0) |
/// | `scaled` | `stl_query` | queries that ran on a concurrency scaling cluster (`concurrency_scaling_status` is 1) |
/// | `timed` | `stl_query` | queries whose start and end are both known: those that the next columns are about |
/// | `elapsed_us`, `longest_us` | `stl_query` | from start to end, waits included, microseconds: sum, maximum |
/// | `under_1s`, `under_10s`, `under_1m`, `under_10m` | `stl_query` | queries that took less than this |
/// | `wlm_queries` | `stl_wlm_query` | stays in a service class; a query that is restarted or moved has more than one |
/// | `queue_us`, `longest_queue_us` | `stl_wlm_query` | wait in the queue, microseconds: sum, maximum |
/// | `exec_us`, `longest_exec_us` | `stl_wlm_query` | execution, microseconds: sum, maximum |
/// | `scan_steps`, `scan_rows`, `scan_bytes` | `stl_scan` | scans of permanent tables (`type` 2) by all slices: steps, rows and bytes that they gave out |
///
/// Source: Amazon Redshift Database Developer Guide, `STL_QUERY`, `STL_WLM_QUERY`, `STL_SCAN`.
pub static HOURLY: Rollup = Rollup {
    name: HOURLY_TABLE,
    sources: &["stl_query", "stl_wlm_query", "stl_scan"],
    order: &["hour", "database", "userid", "service_class"],
    columns: &[
        ("hour", Kind::Time),
        ("database", Kind::Text),
        ("userid", Kind::Number),
        ("service_class", Kind::Number),
        ("queries", Kind::Number),
        ("aborted", Kind::Number),
        ("scaled", Kind::Number),
        ("timed", Kind::Number),
        ("elapsed_us", Kind::Number),
        ("longest_us", Kind::Number),
        ("under_1s", Kind::Number),
        ("under_10s", Kind::Number),
        ("under_1m", Kind::Number),
        ("under_10m", Kind::Number),
        ("wlm_queries", Kind::Number),
        ("queue_us", Kind::Number),
        ("longest_queue_us", Kind::Number),
        ("exec_us", Kind::Number),
        ("longest_exec_us", Kind::Number),
        ("scan_steps", Kind::Number),
        ("scan_rows", Kind::Number),
        ("scan_bytes", Kind::Number),
    ],
};

/// The queries of a cluster and day (that of their end) by fingerprint: queries that differ only in constants, case and blanks
/// have the same. `stl_query` has the first 4,000 characters of a text, and that is what is compared.
///
/// | column | meaning |
/// |---|---|
/// | `fingerprint`, `shape` | the fingerprint, and the text without constants that it stands for |
/// | `runs`, `aborted` | queries, and those of them that were stopped or cancelled |
/// | `timed` | runs whose start and end are both known: those that `elapsed_us` and `longest_us` are about |
/// | `elapsed_us`, `longest_us` | from start to end, waits included, microseconds: sum, maximum |
/// | `wlm_runs` | runs whose stay in a service class ended on the same UTC day: those that the next columns are about |
/// | `queue_us`, `longest_queue_us`, `exec_us` | wait in queues, longest wait of a run, execution, microseconds |
/// | `users` | users that ran it: not to be summed over days |
/// | `first_seen`, `last_seen` | earliest and latest start, UTC |
/// | `example_query` | id of one of the runs: the smallest |
///
/// Source: Amazon Redshift Database Developer Guide, `STL_QUERY`, `STL_WLM_QUERY`.
pub static FINGERPRINTS: Rollup = Rollup {
    name: FINGERPRINTS_TABLE,
    sources: &["stl_query", "stl_wlm_query"],
    order: &["fingerprint"],
    columns: &[
        ("fingerprint", Kind::Text),
        ("shape", Kind::Text),
        ("runs", Kind::Number),
        ("aborted", Kind::Number),
        ("timed", Kind::Number),
        ("elapsed_us", Kind::Number),
        ("longest_us", Kind::Number),
        ("wlm_runs", Kind::Number),
        ("queue_us", Kind::Number),
        ("longest_queue_us", Kind::Number),
        ("exec_us", Kind::Number),
        ("users", Kind::Number),
        ("first_seen", Kind::Time),
        ("last_seen", Kind::Time),
        ("example_query", Kind::Number),
    ],
};

/// Every rollup.
pub static ROLLUPS: [&Rollup; 2] = [&HOURLY, &FINGERPRINTS];

/// The rollup of that name.
#[must_use]
pub fn rollup(name: &str) -> Option<&'static Rollup> {
    ROLLUPS.into_iter().find(|rollup| rollup.name == name)
}

impl Rollup {
    /// The columns of its table, without partition columns.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        let field = |(name, kind): &(&str, Kind)| {
            let data_type = match kind {
                Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                Kind::Text => DataType::Utf8,
                Kind::Number => DataType::Int64,
            };
            Field::new(*name, data_type, true)
        };
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::registry;

    #[test]
    fn a_rollup_is_sorted_by_its_own_columns_and_computed_from_tables_that_are_exported() {
        for one in ROLLUPS {
            assert_eq!(rollup(one.name), Some(one));
            assert!(one.name.starts_with(crate::names::OWN_PREFIX), "{}", one.name);
            for column in one.order {
                assert!(one.schema().field_with_name(column).is_ok(), "{column}");
            }
            for source in one.sources {
                assert!(registry().table(source).unwrap().exportable(), "{source}");
            }
        }
        assert_eq!(rollup("stl_query"), None);
    }
}
