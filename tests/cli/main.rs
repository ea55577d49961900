//! The command line as a user meets it: the real binary in a folder of its own, against simulated clusters on loopback.
//!
//! Results, error texts, exit codes, and what is left behind in the lake when something goes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod alert;
mod audit;
mod catalog;
mod clusters;
mod commands;
mod demo;
mod help;
#[path = "../../query/tests/lake/support.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests of the query layer use more of it")]
mod lakes;
mod live;
#[path = "../e2e/support/postgres.rs"]
#[allow(dead_code, reason = "the end-to-end tests use more of it")]
mod postgres;
mod record;
mod rollups;
mod secrets;
mod server;
mod service;
mod settings;
mod shell;
mod sql;
mod stop;
mod storage;
mod support;
mod terminal;
mod upkeep;
