//! When two rows are one row.
//!
//! System tables have no keys, so a row is identified by all of its values. Each row gets a 128-bit hash of a canonical form,
//! and rows are compared as multisets: a row that the source has three times is kept three times. The hash is BLAKE3, not a
//! faster one, because SQL text is written by the users whom the record may have to testify about: nobody must be able to
//! craft a row that hides another.
//!
//! The canonical form of a row is that of its columns in the order of their names, each as one tag byte (0 for null) and the
//! value; text carries its length. So NULL, the empty string and a blank differ, and no two rows share a form.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};

use crate::names::IDENTITY_VERSION;

/// The identity of a row within one table.
pub type RowId = u128;

/// A column whose type has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column '{column}' of type {data_type} has no canonical form")]
pub struct IdentityError {
    /// The column.
    pub column: String,
    /// Its Arrow type.
    pub data_type: DataType,
}

/// Computes row identities of one table over a fixed list of columns.
#[derive(Debug, Clone)]
pub struct Identity {
    columns: Vec<String>,
    hasher: blake3::Hasher,
}

impl Identity {
    /// Identity of rows of `table` over `columns`, whose order does not matter.
    #[must_use]
    pub fn new<S: AsRef<str>>(table: &str, columns: &[S]) -> Self {
        let mut columns: Vec<String> = columns.iter().map(|c| c.as_ref().to_owned()).collect();
        columns.sort_unstable();
        columns.dedup();
        let context = format!("lookback row identity {IDENTITY_VERSION} {table} {}", columns.join(","));
        Self { columns, hasher: blake3::Hasher::new_derive_key(&context) }
    }

    /// The columns, sorted by name.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The identity of every row of a batch, in order. A column that the batch lacks counts as null in every row.
    ///
    /// # Errors
    /// [`IdentityError`] if a column has a type that the lake does not store.
    pub fn of_batch(&self, batch: &RecordBatch) -> Result<Vec<RowId>, IdentityError> {
        let values: Vec<Option<Values<'_>>> = self
            .columns
            .iter()
            .map(|name| batch.column_by_name(name).map(|array| Values::new(name, array)).transpose())
            .collect::<Result<_, _>>()?;
        let mut form = Vec::with_capacity(512);
        let mut hasher = self.hasher.clone();
        let mut ids = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            form.clear();
            for column in &values {
                match column {
                    Some(values) => values.append(row, &mut form),
                    None => form.push(0),
                }
            }
            hasher.reset();
            hasher.update(&form);
            let mut id = [0; 16];
            hasher.finalize_xof().fill(&mut id);
            ids.push(RowId::from_le_bytes(id));
        }
        Ok(ids)
    }
}

enum Values<'a> {
    Long(&'a Int64Array),
    Double(&'a Float64Array),
    Boolean(&'a BooleanArray),
    Text(&'a StringArray),
    Timestamp(&'a TimestampMicrosecondArray),
    Date(&'a Date32Array),
    Decimal(&'a Decimal128Array),
}

impl<'a> Values<'a> {
    fn new(name: &str, array: &'a ArrayRef) -> Result<Self, IdentityError> {
        let any = array.as_any();
        let values = match array.data_type() {
            DataType::Int64 => any.downcast_ref().map(Self::Long),
            DataType::Float64 => any.downcast_ref().map(Self::Double),
            DataType::Boolean => any.downcast_ref().map(Self::Boolean),
            DataType::Utf8 => any.downcast_ref().map(Self::Text),
            DataType::Timestamp(TimeUnit::Microsecond, _) => any.downcast_ref().map(Self::Timestamp),
            DataType::Date32 => any.downcast_ref().map(Self::Date),
            DataType::Decimal128(..) => any.downcast_ref().map(Self::Decimal),
            _ => None,
        };
        values.ok_or_else(|| IdentityError { column: name.to_owned(), data_type: array.data_type().clone() })
    }

    /// Appends the canonical form of one value.
    fn append(&self, row: usize, form: &mut Vec<u8>) {
        let null = match self {
            Self::Long(a) => a.is_null(row),
            Self::Double(a) => a.is_null(row),
            Self::Boolean(a) => a.is_null(row),
            Self::Text(a) => a.is_null(row),
            Self::Timestamp(a) => a.is_null(row),
            Self::Date(a) => a.is_null(row),
            Self::Decimal(a) => a.is_null(row),
        };
        if null {
            form.push(0);
            return;
        }
        form.push(1);
        match self {
            Self::Long(a) => form.extend_from_slice(&a.value(row).to_le_bytes()),
            Self::Double(a) => form.extend_from_slice(&canonical_bits(a.value(row)).to_le_bytes()),
            Self::Boolean(a) => form.push(u8::from(a.value(row))),
            Self::Text(a) => {
                let text = a.value(row).as_bytes();
                form.extend_from_slice(&(text.len() as u64).to_le_bytes());
                form.extend_from_slice(text);
            }
            Self::Timestamp(a) => form.extend_from_slice(&a.value(row).to_le_bytes()),
            Self::Date(a) => form.extend_from_slice(&a.value(row).to_le_bytes()),
            Self::Decimal(a) => form.extend_from_slice(&a.value(row).to_le_bytes()),
        }
    }
}

/// One bit pattern for each number: -0.0 is 0.0, and every NaN is the same.
fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

/// A hasher for keys that are already hashes.
#[derive(Debug, Default, Clone)]
pub struct TakeLowBits(u64);

impl Hasher for TakeLowBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut low = [0; 8];
        for (to, from) in low.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.0 = u64::from_le_bytes(low);
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half of a good hash is a good hash")]
    fn write_u128(&mut self, id: u128) {
        self.0 = id as u64;
    }
}

/// Rows as a multiset: how often each identity occurs.
#[derive(Debug, Clone, Default)]
pub struct Multiset {
    counts: HashMap<RowId, u32, BuildHasherDefault<TakeLowBits>>,
    rows: u64,
}

impl Multiset {
    /// Adds one occurrence.
    pub fn add(&mut self, id: RowId) {
        *self.counts.entry(id).or_insert(0) += 1;
        self.rows += 1;
    }

    /// Removes one occurrence; false if there is none. Removing each row of a second multiset leaves the difference, and the
    /// rows answered with false are what the second has and this one lacks.
    pub fn take(&mut self, id: RowId) -> bool {
        match self.counts.get_mut(&id) {
            Some(count) if *count > 0 => {
                *count -= 1;
                self.rows -= 1;
                true
            }
            _ => false,
        }
    }

    /// Whether there is an occurrence.
    #[must_use]
    pub fn has(&self, id: RowId) -> bool {
        self.counts.get(&id).is_some_and(|count| *count > 0)
    }

    /// Occurrences in all.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

#[cfg(test)]
mod tests;
