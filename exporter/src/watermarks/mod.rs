//! Watermarks and leases: what has been covered, and who is at work. Both save time; correctness rests on the lake's log.
//!
//! A watermark is advanced by a conditional write: the new value is stored only if the stored one is still the one that was
//! read, so that of two exporters the slower cannot move coverage back.
//!
//! One table costs two requests in a normal run: taking the lease brings the watermark along, and the write that advances the
//! watermark gives the lease back.
//!
//! - [`SqliteStore`]: a file, for one machine.
//! - [`DynamoStore`]: a DynamoDB table, for exporters on several machines.
//! - [`conformance`]: what every store must do.

mod dynamo;
mod sqlite;

use async_trait::async_trait;

use crate::error::Result;

pub use dynamo::DynamoStore;
pub use sqlite::SqliteStore;

/// What is known about one (cluster, table). Times are microseconds UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watermark {
    /// Where coverage began.
    pub covered_from: i64,
    /// Everything that was visible before this moment has been read.
    pub covered_until: i64,
    /// The last day (since 1970-01-01) that had its first sweep.
    pub swept_once: Option<i32>,
    /// The last day that had its second and final sweep.
    pub swept_twice: Option<i32>,
}

/// A lease that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub holder: String,
    /// Grows with every grant for the same (cluster, table), and is never less than the time of the grant in microseconds UTC:
    /// so it goes on growing if the store is lost and made anew.
    pub fence: i64,
    /// When it ends by itself, microseconds UTC.
    pub expires_at: i64,
}

/// A lease, and what was known when it was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The lease.
    pub lease: Lease,
    /// The watermark as it was stored at that moment.
    pub watermark: Option<Watermark>,
}

/// Keeps watermarks and leases. One conformance suite runs against every implementation.
#[async_trait]
pub trait WatermarkStore: Send + Sync {
    /// The stored watermark.
    async fn get(&self, cluster_id: &str, table: &str) -> Result<Option<Watermark>>;

    /// Stores `next` if what is stored is still `expected`. True if `next` is what is stored then, so also where it was already:
    /// a request whose answer was lost can be made again. False if it is something else.
    ///
    /// `release` is given back in the same write, unless the answer is false. A lease that has passed to somebody else is left
    /// alone, and does not change the answer.
    async fn advance(
        &self,
        cluster_id: &str,
        table: &str,
        expected: Option<&Watermark>,
        next: &Watermark,
        release: Option<&Lease>,
    ) -> Result<bool>;

    /// Takes the lease until `expires_at`, unless somebody else holds one that has not ended at `now`. The holder of a lease may
    /// take it again. Times are microseconds UTC, by the clock of whoever asks.
    async fn acquire(
        &self,
        cluster_id: &str,
        table: &str,
        holder: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<Option<Grant>>;

    /// Gives the lease back; nothing happens if it has passed to somebody else.
    async fn release(&self, cluster_id: &str, table: &str, lease: &Lease) -> Result<()>;

    /// Every (cluster, table) with a watermark, sorted.
    async fn list(&self) -> Result<Vec<(String, String, Watermark)>>;
}

pub mod conformance;
