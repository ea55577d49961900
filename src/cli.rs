//! The command line's arguments, as they are typed.

#[cfg(feature = "query")]
mod alert;
#[cfg(feature = "query")]
mod audit;
#[cfg(feature = "query")]
mod catalog;
#[cfg(feature = "query")]
mod serve;

use std::path::PathBuf;

#[cfg(feature = "query")]
pub(crate) use alert::Alert;
#[cfg(feature = "query")]
pub(crate) use audit::{Audit, Timeline, TimelineFormat};
#[cfg(feature = "query")]
pub(crate) use catalog::{Catalog, CatalogGrafana, CatalogOf, CatalogTables, GlueFormat};
use clap::{Args, Parser, Subcommand, ValueEnum};
#[cfg(feature = "query")]
pub(crate) use serve::Serve;

/// The long memory of a fleet of Amazon Redshift clusters.
///
/// Exports the clusters' system logs into a lake of Parquet files, exactly once each row, and answers questions over all of
/// them in SQL.
///
/// Exit codes: 0 done; 1 something failed or a check said so; 2 usage or configuration; 3 rows were purged before they could
/// be read, and the gap was recorded; 4 nothing to do, because another run holds the lease.
#[derive(Debug, Parser)]
#[command(name = "lookback", version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Arguments of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Configuration file; paths in it are relative to its folder
    #[arg(long, global = true, value_name = "FILE", env = "LOOKBACK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The lake, in place of the configured one
    #[arg(long, global = true, value_name = "LOCATION")]
    pub(crate) lake: Option<String>,
    /// Log more: -v what is done, -vv every step
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How logs are written to stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// How a command's result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A table for people
    Table,
    /// One JSON document
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Simulated clusters, a real export of them, and what it shows
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Write a configuration file to start from
    Init(Init),
    /// What would stop an export, cluster by cluster, with the fix
    Check(Check),
    /// Read what is new on the clusters into the lake
    Export(Export),
    /// Sweep, compact, sum up and clean up the lake
    Maintain(Maintain),
    /// Recount the clusters' rows against the lake
    Verify(Verify),
    /// Coverage, lag, purge headroom and gaps of each cluster and table
    #[cfg(feature = "query")]
    Status(Status),
    /// Ask the lake a question in SQL
    #[cfg(feature = "query")]
    Sql(Sql),
    /// Ready questions: list them, or ask one
    #[cfg(feature = "query")]
    Diagnose(Diagnose),
    /// Checks of encryption, keys and their evidence, with verdicts
    #[cfg(feature = "query")]
    Audit(Audit),
    /// Tell webhooks, SNS and Security Hub once what changed, and once when it is over
    ///
    /// Asks the checks and diagnostics of a file of rules. What was told is kept in the lake's table alert_changes.
    ///
    /// Exit codes: 0 done, also when something was told; 1 something could not be asked, sent or stored, and the next run tries
    /// it again; 2 usage or configuration.
    #[cfg(feature = "query")]
    Alert(Alert),
    /// The story of a cluster's encryption: what happened, who did it, what ran meanwhile
    #[cfg(feature = "query")]
    Timeline(Timeline),
    /// Answer BI tools by PostgreSQL's protocol, programs by HTTP, and people with a page
    #[cfg(feature = "query")]
    Serve(Serve),
    /// Dashboards for Grafana, tables for Athena and the Glue Data Catalog
    #[cfg(feature = "query")]
    Catalog(Catalog),
    /// The system tables that are known, and their columns
    Tables(Tables),
}

/// `demo`
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder for the demo's lake and configuration
    #[arg(long, default_value = "lookback-demo")]
    pub(crate) dir: PathBuf,
    /// Simulated clusters
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) clusters: u32,
    /// Days of history
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=7))]
    pub(crate) days: u32,
    /// Queries a day on each cluster
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=50_000))]
    pub(crate) queries: u32,
    /// End after the first export, in place of keeping the clusters running
    #[arg(long)]
    pub(crate) once: bool,
}

/// `init`
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Replace a file that exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// Which clusters and tables.
#[derive(Debug, Clone, Args)]
pub(crate) struct Scope {
    /// Only this cluster; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Vec<String>,
    /// Only this table or group (core, performance, security, all); may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Vec<String>,
}

/// `check`
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) format: Output,
}

