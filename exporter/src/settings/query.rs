//! `[query]`: what a question may use. The exporter asks none; the section is here because there is one configuration file.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// `[query]`: limits of the questions of one process (`sql`, `diagnose`, `audit`, `serve`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuerySettings {
    /// Memory for sorts, joins and aggregates of all questions together, in MiB: one that runs alone has half of it. If it is not
    /// given, whoever asks decides: a server, which has more in memory than questions, takes less than a command.
    pub memory_mb: Option<usize>,
    /// Memory, besides, for columns that were asked for more than once, in MiB, 0 keeps none; a quarter more is for days of rollups.
    /// If it is not given, as for `memory_mb`.
    pub columns_mb: Option<usize>,
    /// Room in temporary files for one question, in MiB.
    pub spill_mb: u64,
    /// Longest time from the start of a question to its last row.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
}

impl Default for QuerySettings {
    fn default() -> Self {
        Self { memory_mb: None, columns_mb: None, spill_mb: 20 << 10, timeout: Duration::from_secs(600) }
    }
}
