//! Administrators' scripts over two clusters whose ids collide, with answers that were worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]
#![allow(unreachable_pub, reason = "nothing uses a test as a library")]

mod cases;
mod columns;
mod fleet;
#[allow(dead_code, reason = "shared with the tests in `lake`, which use all of it")]
#[path = "../lake/support.rs"]
mod support;
mod views;
