//! Collections against a world in memory, whose clock goes on only when somebody waits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod alarms;
mod failures;
mod identity;
mod normal;
mod scene;
mod side;
mod upkeep;
mod world;
