//! The arguments of one call, for a batch of rows. An argument that is the same for all rows is one value.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray, StringBuilder,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::ColumnarValue;

use super::frame::wrong;
use super::{plain, read_time};

pub(super) struct Column {
    array: ArrayRef,
    /// An untyped NULL has no nulls of its own.
    nulls: Option<NullBuffer>,
    constant: bool,
}

impl Column {
    pub(super) fn new(value: &ColumnarValue) -> Result<Self> {
        let (array, constant) = match value {
            ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
            ColumnarValue::Array(array) => (Arc::clone(array), false),
        };
        Ok(Self { nulls: array.logical_nulls(), array, constant })
    }
}

/// The arguments of one call for a batch of rows.
pub(super) struct Arguments {
    pub(super) name: &'static str,
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
}

/// One argument, by row.
pub(super) struct Values<A> {
    array: A,
    constant: bool,
}

impl<A: Array> Values<A> {
    fn at(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }
}

impl Values<StringArray> {
    pub(super) fn get(&self, row: usize) -> &str {
        self.array.value(self.at(row))
    }

    /// The value if it is the same for all rows.
    pub(super) fn constant(&self) -> Option<&str> {
        (self.constant && !self.array.is_empty() && self.array.is_valid(0)).then(|| self.array.value(0))
    }
}

impl<T: ArrowPrimitiveType> Values<PrimitiveArray<T>> {
    /// The value if it is the same for all rows.
    pub(super) fn constant(&self) -> Option<T::Native> {
        (self.constant && !self.array.is_empty() && self.array.is_valid(0)).then(|| self.array.value(0))
    }

    pub(super) fn get(&self, row: usize) -> T::Native {
        self.array.value(self.at(row))
    }
}

impl Values<BooleanArray> {
    pub(super) fn get(&self, row: usize) -> bool {
        self.array.value(self.at(row))
    }
}

impl Arguments {
    /// How many arguments there are.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn data_type(&self, n: usize) -> &DataType {
        self.columns[n].array.data_type()
    }

    pub(super) fn texts(&self, n: usize) -> Result<Values<StringArray>> {
        let column = &self.columns[n];
        Ok(Values { array: plain::texts(&column.array)?, constant: column.constant })
    }

    pub(super) fn ints(&self, n: usize) -> Result<Values<PrimitiveArray<Int64Type>>> {
        self.primitives::<Int64Type>(n)
    }

    pub(super) fn floats(&self, n: usize) -> Result<Values<PrimitiveArray<Float64Type>>> {
        self.primitives::<Float64Type>(n)
    }

    /// Microseconds since 1970-01-01.
    pub(super) fn times(&self, n: usize) -> Result<Values<PrimitiveArray<TimestampMicrosecondType>>> {
        let column = &self.columns[n];
        match column.array.as_string_opt::<i32>() {
            Some(texts) => Ok(Values { array: read_time::all(self.name, texts)?, constant: column.constant }),
            None => self.primitives::<TimestampMicrosecondType>(n),
        }
    }

    pub(super) fn bools(&self, n: usize) -> Result<Values<BooleanArray>> {
        match self.columns[n].array.as_boolean_opt() {
            Some(array) => Ok(Values { array: array.clone(), constant: self.columns[n].constant }),
            None => self.unexpected(n),
        }
    }

    pub(super) fn primitives<T: ArrowPrimitiveType>(&self, n: usize) -> Result<Values<PrimitiveArray<T>>> {
        match self.columns[n].array.as_primitive_opt::<T>() {
            Some(array) => Ok(Values { array: array.clone(), constant: self.columns[n].constant }),
            None => self.unexpected(n),
        }
    }

    /// An argument with a value for every row.
    pub(super) fn array(&self, n: usize) -> Result<ArrayRef> {
        let Column { array, constant, .. } = &self.columns[n];
        if *constant && self.rows != 1 {
            return ScalarValue::try_from_array(array, 0)?.to_array_of_size(self.rows);
        }
        Ok(Arc::clone(array))
    }

    /// An argument as it came, and whether it is the same for all rows.
    pub(super) fn raw(&self, n: usize) -> (&ArrayRef, bool) {
        (&self.columns[n].array, self.columns[n].constant)
    }

    fn unexpected<T>(&self, n: usize) -> Result<T> {
        internal_err!("argument {n} of {}() arrived as {}", self.name, self.data_type(n))
    }

    /// Whether any argument is NULL in a row: then the answer is NULL, too.
    fn any_null(&self, row: usize) -> bool {
        let is_null = |column: &Column| {
            column.nulls.as_ref().is_some_and(|nulls| nulls.is_null(if column.constant { 0 } else { row }))
        };
        self.columns.iter().any(is_null)
    }

    /// One value per row, NULL where an argument is NULL.
    pub(super) fn rows<T>(
        &self,
        mut value: impl FnMut(usize) -> Result<Option<T>>,
    ) -> impl Iterator<Item = Result<Option<T>>> {
        (0..self.rows).map(move |row| if self.any_null(row) { Ok(None) } else { value(row) })
    }

    /// Numbers or times, one per row.
    pub(super) fn numbers<T: ArrowPrimitiveType>(
        &self,
        value: impl FnMut(usize) -> Result<Option<T::Native>>,
    ) -> Result<ArrayRef> {
        Ok(Arc::new(self.rows(value).collect::<Result<PrimitiveArray<T>>>()?))
    }

    /// Truth values, one per row.
    pub(super) fn truths(&self, mut value: impl FnMut(usize) -> Result<bool>) -> Result<ArrayRef> {
        Ok(Arc::new(self.rows(|row| value(row).map(Some)).collect::<Result<BooleanArray>>()?))
    }

    /// Texts, one per row.
    pub(super) fn strings<S: AsRef<str>>(&self, value: impl FnMut(usize) -> Result<Option<S>>) -> Result<ArrayRef> {
        let mut builder = StringBuilder::with_capacity(self.rows, 0);
        let mut bytes = 0_usize;
        for text in self.rows(value) {
            let text = text?;
            bytes += text.as_ref().map_or(0, |text| text.as_ref().len());
            if i32::try_from(bytes).is_err() {
                return wrong(format!("{}() makes more than 2 GB of text out of {} rows", self.name, self.rows));
            }
            builder.append_option(text);
        }
        Ok(Arc::new(builder.finish()))
    }
}
