//! Looking after the lake: closed days become one sorted file per cluster, files that nothing needs any more go.

mod compact;
mod merge;
mod vacuum;

pub use compact::{CompactReport, compact};
pub use vacuum::{VacuumReport, vacuum};
