//! The files of one committed version of a table, with what the Delta log knows about them, laid out by column so that a
//! hundred thousand files are pruned in one pass.
//!
//! - Row counts are exact.
//! - Minimum and maximum are kept for integers, times and dates only; for other types, writers may shorten them.
//! - Some writers cut times to milliseconds. A maximum without microseconds is therefore taken up to the end of its
//!   millisecond, and is a bound, not a value.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::DateTime;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::table_schema::TableSchema;
use deltalake::{DeltaTable, DeltaTableError};
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE, PARTITION_COLUMNS};
use lookback_schemas::time::parse_day;
use lookback_schemas::{LakeType, TableSpec, registry};
use object_store::path::Path;
use serde::Deserialize;

use crate::dialect::meaning::{REDSHIFT_TYPE, TRIMMED};

/// A data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFile {
    /// Relative to the table's folder.
    pub path: Path,
    /// Bytes.
    pub size: u64,
}

/// The files of one version of a table.
#[derive(Debug)]
pub struct FileList {
    table: String,
    version: u64,
    schema: TableSchema,
    files: Vec<TableFile>,
    rows: Vec<Option<u64>>,
    // One array for each partition column, in their order, one entry per file.
    partition: Vec<ArrayRef>,
    bounds: HashMap<String, Bounds>,
}

/// Statistics of one column, one entry per file.
#[derive(Debug)]
struct Bounds {
    data_type: DataType,
    min: Vec<Option<i64>>,
    max: Vec<Option<i64>>,
    // Whether `max` is a value of the file, not only a bound.
    exact: Vec<bool>,
    nulls: Vec<Option<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AddStats {
    num_records: Option<u64>,
    min_values: HashMap<String, serde_json::Value>,
    max_values: HashMap<String, serde_json::Value>,
    null_count: HashMap<String, serde_json::Value>,
}

impl FileList {
    /// The list of a loaded table.
    ///
    /// # Errors
    /// If the table is not loaded, is not partitioned by texts and days, or has deletion vectors.
    pub fn of(table: &str, delta: &DeltaTable) -> Result<Self, DeltaTableError> {
        let state = delta.snapshot()?.snapshot();
        let partition_columns = state.metadata().partition_columns();
        let schema = table_schema(table, state.arrow_schema().as_ref(), partition_columns);
        let bounded: Vec<(String, DataType)> = schema
            .file_schema()
            .fields()
            .iter()
            .filter(|f| has_bounds(f.data_type()))
            .map(|f| (f.name().clone(), f.data_type().clone()))
            .collect();
        let mut found = Vec::new();
        for view in state.log_data().iter() {
            if view.deletion_vector_descriptor().is_some() {
                return Err(DeltaTableError::generic("it has deletion vectors, which lookback never writes"));
            }
            let mut of_file = view.partition_values_map();
            let values = schema.table_partition_cols().iter().map(|field| {
                let value = of_file.remove(field.name()).flatten();
                value.ok_or_else(|| DeltaTableError::generic(format!("file {} has no {}", view.path(), field.name())))
            });
            let values = values.collect::<Result<Vec<String>, _>>()?;
            // Statistics that cannot be read only cost speed.
            let stats = view.stats().and_then(|json| serde_json::from_str::<AddStats>(&json).ok()).unwrap_or_default();
            let file = TableFile { path: view.object_store_path(), size: u64::try_from(view.size()).unwrap_or(0) };
            found.push(Found { values, file, stats });
        }
        // By day, because the last partition column is the day.
        found.sort_by(|a, b| (a.values.last(), &a.file.path).cmp(&(b.values.last(), &b.file.path)));
        let partition = schema.table_partition_cols().iter().enumerate().map(|(i, field)| {
            let values: Vec<&str> = found.iter().map(|found| found.values[i].as_str()).collect();
            partition_array(field, &values)
        });
        let partition = partition.collect::<Result<Vec<_>, _>>()?;
        let bounds = bounded
            .into_iter()
            .map(|(name, data_type)| {
                let bounds = Bounds::collect(&name, data_type, found.iter().map(|found| &found.stats));
                (name, bounds)
            })
            .filter(|(_, bounds)| bounds.is_useful())
            .collect();
        Ok(Self {
            table: table.to_owned(),
            version: delta.version().unwrap_or_default(),
            schema,
            rows: found.iter().map(|found| found.stats.num_records).collect(),
            partition,
            bounds,
            files: found.into_iter().map(|found| found.file).collect(),
        })
    }

