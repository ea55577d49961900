//! Days of a rollup that are not stored, or no more right, computed from the logs once for all statements that ask for them.
//!
//! Everybody looks at today, and today's rows are in no rollup yet. What a cluster's day amounts to follows from the files that the
//! logs have of it ([`Day::source`]): its rows are kept in memory as long as those are the same, and an export changes nothing but
//! the days of the clusters that it brought rows of.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError};

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, SchemaRef};
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result};
use datafusion::physical_plan::metrics::Count;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt, stream};
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE};
use lookback_schemas::rollups::{Day, Key, ROLLUPS, Rollup};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::sync::Mutex;

use super::PinnedRollup;
use super::plan::{Part, columns};
use crate::error::QueryError;
use crate::lake::FileList;

/// Days that are computed by one plan: planning costs as much as a small day.
const AT_ONCE: usize = 8;
/// What a day takes besides its rows: its name, and its place in the cache.
const ENTRY_BYTES: u64 = 256;

/// The rows of computed days, by what they were computed from.
pub(in crate::session) struct Computed {
    bytes: u64,
    rows: Cache<String, RecordBatch, Bytes>,
    // For each rollup: of several statements that miss a day, the first computes it.
    turns: [Mutex<()>; ROLLUPS.len()],
    // By rollup, for the versions of its tables that were asked for last.
    compared: std::sync::Mutex<HashMap<&'static str, Compared>>,
}

/// Which days of a rollup are right, and the tables that say so.
struct Compared {
    tables: Vec<Arc<FileList>>,
    days: Arc<BTreeMap<Key, Day>>,
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computed").field("used", &self.rows.weight()).finish_non_exhaustive()
    }
}

impl Computed {
    /// Keeps up to `bytes`; the days that were asked for most often stay longest.
    pub(in crate::session) fn new(bytes: usize) -> Arc<Self> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        // One shard: a day can then be as large as the whole.
        let options = OptionsBuilder::new().shards(1).estimated_items_capacity(1_000).weight_capacity(bytes).build();
        let rows = match options {
            Ok(options) => {
                Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default())
            }
            Err(_) => Cache::with_weighter(1_000, bytes, Bytes),
        };
        Arc::new(Self { bytes, rows, turns: Default::default(), compared: Default::default() })
    }

    /// Which days of a rollup are right: for the same versions of its tables, what was found before.
    pub(super) fn compared(
        &self,
        rollup: &'static Rollup,
        tables: Vec<Arc<FileList>>,
        compare: impl FnOnce() -> Result<BTreeMap<Key, Day>, QueryError>,
    ) -> Result<Arc<BTreeMap<Key, Day>>, QueryError> {
        let all = || self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &Compared| known.tables.iter().zip(&tables).all(|(one, other)| Arc::ptr_eq(one, other));
        if let Some(days) = all().get(rollup.name).filter(|known| same(known)).map(|known| Arc::clone(&known.days)) {
            return Ok(days);
        }
        let days = Arc::new(compare()?);
        all().insert(rollup.name, Compared { tables, days: Arc::clone(&days) });
        Ok(days)
    }

    fn turn(&self, rollup: &Rollup) -> Option<&Mutex<()>> {
        ROLLUPS.iter().position(|one| one.name == rollup.name).and_then(|place| self.turns.get(place))
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<String, RecordBatch> for Bytes {
    fn weight(&self, _: &String, rows: &RecordBatch) -> u64 {
        ENTRY_BYTES + rows.get_array_memory_size() as u64
    }
}

impl PinnedRollup {
    /// The rows of days, in no order; `computed` counts those that were not there.
    pub(super) fn rows_of(
        self: Arc<Self>,
        days: &[Key],
        computed: Count,
    ) -> impl Stream<Item = Result<RecordBatch>> + Send + use<> {
        let chunks: Vec<Vec<Key>> = days.chunks(AT_ONCE).map(<[Key]>::to_vec).collect();
        let rows = stream::iter(chunks).then(move |days| {
            let (rollup, computed) = (Arc::clone(&self), computed.clone());
            // On a task of its own: who has the turn gets on with it, although nobody may take the rows for a while.
            let task = SpawnedTask::spawn(async move { rollup.kept_or_computed(&days, &computed).await });
            task.map(|done| match done {
                Ok(rows) => rows.map_err(DataFusionError::from),
                Err(stopped) => Err(DataFusionError::ExecutionJoin(Box::new(stopped))),
            })
        });
        rows.try_flatten()
    }

    async fn kept_or_computed(
        &self,
        days: &[Key],
        computed: &Count,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>, QueryError> {
        let kept = &self.session.computed;
        let look = || -> (Vec<RecordBatch>, Vec<&Key>) {
            let (mut rows, mut missing) = (Vec::with_capacity(days.len()), Vec::new());
            for key in days {
                match self.days.get(key).and_then(|day| kept.rows.get(&day.source)) {
                    Some(there) => rows.push(there),
                    None => missing.push(key),
                }
            }
            (rows, missing)
        };
        let (rows, missing) = look();
        if missing.is_empty() {
            return Ok(stream::iter(rows.into_iter().map(Ok)).boxed());
        }
        let _turn = match kept.turn(self.rollup) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let (mut rows, missing) = look();
        if !missing.is_empty() {
            computed.add(missing.len());
            let wanted = missing.iter().map(|(cluster, day)| (cluster.as_str(), *day)).collect();
            let mut coming = self.run(&Part::Only(wanted), false).await?;
            let (mut made, mut bytes) = (Vec::new(), 0);
            while let Some(batch) = coming.try_next().await? {
                bytes += batch.get_array_memory_size() as u64;
                made.push(batch);
                if bytes > kept.bytes / 2 {
                    // They would drive out each other, and take more memory than there is for it: they go on as they come.
                    rows.append(&mut made);
                    return Ok(stream::iter(rows.into_iter().map(Ok)).chain(coming).boxed());
                }
            }
            let schema = Arc::new(columns(self.rollup));
            let mut by_day = by_day(&schema, &made)?;
            for key in missing {
                let of_day = by_day.remove(key).unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&schema)));
                if let Some(day) = self.days.get(key) {
                    kept.rows.insert(day.source.clone(), of_day.clone());
                }
                rows.push(of_day);
            }
        }
        Ok(stream::iter(rows.into_iter().map(Ok)).boxed())
    }
}

