//! Looking after the lake: closed days become one sorted file per cluster, rollups follow their logs, files that nothing needs
//! any more go.

mod compact;
mod merge;
mod rollups;
mod vacuum;

pub use compact::{CompactReport, compact};
pub use rollups::{RollupDays, RollupEngine, RollupReport, Rows, roll_up};
pub use vacuum::{VacuumReport, vacuum};
