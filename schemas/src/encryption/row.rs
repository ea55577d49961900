//! Rows by column name, checked against their table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;

use super::ACCOUNT_ID;
use super::table::{Kind, Table};

/// A value of a row; what is null is not there.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, or canonical JSON.
    Text(String),
    /// True or false.
    Bool(bool),
    /// A count, or days.
    Long(i64),
    /// A share.
    Double(f64),
    /// Microseconds UTC.
    Time(i64),
}

impl Value {
    fn suits(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Text(_), Kind::Text | Kind::Json)
                | (Self::Bool(_), Kind::Bool)
                | (Self::Long(_), Kind::Long)
                | (Self::Double(_), Kind::Double)
                | (Self::Time(_), Kind::Time)
        )
    }
}

/// Why a row is none of its table.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum RowError {
    /// There is no such column.
    #[error("table {table} has no column {column}")]
    Unknown {
        /// The table.
        table: &'static str,
        /// What was set.
        column: String,
    },
    /// The value is of another type than the column.
    #[error("column {column} of table {table} is of another type")]
    Type {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
    },
    /// A value is missing that every row has.
    #[error("a row of table {table} has no {column}")]
    Missing {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    table: &'static Table,
    values: BTreeMap<&'static str, Value>,
    wrong: Option<RowError>,
}

impl Row {
    /// A row without values.
    #[must_use]
    pub fn new(table: &'static Table) -> Self {
        Self { table, values: BTreeMap::new(), wrong: None }
    }

    /// Its table.
    #[must_use]
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Sets a value; [`Row::check`] tells of a column that there is not.
    pub fn set(&mut self, column: &str, value: Value) {
        match self.table.column(column) {
            None => {
                self.wrong = Some(RowError::Unknown { table: self.table.name, column: column.to_owned() });
            }
            Some(found) if !value.suits(found.kind) => {
                self.wrong = Some(RowError::Type { table: self.table.name, column: column.to_owned() });
            }
            Some(found) => {
                self.values.insert(found.name, value);
            }
        }
    }

    /// Takes a value out.
    pub fn clear(&mut self, column: &str) {
        self.values.remove(column);
    }

    /// Sets a text. `None` and nothing but blanks leave it null.
    pub fn text(&mut self, column: &str, value: Option<impl Into<String>>) -> &mut Self {
        if let Some(text) = value.map(Into::into).filter(|text: &String| !text.trim().is_empty()) {
            self.set(column, Value::Text(text));
        }
        self
    }

    /// Sets a truth value.
    pub fn flag(&mut self, column: &str, value: Option<bool>) -> &mut Self {
        if let Some(value) = value {
            self.set(column, Value::Bool(value));
        }
        self
    }

    /// Sets a number.
    pub fn long(&mut self, column: &str, value: Option<i64>) -> &mut Self {
        if let Some(value) = value {
            self.set(column, Value::Long(value));
        }
        self
    }

    /// Sets a share.
    pub fn double(&mut self, column: &str, value: Option<f64>) -> &mut Self {
        if let Some(value) = value {
            self.set(column, Value::Double(value));
        }
        self
    }

    /// Sets a moment, microseconds UTC.
    pub fn time(&mut self, column: &str, value: Option<i64>) -> &mut Self {
        if let Some(value) = value {
            self.set(column, Value::Time(value));
        }
        self
    }

    /// Sets canonical JSON.
    pub fn json(&mut self, column: &str, value: Option<&serde_json::Value>) -> &mut Self {
        if let Some(value) = value {
            self.set(column, Value::Text(super::canonical(value)));
        }
        self
    }

    /// A value, if it is not null.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.values.get(column)
    }

    /// A text, if it is one.
    #[must_use]
    pub fn get_text(&self, column: &str) -> Option<&str> {
        match self.get(column) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A moment, if it is one.
    #[must_use]
    pub fn get_time(&self, column: &str) -> Option<i64> {
        match self.get(column) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// A truth value, if it is one.
    #[must_use]
    pub fn get_flag(&self, column: &str) -> Option<bool> {
        match self.get(column) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The values that are not null, by column name.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// The row's moment, microseconds UTC.
    #[must_use]
    pub fn at(&self) -> Option<i64> {
        self.get_time(self.table.time_column)
    }

    /// Makes sure that it is a row of its table.
    ///
    /// # Errors
    /// [`RowError`] for what is not.
    pub fn check(&self) -> Result<(), RowError> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        match self.table.columns.iter().find(|c| c.required && !self.values.contains_key(c.name)) {
            Some(column) => Err(RowError::Missing { table: self.table.name, column: column.name }),
            None => Ok(()),
        }
    }
}

/// Rows of one table as its data files have them: without partition columns.
///
/// # Errors
/// If Arrow refuses the columns, which it has no reason to.
pub fn batch(table: &'static Table, rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let column = |name: &'static str, kind: Kind| -> ArrayRef {
        let values = rows.iter().map(|row| row.get(name));
        match kind {
            Kind::Text | Kind::Json => Arc::new(StringArray::from_iter(values.map(|v| match v {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            }))),
            Kind::Bool => Arc::new(BooleanArray::from_iter(values.map(|v| match v {
                Some(Value::Bool(flag)) => Some(*flag),
                _ => None,
            }))),
            Kind::Long => Arc::new(Int64Array::from_iter(values.map(|v| match v {
                Some(Value::Long(number)) => Some(*number),
                _ => None,
            }))),
            Kind::Double => Arc::new(Float64Array::from_iter(values.map(|v| match v {
                Some(Value::Double(number)) => Some(*number),
                _ => None,
            }))),
            Kind::Time => Arc::new(
                TimestampMicrosecondArray::from_iter(values.map(|v| match v {
                    Some(Value::Time(time)) => Some(*time),
                    _ => None,
                }))
                .with_timezone("UTC"),
            ),
        }
    };
    let stored = table.columns.iter().filter(|c| c.name != ACCOUNT_ID);
    RecordBatch::try_new(table.schema(), stored.map(|c| column(c.name, c.kind)).collect())
}

/// The rows of a batch that was read from a data file of an account's partition. Columns that the table does not know, or that
/// are of another type, are left out.
#[must_use]
pub fn rows(table: &'static Table, account: &str, batch: &RecordBatch) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..batch.num_rows()).map(|_| Row::new(table)).collect();
    for row in &mut rows {
        row.text(ACCOUNT_ID, Some(account));
    }
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let Some(column) = table.column(field.name()) else { continue };
        for (number, row) in rows.iter_mut().enumerate().filter(|(number, _)| array.is_valid(*number)) {
            if let Some(value) = value_at(array, number).filter(|v| v.suits(column.kind)) {
                row.set(column.name, value);
            }
        }
    }
    rows
}

fn value_at(array: &ArrayRef, row: usize) -> Option<Value> {
    Some(match array.data_type() {
        DataType::Utf8 => Value::Text(array.as_string_opt::<i32>()?.value(row).to_owned()),
        DataType::Boolean => Value::Bool(array.as_boolean_opt()?.value(row)),
        DataType::Int64 => Value::Long(array.as_primitive_opt::<Int64Type>()?.value(row)),
        DataType::Float64 => Value::Double(array.as_primitive_opt::<Float64Type>()?.value(row)),
        DataType::Timestamp(..) => Value::Time(array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row)),
        _ => return None,
    })
}
