//! What stops an exporter in the middle: every side effect in turn, random faults with two exporters at once, and `kill -9` of
//! the real binary. Afterwards the lake must equal what the clusters have shown, as a multiset.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stdout, reason = "seeds and counts belong into the test's output")]

mod enumerate;
mod faults;
mod kill;
mod random;
mod rollups;
mod scene;
#[allow(dead_code, reason = "shared with other test targets, which use the rest")]
#[path = "../e2e/support/world.rs"]
mod world;
