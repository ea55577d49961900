//! Tables of the clusters themselves: `live.<table>` is what they hold now, `all.<table>` is history and, besides, what is not
//! history yet.
//!
//! This crate knows no cluster. Whoever has a way to them implements [`Live`] and gives it to a session
//! ([`Session::with_live`](crate::session::Session::with_live)); without it there are no such tables.
//!
//! # Nothing lost, nothing twice
//!
//! Let `H(v)` be the rows of the lake's table at version `v`, and `R(t)` those that a cluster shows at time `t`, both multisets.
//! `all` answers `H(v) + (R(t) - H(v))` with *one* `v`: the version that the statement was pinned to when it was planned, which is
//! always before `t`. That version's number travels with the read ([`Read::beside`]), and what is taken away from `R(t)` is
//! computed from exactly that version, not from the newest.
//!
//! - A row that an export commits between `v` and `t` is not in `H(v)`, and so is not taken away from `R(t)`: it is there once,
//!   as a live row. Had the newest version been compared with, it would be lost; had history been read at a newer version than
//!   it was compared with, it would be there twice.
//! - A row that surfaces after `v` is in `R(t)` only. A row that the cluster has forgotten is in `H(v)` only. A row that is in
//!   the lake `n` times and on the cluster `m` times is there `max(n, m)` times, as after an export.
//! - Rows that surface late are in `R(t)` whatever they are dated: the cluster is read for the whole window that the statement's
//!   filters leave, not only from its coverage on.
//! - Compaction, sweeps and vacuum change no row of `H(v)`, whose files stay for the grace of `maintain`, which is longer than
//!   any statement may run.
//! - What no order can mend: a row that is not in `H(v)` and that the cluster drops between `v` and `t`. It was days old and
//!   never exported; exports record that as a gap.
//!
//! Filters narrow `H` and `R` alike and are applied again to both; the difference is computed before they are, over the window of
//! time that they imply (`asked`), so that no filter can keep a row of history from accounting for its live twin.

mod asked;
mod fit;
mod scan;
mod schema;
mod table;

use std::collections::BTreeSet;
use std::fmt;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::stream::BoxStream;
use lookback_schemas::TableSpec;

use crate::error::QueryError;

pub(crate) use asked::Asked;
pub(crate) use schema::{ALL, LIVE, LiveSchema, Pinned, offered};

/// What is read of one cluster.
#[derive(Debug, Clone)]
pub struct Read {
    /// Its configured name.
    pub cluster: String,
    /// The table.
    pub table: &'static TableSpec,
    /// The columns that are needed; others may come as well. `cluster_id` and `log_date` are always given.
    pub columns: Vec<String>,
    /// First moment inside, microseconds UTC, by the time that places a row.
    pub from: i64,
    /// First moment behind, microseconds UTC.
    pub to: i64,
    /// The incarnations that are wanted; `None` for whichever it is.
    pub cluster_ids: Option<BTreeSet<String>>,
    /// Leaves out what this version of the lake's table has.
    pub beside: Option<u64>,
}

/// Rows in the names and types of the lake. Columns that the cluster lacks may be missing; an error ends them, and then none of
/// them counts.
pub type Rows = BoxStream<'static, Result<RecordBatch, QueryError>>;

/// A way to the clusters. It only reads.
#[async_trait]
pub trait Live: fmt::Debug + Send + Sync {
    /// The names of the clusters as they are configured now.
    ///
    /// # Errors
    /// If that cannot be found out.
    async fn clusters(&self) -> Result<Vec<String>, QueryError>;

    /// Reads a cluster, all of it or with an error that names it: never less without a word. Nothing happens before the stream is
    /// polled, and dropping it ends the read.
    fn read(&self, read: Read) -> Rows;

    /// How many clusters a statement may read at once.
    fn at_once(&self) -> usize;

    /// Bytes that a read may hold to compare a table's rows with the lake's.
    fn memory(&self, table: &TableSpec) -> usize;
}

#[cfg(test)]
mod tests;
