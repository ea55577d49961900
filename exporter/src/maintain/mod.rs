//! Looking after the lake: closed days become one sorted file per cluster, and so do those of the record of encryption and of the
//! run ledger; rollups follow their logs, files that nothing needs any more go.

mod compact;
mod merge;
mod own;
mod rewrite;
mod rollups;
mod vacuum;

pub use compact::{CompactReport, compact};
pub use own::compact_own;
pub use rollups::{RollupDays, RollupEngine, RollupReport, Rows, roll_up};
pub use vacuum::{VacuumReport, vacuum};
