//! What statements may use.

use std::time::Duration;

/// What a statement may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory for sorts, joins and aggregates, shared by the statements of a session: one that runs alone has half,
    /// `n` have each the `n + 1`th part. Beyond it they spill to temporary files, or fail if they cannot.
    pub memory_bytes: usize,
    /// Bytes of memory, besides, for columns of data files that were asked for more than once; a quarter more is for days of
    /// rollups that are not stored yet. 0 keeps none.
    pub columns_bytes: usize,
    /// Bytes that a statement may have in temporary files at a time.
    pub spill_bytes: u64,
    /// Rows that an answer may have.
    pub max_rows: Option<u64>,
    /// Time from the start of a statement to its last row.
    pub timeout: Duration,
    /// How many parts of a statement run at once, each on a thread of its own.
    pub target_partitions: usize,
}

impl Default for Limits {
    /// 1 GiB, 512 MiB of columns, 20 GiB of temporary files, any number of rows, 10 minutes, one part per processor.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            memory_bytes: 1 << 30,
            columns_bytes: 512 << 20,
            spill_bytes: 20 << 30,
            max_rows: None,
            timeout: Duration::from_secs(600),
            target_partitions: processors,
        }
    }
}
