//! What the person who asks should know, although the statement runs.

use std::fmt;

/// A remark about a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    line: u64,
    text: String,
}

impl Notice {
    pub(crate) fn new(line: u64, text: impl Into<String>) -> Self {
        Self { line, text: text.into() }
    }

    /// The line that it is about, from 1; 0 if it is about no line.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The remark, without the line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.text)
    }
}
