//! What ends a command: a message, what to do about it, and an exit code.

use std::io::{ErrorKind as IoKind, Write};
use std::process::ExitCode;

use lookback_exporter::{Error, ErrorKind};

/// Exit code of a failure.
pub(crate) const FAILED: u8 = 1;
/// Exit code of wrong usage or configuration.
pub(crate) const USAGE: u8 = 2;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    advice: Option<String>,
}

impl Failure {
    /// Something failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { code: FAILED, message: message.into(), advice: None }
    }

    /// The command or its configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into(), advice: None }
    }

    /// The person who asked changed their mind.
    #[cfg(feature = "query")]
    pub(crate) fn cancelled(after: std::time::Duration) -> Self {
        Self::failed(format!("cancelled after {:.1} s", after.as_secs_f64()))
    }

    /// Says where it happened, before the message.
    #[cfg(feature = "query")]
    pub(crate) fn within(mut self, place: impl std::fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Adds what to do.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The same for a process that goes on.
    pub(crate) fn into_error(self) -> Error {
        let kind = if self.code == USAGE { ErrorKind::Config } else { ErrorKind::Lake };
        let error = Error::new(kind, self.message);
        match self.advice {
            Some(advice) => error.advise(advice),
            None => error,
        }
    }

    /// Prints it to stderr, and gives the exit code. A reader that closed stdout is no failure.
    pub(crate) fn report(self) -> ExitCode {
        self.print();
        ExitCode::from(self.code)
    }

    /// Prints it to stderr.
    pub(crate) fn print(&self) {
        if self.code == 0 {
            return;
        }
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "lookback: {}", self.message);
        if let Some(advice) = &self.advice {
            let _ = writeln!(out, "          {advice}");
        }
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let code = if e.kind() == ErrorKind::Config { USAGE } else { FAILED };
        Self { code, message: e.to_string(), advice: e.advice().map(str::to_owned) }
    }
}

#[cfg(feature = "query")]
impl From<lookback_query::QueryError> for Failure {
    fn from(e: lookback_query::QueryError) -> Self {
        let code = if e.kind() == lookback_query::ErrorKind::Parameter { USAGE } else { FAILED };
        Self { code, message: e.to_string(), advice: None }
    }
}

impl From<lookback_schemas::registry::SelectError> for Failure {
    fn from(e: lookback_schemas::registry::SelectError) -> Self {
        Self::usage(e.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        if e.kind() == IoKind::BrokenPipe {
            return Self { code: 0, message: String::new(), advice: None };
        }
        Self::failed(format!("writing the result: {e}"))
    }
}
