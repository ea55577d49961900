//! What can go wrong, and what to do about it. One small error: a kind that decides about retries and exit codes, a message
//! that names cluster, table or file, and the cause.

use std::error::Error as StdError;
use std::fmt;

/// What kind of thing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The cluster could not be reached, or the connection broke.
    Connect,
    /// User name or password were refused.
    Auth,
    /// TLS is missing or the certificate is not trusted.
    Tls,
    /// The user may not see what has to be exported.
    Privilege,
    /// The cluster answered a query with an error.
    Query,
    /// No answer within the configured time.
    Timeout,
    /// The server's clock cannot be true.
    Clock,
    /// A column of the source no longer fits the lake.
    Schema,
    /// The cluster does not have the table.
    MissingTable,
    /// The lake could not be read or written.
    Lake,
    /// Another writer committed the same cluster and table first.
    Conflict,
    /// The watermark store could not be read or written.
    Watermarks,
    /// Configuration.
    Config,
    /// AWS refused a call, or could not answer it.
    Aws,
    /// Stopped on request.
    Cancelled,
}

/// An error of the exporter. `Display` is one line without secrets; causes are joined with `: `.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    advice: Option<String>,
    transient: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Result of the exporter.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with its message: what failed, and where.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), advice: None, transient: false, source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Marks the failure as one that the same call may not meet again.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.transient = true;
        self
    }

    /// The same failure, for another of those that it stops. Causes become text.
    #[must_use]
    pub fn repeated(&self) -> Self {
        let (kind, message, advice, transient) = (self.kind, self.to_string(), self.advice.clone(), self.transient);
        Self { kind, message, advice, transient, source: None }
    }

    /// The same failure, with what it is about in front.
    #[must_use]
    pub fn about(&self, what: &str) -> Self {
        Self { message: format!("{what}: {self}"), ..self.repeated() }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }

    /// Whether trying again soon may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.transient
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut last = self.message.clone();
        let mut cause: Option<&dyn StdError> = self.source.as_deref().map(|e| e as &dyn StdError);
        while let Some(error) = cause {
            let text = error.to_string();
            // Wrappers often repeat what they wrap.
            if !last.contains(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {}

/// Shorthand for lake errors: `store.put(..).await.map_err(lake("writing the marker"))?`.
pub fn lake<E: Into<Box<dyn StdError + Send + Sync>>>(what: impl Into<String>) -> impl FnOnce(E) -> Error {
    let what = what.into();
    move |e| Error::new(ErrorKind::Lake, what).because(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_joined_and_not_repeated() {
        let inner = Error::new(ErrorKind::Lake, "disk full");
        let outer = Error::new(ErrorKind::Lake, "writing x.parquet").because(inner).advise("free some space");
        assert_eq!(outer.to_string(), "writing x.parquet: disk full");
        assert_eq!(outer.advice(), Some("free some space"));
        let same = Error::new(ErrorKind::Lake, "a: disk full").because(std::io::Error::other("disk full"));
        assert_eq!(same.to_string(), "a: disk full");
    }
}
