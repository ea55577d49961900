//! Columns of data files, decoded, kept for the statements that come.
//!
//! Dashboards ask the same of the same files again and again, and most of what that costs is unpacking them. A data file never
//! changes and its name is never used again, so what was decoded stays right for as long as it is kept. It is kept compactly
//! ([`kept`]), up to a number of bytes, and what statements ask for most often stays longest.
//!
//! A column is kept when it is asked for the second time: a statement that is asked once costs nothing more than without.

mod file;
mod header;
mod kept;
mod morsels;
mod pages;
mod source;
mod whole;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Equivalent, OptionsBuilder, Weighter};

pub(crate) use kept::Kept;
pub(crate) use source::Remembered;
pub(crate) use whole::Shared;

/// What an entry takes besides its column: names, and its place in the cache.
const ENTRY_BYTES: u64 = 256;

/// What is kept of the columns of data files.
pub(crate) struct Columns {
    bytes: u64,
    known: Cache<Key, Known, Bytes>,
}

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Columns")
            .field("bytes", &self.bytes)
            .field("used", &self.known.weight())
            .finish_non_exhaustive()
    }
}

/// What is kept of the columns that a scan wants of a file.
#[derive(Debug)]
pub(crate) enum Found {
    /// All of them, in the order in which they were asked for.
    All(Vec<Arc<Kept>>),
    /// Not all, but all were asked for before: it is time to keep them.
    Due(Vec<Option<Arc<Kept>>>),
    /// Some were never asked for.
    New,
}

impl Columns {
    /// Keeps up to `bytes` in all. 0 keeps nothing.
    pub(crate) fn new(bytes: usize) -> Option<Arc<Self>> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        // One shard: an entry can then be as large as the whole.
        let options = OptionsBuilder::new().shards(1).estimated_items_capacity(10_000).weight_capacity(bytes).build();
        let options = options.ok().filter(|_| bytes > 0)?;
        let known = Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Some(Arc::new(Self { bytes, known }))
    }

    /// The most that one scan may add: it leaves room for what others asked for.
    pub(crate) fn most_of_a_scan(&self) -> u64 {
        self.bytes / 2
    }

    /// Looks for columns of a file, and remembers that they were asked for.
    pub(crate) fn find(&self, file: &str, columns: &[Arc<str>]) -> Found {
        let mut asked_before = true;
        let mut found = Vec::with_capacity(columns.len());
        for column in columns {
            found.push(match self.known.get(&Wanted { file, column }) {
                Some(Known::Kept(kept)) => Some(kept),
                Some(Known::Asked) => None,
                None => {
                    asked_before = false;
                    self.known.insert(Key { file: file.into(), column: Arc::clone(column) }, Known::Asked);
                    None
                }
            });
        }
        match found.iter().cloned().collect() {
            Some(all) => Found::All(all),
            None if asked_before => Found::Due(found),
            None => Found::New,
        }
    }

    /// Whether all of these columns of a file are kept. It does not count as asking for them.
    pub(crate) fn has(&self, file: &str, columns: &[Arc<str>]) -> bool {
        columns.iter().all(|column| matches!(self.known.peek(&Wanted { file, column }), Some(Known::Kept(_))))
    }

    /// Keeps a column, if it is worth the room.
    pub(crate) fn keep(&self, file: &str, column: &Arc<str>, kept: &Arc<Kept>) {
        self.known.insert(Key { file: file.into(), column: Arc::clone(column) }, Known::Kept(Arc::clone(kept)));
    }
}

#[derive(Clone)]
enum Known {
    Asked,
    Kept(Arc<Kept>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    file: Arc<str>,
    column: Arc<str>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Wanted { file: &self.file, column: &self.column }.hash(state);
    }
}

/// A key that is looked for.
#[derive(Hash)]
struct Wanted<'a> {
    file: &'a str,
    column: &'a str,
}

impl Equivalent<Key> for Wanted<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.file == *key.file && *self.column == *key.column
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Known> for Bytes {
    fn weight(&self, _: &Key, known: &Known) -> u64 {
        ENTRY_BYTES
            + match known {
                Known::Asked => 0,
                Known::Kept(kept) => kept.bytes() as u64,
            }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    fn names(columns: &[&str]) -> Vec<Arc<str>> {
        columns.iter().map(|&column| column.into()).collect()
    }

    fn texts(rows: usize) -> Arc<Kept> {
        let array: ArrayRef = Arc::new((0..rows).map(|row| Some(format!("{row:08}"))).collect::<StringArray>());
        Arc::new(Kept::new(array))
    }

    #[test]
    fn a_column_is_due_when_it_is_asked_for_again() {
        let columns = Columns::new(1 << 20).unwrap();
        assert!(matches!(columns.find("a", &names(&["x", "y"])), Found::New));
        assert!(matches!(columns.find("b", &names(&["x", "y"])), Found::New));
        assert!(matches!(columns.find("a", &names(&["y", "z"])), Found::New));
        let Found::Due(found) = columns.find("a", &names(&["x", "z"])) else { panic!() };
        assert!(found.iter().all(Option::is_none));
        columns.keep("a", &names(&["x"])[0], &texts(10));
        let Found::Due(found) = columns.find("a", &names(&["z", "x"])) else { panic!() };
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
        assert!(matches!(columns.find("a", &names(&["x", "new"])), Found::New));
        let Found::All(all) = columns.find("a", &names(&["x"])) else { panic!() };
        assert_eq!(all[0].rows(), 10);
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        let columns = Columns::new(100_000).unwrap();
        let column = names(&["x"])[0].clone();
        for file in 0..200 {
            columns.keep(&file.to_string(), &column, &texts(500));
            assert!(columns.known.weight() <= 100_000, "{columns:?}");
        }
        assert!(columns.known.weight() > 50_000, "{columns:?}");
        // One that is larger than all of the room is not kept, and drives nothing out.
        let before = columns.known.len();
        columns.keep("large", &column, &texts(50_000));
        assert!(columns.known.len() >= before);
        assert!(matches!(columns.find("large", &[column]), Found::New));
        assert!(Columns::new(0).is_none());
    }
}
