//! Questions over small lakes that the tests write themselves, as the exporter writes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]
#![allow(unreachable_pub, reason = "nothing uses a test as a library")]

mod aggregates;
mod asking;
mod columns;
mod describing;
mod diagnostics;
mod dialect;
mod errors;
mod formats;
mod limits;
mod meaning;
mod pruning;
mod rollups;
mod steps;
mod streaming;
mod support;
mod versions;
