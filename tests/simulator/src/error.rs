//! Errors as the wire carries them.

use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use pgwire::messages::response::ErrorResponse;

/// An error with its SQLSTATE.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct SqlError {
    pub(crate) code: String,
    pub(crate) message: String,
    /// The session ends.
    pub(crate) fatal: bool,
}

impl SqlError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), fatal: false }
    }

    pub(crate) fn fatal(code: &str, message: impl Into<String>) -> Self {
        Self { fatal: true, ..Self::new(code, message) }
    }

    pub(crate) fn unsupported(what: &str) -> Self {
        Self::new("0A000", format!("{what} is not supported"))
    }

    pub(crate) fn no_relation(name: &str) -> Self {
        Self::new("42P01", format!("relation \"{name}\" does not exist"))
    }

    pub(crate) fn cancelled() -> Self {
        Self::new("57014", "Query cancelled on user's request")
    }

    pub(crate) fn response(&self) -> ErrorResponse {
        let severity = if self.fatal { "FATAL" } else { "ERROR" };
        ErrorResponse::new(vec![(b'S', severity.to_owned()), (b'C', self.code.clone()), (b'M', self.message.clone())])
    }
}

impl From<DataFusionError> for SqlError {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
                SchemaError::FieldNotFound { field, .. } => {
                    Self::new("42703", format!("column \"{}\" does not exist", field.name))
                }
                SchemaError::AmbiguousReference { field } => {
                    Self::new("42702", format!("column reference \"{}\" is ambiguous", field.name))
                }
                _ => Self::new("42701", error.strip_backtrace()),
            },
            DataFusionError::SQL(..) => Self::new("42601", error.strip_backtrace()),
            DataFusionError::NotImplemented(..) => Self::new("0A000", error.strip_backtrace()),
            DataFusionError::Plan(message) if message.contains("Invalid function") => {
                Self::new("42883", message.lines().next().unwrap_or("no such function"))
            }
            DataFusionError::Plan(..) => Self::new("42601", error.strip_backtrace()),
            DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
                ArrowError::CastError(message) | ArrowError::ParseError(message) => Self::new("22P02", message.clone()),
                ArrowError::DivideByZero => Self::new("22012", "division by zero"),
                _ => Self::new("XX000", error.strip_backtrace()),
            },
            _ => Self::new("XX000", error.strip_backtrace()),
        }
    }
}

impl From<ArrowError> for SqlError {
    fn from(error: ArrowError) -> Self {
        Self::from(DataFusionError::from(error))
    }
}
