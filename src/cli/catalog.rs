//! The arguments of `catalog`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `catalog`
#[derive(Debug, Args)]
pub(crate) struct Catalog {
    #[command(subcommand)]
    pub(crate) of: CatalogOf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CatalogOf {
    /// Dashboards for Grafana, over its PostgreSQL data source
    ///
    /// Each diagnostic is a panel, each of its parameters a variable. Nothing is sent to Grafana: import the files there, or
    /// provision them.
    Grafana(CatalogGrafana),
    /// Statements for Amazon Athena: a database, the lake's tables, and views
    ///
    /// Athena reads Delta tables itself, from engine version 3 on. Nothing is sent to AWS.
    Athena(CatalogAthena),
    /// Definitions of the lake's tables for the AWS Glue Data Catalog
    ///
    /// What reads native Delta tables through the catalog needs no more: Athena (engine version 3), Spark, Redshift Spectrum.
    /// Nothing is sent to AWS.
    Glue(CatalogGlue),
}

/// `catalog grafana`
#[derive(Debug, Args)]
pub(crate) struct CatalogGrafana {
    /// One dashboard with these diagnostics; without a name, all dashboards
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Only this dashboard: overview, encryption, query, or a group of diagnostics; may be repeated
    #[arg(short, long, value_name = "NAME", conflicts_with = "names")]
    pub(crate) group: Vec<String>,
    /// Folder for the files, one for each dashboard; without it, one dashboard goes to standard output
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// uid of the data source; without it, each dashboard has a variable for it
    #[arg(long, value_name = "UID")]
    pub(crate) datasource: Option<String>,
}

/// Which tables, and where they are.
#[derive(Debug, Args)]
pub(crate) struct CatalogTables {
    /// Only these tables
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// Name of the database in the catalog
    #[arg(long, value_name = "NAME", default_value = "lookback")]
    pub(crate) database: String,
    /// Where the lake is in S3, if that is not where it is read from here
    #[arg(long, value_name = "LOCATION")]
    pub(crate) location: Option<String>,
    /// Every table that a lake can have, in place of those that this one has
    #[arg(long)]
    pub(crate) all: bool,
    /// Write to a file in place of standard output; it appears once it is whole
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `catalog athena`
#[derive(Debug, Args)]
pub(crate) struct CatalogAthena {
    #[command(flatten)]
    pub(crate) tables: CatalogTables,
}

/// `catalog glue`
#[derive(Debug, Args)]
pub(crate) struct CatalogGlue {
    #[command(flatten)]
    pub(crate) tables: CatalogTables,
    /// How the definitions are written
    #[arg(long, value_enum, default_value_t = GlueFormat::Json, value_name = "FORMAT")]
    pub(crate) format: GlueFormat,
}

/// How definitions for Glue are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GlueFormat {
    /// One document with the inputs of all calls
    Json,
    /// A template of CloudFormation
    Cloudformation,
    /// A script that calls the AWS command line
    Cli,
}
