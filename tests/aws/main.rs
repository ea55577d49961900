//! Against the real interfaces of AWS, as moto answers them on loopback, through the SDK that the product uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]
#![allow(clippy::print_stdout, reason = "seeds and counts belong into the test's output")]

mod access;
mod alerts;
mod bucket;
mod check;
mod crash;
mod dynamo;
mod fleet;
mod kill;
mod lake;
#[allow(dead_code, unreachable_pub, reason = "the tests of the query layer use more of it")]
#[path = "../../query/tests/lake/support.rs"]
mod lakes;
mod lives;
mod moto_works;
mod proxy_works;
mod record;
mod rollups;
mod secrets;
mod support;
#[allow(dead_code, reason = "shared with other test targets, which use the rest")]
#[path = "../e2e/support/world.rs"]
mod world;