    /// A table without files: one that is known, but was never exported to this lake.
    #[must_use]
    pub fn empty(table: &str, columns: &Schema) -> Self {
        Self {
            table: table.to_owned(),
            version: 0,
            schema: table_schema(table, columns, &PARTITION_COLUMNS),
            files: Vec::new(),
            rows: Vec::new(),
            partition: vec![Arc::new(StringArray::new_null(0)), Arc::new(Date32Array::new_null(0))],
            bounds: HashMap::new(),
        }
    }

    /// The table's name.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The Delta version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Columns of the files, then the partition columns; times without a zone, as Redshift has them.
    #[must_use]
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// The files, by day, then cluster, then path.
    #[must_use]
    pub fn files(&self) -> &[TableFile] {
        &self.files
    }

    /// The values of the partition columns of every file, in the order of the partition columns.
    #[must_use]
    pub fn partition_arrays(&self) -> &[ArrayRef] {
        &self.partition
    }

    /// The values of the partition columns of one file.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn partition_values(&self, file: usize) -> datafusion::common::Result<Vec<ScalarValue>> {
        self.partition.iter().map(|values| ScalarValue::try_from_array(values, file)).collect()
    }

    fn partition_array(&self, column: &Column) -> Option<&ArrayRef> {
        let position = self.schema.table_partition_cols().iter().position(|field| *field.name() == column.name)?;
        self.partition.get(position)
    }

    /// What is known of the file's own columns, in the order of the file schema.
    #[must_use]
    pub fn statistics(&self, file: usize) -> Statistics {
        let column_statistics = self.schema.file_schema().fields().iter().map(|field| {
            self.bounds.get(field.name()).map_or_else(ColumnStatistics::new_unknown, |bounds| bounds.of_file(file))
        });
        Statistics {
            num_rows: self.row_count(file),
            total_byte_size: Precision::Absent,
            column_statistics: column_statistics.collect(),
        }
    }

    fn row_count(&self, file: usize) -> Precision<usize> {
        match self.rows[file].and_then(|rows| usize::try_from(rows).ok()) {
            Some(rows) => Precision::Exact(rows),
            None => Precision::Absent,
        }
    }
}

/// A file as the log has it.
struct Found {
    values: Vec<String>,
    file: TableFile,
    stats: AddStats,
}

/// The table's columns as queries see them. The tables of logs are partitioned by cluster and day, lookback's own by day.
fn table_schema<S: AsRef<str>>(table: &str, columns: &Schema, partition: &[S]) -> TableSchema {
    let spec = registry().table(table);
    let is_partition = |name: &str| partition.iter().any(|column| column.as_ref() == name);
    let fields = columns.fields().iter().filter(|f| !is_partition(f.name()));
    let field = |f: &Field| {
        let field = Field::new(f.name().clone(), without_zone(f.data_type()), true);
        field.with_metadata(meaning_of(spec, f.name()))
    };
    let fields: Vec<Field> = fields.map(|f| field(f)).collect();
    let partition = partition.iter().map(|name| {
        let known = if name.as_ref() == LOG_DATE { DataType::Date32 } else { DataType::Utf8 };
        let data_type = columns.field_with_name(name.as_ref()).map_or(known, |field| field.data_type().clone());
        Arc::new(Field::new(name.as_ref(), data_type, true).with_metadata(meaning_of(spec, name.as_ref())))
    });
    let partition: Vec<_> = partition.collect();
    TableSchema::builder(SchemaRef::new(Schema::new(fields))).with_table_partition_cols(partition).build()
}

/// What Redshift's documentation says of a column, for the rules that give comparisons and sums its meaning.
fn meaning_of(spec: Option<&TableSpec>, column: &str) -> HashMap<String, String> {
    let trimmed = (TRIMMED.to_owned(), "true".to_owned());
    if column == CLUSTER_ID {
        return HashMap::from([trimmed]);
    }
    let Some(column) = spec.and_then(|spec| spec.columns.iter().find(|known| known.name == column)) else {
        return HashMap::new();
    };
    let documented = (REDSHIFT_TYPE.to_owned(), column.redshift_type.clone());
    match column.lake_type() {
        Some(LakeType::Text { trim: true }) => HashMap::from([documented, trimmed]),
        _ => HashMap::from([documented]),
    }
}

