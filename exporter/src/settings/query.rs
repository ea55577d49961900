//! `[query]`: what a question may use. The exporter asks none; the section is here because there is one configuration file.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// `[query]`: limits of the questions of one process (`sql`, `diagnose`, `audit`, `serve`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuerySettings {
    /// Memory for sorts, joins and aggregates of all questions together, in MiB: one that runs alone has half of it.
    pub memory_mb: usize,
    /// Memory, besides, for columns that were asked for more than once, in MiB. 0 keeps none.
    pub columns_mb: usize,
    /// Room in temporary files for one question, in MiB.
    pub spill_mb: u64,
    /// Longest time from the start of a question to its last row.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
}

impl Default for QuerySettings {
    fn default() -> Self {
        Self { memory_mb: 1 << 10, columns_mb: 512, spill_mb: 20 << 10, timeout: Duration::from_secs(600) }
    }
}