/// `export`
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// One pass, then end; the default, and meant for cron and timers
    #[arg(long)]
    pub(crate) once: bool,
    /// Show what would be read, and touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stay, and export at these times: a cron expression in UTC, with seconds or without; without a value, that of the
    /// configuration. Ends by SIGTERM or Ctrl-C
    #[arg(long, value_name = "CRON", num_args = 0..=1, default_missing_value = "",
          conflicts_with_all = ["once", "dry_run", "metrics_file", "format"])]
    pub(crate) schedule: Option<String>,
    /// Where a scheduled export answers /healthz, /readyz and /metrics [default: 127.0.0.1:9187]
    #[arg(long, value_name = "ADDRESS", requires = "schedule")]
    pub(crate) listen: Option<String>,
    /// Write metrics to this file, for the textfile collector of the Prometheus node exporter
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) metrics_file: Option<PathBuf>,
    /// Leave out the sweeps that are due
    #[arg(long)]
    pub(crate) no_sweep: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) format: Output,
}

/// `maintain`
#[derive(Debug, Args)]
pub(crate) struct Maintain {
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// Connect to no cluster: leave out the sweeps
    #[arg(long)]
    pub(crate) no_sweep: bool,
    /// Leave the rollups as they are
    #[arg(long)]
    pub(crate) no_rollups: bool,
    /// Write metrics to this file, for the textfile collector of the Prometheus node exporter
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) format: Output,
}

/// `verify`
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) format: Output,
}

/// `status`
#[cfg(feature = "query")]
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only the collectors of the record of encryption
    #[arg(long)]
    pub(crate) record: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) format: Output,
}

/// What a question may use, in place of what `[query]` says.
#[cfg(feature = "query")]
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Limits {
    /// Longest time of a question, such as 90s or 1h [default: 10m, or that of the configuration]
    #[arg(long, value_name = "TIME", value_parser = lookback_exporter::settings::parse_duration)]
    pub(crate) timeout: Option<std::time::Duration>,
    /// Memory of all questions together, in MiB [default: 1024, or that of the configuration]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(16..))]
    pub(crate) memory_mb: Option<u32>,
    /// Whether clusters may be read, whatever the configuration says.
    #[arg(skip)]
    pub(crate) live: bool,
}

/// `sql`
#[cfg(feature = "query")]
#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// The statement, or several separated by `;`; without it and without --file, standard input, or on a terminal a shell
    #[arg(conflicts_with = "file")]
    pub(crate) sql: Option<String>,
    /// Read statements from a file, - for standard input; may be repeated
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
    /// table, expanded, csv, json, ndjson, parquet or arrow
    #[arg(long, default_value = "table")]
    pub(crate) format: String,
    /// Write to a file in place of standard output; it appears once it is whole
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The moment that getdate() answers, such as 2026-01-31T08:00
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// Also offer `live.TABLE`, which reads the clusters themselves, and `all.TABLE`, which adds history [default: `enabled` of
    /// the section `[live]`]
    #[arg(long, conflicts_with = "as_of")]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// `diagnose`
#[cfg(feature = "query")]
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("asked").args(["name", "all"]))]
pub(crate) struct Diagnose {
    /// The question's name; without it, the list
    pub(crate) name: Option<String>,
    /// Ask every question that needs no parameter, or has what it needs, and write one report
    #[arg(long, conflicts_with_all = ["name", "format"])]
    pub(crate) all: bool,
    /// Say what the question takes and answers, in place of asking it
    #[arg(long, requires = "name", conflicts_with_all = ["all", "params", "output"])]
    pub(crate) describe: bool,
    /// A parameter of the question, as name=value; may be repeated
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// table, csv, json, ndjson, parquet or arrow
    #[arg(long, default_value = "table")]
    pub(crate) format: String,
    /// Write to a file in place of standard output; .md and .html make a report
    #[arg(short, long, value_name = "FILE", requires = "asked")]
    pub(crate) output: Option<PathBuf>,
    /// The moment that getdate() answers
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// `tables`
#[derive(Debug, Args)]
pub(crate) struct Tables {
    /// A table, to see its columns, or a group
    pub(crate) name: Option<String>,
    /// Also tables that are declared but not exported (SVL, SVCS, SYS)
    #[arg(long)]
    pub(crate) all: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) format: Output,
}
