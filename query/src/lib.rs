//! Questions over the lake: SQL as Redshift's administrators write it, over every cluster and all of history.
//!
//! The lake is only read here, by construction: nothing in this crate can write an object, and every statement passes a
//! list of what is allowed before it is planned.
//!
//! - [`session`]: opens a lake, plans and runs statements under limits. A statement sees one committed version of each table.
//! - [`lake`]: where the lake is, its tables, their files and the statistics of the Delta log.
//! - [`live`]: what the clusters themselves hold now, if somebody gives a session a way to them.
//! - [`provider`]: a table of the lake for DataFusion; files are pruned from the log before any of them is opened.
//! - [`dialect`]: Redshift SQL: the parser, the rewrite of its syntax, and its functions.
//! - [`views`]: Redshift's own views over its STL tables, one SQL file each.
//! - [`output`]: results as table, CSV, JSON, Parquet or Arrow.
//! - [`diagnostics`]: named questions with parameters, one SQL file each.
//! - [`audit`]: checks of the encryption record with verdicts and evidence, and the story of one cluster.
//! - [`catalogs`]: dashboards and definitions of tables for other programs.
//! - [`coverage`]: what the run ledger says about each cluster and table; [`collectors`]: and that of the record of encryption.
//! - [`names`]: near misses of names that do not exist.
//! - [`error`]: the one error type.

mod ahead;
pub mod audit;
pub mod catalogs;
pub mod collectors;
mod columns;
pub mod coverage;
pub mod diagnostics;
pub mod dialect;
pub mod error;
mod footers;
mod header;
pub mod lake;
pub mod live;
pub mod names;
pub mod output;
pub mod provider;
pub mod session;
mod steps;
pub mod views;

pub use dialect::Notice;
pub use error::{ErrorKind, QueryError};
pub use output::{Format, Written, write};
pub use session::{Answer, Limits, PinnedRollup, Session, Statement};
