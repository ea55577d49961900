//! A Redshift look-alike on the PostgreSQL wire: what `lookback demo` exports from, and what the tests of the exporter break.
//!
//! Nobody can ask a real cluster to lose a connection after the fourth row, to purge a day this instant, or to be restored
//! under its old name. A [`Cluster`] here does so on command, on a virtual clock that never sleeps, and it knows the truth:
//! every row that it ever held, against which an archive can be compared.
//!
//! # Parts
//!
//! - `cluster`: [`Cluster`], the handle through which a test sets up and changes a source.
//! - `table`, `build`, `types`, `value`: rows in memory as Arrow batches, when they are visible, and Redshift's column types.
//! - `generate`: histories of a small warehouse, deterministic from a seed ([`Cluster::generate`]).
//! - `access`, `fault`: users and what they see; what goes wrong and how often.
//! - `server`, `tls`, `startup`, `session`, `wire`, `encode`: from a listening socket to rows on the wire.
//! - `statement`, `engine`, `catalog`: commands are answered here, questions by DataFusion over the tables that the user sees.
//! - `own_queries`: what a cluster is asked becomes part of its logs.
//! - `src/bin/lookback-simulator.rs`: the same in a process of its own, for benchmarks.
//!
//! # What of Redshift is imitated, and how it is known
//!
//! From the Redshift Database Developer Guide and Management Guide:
//! - Names, types and order of the columns of all STL tables (the registry of `lookback-schemas`); statements in pieces of 200
//!   characters, cut at 4,000 in `stl_query`; line breaks as backslash and `n`; flags as `t` and `f`.
//! - A row appears when what it describes has ended. Old days are purged.
//! - Visibility by user: superusers, `SYSLOG ACCESS UNRESTRICTED` and the role `sys:monitor` see everything, others silently
//!   see their own rows; `svv_user_info`, `svv_user_grants` and `pg_user` say which it is.
//! - `getdate()`, `sysdate`, `current_namespace`, `current_user_id`; `query_group` as label; `statement_timeout` in ms.
//! - `require_ssl`; MD5 passwords.
//!
//! Seen by users of real clusters, in public reports:
//! - `version()` and the parameter `server_version` 8.0.2; `CHAR` values arrive padded with blanks.
//! - No COPY to the client; no `pg_range` and `pg_enum` (42P01); startup parameters that are not known end the connection.
//! - SHA-256 passwords are asked for with authentication tag 13, which PostgreSQL's clients do not know.
//!
//! Assumed, because no document says so: the wording of errors other than PostgreSQL's own; 57P03 while keys rotate; the end of
//! open sessions with 57P01 after a restore; that a user without privileges sees no rows, rather than an error, in tables
//! without `userid`; how late and how disordered rows surface.
//!
//! Not imitated: writing statements, cursors, statement parameters, `COPY`, `UNLOAD`, the SVL, SVCS, SYS and STV relations, and
//! Redshift's own SQL functions beyond those above; other SQL is DataFusion's.

mod access;
mod build;
mod catalog;
mod cluster;
mod encode;
mod engine;
mod error;
mod fault;
mod generate;
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
pub use generate::{Kind, SimConfig};
pub use server::{ServeOptions, Server, Tls};
pub use table::VISIBLE_AT;
pub use value::{Row, Value};

/// Rows that a result is computed in and sent by, at most.
pub const BATCH_ROWS: usize = 4096;
