//! The files of one committed version of a table, with what the Delta log knows about them, laid out by column so that a
//! hundred thousand files are pruned in one pass.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, MapArray, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, ScalarValue, Statistics as FileStatistics};
use datafusion::datasource::table_schema::TableSchema;
use deltalake::DeltaTableError;
use deltalake::kernel::Snapshot;
use deltalake::logstore::LogStore;
use futures::TryStreamExt;
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE};
use lookback_schemas::time::parse_day;
use lookback_schemas::{LakeType, TableSpec, registry};
use object_store::path::Path;

use super::bounds::Statistics;

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
    pub(super) table: String,
    pub(super) version: u64,
    pub(super) schema: TableSchema,
    pub(super) files: Vec<TableFile>,
    // One array for each partition column, in their order, one entry per file.
    pub(super) partition: Vec<ArrayRef>,
    pub(super) stats: Statistics,
}

/// Some files of a list, in its order.
#[derive(Debug)]
pub struct Selection<'a> {
    list: &'a FileList,
    // `None`: all of them.
    numbers: Option<UInt64Array>,
}

impl FileList {
    /// The list of a version.
    ///
    /// # Errors
    /// If its log cannot be read, it is not partitioned by texts and days, or it has deletion vectors.
    pub async fn read(table: &str, snapshot: &Snapshot, log: &dyn LogStore) -> Result<Self, DeltaTableError> {
        let schema = table_schema(table, snapshot.arrow_schema().as_ref(), snapshot.metadata().partition_columns());
        let batches: Vec<RecordBatch> = snapshot.files(log, None).try_collect().await?;
        let mut entries = Vec::new();
        for batch in &batches {
            Entry::collect(batch, &schema, &mut entries)?;
        }
        Self::of(table, snapshot.version(), schema.clone(), entries)
    }

    /// The list with these files, in whatever order they come.
    pub(super) fn of(
        table: &str,
        version: u64,
        schema: TableSchema,
        mut entries: Vec<Entry<'_>>,
    ) -> Result<Self, DeltaTableError> {
        // By day, because the last partition column is the day.
        entries.sort_unstable_by(|a, b| (a.values.last(), &a.path).cmp(&(b.values.last(), &b.path)));
        let partition = schema.table_partition_cols().iter().enumerate().map(|(i, field)| {
            let values: Vec<&str> = entries.iter().map(|entry| entry.values[i]).collect();
            partition_array(field, &values)
        });
        let partition = partition.collect::<Result<Vec<_>, _>>()?;
        let stats = Statistics::parse(schema.file_schema(), entries.iter().map(|entry| entry.stats));
        let file = |entry: Entry<'_>| TableFile { path: entry.path, size: entry.size };
        Ok(Self {
            table: table.to_owned(),
            version,
            files: entries.into_iter().map(file).collect(),
            partition,
            stats,
            schema,
        })
    }

    /// A table without files: one that is known, but was never exported to this lake. `partition` is a text and the day.
    #[must_use]
    pub fn empty(table: &str, columns: &Schema, partition: &[&str; 2]) -> Self {
        let schema = table_schema(table, columns, partition);
        Self {
            table: table.to_owned(),
            version: 0,
            files: Vec::new(),
            partition: vec![Arc::new(StringArray::new_null(0)), Arc::new(Date32Array::new_null(0))],
            stats: Statistics::parse(schema.file_schema(), std::iter::empty()),
            schema,
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

    /// Rows of all files together; `None` if the log does not know them of each.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        let rows = &self.stats.rows;
        (rows.null_count() == 0).then(|| rows.values().iter().sum())
    }

    /// What is known of the file's own columns, in the order of the file schema: of those for which `wanted` has true, by their
    /// number. There is room for the partition columns, which the engine adds.
    #[must_use]
    pub fn statistics(&self, file: usize, wanted: &[bool]) -> FileStatistics {
        let fields = self.schema.file_schema().fields();
        let mut column_statistics = Vec::with_capacity(self.schema.table_schema().fields().len());
        for (number, field) in fields.iter().enumerate() {
            let bounds = self.stats.column(field.name()).filter(|_| wanted.get(number).is_some_and(|&wanted| wanted));
            column_statistics.push(bounds.map_or_else(ColumnStatistics::new_unknown, |bounds| bounds.of_file(file)));
        }
        FileStatistics { num_rows: self.stats.row_count(file), total_byte_size: Precision::Absent, column_statistics }
    }

    /// The files with these numbers, which ascend.
    #[must_use]
    pub fn select(&self, numbers: &[usize]) -> Selection<'_> {
        let all = numbers.len() == self.files.len();
        let numbers = (!all).then(|| numbers.iter().map(|&number| number as u64).collect());
        Selection { list: self, numbers }
    }
}

