//! What a file says about its columns in the table's log, so that readers can leave it out unread.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use deltalake::kernel::Add;
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE, LOOKUP_COLUMNS};
use lookback_schemas::time::{day_name, rfc3339};
use serde_json::{Map, Value, json};

use super::writer::{Origin, WrittenFile};

/// Minimum, maximum and null count of a file, for the columns that questions and exports narrow down by.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileStats {
    rows: u64,
    columns: BTreeMap<String, ColumnStats>,
}

#[derive(Debug, Clone, Default)]
struct ColumnStats {
    range: Option<(i64, i64)>,
    nulls: u64,
    is_time: bool,
}

impl FileStats {
    /// Takes a batch into account.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let is_time = matches!(field.data_type(), DataType::Timestamp(..));
            let is_lookup = LOOKUP_COLUMNS.contains(&field.name().as_str()) && *field.data_type() == DataType::Int64;
            if !is_time && !is_lookup {
                continue;
            }
            let range = if is_time {
                let array = array.as_primitive::<TimestampMicrosecondType>();
                arrow::compute::min(array).zip(arrow::compute::max(array))
            } else {
                let array = array.as_primitive::<Int64Type>();
                arrow::compute::min(array).zip(arrow::compute::max(array))
            };
            let column = self.columns.entry(field.name().clone()).or_default();
            column.is_time = is_time;
            column.nulls += array.null_count() as u64;
            column.range = match (column.range, range) {
                (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                (one, other) => one.or(other),
            };
        }
    }

    /// As Delta's log has it.
    pub(crate) fn json(&self) -> String {
        let (mut low, mut high, mut nulls) = (Map::new(), Map::new(), Map::new());
        for (name, column) in &self.columns {
            nulls.insert(name.clone(), json!(column.nulls));
            if let Some((min, max)) = column.range {
                let value = |v: i64| if column.is_time { Value::from(rfc3339(v)) } else { Value::from(v) };
                low.insert(name.clone(), value(min));
                high.insert(name.clone(), value(max));
            }
        }
        json!({ "numRecords": self.rows, "minValues": low, "maxValues": high, "nullCount": nulls }).to_string()
    }

    /// The action that adds a file with these statistics.
    pub(crate) fn add_action(&self, path: String, size: u64, origin: &Origin, day: i32, modified: i64) -> WrittenFile {
        let partition =
            [(CLUSTER_ID.to_owned(), Some(origin.cluster_id.clone())), (LOG_DATE.to_owned(), Some(day_name(day)))];
        let add = Add {
            path: path.clone(),
            partition_values: partition.into_iter().collect(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            modification_time: modified / 1_000,
            data_change: true,
            stats: Some(self.json()),
            ..Add::default()
        };
        WrittenFile { path, size, rows: self.rows, add }
    }
}
