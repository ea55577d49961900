//! The functions that Redshift and PostgreSQL share, asked of lookback and of a real PostgreSQL server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]
#![allow(unreachable_pub, reason = "nothing uses a test as a library")]

mod functions;
mod inputs;
mod server;
