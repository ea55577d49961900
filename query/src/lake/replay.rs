//! The files of a table's newest version, from its log alone.
//!
//! The Delta library reads and parses every commit twice, once to learn what the table is and once for its files, and that is
//! most of what a first question about a few files costs. Here each file of the log is read once. It is done for plain logs only
//! ([`super::log`]) of tables that every reader understands (reader version 1); any other is read by the library.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, Schema};
use bytes::Bytes;
use datafusion::datasource::table_schema::TableSchema;
use deltalake::DeltaTableError;
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::actions::{Add, MetaData, Protocol, lines};
use super::files::{Entry, FileList, path_of, table_schema};
use super::log::{Listed, Log};

/// Rows of a checkpoint that are decoded at once.
const CHECKPOINT_ROWS: usize = 8_192;
/// What a table's configuration says if its files name columns otherwise than the table does.
const COLUMN_MAPPING: &str = "delta.columnMapping.mode";

/// What there is of a table.
#[derive(Debug)]
pub(super) enum Replayed {
    Nothing,
    Files(Box<FileList>),
    /// Something that only the library understands.
    Other,
}

/// Reads the newest version of a table.
///
/// # Errors
/// If the log cannot be read, or is damaged.
pub(super) async fn newest(table: &str, log: Log<'_>) -> Result<Replayed, DeltaTableError> {
    let segment = match log.newest().await? {
        Listed::Nothing => return Ok(Replayed::Nothing),
        Listed::Other => return Ok(Replayed::Other),
        Listed::Plain(segment) => segment,
    };
    let Some(version) = segment.version() else { return Ok(Replayed::Nothing) };
    // What is cleaned up in between is there in a later checkpoint, which the library will find.
    let Some(commits) = log.commits(&segment.commits).await? else { return Ok(Replayed::Other) };
    let checkpoint = match segment.checkpoint {
        Some(version) => match log.checkpoint(version).await? {
            Some(bytes) => bytes,
            None => return Ok(Replayed::Other),
        },
        None => Bytes::new(),
    };
    let table = table.to_owned();
    // Tens of thousands of files take a while.
    let replayed = tokio::task::spawn_blocking(move || of_log(&table, version, &commits, checkpoint)).await;
    replayed.map_err(|e| DeltaTableError::generic(e.to_string()))?
}

fn of_log(table: &str, version: u64, commits: &[Bytes], checkpoint: Bytes) -> Result<Replayed, DeltaTableError> {
    let mut found = Found::default();
    // From the newest line on: what it says of a file, or of the table, is what holds.
    for commit in commits.iter().rev() {
        for line in lines(commit).rev() {
            let line = line?;
            found.protocol = found.protocol.or(line.protocol);
            if found.meta_data.is_none() {
                found.meta_data = line.meta_data;
            }
            if let Some(remove) = line.remove {
                found.seen.insert(path_of(&remove.path)?);
            }
            if let Some(add) = line.add {
                let path = path_of(&add.path)?;
                if found.seen.insert(path.clone()) {
                    found.added.push((path, add));
                }
            }
        }
    }
    let checkpoint = match checkpoint.is_empty() {
        true => Vec::new(),
        false => match of_checkpoint(checkpoint, &mut found)? {
            Some(batches) => batches,
            None => return Ok(Replayed::Other),
        },
    };
    let (Some(protocol), Some(meta_data)) = (found.protocol, &found.meta_data) else { return Ok(Replayed::Other) };
    if protocol.min_reader_version != 1 || meta_data.configuration.contains_key(COLUMN_MAPPING) {
        return Ok(Replayed::Other);
    }
    let columns: StructType = serde_json::from_str(&meta_data.schema_string)?;
    let columns: Schema = (&columns).try_into_arrow()?;
    let schema = table_schema(table, &columns, &meta_data.partition_columns);
    let mut entries =
        Vec::with_capacity(found.added.len() + checkpoint.iter().map(RecordBatch::num_rows).sum::<usize>());
    for (path, add) in &found.added {
        let Some(entry) = entry(path, add, &schema) else { return Ok(Replayed::Other) };
        entries.push(entry);
    }
    for batch in &checkpoint {
        if !entries_of(batch, &schema, &found.seen, &mut entries)? {
            return Ok(Replayed::Other);
        }
    }
    FileList::of(table, version, schema.clone(), entries).map(|files| Replayed::Files(Box::new(files)))
}

#[derive(Default)]
struct Found<'a> {
    protocol: Option<Protocol>,
    meta_data: Option<MetaData>,
    /// Of which files commits said something.
    seen: HashSet<Path>,
    added: Vec<(Path, Add<'a>)>,
}

/// A file as the list takes it; `None` if it is none that lookback writes.
fn entry<'a>(path: &Path, add: &'a Add<'_>, schema: &TableSchema) -> Option<Entry<'a>> {
    if add.deletion_vector.is_some() {
        return None;
    }
    let value = |name: &str| add.partition_values.get(name)?.as_deref();
    let values = schema.table_partition_cols().iter().map(|field| value(field.name()));
    Some(Entry {
        values: values.collect::<Option<_>>()?,
        path: path.clone(),
        size: add.size,
        stats: add.stats.as_deref(),
    })
}

