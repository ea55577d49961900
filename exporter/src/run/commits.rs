//! How commits of rows went, counted over the life of an exporter.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Exporter;
use crate::error::Result;
use crate::lake::{CommitOutcome, CommitUnit, LakeTable};

/// Counts of commits.
#[derive(Debug, Default)]
pub struct CommitCounts {
    committed: AtomicU64,
    conflict: AtomicU64,
    failed: AtomicU64,
}

impl CommitCounts {
    /// Each outcome and its count: versions written; units refused because another writer was faster; attempts that failed.
    #[must_use]
    pub fn all(&self) -> [(&'static str, u64); 3] {
        [("committed", &self.committed), ("conflict", &self.conflict), ("failed", &self.failed)]
            .map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
    }

    /// Commits, and counts what became of it.
    pub(super) async fn commit(&self, table: &LakeTable, units: Vec<CommitUnit>) -> Result<Vec<CommitOutcome>> {
        let result = table.commit(units).await;
        match &result {
            Ok(outcomes) => {
                let lost = outcomes.iter().filter(|o| **o == CommitOutcome::Conflict).count();
                self.conflict.fetch_add(lost as u64, Ordering::Relaxed);
                self.committed.fetch_add(u64::from(lost < outcomes.len()), Ordering::Relaxed);
            }
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        result
    }
}

impl Exporter {
    /// How commits of rows went so far.
    #[must_use]
    pub fn commit_counts(&self) -> &std::sync::Arc<CommitCounts> {
        &self.commits
    }
}
