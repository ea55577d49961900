//! The arguments of `audit` and `timeline`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `audit`
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// The moment of the audit, such as 2026-01-31T08:00: what came later does not count [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// Where the window of checks about the past begins [default: 90 days before its end]
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Where the window ends [default: the moment of the audit]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Only this check, such as LB-ENC-01; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) control: Vec<String>,
    /// A parameter of checks, or min_coverage, as name=value; may be repeated
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// table, html, json, csv, ocsf, asff or junit [default: as the output's name ends, or table]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Write to a file in place of standard output; it appears once it is whole
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// File with accepted failures and approved facts, each with owner and reason (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) exceptions: Option<PathBuf>,
    /// Also UNKNOWN makes the exit code 1
    #[arg(long)]
    pub(crate) strict: bool,
    /// Store the verdicts in the lake's table audit_results
    #[arg(long)]
    pub(crate) record: bool,
    /// Say which checks there are and what they take, in place of asking them
    #[arg(long, conflicts_with_all = ["as_of", "from", "to", "params", "output", "exceptions", "strict", "record", "format"])]
    pub(crate) list: bool,
}

/// `timeline`
#[derive(Debug, Args)]
pub(crate) struct Timeline {
    /// The cluster's or namespace's name, one that it had, or its namespace ARN
    pub(crate) cluster: String,
    /// Only what reaches beyond this time
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Only what began before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = TimelineFormat::Table)]
    pub(crate) format: TimelineFormat,
}

/// How a story is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimelineFormat {
    /// Tables for people
    Table,
    /// One JSON document
    Json,
    /// A page that needs no network
    Html,
}
