//! The list of files after further commits, from the list before and the commits alone.
//!
//! A table gets a commit every few minutes, and each names few of its files. What a commit can say besides adding and
//! removing files (other columns, another protocol) is left to a complete reading of the log.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::interleave;
use arrow::datatypes::{Date32Type, UInt64Type};
use arrow::error::ArrowError;
use bytes::Bytes;
use deltalake::DeltaTableError;
use object_store::path::Path;

use super::actions::{Add, Line, lines};
use super::bounds::{Bounds, Statistics};
use super::files::{FileList, TableFile, partition_array, path_of};

type Picked = Result<ArrayRef, ArrowError>;

/// What commits changed, taken together.
#[derive(Default)]
struct Changes<'a> {
    // Files of before that are no longer there, or are there anew.
    gone: HashSet<Path>,
    added: BTreeMap<Path, Add<'a>>,
}

impl FileList {
    /// The list of a later version, from the commits in between; `None` if they say more than which files there are.
    ///
    /// # Errors
    /// If a commit cannot be understood.
    pub(super) fn advance(&self, commits: &[Bytes]) -> Result<Option<Self>, DeltaTableError> {
        let mut changes = Changes::default();
        for commit in commits {
            for line in lines(commit) {
                if !changes.take(line?)? {
                    return Ok(None);
                }
            }
        }
        self.with(&changes, self.version + commits.len() as u64).map(Some)
    }

    fn with(&self, changes: &Changes<'_>, version: u64) -> Result<Self, DeltaTableError> {
        let partition_columns = self.schema.table_partition_cols();
        let added: Vec<(&Path, &Add<'_>)> = changes.added.iter().collect();
        let partition = partition_columns.iter().map(|field| {
            let value = |(path, add): &(&Path, &Add<'_>)| {
                let value = add.partition_values.get(field.name()).cloned().flatten();
                value.ok_or_else(|| DeltaTableError::generic(format!("file {path} has no {}", field.name())))
            };
            let values = added.iter().map(value).collect::<Result<Vec<String>, _>>()?;
            partition_array(field, &values.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let partition = partition.collect::<Result<Vec<_>, DeltaTableError>>()?;
        let stats = Statistics::parse(self.schema.file_schema(), added.iter().map(|(_, add)| add.stats.as_deref()));

        // Where each file is: in the list (0) or among the added (1).
        let kept = (0..self.files.len()).filter(|&file| !changes.gone.contains(&self.files[file].path));
        let mut order: Vec<(usize, usize)> = kept.map(|file| (0, file)).collect();
        order.extend((0..added.len()).map(|file| (1, file)));
        let path = |&(side, file): &(usize, usize)| if side == 0 { &self.files[file].path } else { added[file].0 };
        if let (Some(before), Some(new)) = (self.partition.last(), partition.last()) {
            let days = [days(before), days(new)];
            order.sort_by(|a, b| (days[a.0][a.1], path(a)).cmp(&(days[b.0][b.1], path(b))));
        }
        let pick = |before: &ArrayRef, new: &ArrayRef| interleave(&[before.as_ref(), new.as_ref()], &order);
        let joined = self.partition.iter().zip(&partition).map(|(before, new)| pick(before, new));
        Ok(Self {
            table: self.table.clone(),
            version,
            schema: self.schema.clone(),
            files: order.iter().map(|at| self.file_at(*at, &added)).collect(),
            partition: joined.collect::<Result<_, _>>()?,
            stats: self.stats.joined(&stats, &pick)?,
        })
    }

    fn file_at(&self, (side, file): (usize, usize), added: &[(&Path, &Add<'_>)]) -> TableFile {
        match side {
            0 => self.files[file].clone(),
            _ => TableFile { path: added[file].0.clone(), size: added[file].1.size },
        }
    }
}

impl<'a> Changes<'a> {
    /// Takes a line into account; false if it says what this cannot follow.
    fn take(&mut self, line: Line<'a>) -> Result<bool, DeltaTableError> {
        if line.meta_data.is_some() || line.protocol.is_some() {
            return Ok(false);
        }
        if let Some(remove) = line.remove {
            let path = path_of(&remove.path)?;
            self.added.remove(&path);
            self.gone.insert(path);
        }
        if let Some(add) = line.add {
            if add.deletion_vector.is_some() {
                return Ok(false);
            }
            let path = path_of(&add.path)?;
            self.gone.insert(path.clone());
            self.added.insert(path, add);
        }
        Ok(true)
    }
}

/// The days of a partition column, or of none.
fn days(column: &ArrayRef) -> Vec<Option<i32>> {
    let days = column.as_primitive_opt::<Date32Type>().map(|days| days.iter().collect());
    days.unwrap_or_else(|| vec![None; column.len()])
}

impl Statistics {
    /// These and others, picked out of both.
    fn joined(&self, others: &Self, pick: &impl Fn(&ArrayRef, &ArrayRef) -> Picked) -> Result<Self, DeltaTableError> {
        let numbers = |own: &UInt64Array, other: &UInt64Array| -> Result<UInt64Array, DeltaTableError> {
            let (own, other): (ArrayRef, ArrayRef) = (Arc::new(own.clone()), Arc::new(other.clone()));
            Ok(pick(&own, &other)?.as_primitive::<UInt64Type>().clone())
        };
        let mut columns = BTreeMap::new();
        let names: BTreeSet<&str> = self.names().chain(others.names()).collect();
        for name in names {
            let (own, other) = (self.bounds_or_none(name, others), others.bounds_or_none(name, self));
            let exact: (ArrayRef, ArrayRef) = (Arc::new(own.exact), Arc::new(other.exact));
            let bounds = Bounds {
                min: pick(&own.min, &other.min)?,
                max: pick(&own.max, &other.max)?,
                exact: pick(&exact.0, &exact.1)?.as_boolean().clone(),
                nulls: numbers(&own.nulls, &other.nulls)?,
            };
            columns.insert(name.to_owned(), bounds);
        }
        Ok(Self::new(numbers(&self.rows, &others.rows)?, columns))
    }
}
