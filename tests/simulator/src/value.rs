//! Hand-made rows: what a test writes into a simulated table.

/// One value of a hand-made row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// `smallint`, `integer` or `bigint`; also accepted for `double precision` and, unscaled, for `numeric`.
    Int(i64),
    /// `double precision` or `real`.
    Double(f64),
    /// `boolean`.
    Bool(bool),
    /// `character`, `character varying` or `text`; cut to the length of the column.
    Text(String),
    /// `timestamp`: microseconds since 1970-01-01 00:00:00 UTC. For a `date` column the day that holds it.
    Time(i64),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// A hand-made row of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// From when on the virtual clock the row can be read: microseconds since 1970-01-01 UTC.
    pub visible_at: i64,
    /// Columns and their values; a column of the table that is not named here is NULL.
    pub values: Vec<(String, Value)>,
}

impl Row {
    /// A row without values that can be read from `visible_at` (microseconds since 1970-01-01 UTC) on.
    #[must_use]
    pub fn new(visible_at: i64) -> Self {
        Self { visible_at, values: Vec::new() }
    }

    /// The row with one more column set.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.values.push((column.to_owned(), value.into()));
        self
    }

    /// The row with a timestamp column set to `us`, microseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn at(self, column: &str, us: i64) -> Self {
        self.with(column, Value::Time(us))
    }
}
