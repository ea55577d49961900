//! What a table of the record is.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::ACCOUNT_ID;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Text that holds canonical JSON.
    Json,
    /// True or false.
    Bool,
    /// A count, or days.
    Long,
    /// A share.
    Double,
    /// A moment: microseconds UTC.
    Time,
}

impl Kind {
    /// The Arrow type of the lake's data files.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Long => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether every row has a value. The lake's columns can all be null, so that columns can be added; rows are checked when
    /// they are built.
    pub required: bool,
}

/// A table of the record.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The column that says when its fact was; `log_date` is the UTC day of it.
    pub time_column: &'static str,
    /// The columns that no two rows have the same values in. Where the source has no key of its own, they include the run.
    pub natural_key: &'static [&'static str],
    /// Columns that change all the time and mean nothing: they are no part of a state's hash.
    pub volatile: &'static [&'static str],
    /// Its columns, [`ACCOUNT_ID`] among them, without `log_date`.
    pub columns: &'static [Column],
}

impl Table {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of its data files: without the partition columns.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        let stored = self.columns.iter().filter(|column| column.name != ACCOUNT_ID);
        let fields = stored.map(|column| Field::new(column.name, column.kind.arrow(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}
