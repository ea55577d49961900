//! Questions over small lakes that the tests write themselves, as the exporter writes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]
#![allow(unreachable_pub, reason = "nothing uses a test as a library")]

mod asking;
mod diagnostics;
mod errors;
mod formats;
mod limits;
mod pruning;
mod support;
mod versions;
