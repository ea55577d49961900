//! The contract between the parts of lookback: which tables exist, how their values are typed, what makes two rows the
//! same row, and every name that is ever written to a lake. Pure: no I/O, no async, no clock.
//!
//! - [`mod@registry`]: the system tables of Redshift as data (columns, types, time columns, class, parent, purpose).
//! - [`types`]: Redshift column types and the types that the lake stores for them.
//! - [`identity`]: when two rows are one row: a 128-bit hash of a canonical form, compared as multisets.
//! - [`layout`]: folders, files and partition values of the lake.
//! - [`names`]: columns, tables, keys and identifiers that the lake adds to what Redshift has.
//! - [`ledger`]: the run ledger, the lake table that records what every run read and wrote.
//! - [`rollups`]: the tables of sums that dashboards read, and when a day of them is out of date.
//! - [`encryption`]: the record of encryption: its tables, what identifies an event, and what events mean.
//! - [`time`]: microseconds since the Unix epoch, and the days they fall on.

pub mod encryption;
pub mod identity;
pub mod layout;
pub mod ledger;
pub mod names;
pub mod registry;
pub mod rollups;
pub mod severity;
pub mod time;
pub mod types;

pub use registry::{Class, ColumnSpec, Group, Registry, TableSpec, registry};
pub use severity::Severity;
pub use types::LakeType;
