//! What the lake already has of a window: identities read back from data files, as multisets.
//!
//! Rows are compared over the columns that both the file's rows and the present read were read with: a column that AWS added in
//! between does not make old rows new. Files with different column lists are therefore compared separately, those with the most
//! columns first. A row that says something in a column that a file's rows did not have is most likely not one of them, and is
//! taken for one only if, at the end of the read, nothing else has accounted for the file's row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use futures::StreamExt;
use lookback_schemas::TableSpec;
use lookback_schemas::identity::{Identity, IdentityError, Multiset, RowId};
use lookback_schemas::names::FOOTER_COLUMNS;
use lookback_schemas::time::{DAY, day_of};
use parquet::arrow::ProjectionMask;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;

use super::reader;
use super::snapshot::{DataFile, Snapshot};
use super::table::LakeTable;
use crate::error::{Error, ErrorKind, Result, lake};
use crate::placement::times;
use crate::source::Window;

/// How far from a driven table's window its rows may have been stored under another parent: longer than any system table is
/// kept.
const STRAY_DAYS: i32 = 9;

struct Group {
    identity: Identity,
    rows: Multiset,
}

/// The lake's rows that a read may meet again.
pub struct Present {
    table: Arc<LakeTable>,
    snapshot: Arc<Snapshot>,
    spec: &'static TableSpec,
    cluster_id: String,
    window: Window,
    source_columns: HashSet<String>,
    groups: Vec<Group>,
    loaded: HashSet<Arc<str>>,
    kept_back: Vec<RecordBatch>,
    youngest_before: Option<(i64, i64)>,
}

impl Present {
    /// Reads back the files of a cluster that touch the window. `covered` is the coverage before the read, to know the
    /// youngest row before it.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if a file cannot be read.
    pub async fn load(
        table: Arc<LakeTable>,
        snapshot: Arc<Snapshot>,
        spec: &'static TableSpec,
        cluster_id: &str,
        window: Window,
        source_columns: &[String],
        covered: Option<i64>,
    ) -> Result<Self> {
        let mut present = Self {
            table,
            snapshot: Arc::clone(&snapshot),
            spec,
            cluster_id: cluster_id.to_owned(),
            window,
            source_columns: source_columns.iter().cloned().collect(),
            groups: Vec::new(),
            loaded: HashSet::new(),
            kept_back: Vec::new(),
            youngest_before: covered.map(|c| (c, i64::MIN)),
        };
        if window.from < window.to {
            let days = day_of(window.from)..=day_of(window.to - 1);
            let touching =
                snapshot.files(cluster_id).iter().filter(|f| days.contains(&f.day) && touches(spec, f, window));
            for file in touching {
                present.read_file(file).await?;
            }
        }
        Ok(present)
    }

