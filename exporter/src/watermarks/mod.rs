//! Watermarks and leases: what has been covered, and who is at work. Both save time; correctness rests on the lake's log.
//!
//! A watermark is advanced by a conditional write: the new value is stored only if the stored one is still the one that was
//! read, so that of two exporters the slower cannot move coverage back.

mod sqlite;

use async_trait::async_trait;

use crate::error::Result;

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
    /// Grows with every grant for the same (cluster, table), and never starts again.
    pub fence: i64,
    /// When it ends by itself, microseconds UTC.
    pub expires_at: i64,
}

/// Keeps watermarks and leases. One conformance suite runs against every implementation.
#[async_trait]
pub trait WatermarkStore: Send + Sync {
    /// The stored watermark.
    async fn get(&self, cluster_id: &str, table: &str) -> Result<Option<Watermark>>;

    /// Stores `next` if what is stored is still `expected`; false if it is not.
    async fn advance(
        &self,
        cluster_id: &str,
        table: &str,
        expected: Option<&Watermark>,
        next: &Watermark,
    ) -> Result<bool>;

    /// Takes the lease until `expires_at`, unless somebody else holds one that has not ended at `now`. The holder of a lease may
    /// take it again.
    async fn acquire(
        &self,
        cluster_id: &str,
        table: &str,
        holder: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<Option<Lease>>;

    /// Gives the lease back; nothing happens if it has passed to somebody else.
    async fn release(&self, cluster_id: &str, table: &str, lease: &Lease) -> Result<()>;

    /// Every (cluster, table) with a watermark, sorted.
    async fn list(&self) -> Result<Vec<(String, String, Watermark)>>;
}

pub mod conformance;
