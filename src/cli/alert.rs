//! The arguments of `alert`.

use std::path::PathBuf;

use clap::Args;

use super::Output;

/// `alert`
#[derive(Debug, Args)]
pub(crate) struct Alert {
    /// File of rules and destinations (TOML) [default: `rules` of the section `[alerts]` of the configuration]
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// Show what would be told; send and store nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// End the alerts that no rule asks about any more
    #[arg(long)]
    pub(crate) close_orphans: bool,
    /// The moment that is asked about, such as 2026-01-31T08:00: what came later does not count [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) format: Output,
}
