//! What each incarnation of a cluster is called in the lake, as the lake's list of clusters has it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use futures::{StreamExt, TryStreamExt};
use lookback_schemas::ledger::clusters_schema;
use lookback_schemas::names::{CLUSTERS_TABLE, app_id, incarnation_id};
use tokio::sync::Mutex;

use crate::error::{Error, ErrorKind, Result, lake};
use crate::lake::{CommitOutcome, CommitUnit, LakeTable, Snapshot};
use crate::ledger;

/// Files of the list that are read at once.
const READS: usize = 16;

/// The lake's list of clusters. Each of its files is read once, however many clusters ask.
#[derive(Debug)]
pub struct Incarnations {
    table: Arc<LakeTable>,
    /// The rows of the files that were read, by path.
    read: Mutex<HashMap<Arc<str>, Vec<Incarnation>>>,
}

/// One row of the list.
#[derive(Debug)]
struct Incarnation {
    cluster_id: String,
    name: String,
    incarnation: String,
    ordinal: i64,
}

/// What the list says about an incarnation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Its `cluster_id`.
    As(String),
    /// It is not listed; the ordinal of the last one of that name, 0 if there is none.
    After(i64),
}

impl Incarnations {
    /// The list in its table.
    #[must_use]
    pub fn new(table: Arc<LakeTable>) -> Self {
        Self { table, read: Mutex::default() }
    }

    /// The `cluster_id` of a cluster's present incarnation, recorded when it is first seen. Two exporters that see a new
    /// incarnation at once agree, because one of their commits is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if the list of clusters cannot be read or written.
    pub async fn cluster_id(&self, name: &str, incarnation: &str, now: i64) -> Result<String> {
        loop {
            let snapshot = self.table.refresh().await?;
            let last = match self.known_in(&snapshot, name, incarnation).await? {
                Known::As(id) => return Ok(id),
                Known::After(last) => last,
            };
            let ordinal = last + 1;
            let id = incarnation_id(name, u32::try_from(ordinal).unwrap_or(u32::MAX));
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from(vec![id.clone()])),
                Arc::new(StringArray::from(vec![name])),
                Arc::new(StringArray::from(vec![incarnation])),
                Arc::new(Int64Array::from(vec![ordinal])),
                Arc::new(TimestampMicrosecondArray::from(vec![now]).with_timezone("UTC")),
            ];
            let row =
                RecordBatch::try_new(clusters_schema(), columns).map_err(lake("building the list of clusters"))?;
            let actions = ledger::write(&self.table, &row, &[now]).await?;
            let unit = CommitUnit {
                transaction: Some((app_id(name, CLUSTERS_TABLE), ordinal)),
                based_on: snapshot.version,
                actions,
                removes: Vec::new(),
                data_change: true,
            };
            if let [CommitOutcome::Committed(_)] = self.table.commit(vec![unit]).await?.as_slice() {
                if ordinal > 1 {
                    tracing::warn!(cluster = name, cluster_id = %id, "the cluster was restored or created anew: its rows are kept as those of a cluster of their own");
                }
                return Ok(id);
            }
        }
    }

    /// What the list says about an incarnation now.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if the list of clusters cannot be read.
    pub async fn known(&self, name: &str, incarnation: &str) -> Result<Known> {
        let snapshot = self.table.refresh().await?;
        self.known_in(&snapshot, name, incarnation).await
    }

    async fn known_in(&self, snapshot: &Snapshot, name: &str, incarnation: &str) -> Result<Known> {
        // Held while files are read: who comes second finds them read.
        let mut read = self.read.lock().await;
        let new = snapshot.files("").iter().filter(|file| !read.contains_key(&file.path));
        let new: Vec<_> = futures::stream::iter(new)
            .map(|file| async move { Ok((file.path.clone(), rows(&ledger::read_file(&self.table, file).await?)?)) })
            .buffer_unordered(READS)
            .try_collect()
            .await?;
        read.extend(new);
        let mut last = 0;
        // A file that is gone was merged into another one, with its rows.
        for file in snapshot.files("") {
            for row in read.get(&file.path).into_iter().flatten().filter(|row| row.name == name) {
                if row.incarnation == incarnation {
                    return Ok(Known::As(row.cluster_id.clone()));
                }
                last = last.max(row.ordinal);
            }
        }
        Ok(Known::After(last))
    }
}

fn rows(batches: &[RecordBatch]) -> Result<Vec<Incarnation>> {
    let mut rows = Vec::new();
    for batch in batches {
        let text = |column: &str| batch.column_by_name(column).and_then(|a| a.as_string_opt::<i32>());
        let ordinals = batch.column_by_name("ordinal").and_then(|a| a.as_primitive_opt::<Int64Type>());
        let (Some(ids), Some(names), Some(keys), Some(ordinals)) =
            (text("cluster_id"), text("cluster_name"), text("incarnation"), ordinals)
        else {
            return Err(Error::new(ErrorKind::Lake, format!("{CLUSTERS_TABLE} lacks a column")));
        };
        rows.extend((0..batch.num_rows()).map(|row| Incarnation {
            cluster_id: ids.value(row).to_owned(),
            name: names.value(row).to_owned(),
            incarnation: keys.value(row).to_owned(),
            ordinal: ordinals.value(row),
        }));
    }
    Ok(rows)
}