/// The rows of a checkpoint that are files; it may also say what the table is. `None` if it lacks what is needed.
fn of_checkpoint(bytes: Bytes, found: &mut Found<'_>) -> Result<Option<Vec<RecordBatch>>, DeltaTableError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
    let of_add = ["path", "size", "partitionValues", "stats", "deletionVector"];
    let wanted = |path: &[String]| match path {
        [first, second, ..] if first == "add" => of_add.contains(&second.as_str()),
        [first, ..] => first == "metaData" || first == "protocol",
        [] => false,
    };
    let columns = builder.parquet_schema().columns().iter().enumerate();
    let leaves: Vec<usize> = columns.filter(|(_, c)| wanted(c.path().parts())).map(|(number, _)| number).collect();
    let mask = ProjectionMask::leaves(builder.parquet_schema(), leaves);
    let mut batches = Vec::new();
    for batch in builder.with_projection(mask).with_batch_size(CHECKPOINT_ROWS).build()? {
        let batch = batch?;
        about_the_table(&batch, found)?;
        let has_stats = batch.column_by_name("add").and_then(|add| add.as_struct_opt()?.column_by_name("stats"));
        if has_stats.is_none() {
            return Ok(None);
        }
        batches.push(batch);
    }
    Ok(Some(batches))
}

/// What rows of a checkpoint say of the table, unless a commit said it later.
fn about_the_table(batch: &RecordBatch, found: &mut Found<'_>) -> Result<(), DeltaTableError> {
    let rows_of = |name: &str| batch.column_by_name(name).and_then(|column| column.as_struct_opt());
    if let (None, Some(protocols)) = (found.protocol, rows_of("protocol")) {
        let versions = protocols.column_by_name("minReaderVersion").and_then(|v| v.as_primitive_opt::<Int32Type>());
        for row in (0..protocols.len()).filter(|&row| protocols.is_valid(row)) {
            let version = versions.filter(|versions| versions.is_valid(row)).map(|versions| versions.value(row));
            let min_reader_version = version.and_then(|version| u32::try_from(version).ok()).unwrap_or(u32::MAX);
            found.protocol = Some(Protocol { min_reader_version });
        }
    }
    if let (true, Some(tables)) = (found.meta_data.is_none(), rows_of("metaData")) {
        for row in (0..tables.len()).filter(|&row| tables.is_valid(row)) {
            found.meta_data = Some(meta_data(|name| tables.column_by_name(name), row)?);
        }
    }
    Ok(())
}

fn meta_data<'a>(column: impl Fn(&str) -> Option<&'a ArrayRef>, row: usize) -> Result<MetaData, DeltaTableError> {
    let lacks =
        |what: &str| DeltaTableError::generic(format!("the table's description in the checkpoint has no {what}"));
    let schema = column("schemaString").and_then(|c| c.as_string_opt::<i32>()).filter(|c| c.is_valid(row));
    let partition = column("partitionColumns").and_then(|c| c.as_list_opt::<i32>()).filter(|c| c.is_valid(row));
    let partition = partition.ok_or_else(|| lacks("partition columns"))?.value(row);
    let partition = partition.as_string_opt::<i32>().ok_or_else(|| lacks("partition columns"))?;
    let configuration = column("configuration").and_then(|c| c.as_map_opt()).filter(|c| c.is_valid(row));
    let configuration = configuration.map(|all| all.value(row));
    let names = configuration.as_ref().and_then(|all| all.column(0).as_string_opt::<i32>());
    Ok(MetaData {
        schema_string: schema.ok_or_else(|| lacks("columns"))?.value(row).to_owned(),
        partition_columns: partition.iter().flatten().map(str::to_owned).collect(),
        // Which settings there are: their values do not matter here.
        configuration: names.into_iter().flatten().flatten().map(|name| (name.to_owned(), None)).collect(),
    })
}

/// Adds the files of a checkpoint that no commit spoke of since; false if they are none that lookback writes.
fn entries_of<'a>(
    batch: &'a RecordBatch,
    schema: &TableSchema,
    seen: &HashSet<Path>,
    into: &mut Vec<Entry<'a>>,
) -> Result<bool, DeltaTableError> {
    let Some(adds) = batch.column_by_name("add").and_then(|column| column.as_struct_opt()) else { return Ok(false) };
    let texts = |name| adds.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let sizes = adds.column_by_name("size").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let partition = adds.column_by_name("partitionValues").and_then(|column| column.as_map_opt());
    let (Some(paths), Some(stats), Some(sizes), Some(partition)) = (texts("path"), texts("stats"), sizes, partition)
    else {
        return Ok(false);
    };
    let (keys, values) = (partition.keys().as_string_opt::<i32>(), partition.values().as_string_opt::<i32>());
    let (Some(keys), Some(values)) = (keys, values) else { return Ok(false) };
    let vectors = adds.column_by_name("deletionVector").and_then(|column| column.as_struct_opt());
    let kinds = vectors.and_then(|vectors| vectors.column_by_name("storageType"));
    // A file without a deletion vector can have an empty structure.
    let has_vector = |row| vectors.zip(kinds).is_some_and(|(all, kind)| all.is_valid(row) && kind.is_valid(row));
    for row in (0..adds.len()).filter(|&row| adds.is_valid(row)) {
        let path = path_of(paths.value(row))?;
        if seen.contains(&path) {
            continue;
        }
        let offset = |row: usize| usize::try_from(partition.value_offsets()[row]).unwrap_or(0);
        let value = |name: &str| {
            let at = (offset(row)..offset(row + 1)).find(|&at| keys.value(at) == name && values.is_valid(at))?;
            Some(values.value(at))
        };
        let of_file = schema.table_partition_cols().iter().map(|field| value(field.name()));
        let (Some(of_file), false) = (of_file.collect::<Option<_>>(), has_vector(row)) else { return Ok(false) };
        into.push(Entry {
            values: of_file,
            path,
            size: u64::try_from(sizes.value(row)).unwrap_or(0),
            stats: stats.is_valid(row).then(|| stats.value(row)),
        });
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
