//! Faults on command: what goes wrong, at which table, and how often.

use std::time::Duration;

/// Something that goes wrong. A fault with a table fires only for statements whose outermost FROM clause names that table
/// first; without one, for every statement that reads a system table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Connections are closed as soon as they are accepted.
    Refuse,
    /// Connections are accepted and never answered, not even the startup message.
    HangConnect,
    /// Statements are read and never answered, until they are cancelled or their statement timeout is over.
    Hang,
    /// As [`Fault::Hang`], for statements that read this table.
    HangTable(String),
    /// The TCP connection is dropped when this many rows of a result have been sent. If the result has exactly that many
    /// rows, all rows arrive and their completion does not; if it has fewer, nothing happens.
    CutAfterRows {
        /// The table; `None` for any.
        table: Option<String>,
        /// Rows that are still sent.
        rows: usize,
    },
    /// Statements fail with SQLSTATE 57014 when they are executed.
    Cancel {
        /// The table; `None` for any.
        table: Option<String>,
    },
    /// Statements fail with this error: when they are prepared if the SQLSTATE is of class 42, otherwise when executed.
    Error {
        /// The table; `None` for any.
        table: Option<String>,
        /// Five-character SQLSTATE.
        sqlstate: String,
        /// Primary message.
        message: String,
    },
    /// The cluster is unavailable while its encryption keys rotate: startup is answered with FATAL 57P03, and a connection
    /// that is already open ends at its next statement with FATAL 57P01.
    RotatingKeys,
    /// Startup asks for Redshift's own SHA-256 digest authentication (tag 13), as for a user whose password is stored so.
    Sha256Auth,
    /// TLS is refused, whatever the server was started with.
    PlaintextOnly,
    /// Results arrive slowly: this much real time passes before every [`crate::BATCH_ROWS`] rows or fewer.
    Slow {
        /// The table; `None` for any.
        table: Option<String>,
        /// Real time between batches.
        pause: Duration,
    },
}

/// A fault and how often it still fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmedFault {
    /// What goes wrong.
    pub fault: Fault,
    /// How many times it fires before it disarms itself; `None` until cleared.
    pub times: Option<u32>,
}

impl From<Fault> for ArmedFault {
    fn from(fault: Fault) -> Self {
        Self { fault, times: None }
    }
}

impl Fault {
    /// The fault, firing this many times.
    #[must_use]
    pub fn times(self, times: u32) -> ArmedFault {
        ArmedFault { fault: self, times: Some(times) }
    }

    /// The fault, firing once.
    #[must_use]
    pub fn once(self) -> ArmedFault {
        self.times(1)
    }
}

/// The armed faults of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<ArmedFault>);

impl Faults {
    pub(crate) fn arm(&mut self, fault: ArmedFault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether a fault that matches is armed, without firing it.
    pub(crate) fn armed(&self, matches: impl Fn(&Fault) -> bool) -> bool {
        self.0.iter().any(|armed| matches(&armed.fault))
    }

    /// Fires the first armed fault that matches.
    pub(crate) fn fire(&mut self, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let index = self.0.iter().position(|armed| armed.times != Some(0) && matches(&armed.fault))?;
        let fault = self.0[index].fault.clone();
        if let Some(times) = &mut self.0[index].times {
            *times -= 1;
            if *times == 0 {
                self.0.remove(index);
            }
        }
        Some(fault)
    }
}

/// Whether a fault for `table` concerns a statement whose first table is `first`.
pub(crate) fn concerns(table: Option<&String>, first: Option<&str>) -> bool {
    match (table, first) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(table), Some(first)) => table.eq_ignore_ascii_case(first),
    }
}