    /// Rows known to be in the lake and not yet met in the source.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.groups.iter().map(|g| g.rows.rows()).sum()
    }

    /// Time of the youngest row in the window before the old coverage.
    #[must_use]
    pub fn youngest_before_coverage(&self) -> Option<i64> {
        self.youngest_before.map(|(_, t)| t).filter(|&t| t != i64::MIN)
    }

    /// Which rows of a batch of the source are new. Each occurrence in the lake accounts for one in the source. Rows that cannot
    /// be told before the end of the read are kept back for [`Present::finish`].
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if a file cannot be read, [`ErrorKind::Schema`] for a type without identity.
    pub async fn new_rows(&mut self, batch: &RecordBatch) -> Result<Vec<bool>> {
        if self.spec.parent.is_some() {
            self.read_strays(batch).await?;
        }
        let mut new = vec![true; batch.num_rows()];
        let mut later = vec![false; batch.num_rows()];
        for group in self.groups.iter_mut().filter(|g| !g.rows.is_empty()) {
            let ids = group.identity.of_batch(batch).map_err(|e| unidentified(self.spec, e))?;
            let added: Vec<&ArrayRef> = added_columns(batch, &group.identity, &self.source_columns);
            for (row, id) in ids.into_iter().enumerate() {
                if !new[row] {
                    continue;
                }
                if added.iter().all(|column| says_nothing(column, row)) {
                    new[row] = !group.rows.take(id);
                } else if group.rows.has(id) {
                    later[row] = true;
                }
            }
        }
        for (new, later) in new.iter_mut().zip(&mut later) {
            *later &= *new;
            *new &= !*later;
        }
        if later.contains(&true) {
            let rows = filter_record_batch(batch, &BooleanArray::from(later));
            self.kept_back.push(rows.map_err(lake(format!("comparing rows of {}", self.spec.name)))?);
        }
        Ok(new)
    }

    /// At the end of a read: the rows that were kept back and turned out to be new.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] for a type without identity.
    pub fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        let mut found = Vec::new();
        for batch in std::mem::take(&mut self.kept_back) {
            let mut new = vec![true; batch.num_rows()];
            for group in self.groups.iter_mut().filter(|g| !g.rows.is_empty()) {
                let ids = group.identity.of_batch(&batch).map_err(|e| unidentified(self.spec, e))?;
                for (new, id) in new.iter_mut().zip(ids) {
                    *new = *new && !group.rows.take(id);
                }
            }
            let rows = filter_record_batch(&batch, &BooleanArray::from(new));
            found.push(rows.map_err(lake(format!("comparing rows of {}", self.spec.name)))?);
        }
        found.retain(|batch| batch.num_rows() > 0);
        Ok(found)
    }

    /// A driven row is stored under the time of the parent that was seen; under another parent of the same query it may be
    /// met again in another window. Such rows are in files whose query ids reach into the batch's.
    async fn read_strays(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(link) = self.spec.parent.as_ref().and_then(|p| p.on.first()) else { return Ok(()) };
        let Some(ids) = batch.column_by_name(link).and_then(|a| a.as_primitive_opt::<Int64Type>()) else {
            return Ok(());
        };
        let Some((low, high)) = arrow::compute::min(ids).zip(arrow::compute::max(ids)) else { return Ok(()) };
        let days = day_of(self.window.from) - STRAY_DAYS..=day_of(self.window.to) + STRAY_DAYS;
        let snapshot = Arc::clone(&self.snapshot);
        let strays = snapshot.files(&self.cluster_id).iter().filter(|f| {
            let overlaps = f.range(link).is_none_or(|(min, max)| min <= high && low <= max);
            days.contains(&f.day) && overlaps && !self.loaded.contains(&f.path)
        });
        let strays: Vec<&DataFile> = strays.collect();
        for file in strays {
            self.read_file(file).await?;
        }
        Ok(())
    }

    async fn read_file(&mut self, file: &DataFile) -> Result<()> {
        let what = format!("reading {}/{}", self.table.name(), file.path);
        self.loaded.insert(file.path.clone());
        let builder = reader::open(&self.table, &file.path, file.size).await?;
        let file_columns =
            source_columns(builder.metadata(), builder.schema().fields().iter().map(|f| f.name().as_str()));
        let identity_columns: Vec<&String> = file_columns.iter().filter(|c| self.source_columns.contains(*c)).collect();
        let identity = Identity::new(&self.spec.name, &identity_columns);
        let time_columns = std::iter::once(self.spec.time_column()).chain(self.spec.fallback.as_deref());
        let wanted: HashSet<&str> = identity.columns().iter().map(String::as_str).chain(time_columns).collect();
        let roots = builder
            .schema()
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, f)| wanted.contains(f.name().as_str()))
            .map(|(i, _)| i);
        let projection = ProjectionMask::roots(builder.parquet_schema(), roots);
        let groups = self.row_groups(builder.metadata());
        let mut stream = builder
            .with_projection(projection)
            .with_row_groups(groups)
            .with_batch_size(8_192)
            .build()
            .map_err(lake(what.clone()))?;
        let found = self.groups.iter().position(|g| g.identity.columns() == identity.columns());
        let at = found.unwrap_or_else(|| {
            // The most columns first: the most exact comparison.
            let at = self.groups.partition_point(|g| g.identity.columns().len() > identity.columns().len());
            self.groups.insert(at, Group { identity, rows: Multiset::default() });
            at
        });
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(lake(what.clone()))?;
            let times = times(self.spec, &batch);
            let group = &mut self.groups[at];
            let ids: Vec<RowId> =
                group.identity.of_batch(&batch).map_err(|e| Error::new(ErrorKind::Schema, what.clone()).because(e))?;
            for (id, time) in ids.into_iter().zip(times) {
                let inside = time.is_some_and(|t| self.window.contains(t));
                // A driven row is the same row under whichever parent it was stored.
                if inside || self.spec.parent.is_some() {
                    group.rows.add(id);
                }
                if let (Some((covered, youngest)), Some(time)) = (&mut self.youngest_before, time.filter(|_| inside))
                    && time < *covered
                {
                    *youngest = (*youngest).max(time);
                }
            }
        }
        Ok(())
    }

    /// Row groups whose rows can lie in the window.
    fn row_groups(&self, metadata: &ParquetMetaData) -> Vec<usize> {
        let time = self.spec.time_column();
        let simple =
            self.spec.parent.is_none() && self.spec.cursor_unit == lookback_schemas::registry::CursorUnit::Timestamp;
        let groups = metadata.row_groups().iter().enumerate().filter(|(_, group)| {
            let column = group.columns().iter().find(|c| c.column_descr().name() == time);
            let Some(Statistics::Int64(s)) = column.and_then(|c| c.statistics()).filter(|_| simple) else {
                return true;
            };
            match (s.min_opt(), s.max_opt(), s.null_count_opt()) {
                // Rows whose cursor is null or says "never" are placed by their fallback.
                (Some(&min), Some(&max), Some(0)) if lookback_schemas::time::is_real(min) => {
                    min < self.window.to && self.window.from <= max
                }
                _ => true,
            }
        });
        groups.map(|(i, _)| i).collect()
    }
}

