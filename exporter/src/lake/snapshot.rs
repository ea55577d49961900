//! One committed version of a lake table, with its files by cluster.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake::kernel::Remove;
use deltalake::table::state::DeltaTableState;
use lookback_schemas::encryption::ACCOUNT_ID;
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE};
use lookback_schemas::time::parse_day;

use super::bounds::{Bounds, Names};

/// A data file of a snapshot. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Path relative to the table's folder.
    pub path: Arc<str>,
    /// Bytes.
    pub size: u64,
    /// Partition: days since 1970-01-01.
    pub day: i32,
    /// Statistics as written to the log.
    bounds: Arc<Bounds>,
}

impl DataFile {
    /// Rows, as the log says.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.bounds.rows
    }

    /// Smallest and largest value of an integer column; `None` if not known.
    #[must_use]
    pub fn range(&self, column: &str) -> Option<(i64, i64)> {
        self.bounds.column(column).filter(|c| !c.is_time).map(|c| c.range)
    }

    /// Earliest and latest value of a time column, microseconds, if no row lacks it; `None` if not known.
    #[must_use]
    pub fn time_range(&self, column: &str) -> Option<(i64, i64)> {
        self.bounds.column(column).filter(|c| c.is_time && c.nulls == Some(0)).map(|c| c.range)
    }
}

/// A committed version. Cheap to share; never changes.
#[derive(Debug)]
pub struct Snapshot {
    /// Delta version.
    pub version: u64,
    /// Columns, partition columns included.
    pub schema: SchemaRef,
    pub(super) state: DeltaTableState,
    files: HashMap<String, Vec<DataFile>>,
}

impl Snapshot {
    /// The version of a loaded state. What `before`, an earlier version, knows of a file is not read again.
    pub(super) fn new(state: DeltaTableState, before: Option<&Self>) -> Self {
        let mut files: HashMap<String, Vec<DataFile>> = HashMap::new();
        let known: HashMap<&str, &DataFile> =
            before.iter().flat_map(|s| s.files.values().flatten()).map(|f| (&*f.path, f)).collect();
        let mut names = Names::default();
        for view in state.log_data().iter() {
            let mut partition = view.partition_values_map();
            let mut value = |name: &str| partition.remove(name).flatten();
            // The record of encryption is partitioned by account; lookback's own tables by neither.
            let cluster = value(CLUSTER_ID).or_else(|| value(ACCOUNT_ID)).unwrap_or_default();
            let Some(day) = value(LOG_DATE).and_then(|d| parse_day(&d)) else { continue };
            let path = view.path();
            let file = match known.get(&*path) {
                Some(&file) => file.clone(),
                None => DataFile {
                    size: u64::try_from(view.size()).unwrap_or(0),
                    day,
                    bounds: Arc::new(view.stats().map_or_else(Bounds::default, |text| Bounds::read(&text, &mut names))),
                    path: path.into(),
                },
            };
            files.entry(cluster).or_default().push(file);
        }
        for list in files.values_mut() {
            list.sort_by(|a, b| (a.day, &a.path).cmp(&(b.day, &b.path)));
        }
        Self { version: state.version(), schema: state.snapshot().arrow_schema(), state, files }
    }

    /// Files of a cluster, by day; of an account, where a table is about accounts.
    #[must_use]
    pub fn files(&self, cluster_id: &str) -> &[DataFile] {
        self.files.get(cluster_id).map_or(&[], Vec::as_slice)
    }

    /// Clusters that have files, sorted.
    #[must_use]
    pub fn clusters(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.files.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The remove actions for files by path, `None` if one of them is not in this version.
    #[must_use]
    pub fn removals(&self, paths: &[String], data_change: bool) -> Option<Vec<Remove>> {
        let mut wanted: HashMap<&str, ()> = paths.iter().map(|p| (p.as_str(), ())).collect();
        let mut found = Vec::with_capacity(paths.len());
        for view in self.state.log_data().iter() {
            if wanted.remove(view.path().as_ref()).is_some() {
                found.push(view.remove_action(data_change));
            }
        }
        wanted.is_empty().then_some(found)
    }
}