/// The values of a partition column, which the log has as text.
fn partition_array(field: &Field, values: &[&str]) -> Result<ArrayRef, DeltaTableError> {
    match field.data_type() {
        DataType::Utf8 => Ok(Arc::new(StringArray::from(values.to_vec()))),
        DataType::Date32 => {
            let days = values
                .iter()
                .map(|day| parse_day(day).ok_or_else(|| DeltaTableError::generic(format!("'{day}' is not a day"))));
            Ok(Arc::new(Date32Array::from(days.collect::<Result<Vec<i32>, _>>()?)))
        }
        other => Err(DeltaTableError::generic(format!("it is partitioned by a column of type {other}"))),
    }
}

/// Redshift's timestamps have no zone, and are UTC. With the zone gone, they compare with literals, with `getdate()` and with
/// each other as they do there, and print without one. The value stays the same number.
fn without_zone(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, None),
        other => other.clone(),
    }
}

fn has_bounds(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, None))
}

impl Bounds {
    fn collect<'a>(name: &str, data_type: DataType, files: impl Iterator<Item = &'a AddStats>) -> Self {
        let mut all = Self { data_type, min: vec![], max: vec![], exact: vec![], nulls: vec![] };
        for stats in files {
            all.min.push(stats.min_values.get(name).and_then(|value| bound(value, &all.data_type)));
            let max = stats.max_values.get(name).and_then(|value| bound(value, &all.data_type));
            let cut = matches!(all.data_type, DataType::Timestamp(..)) && max.is_some_and(|max| max % 1000 == 0);
            all.max.push(if cut { max.map(|max| max.saturating_add(999)) } else { max });
            all.exact.push(!cut);
            all.nulls.push(stats.null_count.get(name).and_then(serde_json::Value::as_u64));
        }
        all
    }

    fn is_useful(&self) -> bool {
        self.min.iter().chain(&self.max).any(Option::is_some) || self.nulls.iter().any(Option::is_some)
    }

    fn array(&self, values: &[Option<i64>]) -> Option<ArrayRef> {
        let array: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        match self.data_type {
            DataType::Int64 => Some(array),
            DataType::Date32 => {
                let days: Vec<Option<i32>> = values.iter().map(|v| v.and_then(|v| i32::try_from(v).ok())).collect();
                Some(Arc::new(Date32Array::from(days)))
            }
            _ => arrow::compute::cast(&array, &self.data_type).ok(),
        }
    }

    fn scalar(&self, value: Option<i64>) -> Option<ScalarValue> {
        let value = value?;
        Some(match self.data_type {
            DataType::Date32 => ScalarValue::Date32(i32::try_from(value).ok()),
            DataType::Timestamp(..) => ScalarValue::TimestampMicrosecond(Some(value), None),
            _ => ScalarValue::Int64(Some(value)),
        })
    }

    fn of_file(&self, file: usize) -> ColumnStatistics {
        let precision = |value: Option<i64>, exact| match self.scalar(value) {
            Some(value) if exact => Precision::Exact(value),
            Some(value) => Precision::Inexact(value),
            None => Precision::Absent,
        };
        ColumnStatistics {
            null_count: match self.nulls[file].and_then(|nulls| usize::try_from(nulls).ok()) {
                Some(nulls) => Precision::Exact(nulls),
                None => Precision::Absent,
            },
            min_value: precision(self.min[file], self.exact[file]),
            max_value: precision(self.max[file], self.exact[file]),
            ..ColumnStatistics::new_unknown()
        }
    }
}

/// A bound as Delta's JSON has it: a number, an RFC 3339 time or a day.
fn bound(value: &serde_json::Value, data_type: &DataType) -> Option<i64> {
    match (data_type, value) {
        (DataType::Int64, value) => value.as_i64(),
        (DataType::Date32, serde_json::Value::String(day)) => parse_day(day).map(i64::from),
        (DataType::Timestamp(..), serde_json::Value::String(time)) => {
            DateTime::from_str(time).ok().map(|time: DateTime<chrono::Utc>| time.timestamp_micros())
        }
        _ => None,
    }
}

impl PruningStatistics for FileList {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        let bounds = || self.bounds.get(&column.name).and_then(|bounds| bounds.array(&bounds.min));
        self.partition_array(column).cloned().or_else(bounds)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        let bounds = || self.bounds.get(&column.name).and_then(|bounds| bounds.array(&bounds.max));
        self.partition_array(column).cloned().or_else(bounds)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        if self.partition_array(column).is_some() {
            return Some(Arc::new(UInt64Array::from_value(0, self.files.len())));
        }
        self.bounds.get(&column.name).map(|bounds| Arc::new(UInt64Array::from(bounds.nulls.clone())) as ArrayRef)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from(self.rows.clone())))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
