//! Answers compared with those of a real PostgreSQL server, on random input, where Redshift means what PostgreSQL means.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]
#![allow(unreachable_pub, reason = "nothing uses a test as a library")]

mod functions;
mod inputs;
mod meaning;
mod server;
