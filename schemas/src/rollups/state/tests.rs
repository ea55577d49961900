#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::layout::rollup_file;

const DEFINITION: &str = "SELECT 1";

/// A lake in small: the files of two logs, and those of a rollup with what they were computed from.
#[derive(Debug, Clone, Default)]
struct Model {
    logs: BTreeMap<Key, BTreeSet<(String, String)>>,
    stored: BTreeMap<Key, Vec<String>>,
    numbers: u32,
}

#[derive(Debug, Clone)]
enum Change {
    /// Rows arrive, late or not: a file more.
    Add(u8, i32, bool),
    /// The files of one log become one, with the same rows.
    Compact(u8, i32),
    /// A day is taken out of the logs.
    Drop(u8, i32),
    /// What is due is brought up to date.
    Maintain,
    /// What is due is computed, but the process ends before it is committed.
    Crash,
}

impl Model {
    fn path(&mut self, key: &Key) -> String {
        self.numbers += 1;
        format!("cluster_id={}/log_date={}/part-{}-00000.parquet", key.0, key.1, self.numbers)
    }

    fn states(&self) -> BTreeMap<Key, Day> {
        let logs = self.logs.iter().flat_map(|(key, files)| {
            files.iter().map(move |(table, path)| (key.clone(), table.as_str(), path.as_str()))
        });
        let stored =
            self.stored.iter().flat_map(|(key, paths)| paths.iter().map(move |path| (key.clone(), path.as_str())));
        days(DEFINITION, logs, stored)
    }

    fn maintain(&mut self) {
        for (key, day) in self.states() {
            match day.state {
                DayState::Current => {}
                DayState::Superfluous => {
                    self.stored.remove(&key);
                }
                DayState::Stale | DayState::Missing => {
                    self.numbers += 1;
                    let path = rollup_file(&key.0, key.1, &self.numbers.to_string(), &day.source);
                    self.stored.insert(key, vec![path]);
                }
            }
        }
    }

    fn apply(&mut self, change: &Change) {
        let key = |cluster: &u8, day: &i32| (format!("c{cluster}"), *day);
        match change {
            Change::Add(cluster, day, first) => {
                let key = key(cluster, day);
                let path = self.path(&key);
                let table = if *first { "stl_query" } else { "stl_wlm_query" };
                self.logs.entry(key).or_default().insert((table.to_owned(), path));
            }
            Change::Compact(cluster, day) => {
                let key = key(cluster, day);
                let path = self.path(&key);
                if let Some(files) = self.logs.get_mut(&key) {
                    let before = files.len();
                    files.retain(|(table, _)| table != "stl_query");
                    if files.len() < before {
                        files.insert(("stl_query".to_owned(), path));
                    }
                }
            }
            Change::Drop(cluster, day) => {
                self.logs.remove(&key(cluster, day));
            }
            Change::Maintain => self.maintain(),
            Change::Crash => {
                let mut doomed = self.clone();
                doomed.maintain();
                self.numbers = doomed.numbers;
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        5 => (0..3_u8, 0..4_i32, any::<bool>()).prop_map(|(c, d, t)| Change::Add(c, d, t)),
        1 => (0..3_u8, 0..4_i32).prop_map(|(c, d)| Change::Compact(c, d)),
        1 => (0..3_u8, 0..4_i32).prop_map(|(c, d)| Change::Drop(c, d)),
        2 => Just(Change::Maintain),
        1 => Just(Change::Crash),
    ]
}

proptest! {
    #[test]
    fn a_day_is_current_exactly_if_nothing_happened_to_its_logs_since_it_was_stored(
        changes in proptest::collection::vec(change(), 0..40)
    ) {
        let mut model = Model::default();
        // What each stored day was computed from, noted by the test itself.
        let mut computed: BTreeMap<Key, BTreeSet<(String, String)>> = BTreeMap::new();
        for change in changes {
            model.apply(&change);
            if matches!(change, Change::Maintain) {
                computed = model.logs.clone();
            }
            let states = model.states();
            let keys: BTreeSet<&Key> = model.logs.keys().chain(model.stored.keys()).collect();
            prop_assert_eq!(states.keys().collect::<BTreeSet<_>>(), keys);
            for (key, day) in &states {
                let want = match (model.logs.get(key), computed.get(key)) {
                    (Some(now), Some(then)) if now == then => DayState::Current,
                    (Some(_), Some(_)) => DayState::Stale,
                    (Some(_), None) => DayState::Missing,
                    (None, _) => DayState::Superfluous,
                };
                prop_assert_eq!(day.state, want, "{:?}", key);
                prop_assert_eq!(day.files, model.logs.get(key).map_or(0, BTreeSet::len));
            }
        }
        model.maintain();
        prop_assert!(model.states().values().all(|day| day.state == DayState::Current));
    }

    #[test]
    fn the_order_of_files_does_not_matter_and_everything_else_does(
        names in proptest::collection::btree_set("[a-c/]{1,4}", 1..6), seed in any::<prop::sample::Index>()
    ) {
        let files: Vec<(&str, &str)> = names.iter().map(|name| ("t", name.as_str())).collect();
        let whole = source_state(DEFINITION, files.clone());
        let mut turned = files.clone();
        turned.rotate_left(seed.index(files.len()));
        prop_assert_eq!(&whole, &source_state(DEFINITION, turned));
        let mut fewer = files.clone();
        fewer.remove(seed.index(files.len()));
        prop_assert_ne!(&whole, &source_state(DEFINITION, fewer));
        let other: Vec<(&str, &str)> = files.iter().map(|(_, path)| ("u", *path)).collect();
        prop_assert_ne!(&whole, &source_state(DEFINITION, other));
        prop_assert_ne!(&whole, &source_state("SELECT 2", files));
        prop_assert_eq!(whole.len(), 32);
    }
}

#[test]
fn names_that_run_into_each_other_are_told_apart() {
    assert_ne!(source_state("", vec![("ab", "c")]), source_state("", vec![("a", "bc")]));
    assert_ne!(source_state("a", vec![]), source_state("", vec![("a", "")]));
}

#[test]
fn two_files_of_one_day_are_stale_whatever_they_say() {
    let key = || ("etl".to_owned(), 1);
    let source = source_state(DEFINITION, vec![("stl_query", "a")]);
    let paths = [rollup_file("etl", 1, "x", &source), rollup_file("etl", 1, "y", &source)];
    let states = |stored: &[String]| {
        let stored: Vec<(Key, &str)> = stored.iter().map(|path| (key(), path.as_str())).collect();
        days(DEFINITION, [(key(), "stl_query", "a")], stored)[&key()].state
    };
    assert_eq!(states(&paths[..1]), DayState::Current);
    assert_eq!(states(&paths), DayState::Stale);
    assert_eq!(states(&["part-of-somebody-else.parquet".to_owned()]), DayState::Stale);
}