/// A file as the log has it.
pub(super) struct Entry<'a> {
    /// Of the partition columns, in their order.
    pub(super) values: Vec<&'a str>,
    pub(super) path: Path,
    /// Bytes.
    pub(super) size: u64,
    /// JSON.
    pub(super) stats: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// The entries of a batch of the log, as the Delta library gives it out.
    fn collect(batch: &'a RecordBatch, schema: &TableSchema, into: &mut Vec<Self>) -> Result<(), DeltaTableError> {
        let lacks = |what: &str| DeltaTableError::generic(format!("the list of its files has no {what}"));
        let texts = |name| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let paths = texts("path").ok_or_else(|| lacks("path"))?;
        let stats = texts("stats");
        let sizes = batch.column_by_name("size").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let sizes = sizes.ok_or_else(|| lacks("size"))?;
        let constants = batch.column_by_name("fileConstantValues").and_then(|column| column.as_struct_opt());
        let partition = constants.and_then(|c| c.column_by_name("partitionValues")).and_then(|c| c.as_map_opt());
        let partition = partition.ok_or_else(|| lacks("partition values"))?;
        let keys = partition.keys().as_string_opt::<i32>().ok_or_else(|| lacks("partition columns"))?;
        let values = partition.values().as_string_opt::<i32>().ok_or_else(|| lacks("partition values"))?;
        let vectors = batch.column_by_name("deletionVector").and_then(|column| column.as_struct_opt());
        let kinds = vectors.and_then(|vectors| vectors.column_by_name("storageType"));
        // A file without a deletion vector can have an empty structure.
        let has_vector = |row| vectors.zip(kinds).is_some_and(|(all, kind)| all.is_valid(row) && kind.is_valid(row));
        for row in 0..batch.num_rows() {
            if has_vector(row) {
                return Err(DeltaTableError::generic("it has deletion vectors, which lookback never writes"));
            }
            let path = paths.value(row);
            let of_file = entries_of(partition, row);
            let value = |field: &Arc<Field>| {
                let at = of_file.clone().find(|&at| keys.value(at) == field.name() && values.is_valid(at));
                let value = at.map(|at| values.value(at));
                value.ok_or_else(|| DeltaTableError::generic(format!("file {path} has no {}", field.name())))
            };
            into.push(Self {
                values: schema.table_partition_cols().iter().map(value).collect::<Result<_, _>>()?,
                path: path_of(path)?,
                size: u64::try_from(sizes.value(row)).unwrap_or(0),
                stats: stats.filter(|stats| stats.is_valid(row)).map(|stats| stats.value(row)),
            });
        }
        Ok(())
    }
}

/// Where the entries of one row of a map are.
fn entries_of(map: &MapArray, row: usize) -> std::ops::Range<usize> {
    let at = |row: usize| usize::try_from(map.value_offsets()[row]).unwrap_or(0);
    at(row)..at(row + 1)
}

/// A path as the log has it: as a part of a URL.
pub(super) fn path_of(text: &str) -> Result<Path, DeltaTableError> {
    Path::from_url_path(text).map_err(|e| DeltaTableError::generic(format!("'{text}' is not a path: {e}")))
}

/// The table's columns as queries see them. The tables of logs are partitioned by cluster and day, lookback's own by day.
pub(super) fn table_schema<S: AsRef<str>>(table: &str, columns: &Schema, partition: &[S]) -> TableSchema {
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
pub(super) fn partition_array(field: &Field, values: &[&str]) -> Result<ArrayRef, DeltaTableError> {
    match field.data_type() {
        DataType::Utf8 => Ok(Arc::new(StringArray::from(values.to_vec()))),
        DataType::Date32 => {
            // Neighbours are of the same day.
            let mut known = ("", None);
            let days = values.iter().map(|&day| {
                if known.0 != day || known.1.is_none() {
                    known = (day, parse_day(day));
                }
                known.1.ok_or_else(|| DeltaTableError::generic(format!("'{day}' is not a day")))
            });
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

impl Selection<'_> {
    fn pick(&self, array: &ArrayRef) -> Option<ArrayRef> {
        match &self.numbers {
            None => Some(Arc::clone(array)),
            Some(numbers) => take(array, numbers, None).ok(),
        }
    }
}

impl PruningStatistics for Selection<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        let bounds = || self.list.stats.column(&column.name).map(|bounds| &bounds.min);
        self.pick(self.list.partition_array(column).or_else(bounds)?)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        let bounds = || self.list.stats.column(&column.name).map(|bounds| &bounds.max);
        self.pick(self.list.partition_array(column).or_else(bounds)?)
    }

    fn num_containers(&self) -> usize {
        self.numbers.as_ref().map_or(self.list.files.len(), Array::len)
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        if self.list.partition_array(column).is_some() {
            return Some(Arc::new(UInt64Array::from_value(0, self.num_containers())));
        }
        let nulls: ArrayRef = Arc::new(self.list.stats.column(&column.name)?.nulls.clone());
        self.pick(&nulls)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let rows: ArrayRef = Arc::new(self.list.stats.rows.clone());
        self.pick(&rows)
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
