//! The story of a simulated year, and what every check says about it: see `story/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]
#![allow(unreachable_pub, reason = "nothing uses a test as a library")]

mod answers;
mod engine;
mod holes;
mod story;
#[allow(dead_code, reason = "shared with the tests in `lake`, which use all of it")]
#[path = "../lake/support.rs"]
mod support;
mod timeline;
