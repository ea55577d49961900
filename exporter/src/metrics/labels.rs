//! Labels and their values.

use prometheus_client::encoding::EncodeLabelSet;

use crate::error::ErrorKind;

/// How runs end.
pub(super) const OUTCOMES: [&str; 5] = ["ok", "failed", "gap", "lease_held", "stopped"];
/// States of clusters.
pub(super) const STATES: [&str; 3] = ["configured", "running", "failed"];

/// One table of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct Pair {
    pub(super) cluster: String,
    pub(super) table: String,
}

impl Pair {
    pub(super) fn new(cluster: &str, table: &str) -> Self {
        Self { cluster: cluster.to_owned(), table: table.to_owned() }
    }
}

/// A kind of failure of one table of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct FailureOf {
    pub(super) cluster: String,
    pub(super) table: String,
    pub(super) kind: &'static str,
}

/// How a run or a commit ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

/// What is said of clusters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct State {
    pub(super) state: &'static str,
}

/// An operation of an AWS service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Operation {
    pub(super) service: String,
    pub(super) operation: String,
}

/// The kind of an error, as a label.
pub(super) fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connect => "connect",
        ErrorKind::Auth => "auth",
        ErrorKind::Tls => "tls",
        ErrorKind::Privilege => "privilege",
        ErrorKind::Query => "query",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Clock => "clock",
        ErrorKind::Schema => "schema",
        ErrorKind::MissingTable => "missing_table",
        ErrorKind::Lake => "lake",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Watermarks => "watermarks",
        ErrorKind::Aws => "aws",
        ErrorKind::Config => "config",
        ErrorKind::Cancelled => "cancelled",
    }
}
