//! `lookback`: the long memory of a fleet of Amazon Redshift clusters.
//!
//! The command line only: arguments, configuration, printing and exit codes. What it does is in the library crates.
//!
//! Exit codes: 0 done; 1 something failed, or a check said so; 2 usage or configuration; 3 a source gap was recorded; 4 nothing
//! to do, because another run holds the lease.

#[cfg(feature = "query")]
mod answer;
mod cli;
mod commands;
mod config;
mod failure;
#[cfg(feature = "query")]
mod live;
#[cfg_attr(not(feature = "query"), allow(dead_code, reason = "there is no server"))]
mod memory;
mod print;
mod progress;
#[cfg(feature = "query")]
mod report;
#[cfg(feature = "query")]
mod rollups;
#[cfg(feature = "query")]
mod shell;
mod stop;

use std::process::ExitCode;

use clap::Parser;

/// Rows are millions of small allocations on several threads, often freed on another one, which the system's allocator answers
/// with arenas that it does not give back.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes of stack of a thread; what is not used takes no memory. Planning a statement walks its tree, level by level.
const STACK: usize = 16 << 20;

fn main() -> ExitCode {
    // Two TLS providers are compiled in through dependencies, and rustls does not choose between them.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments = cli::Cli::parse();
    print::start_logging(&arguments.global);
    if let Err(e) = free_memory(&arguments.command) {
        tracing::debug!("the allocator's own times count: {e}");
    }
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    let runtime = match threads.enable_all().thread_stack_size(STACK).build() {
        Ok(runtime) => runtime,
        Err(e) => return failure::Failure::failed(format!("starting: {e}")).report(),
    };
    let result = runtime.block_on(Box::pin(commands::run(arguments)));
    // A reader that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.report(),
    }
}

/// How memory that is free for the moment is dealt with.
fn free_memory(command: &cli::Command) -> tikv_jemalloc_ctl::Result<()> {
    use cli::Command;
    match command {
        Command::Export(_) | Command::Maintain(_) | Command::Verify(_) => memory::of_exports(),
        #[cfg(feature = "query")]
        Command::Serve(_) => memory::of_servers(),
        _ => memory::of_questions(),
    }
}
