//! The record's tables in the lake: what is there already, and one commit of what is new.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use deltalake::kernel::{Action, Add};
use futures::{StreamExt, TryStreamExt};
use lookback_schemas::encryption::{ACCOUNT_ID, Row, Table, batch, rows};
use lookback_schemas::names::LOG_DATE;
use lookback_schemas::time::{day_name, day_of};
use object_store::ObjectStoreExt;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result, lake};
use crate::lake::properties::properties;
use crate::lake::stats::FileStats;
use crate::lake::writer::Origin;
use crate::lake::{DataFile, LakeTable, Snapshot, reader};

/// Files that are read at once.
const READS: usize = 8;
/// Keys of files that are remembered, so that files of today are not read at every poll.
const REMEMBERED: usize = 4_096;

/// The keys of files that were read, by table and path. Files never change.
#[derive(Debug, Default)]
pub(crate) struct KeyCache(Mutex<FileKeys>);

type FileKeys = HashMap<(String, Arc<str>), Arc<HashSet<String>>>;

impl KeyCache {
    fn get(&self, table: &str, path: &Arc<str>) -> Option<Arc<HashSet<String>>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(table.to_owned(), Arc::clone(path))).cloned()
    }

    fn put(&self, table: &str, path: &Arc<str>, keys: Arc<HashSet<String>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert((table.to_owned(), Arc::clone(path)), keys);
    }
}

/// The natural key of a row, as one text.
pub(crate) fn natural_key(row: &Row) -> String {
    let parts = row.table().natural_key.iter().map(|column| format!("{:?}", row.get(column)));
    parts.collect::<Vec<_>>().join("\u{1f}")
}

/// The natural keys of an account's rows on some days: only the columns of the key are read, of files of these days.
pub(crate) async fn keys_of(
    table: &LakeTable,
    snapshot: &Snapshot,
    spec: &'static Table,
    account: &str,
    days: &BTreeSet<i32>,
    cache: &KeyCache,
) -> Result<HashSet<String>> {
    let files = snapshot.files(account).iter().filter(|file| days.contains(&file.day));
    let read = futures::stream::iter(files.cloned().collect::<Vec<_>>()).map(|file| async move {
        if let Some(known) = cache.get(spec.name, &file.path) {
            return Ok::<_, Error>(known);
        }
        let found = rows_of(table, spec, account, &file, spec.natural_key).await?;
        let keys = Arc::new(found.iter().map(natural_key).collect::<HashSet<_>>());
        cache.put(spec.name, &file.path, Arc::clone(&keys));
        Ok(keys)
    });
    let all: Vec<_> = read.buffer_unordered(READS).try_collect().await?;
    Ok(all.iter().flat_map(|keys| keys.iter().cloned()).collect())
}

/// The last row of each entity of an account, from the files of `since` and later.
pub(crate) async fn last_rows(table: &LakeTable, spec: &'static Table, account: &str, since: i32) -> Result<Vec<Row>> {
    let snapshot = table.snapshot().await;
    let key = spec.natural_key.first().copied().unwrap_or_default();
    let all: Vec<&str> = spec.columns.iter().map(|column| column.name).collect();
    let all = &all;
    let files = snapshot.files(account).iter().filter(|file| file.day >= since);
    let read = futures::stream::iter(files.cloned().collect::<Vec<_>>())
        .map(|file| async move { rows_of(table, spec, account, &file, all).await });
    let found: Vec<Vec<Row>> = read.buffer_unordered(READS).try_collect().await?;
    let mut last: HashMap<(String, String), Row> = HashMap::new();
    for row in found.into_iter().flatten() {
        let Some(entity) = row.get_text(key) else { continue };
        let region = row.get_text("region").unwrap_or_default().to_owned();
        let id = (entity.to_owned(), region);
        if last.get(&id).is_none_or(|known| known.at() <= row.at()) {
            last.insert(id, row);
        }
    }
    let mut rows: Vec<Row> = last.into_values().collect();
    rows.sort_by_key(|row| row.get_text(key).map(str::to_owned));
    Ok(rows)
}

pub(super) async fn rows_of(
    table: &LakeTable,
    spec: &'static Table,
    account: &str,
    file: &DataFile,
    columns: &[&str],
) -> Result<Vec<Row>> {
    let what = || format!("reading {}/{}", table.name(), file.path);
    let builder = reader::open(table, &file.path, file.size).await?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let stream = builder.with_projection(mask).build().map_err(lake(what()))?;
    let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(lake(what()))?;
    Ok(batches.iter().flat_map(|batch| rows(spec, account, batch)).collect())
}

/// Writes rows of one table as files that no commit knows yet: one for each account and day. Gives the actions that add them.
///
/// # Errors
/// [`ErrorKind::Lake`] if a row is none of its table, or a file cannot be written.
pub(crate) async fn write(table: &LakeTable, rows: &[Row], run_id: &str, now: i64) -> Result<Vec<Action>> {
    let what = || format!("writing {}", table.name());
    let mut parts: BTreeMap<(String, i32), Vec<Row>> = BTreeMap::new();
    for row in rows {
        row.check().map_err(|e| Error::new(ErrorKind::Lake, what()).because(e).advise("please report this"))?;
        let (Some(account), Some(at)) = (row.get_text(ACCOUNT_ID), row.at()) else { continue };
        parts.entry((account.to_owned(), day_of(at))).or_default().push(row.clone());
    }
    let mut actions = Vec::with_capacity(parts.len());
    for ((account, day), mut rows) in parts {
        let Some(spec) = rows.first().map(Row::table) else { continue };
        rows.sort_by_key(Row::at);
        let batch = batch(spec, &rows).map_err(lake(what()))?;
        let origin = Origin {
            cluster_id: account.clone(),
            run_id: run_id.to_owned(),
            source_columns: batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
            time_column: spec.time_column.to_owned(),
        };
        let properties = properties(&batch, &origin, rows.len())?;
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).map_err(lake(what()))?;
        writer.write(&batch).map_err(lake(what()))?;
        let bytes = writer.into_inner().map_err(lake(what()))?;
        let mut stats = FileStats::default();
        stats.add(&batch);
        let folder = format!("{ACCOUNT_ID}={account}/{LOG_DATE}={}", day_name(day));
        let path = format!("{folder}/part-{}.parquet", Uuid::now_v7().simple());
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        table.store().put(&table.object(&path), bytes.into()).await.map_err(|e| {
            Error::new(ErrorKind::Lake, what()).because(e).advise("the lake must be writable and have space")
        })?;
        let partition = [(ACCOUNT_ID.to_owned(), Some(account)), (LOG_DATE.to_owned(), Some(day_name(day)))];
        actions.push(Action::Add(Add {
            path,
            partition_values: partition.into_iter().collect(),
            size,
            modification_time: now / 1_000,
            data_change: true,
            stats: Some(stats.json()),
            ..Add::default()
        }));
    }
    Ok(actions)
}

/// Deletes files that no commit knows. Best effort: what stays is for `maintain`.
pub(crate) async fn discard(table: &LakeTable, actions: &[Action]) {
    for action in actions {
        if let Action::Add(add) = action
            && let Err(error) = table.store().delete(&table.object(&add.path)).await
        {
            tracing::debug!(path = %add.path, %error, "an uncommitted file stays until `lookback maintain`");
        }
    }
}
