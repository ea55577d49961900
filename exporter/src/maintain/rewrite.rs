//! One day of one table's partition, rewritten: its files become one.
//!
//! - The rows stay the same, so the commit changes no data; readers see either the old files or the new one.
//! - A rewrite that would give another number of rows is not committed.
//! - It is refused if one of its files is gone, and asks for no exclusion: whoever adds rows meanwhile adds files of their own.
//! - Rows that were read with different column lists stay in different files, because they are compared over different columns.
//! - Rows of all inputs in memory, and inputs that are open, have limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use lookback_schemas::layout::merged_file;
use lookback_schemas::names::LOG_DATE;
use lookback_schemas::time::day_name;
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use uuid::Uuid;

use super::merge::{Merge, Order, union};
use crate::error::{Error, ErrorKind, Result, lake};
use crate::lake::present::source_columns;
use crate::lake::properties::properties;
use crate::lake::stats::FileStats;
use crate::lake::table::partition_columns;
use crate::lake::writer::{Origin, WrittenFile, remove_files};
use crate::lake::{CommitOutcome, CommitUnit, DataFile, LakeTable, Snapshot, reader};
use crate::run::Exporter;

/// Rows of all inputs that are in memory at once.
const ROWS_IN_MEMORY: usize = 65_536;
/// Files that are merged into one; of more, several are made, which the next compaction merges.
const MOST_INPUTS: usize = 256;

/// A day of a table's partition.
pub(super) struct Rewrite<'a> {
    pub(super) exporter: &'a Exporter,
    pub(super) table: &'a Arc<LakeTable>,
    pub(super) snapshot: &'a Arc<Snapshot>,
    pub(super) order: Order,
    /// The cluster, or the account; empty for a table that is about neither.
    pub(super) owner: &'a str,
    pub(super) run_id: &'a str,
    pub(super) day: i32,
}

impl Rewrite<'_> {
    /// The files that replaced the day's files; `None` if there was nothing to gain or somebody else was faster.
    pub(super) async fn compact(&self, files: &[&DataFile]) -> Result<Option<Vec<WrittenFile>>> {
        let mut by_columns: BTreeMap<Vec<String>, Vec<&DataFile>> = BTreeMap::new();
        for file in files {
            let builder = reader::open(self.table, &file.path, file.size).await?;
            let columns =
                source_columns(builder.metadata(), builder.schema().fields().iter().map(|f| f.name().as_str()));
            by_columns.entry(columns).or_default().push(file);
        }
        let groups = by_columns.into_iter().flat_map(|(columns, group)| {
            let pieces: Vec<Vec<&DataFile>> = group.chunks(MOST_INPUTS).map(<[_]>::to_vec).collect();
            pieces.into_iter().map(move |piece| (columns.clone(), piece))
        });
        let groups: Vec<(Vec<String>, Vec<&DataFile>)> = groups.filter(|(_, group)| group.len() > 1).collect();
        if groups.is_empty() {
            return Ok(None);
        }
        let mut written = Vec::new();
        let mut removes = Vec::new();
        for (number, (columns, group)) in groups.into_iter().enumerate() {
            match self.merge(number, columns, &group).await {
                Ok(file) => written.push(file),
                Err(e) => {
                    remove_files(self.table, &written).await;
                    return Err(e);
                }
            }
            removes.extend(group.iter().map(|f| f.path.to_string()));
        }
        let unit = CommitUnit {
            transaction: None,
            based_on: self.snapshot.version,
            actions: written.iter().map(|f| f.action(false)).collect(),
            removes,
            data_change: false,
        };
        match self.table.commit(vec![unit]).await {
            Ok(outcomes) if outcomes.contains(&CommitOutcome::Conflict) => {
                remove_files(self.table, &written).await;
                Ok(None)
            }
            Ok(_) => Ok(Some(written)),
            // The new files stay: if the answer was lost, they may be in the log. If not, vacuum removes them.
            Err(e) => Err(e),
        }
    }

    async fn merge(&self, number: usize, columns: Vec<String>, files: &[&DataFile]) -> Result<WrittenFile> {
        let batch_rows = (ROWS_IN_MEMORY / files.len().max(1)).clamp(256, 8_192);
        let mut streams = Vec::new();
        let mut schemas = Vec::new();
        let mut expected = 0;
        for file in files {
            let what = format!("reading {}/{}", self.table.name(), file.path);
            let builder = reader::open(self.table, &file.path, file.size).await?;
            expected += u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
            schemas.push(Arc::clone(builder.schema()));
            let stream = builder.with_batch_size(batch_rows).build().map_err(lake(what.clone()))?;
            streams.push(stream.map_err(move |e| lake(what.clone())(e)).boxed());
        }
        let schema = union(schemas.iter());
        let mut merge = Merge::new(self.order, Arc::clone(&schema), streams).await?;
        let origin = Origin {
            cluster_id: self.owner.to_owned(),
            run_id: self.run_id.to_owned(),
            source_columns: columns,
            time_column: self.order.column(),
        };
        let partition = self.partition();
        let path = merged_file(&partition, &Uuid::now_v7().simple().to_string(), number);
        let what = || format!("writing {}/{path}", self.table.name());
        let object = BufWriter::new(Arc::clone(self.table.store()), self.table.object(&path));
        let mut next = merge.next().await?;
        let sample = next.clone().unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&schema)));
        let properties = properties(&sample, &origin, usize::try_from(expected).unwrap_or(usize::MAX))?;
        let mut writer = AsyncArrowWriter::try_new(object, schema, Some(properties)).map_err(lake(what()))?;
        let mut stats = FileStats::default();
        let mut rows = 0;
        while let Some(batch) = next {
            stats.add(&batch);
            rows += batch.num_rows() as u64;
            writer.write(&batch).await.map_err(lake(what()))?;
            next = merge.next().await?;
        }
        writer.finish().await.map_err(lake(what()))?;
        let size = u64::try_from(writer.bytes_written()).unwrap_or(0);
        let now = self.exporter.clock.now();
        let mut written = stats.add_action(path.clone(), size, &origin, self.day, now);
        written.add.partition_values = partition.into_iter().map(|(column, value)| (column, Some(value))).collect();
        // The one thing that a rewrite must never do.
        if rows != expected {
            remove_files(self.table, std::slice::from_ref(&written)).await;
            return Err(Error::new(
                ErrorKind::Lake,
                format!("{}: {rows} rows where {expected} went in; the day stays as it was", what()),
            ));
        }
        Ok(written)
    }

    /// The partition columns of the table, in their order, with their values.
    fn partition(&self) -> Vec<(String, String)> {
        let value = |column: &str| if column == LOG_DATE { day_name(self.day) } else { self.owner.to_owned() };
        partition_columns(self.table.name()).into_iter().map(|column| (column.clone(), value(&column))).collect()
    }
}
