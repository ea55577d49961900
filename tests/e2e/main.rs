//! End to end over the wire: every failure that the usual ways of keeping these logs have, set up and survived.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]

mod failures;
mod live;
mod located;
mod postgres_source;
mod support;
