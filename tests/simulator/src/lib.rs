//! A Redshift look-alike.
mod access;
mod build;
mod catalog;
mod cluster;
mod encode;
mod engine;
mod error;
mod fault;
mod own_queries;
mod server;
mod session;
mod startup;
mod statement;
mod table;
mod tls;
mod types;
mod value;
mod wire;

pub use access::Access;
pub use cluster::Cluster;
pub use engine::VERSION;
pub use fault::{ArmedFault, Fault};
pub use server::{ServeOptions, Server, Tls};
pub use table::VISIBLE_AT;
pub use value::{Row, Value};

/// Rows that a result is computed in and sent by, at most.
pub const BATCH_ROWS: usize = 4096;
