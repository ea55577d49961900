//! Where rows come from: one [`Source`] per cluster, one [`Session`] per connection, rows as Arrow batches in lake types.
//!
//! The seam is small on purpose: everything behind it can fail, and every failure here is one that the run has to survive.

mod broken;
mod decode;
mod failure;
mod locate;
mod login;
mod redshift;
mod sql;
mod tap;
mod tls;

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use async_trait::async_trait;
use futures::stream::BoxStream;
use lookback_schemas::{LakeType, TableSpec};

use crate::error::Result;

pub use broken::Broken;
pub use locate::{Failed, Locate};
pub use redshift::{Endpoint, RedshiftSource};
pub use tls::TlsMode;

/// A cluster that can be connected to.
#[async_trait]
pub trait Source: Send + Sync {
    /// Opens a session: verified TLS, UTC, statement timeout, query group.
    async fn connect(&self) -> Result<Box<dyn Session>>;
}

/// A column as the cluster has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceColumn {
    /// Lower-case name.
    pub name: String,
    /// The type its values are stored as in the lake.
    pub lake_type: LakeType,
}

/// What kind of server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// Amazon Redshift, provisioned or Serverless.
    Redshift,
    /// PostgreSQL that holds tables of the same names.
    Postgres,
}

/// Whether the user sees the rows of all users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// All rows, and why that is known.
    All(&'static str),
    /// Only its own rows: an export would be an archive of nothing.
    OwnRows,
    /// It could not be found out.
    Unknown(String),
}

/// What a session is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// Kind of server.
    pub kind: ServerKind,
    /// The server's own version text.
    pub version: String,
    /// Row visibility.
    pub access: Access,
    /// What tells this incarnation of the cluster from an earlier one of the same name; `None` if the server cannot say.
    pub incarnation: Option<String>,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
}

/// Which rows of a table to read, by the time that places them. Microseconds UTC, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First moment inside.
    pub from: i64,
    /// First moment behind.
    pub to: i64,
}

impl Window {
    /// Whether the moment lies inside.
    #[must_use]
    pub fn contains(&self, micros: i64) -> bool {
        self.from <= micros && micros < self.to
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} .. {}", lookback_schemas::time::rfc3339(self.from), lookback_schemas::time::rfc3339(self.to))
    }
}

/// A read of one window of one table.
#[derive(Debug, Clone)]
pub struct Read<'a> {
    /// The table.
    pub spec: &'a TableSpec,
    /// The columns that the cluster has, as [`Session::columns`] gave them.
    pub columns: &'a [SourceColumn],
    /// The window.
    pub window: Window,
}

/// Rows as they come. An error ends the stream, and everything read before it must be discarded.
pub type Rows<'a> = BoxStream<'a, Result<RecordBatch>>;

/// One connection to a cluster.
#[async_trait]
pub trait Session: Send {
    /// What the session is connected to; asked once per session.
    async fn facts(&mut self) -> Result<ServerFacts>;

    /// The server's clock, microseconds UTC.
    async fn clock(&mut self) -> Result<i64>;

    /// The table's columns on this cluster, in its own order.
    async fn columns(&mut self, spec: &TableSpec) -> Result<Vec<SourceColumn>>;

    /// The oldest row that the source still holds and that has a time; for driven tables, that of the parent.
    async fn oldest(&mut self, spec: &TableSpec, columns: &[SourceColumn]) -> Result<Option<Oldest>>;

    /// Streams the rows of a window, in no particular order.
    async fn read<'s>(&'s mut self, read: Read<'_>) -> Result<Rows<'s>>;

    /// Rows that no window can ever contain (without a usable time, or without a parent), and rows dated later than `after`.
    async fn unplaced(&mut self, spec: &TableSpec, columns: &[SourceColumn], after: i64) -> Result<Unplaced>;

    /// Whether the connection can still be used.
    fn is_usable(&self) -> bool;
}

/// How far back a source reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// Time of its oldest row, microseconds UTC.
    pub time: i64,
    /// Its rows that have a time.
    pub rows: u64,
}

/// Rows that an export cannot place yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// Rows without a usable time, or without a parent.
    pub without_time: u64,
    /// Rows dated later than the server's clock.
    pub in_the_future: u64,
}

/// The Arrow schema of the batches that [`Session::read`] gives: the source's columns, and for driven tables `log_time`.
#[must_use]
pub fn batch_schema(spec: &TableSpec, columns: &[SourceColumn]) -> Arc<Schema> {
    use arrow::datatypes::Field;
    let mut fields: Vec<Field> = columns.iter().map(|c| Field::new(&c.name, c.lake_type.arrow(), true)).collect();
    if spec.parent.is_some() {
        fields.push(Field::new(lookback_schemas::names::LOG_TIME, LakeType::Timestamp.arrow(), true));
    }
    Arc::new(Schema::new(fields))
}
