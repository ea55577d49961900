//! What a command did, table by table, and what its exit code follows from.

use lookback_schemas::ledger::{Outcome, RunKind};

use crate::error::{Error, ErrorKind};
use crate::ledger::LedgerRow;
use crate::source::Window;

/// How one table of one cluster went.
#[derive(Debug)]
pub enum TableOutcome {
    /// Read, committed, covered.
    Done,
    /// Somebody else is at work on it.
    LeaseHeld,
    /// It failed; coverage did not move.
    Failed(Error),
}

/// What happened to one table of one cluster.
#[derive(Debug)]
pub struct TableReport {
    /// The cluster's configured name.
    pub cluster: String,
    /// The cluster by incarnation; empty if it was never reached.
    pub cluster_id: String,
    /// The table; empty if the cluster failed as a whole.
    pub table: String,
    /// Why it was read.
    pub kind: RunKind,
    /// What was read.
    pub window: Option<Window>,
    /// Coverage afterwards.
    pub covered_until: Option<i64>,
    /// A hole that was recorded.
    pub gap: Option<Window>,
    /// Rows that the source gave.
    pub rows_read: u64,
    /// Rows added to the lake.
    pub rows_new: u64,
    /// Rows that the lake had already.
    pub rows_present: u64,
    /// Data files written.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// By this machine's clock, microseconds.
    pub started_at: i64,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// Columns that were added to the lake, because the cluster has them.
    pub added_columns: Vec<String>,
    /// How it went.
    pub outcome: TableOutcome,
}

impl TableReport {
    /// An empty report.
    #[must_use]
    pub fn new(cluster: &str, cluster_id: &str, table: &str, kind: RunKind, started_at: i64) -> Self {
        Self {
            cluster: cluster.to_owned(),
            cluster_id: cluster_id.to_owned(),
            table: table.to_owned(),
            kind,
            window: None,
            covered_until: None,
            gap: None,
            rows_read: 0,
            rows_new: 0,
            rows_present: 0,
            files: 0,
            bytes: 0,
            started_at,
            duration_ms: 0,
            added_columns: Vec::new(),
            outcome: TableOutcome::Done,
        }
    }

    /// The ledger's row, unless nothing was done.
    #[must_use]
    pub fn ledger_row(&self, run_id: &str) -> Option<LedgerRow> {
        let (outcome, error) = match &self.outcome {
            TableOutcome::LeaseHeld => return None,
            TableOutcome::Done if self.gap.is_some() => (Outcome::Gap, None),
            TableOutcome::Done => (Outcome::Ok, None),
            TableOutcome::Failed(e) => (Outcome::Failed, Some(e.to_string())),
        };
        Some(LedgerRow {
            cluster_id: if self.cluster_id.is_empty() { self.cluster.clone() } else { self.cluster_id.clone() },
            run_id: run_id.to_owned(),
            table: self.table.clone(),
            kind: self.kind,
            window: self.window,
            covered_until: self.covered_until,
            gap: self.gap,
            rows_read: self.rows_read,
            rows_new: self.rows_new,
            rows_present: self.rows_present,
            rows_rewritten: 0,
            files: self.files,
            bytes: self.bytes,
            started_at: self.started_at,
            duration_ms: self.duration_ms,
            outcome,
            error,
        })
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Report {
    /// One id for all of it; also in the ledger.
    pub run_id: String,
    /// Each table of each cluster, in the order in which they ended.
    pub tables: Vec<TableReport>,
    /// The ledger could not be written; the rows themselves are committed.
    pub ledger_error: Option<Error>,
}

impl Report {
    /// Exit code: 0 done, 1 something failed, 3 a source gap was recorded, 4 nothing done because another run holds the leases.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let held = |t: &TableReport| matches!(t.outcome, TableOutcome::LeaseHeld);
        if self.ledger_error.is_some() || self.failures().next().is_some() {
            1
        } else if self.tables.iter().any(|t| t.gap.is_some()) {
            3
        } else if !self.tables.is_empty() && self.tables.iter().all(held) {
            4
        } else {
            0
        }
    }

    /// What failed.
    pub fn failures(&self) -> impl Iterator<Item = (&TableReport, &Error)> {
        self.tables.iter().filter_map(|t| match &t.outcome {
            TableOutcome::Failed(e) => Some((t, e)),
            _ => None,
        })
    }

    /// Rows added.
    #[must_use]
    pub fn rows_new(&self) -> u64 {
        self.tables.iter().map(|t| t.rows_new).sum()
    }

    /// Whether the command was stopped on request.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.failures().any(|(_, e)| e.kind() == ErrorKind::Cancelled)
    }
}

/// Told what is going on while it happens.
pub trait Progress: Send + Sync {
    /// A table is being read.
    fn started(&self, _cluster: &str, _table: &str) {}
    /// Rows came in.
    fn rows(&self, _cluster: &str, _table: &str, _rows: u64) {}
    /// A table has ended.
    fn ended(&self, _report: &TableReport) {}
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}
