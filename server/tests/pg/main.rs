//! PostgreSQL's wire protocol over a small lake, on a real socket, with a real driver and with bytes that no driver would send.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]
#![allow(unreachable_pub, reason = "nothing uses a test as a library")]

#[path = "../../../query/tests/lake/support.rs"]
#[allow(dead_code, reason = "the tests in `query` use the rest")]
mod lake;

mod asking;
mod catalog;
mod gone;
mod hostile;
mod limits;
mod logins;
mod psql;
mod server;
