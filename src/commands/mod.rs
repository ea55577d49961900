//! One file per command.

#[cfg(feature = "query")]
mod alert;
#[cfg(feature = "query")]
mod audit;
#[cfg(feature = "query")]
mod catalog;
mod check;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "query")]
mod diagnose;
mod export;
mod init;
mod maintain;
mod metrics;
mod record;
#[cfg(feature = "query")]
mod serve;
mod service;
#[cfg(feature = "query")]
mod sql;
#[cfg(feature = "query")]
mod status;
mod tables;
#[cfg(feature = "query")]
mod timeline;
mod verify;

#[cfg(feature = "query")]
pub(crate) use sql::open_to_ask as open_lake;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Runs the command and gives its exit code.
pub(crate) async fn run(arguments: Cli) -> Result<u8, Failure> {
    let global = &arguments.global;
    match &arguments.command {
        #[cfg(feature = "demo")]
        Command::Demo(a) => Box::pin(demo::run(a)).await,
        Command::Init(a) => init::run(global, a),
        Command::Check(a) => Box::pin(check::run(global, a)).await,
        Command::Export(a) => Box::pin(export::run(global, a)).await,
        Command::Maintain(a) => Box::pin(maintain::run(global, a)).await,
        Command::Verify(a) => Box::pin(verify::run(global, a)).await,
        #[cfg(feature = "query")]
        Command::Status(a) => Box::pin(status::run(global, a)).await,
        #[cfg(feature = "query")]
        Command::Sql(a) => Box::pin(sql::run(global, a)).await,
        #[cfg(feature = "query")]
        Command::Diagnose(a) => Box::pin(diagnose::run(global, a)).await,
        #[cfg(feature = "query")]
        Command::Audit(a) => Box::pin(audit::run(global, a)).await,
        #[cfg(feature = "query")]
        Command::Alert(a) => Box::pin(alert::run(global, a)).await,
        #[cfg(feature = "query")]
        Command::Timeline(a) => Box::pin(timeline::run(global, a)).await,
        #[cfg(feature = "query")]
        Command::Serve(a) => Box::pin(serve::run(global, a)).await,
        #[cfg(feature = "query")]
        Command::Catalog(a) => Box::pin(catalog::run(global, a)).await,
        Command::Tables(a) => tables::run(a),
    }
}
