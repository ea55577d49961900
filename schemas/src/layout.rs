//! Where things are in a lake. Paths are relative to the lake's root, with `/`.
//!
//! ```text
//! lookback.json                                          marker: format and version
//! <table>/_delta_log/                                    the Delta log, the one commit point
//! <table>/cluster_id=<id>/log_date=<day>/<file>.parquet  data files
//! <rollup>/cluster_id=<id>/log_date=<day>/<file>.parquet a cluster's day, summed up; the name says from what
//! lookback_<own table>/log_date=<day>/<file>.parquet     the ledger and the list of clusters
//! <record>/account_id=<id>/log_date=<day>/<file>.parquet the tables of the record of encryption
//! ```

use crate::names::{CLUSTER_ID, LOG_DATE};
use crate::time::day_name;

/// What a data file was written by; the first part of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// An incremental read or a sweep.
    Part,
    /// A compaction of a closed day.
    Day,
}

impl FileKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Part => "part",
            Self::Day => "day",
        }
    }
}

/// The folder of one cluster's day, relative to its table's folder.
#[must_use]
pub fn partition_folder(cluster_id: &str, day: i32) -> String {
    format!("{CLUSTER_ID}={cluster_id}/{LOG_DATE}={}", day_name(day))
}

/// The path of a data file, relative to its table's folder. `unique` must never be used twice: a file that was not committed
/// is left behind and must not be overwritten by one that is.
#[must_use]
pub fn data_file(kind: FileKind, cluster_id: &str, day: i32, unique: &str, number: usize) -> String {
    format!("{}/{}-{unique}-{number:05}.parquet", partition_folder(cluster_id, day), kind.prefix())
}

/// The path of a data file of one of lookback's own tables, relative to its folder.
#[must_use]
pub fn own_file(day: i32, unique: &str) -> String {
    format!("{LOG_DATE}={}/part-{unique}.parquet", day_name(day))
}

/// The path of a file that the files of one partition were merged into, relative to its table's folder. `partition` has the
/// partition columns in their order, each with its value. For `unique` see [`data_file`].
#[must_use]
pub fn merged_file(partition: &[(String, String)], unique: &str, number: usize) -> String {
    let folders: String = partition.iter().map(|(column, value)| format!("{column}={value}/")).collect();
    format!("{folders}{}-{unique}-{number:05}.parquet", FileKind::Day.prefix())
}

/// The path of a file of a rollup, relative to its table's folder. `source` says from which files of the logs its rows were
/// computed (see [`source_state`](crate::rollups::source_state)). It is part of the name because a name outlives checkpoints and
/// is read without opening the file.
#[must_use]
pub fn rollup_file(cluster_id: &str, day: i32, unique: &str, source: &str) -> String {
    format!("{}/rollup-{unique}-{source}.parquet", partition_folder(cluster_id, day))
}

/// From which files of the logs the rows of a rollup's file were computed, if its name says so.
#[must_use]
pub fn rollup_source(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?.strip_prefix("rollup-")?.strip_suffix(".parquet")?;
    name.rsplit_once('-').map(|(_, source)| source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let path = data_file(FileKind::Part, "etl", 20_000, "0198", 3);
        assert_eq!(path, "cluster_id=etl/log_date=2024-10-04/part-0198-00003.parquet");
        let path = data_file(FileKind::Day, "etl", 1, "x", 0);
        assert_eq!(path, "cluster_id=etl/log_date=1970-01-02/day-x-00000.parquet");
        let partition = [(CLUSTER_ID, "etl"), (LOG_DATE, "1970-01-02")].map(|(c, v)| (c.to_owned(), v.to_owned()));
        assert_eq!(merged_file(&partition, "x", 0), path);
        assert_eq!(merged_file(&partition[1..], "x", 7), "log_date=1970-01-02/day-x-00007.parquet");
        let path = rollup_file("etl@2", 1, "0198", "c0ffee");
        assert_eq!(path, "cluster_id=etl@2/log_date=1970-01-02/rollup-0198-c0ffee.parquet");
        assert_eq!(rollup_source(&path), Some("c0ffee"));
        for other in ["cluster_id=etl/log_date=1970-01-02/day-x-00000.parquet", "rollup-x.parquet", "", "rollup-x-y"] {
            assert_eq!(rollup_source(other), None, "{other}");
        }
    }
}
