//! The one error of this crate: what kind, what happened, and what caused it.

use std::error::Error;
use std::fmt;

use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use sqlparser::tokenizer::Location;

use crate::names;

/// What went wrong, as far as a caller has to tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The location is not a lake, or cannot be read.
    Lake,
    /// The statement cannot be understood: syntax, an unknown table, column or function, a type that does not fit.
    Sql,
    /// The statement would change something, or read something outside the lake.
    ReadOnly,
    /// A diagnostic or a parameter does not exist, or a parameter's value does not fit.
    Parameter,
    /// Memory, time or number of rows are used up.
    Limit,
    /// Reading the data failed.
    Read,
    /// Writing the result failed.
    Write,
    /// A defect of lookback.
    Internal,
}

/// An error with a message for the person who asked.
#[derive(Debug)]
pub struct QueryError {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl QueryError {
    /// An error without a cause.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An error with its cause, which the message need not repeat.
    #[must_use]
    pub fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without the cause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same error with its place in the text, unless it has one.
    #[must_use]
    pub(crate) fn at(mut self, place: Location) -> Self {
        if !self.message.contains(" at Line: ") {
            self.message.push_str(&place.to_string());
        }
        self
    }

    pub(crate) fn lake(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Lake, message)
    }

    pub(crate) fn sql(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Sql, message)
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for QueryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        let (kind, message) = describe(&error);
        // An error of ours that travelled through DataFusion keeps its kind.
        if let DataFusionError::External(inner) = error.find_root()
            && let Some(own) = inner.downcast_ref::<Self>()
        {
            return Self::new(own.kind, own.message.clone());
        }
        Self::with_source(kind, message, error)
    }
}

impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}

const FULL: &str = "the query needs more temporary files than it may write; narrow it, or allow more";

/// Whether temporary files have reached their limit, which DataFusion tells by its message only.
fn is_full(message: &str) -> bool {
    message.contains("disk space during the spilling process")
}

fn describe(error: &DataFusionError) -> (ErrorKind, String) {
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => (ErrorKind::Sql, describe_schema(schema)),
        DataFusionError::Plan(message) => {
            (ErrorKind::Sql, unknown_function(message).unwrap_or_else(|| message.clone()))
        }
        DataFusionError::NotImplemented(message) => (ErrorKind::Sql, format!("not supported: {message}")),
        DataFusionError::SQL(parse, _) => (ErrorKind::Sql, parser_message(&parse.to_string())),
        DataFusionError::Configuration(message) => (ErrorKind::Sql, message.clone()),
        // Both are "resources" to the engine, and need other advice.
        DataFusionError::ResourcesExhausted(message) if is_full(message) => (ErrorKind::Limit, FULL.to_owned()),
        DataFusionError::ResourcesExhausted(message) => {
            (ErrorKind::Limit, format!("the query needs more memory than it may use: {}", first_line(message)))
        }
        DataFusionError::Execution(message) => (ErrorKind::Read, message.clone()),
        DataFusionError::ArrowError(arrow, _) => describe_arrow(arrow),
        DataFusionError::ParquetError(parquet) => (ErrorKind::Read, describe_file(parquet.as_ref())),
        DataFusionError::ObjectStore(store) => (ErrorKind::Read, describe_file(store.as_ref())),
        DataFusionError::IoError(io) => (ErrorKind::Read, io.to_string()),
        DataFusionError::Internal(message) => (ErrorKind::Internal, first_line(message).to_owned()),
        other => (ErrorKind::Read, other.strip_backtrace()),
    }
}

/// Why a data file cannot be read. One that is gone was there when the statement began: its version names it.
fn describe_file(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(object_store::Error::NotFound { path, .. }) = inner.downcast_ref::<object_store::Error>() {
            return format!(
                "{path} is gone: `lookback maintain` removes files some time after they were replaced. Ask again, and the \
                 newest version is read; if that fails, too, something else has removed it"
            );
        }
        cause = inner.source();
    }
    format!("a data file of the lake cannot be read: {error}")
}

/// A value that does not fit is the statement's affair, as are its temporary files; the rest is a matter of reading.
fn describe_arrow(error: &ArrowError) -> (ErrorKind, String) {
    match error {
        ArrowError::ParseError(message) | ArrowError::CastError(message) | ArrowError::ComputeError(message) => {
            (ErrorKind::Sql, message.clone())
        }
        // As a writer of temporary files has it.
        ArrowError::IoError(message, _) if is_full(message) => (ErrorKind::Limit, FULL.to_owned()),
        ArrowError::DivideByZero => (ErrorKind::Sql, "division by zero".to_owned()),
        ArrowError::ArithmeticOverflow(message) => (ErrorKind::Sql, format!("out of range: {message}")),
        other => (ErrorKind::Read, other.to_string()),
    }
}

/// The first line: what follows in some of DataFusion's messages is a list of consumers or a plea to file a bug.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default().trim_end_matches(':')
}

/// A function that does not exist, with the nearest one that does if a typing error could have led to it.
fn unknown_function(message: &str) -> Option<String> {
    let (name, rest) = message.strip_prefix("Invalid function '")?.split_once('\'')?;
    let known = rest.split('\'').nth(1);
    let near = names::nearest(name, known, 1);
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", names::quoted(&near)) };
    Some(format!("function {} is not available here{hint}", name.to_uppercase()))
}

fn parser_message(message: &str) -> String {
    let text = message.strip_prefix("sql parser error: ").unwrap_or(message);
    format!("syntax error: {text}")
}

fn describe_schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let wanted = field.relation.as_ref().map_or_else(
                || format!("column '{}' does not exist", field.name),
                |table| format!("column '{}' does not exist in '{}'", field.name, table.table()),
            );
            let known = valid_fields.iter().map(|column| column.name.as_str());
            let near = names::nearest(&field.name, known, 3);
            if near.is_empty() { wanted } else { format!("{wanted}; did you mean {}?", names::quoted(&near)) }
        }
        SchemaError::AmbiguousReference { field } => {
            format!("column '{}' is in more than one of the tables; write table.{} instead", field.name, field.name)
        }
        other => other.to_string(),
    }
}