/// Rows of several days, taken apart.
fn by_day(schema: &SchemaRef, rows: &[RecordBatch]) -> Result<HashMap<Key, RecordBatch>> {
    let mut parts: HashMap<Key, Vec<RecordBatch>> = HashMap::new();
    for batch in rows {
        let column = |name: &str, of: &DataType| match batch.column_by_name(name) {
            Some(column) => Ok(cast(column, of)?),
            None => datafusion::common::internal_err!("a rollup has no {name}"),
        };
        let (clusters, dates) = (column(CLUSTER_ID, &DataType::Utf8)?, column(LOG_DATE, &DataType::Date32)?);
        let (clusters, dates) = (clusters.as_string::<i32>(), dates.as_primitive::<Date32Type>());
        let mut places: HashMap<(&str, i32), Vec<u32>> = HashMap::new();
        for (row, number) in (0..batch.num_rows()).zip(0_u32..) {
            places.entry((clusters.value(row), dates.value(row))).or_default().push(number);
        }
        for ((cluster, day), places) in places {
            let part = take_record_batch(batch, &UInt32Array::from(places))?;
            parts.entry((cluster.to_owned(), day)).or_default().push(part);
        }
    }
    parts.into_iter().map(|(key, parts)| Ok((key, concat_batches(schema, &parts)?))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use arrow::array::{Date32Array, Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use proptest::prelude::*;

    use super::*;

    fn batch(rows: &[(u8, i32, i64)]) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("runs", DataType::Int64, true),
            Field::new(CLUSTER_ID, DataType::Utf8, true),
            Field::new(LOG_DATE, DataType::Date32, true),
        ]);
        let cluster = |(cluster, _, _): &(u8, i32, i64)| Some(format!("c{cluster}"));
        RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(rows.iter().map(|row| Some(row.2)).collect::<Int64Array>()),
                Arc::new(rows.iter().map(cluster).collect::<StringArray>()),
                Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Date32Array>()),
            ],
        )
        .unwrap()
    }

    proptest! {
        #[test]
        fn every_row_is_in_its_day_once(batches in prop::collection::vec(prop::collection::vec((0..3_u8, 0..3, 0..9_i64), 0..20), 0..4)) {
            let made: Vec<RecordBatch> = batches.iter().map(|rows| batch(rows)).collect();
            let days = by_day(&batch(&[]).schema(), &made).unwrap();
            let mut found = Vec::new();
            for ((cluster, day), rows) in &days {
                let runs = rows.column(0).as_primitive::<arrow::datatypes::Int64Type>();
                let (clusters, dates) = (rows.column(1).as_string::<i32>(), rows.column(2).as_primitive::<Date32Type>());
                prop_assert!(rows.num_rows() > 0);
                for row in 0..rows.num_rows() {
                    prop_assert_eq!((clusters.value(row), dates.value(row)), (cluster.as_str(), *day));
                    found.push((cluster[1..].parse().unwrap(), *day, runs.value(row)));
                }
            }
            let mut all: Vec<(u8, i32, i64)> = batches.concat();
            all.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, all);
        }
    }
}
