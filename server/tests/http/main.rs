//! The HTTP API over a small lake, on a real socket, asked by a client that shows every byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]
#![allow(unreachable_pub, reason = "nothing uses a test as a library")]

#[path = "../../../query/tests/lake/support.rs"]
#[allow(dead_code, reason = "the tests in `query` use the rest")]
mod lake;

mod client;
mod doors;
mod forms;
mod gone;
mod hostile;
mod refusals;
mod reports;
