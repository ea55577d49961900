//! Which days of a rollup are what the logs would give, and which are not.
//!
//! A rollup's file carries, in its name, a hash over the names of the files that it was computed from. Names are never used
//! twice, so the hash is the same exactly as long as the logs of that cluster and day are the same files: late rows, which come
//! in files of their own, change it. So does compaction, which keeps the rows; the day is then computed again for nothing, once.

use std::collections::BTreeMap;
use std::fmt;

use crate::layout::rollup_source;

/// A cluster's incarnation and a day (since 1970-01-01).
pub type Key = (String, i32);

/// Whether the stored rows of a cluster and day are what the logs give now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DayState {
    /// They are.
    Current,
    /// They were, but the logs have changed since, or the way in which they are summed up.
    Stale,
    /// There are none, and the logs have rows.
    Missing,
    /// There are some, and the logs have no rows any more.
    Superfluous,
}

impl fmt::Display for DayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Superfluous => "superfluous",
        })
    }
}

/// A cluster's day in a rollup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// How its stored rows compare with the logs.
    pub state: DayState,
    /// The files of the logs that it is to be computed from, as one hash; what is computed is stored under it.
    pub source: String,
    /// How many files these are.
    pub files: usize,
}

/// The hash that stands for a set of files: the table and the path of each, in any order. `definition` is the text of the
/// statement that sums them up, so that a changed statement makes every day stale. 32 hexadecimal digits.
#[must_use]
pub fn source_state(definition: &str, mut files: Vec<(&str, &str)>) -> String {
    files.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key("lookback rollup source 1");
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    add(definition);
    for (table, path) in files {
        add(table);
        add(path);
    }
    let hash = hasher.finalize();
    hash.to_hex().chars().take(32).collect()
}

/// Compares what a rollup has with what the logs have. `logs` are the files of its source tables, as (cluster and day, table,
/// path); `stored` are the rollup's own, as (cluster and day, path). A day is current if exactly one file is stored for it, and
/// that one was computed from exactly these files of the logs.
pub fn days<'a>(
    definition: &str,
    logs: impl IntoIterator<Item = (Key, &'a str, &'a str)>,
    stored: impl IntoIterator<Item = (Key, &'a str)>,
) -> BTreeMap<Key, Day> {
    let mut sources: BTreeMap<Key, Vec<(&str, &str)>> = BTreeMap::new();
    for (key, table, path) in logs {
        sources.entry(key).or_default().push((table, path));
    }
    let mut kept: BTreeMap<Key, Vec<&str>> = BTreeMap::new();
    for (key, path) in stored {
        kept.entry(key).or_default().push(path);
    }
    let mut all = BTreeMap::new();
    for (key, files) in sources {
        let count = files.len();
        let source = source_state(definition, files);
        let state = match kept.remove(&key).as_deref() {
            None => DayState::Missing,
            Some([one]) if rollup_source(one) == Some(source.as_str()) => DayState::Current,
            Some(_) => DayState::Stale,
        };
        all.insert(key, Day { state, source, files: count });
    }
    let gone =
        |key| (key, Day { state: DayState::Superfluous, source: source_state(definition, Vec::new()), files: 0 });
    all.extend(kept.into_keys().map(gone));
    all
}

#[cfg(test)]
mod tests;