/// Columns of the source that the rows of a group were not read with.
fn added_columns<'a>(batch: &'a RecordBatch, identity: &Identity, source: &HashSet<String>) -> Vec<&'a ArrayRef> {
    let fields = batch.schema_ref().fields().iter().zip(batch.columns());
    let added =
        fields.filter(|(f, _)| source.contains(f.name()) && identity.columns().binary_search(f.name()).is_err());
    added.map(|(_, column)| column).collect()
}

/// Whether a value is what a new column has in rows that are older than it: null, or its type's empty value.
fn says_nothing(column: &ArrayRef, row: usize) -> bool {
    if column.is_null(row) {
        return true;
    }
    let any = column.as_any();
    if let Some(a) = any.downcast_ref::<Int64Array>() {
        a.value(row) == 0
    } else if let Some(a) = any.downcast_ref::<StringArray>() {
        a.value(row).trim_end().is_empty()
    } else if let Some(a) = any.downcast_ref::<BooleanArray>() {
        !a.value(row)
    } else if let Some(a) = any.downcast_ref::<Float64Array>() {
        a.value(row) == 0.0
    } else if let Some(a) = any.downcast_ref::<Decimal128Array>() {
        a.value(row) == 0
    } else if let Some(a) = any.downcast_ref::<TimestampMicrosecondArray>() {
        !lookback_schemas::time::is_real(a.value(row))
    } else {
        false
    }
}

fn unidentified(spec: &TableSpec, e: IdentityError) -> Error {
    Error::new(ErrorKind::Schema, spec.name.clone()).because(e)
}

/// The columns that a file's rows were read with.
pub(crate) fn source_columns<'a>(metadata: &ParquetMetaData, all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let recorded = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let recorded = recorded.filter(|kv| kv.key == FOOTER_COLUMNS).find_map(|kv| kv.value.as_deref());
    match recorded {
        Some(list) => list.split(',').filter(|c| !c.is_empty()).map(str::to_owned).collect(),
        None => all.filter(|c| *c != lookback_schemas::names::LOG_TIME).map(str::to_owned).collect(),
    }
}

/// Whether a file can hold rows of the window.
fn touches(spec: &TableSpec, file: &DataFile, window: Window) -> bool {
    match file.time_range(spec.time_column()) {
        Some((min, max)) if lookback_schemas::time::is_real(min) => min < window.to && window.from <= max,
        _ => true,
    }
}

/// Cuts a window so that each piece holds at most about `limit` rows of the lake, by the files' row counts: what is read back at
/// once stays bounded, however many rows a day has.
#[must_use]
pub fn bounded_slices(snapshot: &Snapshot, cluster_id: &str, window: Window, limit: u64) -> Vec<Window> {
    let days = day_of(window.from)..=day_of(window.to.max(window.from + 1) - 1);
    let mut per_day: HashMap<i32, u64> = HashMap::new();
    for file in snapshot.files(cluster_id).iter().filter(|f| days.contains(&f.day)) {
        *per_day.entry(file.day).or_default() += file.rows().unwrap_or(0);
    }
    if per_day.values().sum::<u64>() <= limit {
        return vec![window];
    }
    let most = per_day.values().copied().max().unwrap_or(0);
    let pieces = i64::try_from(most.div_ceil(limit.max(1)).max(1)).unwrap_or(i64::MAX);
    crate::window::slices(window, (DAY / pieces).max(1))
}
