//! The values that a percentile is found in, and how it is found.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, ListArray, PrimitiveArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowNativeTypeOp, DataType, Date32Type, Decimal128Type, Field, Float64Type, Int64Type, TimestampMicrosecondType,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::Accumulator;

/// A number from 0 to 1, as a quotient of whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fraction {
    parts: i128,
    of: i128,
    // Counted from the largest value.
    descending: bool,
}

impl Fraction {
    pub(super) const HALF: Self = Self { parts: 5, of: 10, descending: false };

    /// The fraction that a constant stands for; `None` if it is none.
    pub(super) fn of(value: &ScalarValue) -> Option<Self> {
        let (parts, of) = match value {
            ScalarValue::Decimal128(Some(digits), _, scale) => {
                (*digits, 10_i128.checked_pow(u32::try_from(*scale).ok()?)?)
            }
            ScalarValue::Int64(Some(whole)) => (i128::from(*whole), 1),
            ScalarValue::Int32(Some(whole)) => (i128::from(*whole), 1),
            ScalarValue::Float64(Some(float)) => {
                let text = float.to_string();
                let (whole, behind) = text.split_once('.').unwrap_or((&text, ""));
                (format!("{whole}{behind}").parse().ok()?, 10_i128.checked_pow(u32::try_from(behind.len()).ok()?)?)
            }
            _ => return None,
        };
        (0..=of).contains(&parts).then_some(Self { parts, of, descending: false })
    }

    /// The same share of rows, counted from the largest value.
    pub(super) fn counted_down(self) -> Self {
        Self { descending: true, ..self }
    }

    /// Where the fraction lies among `count` values in ascending order: a place, and how many `of` parts it is above it.
    fn between(self, count: i128) -> Option<(usize, i128)> {
        let parts = if self.descending { self.of - self.parts } else { self.parts };
        let position = parts.checked_mul(count - 1)?;
        Some((usize::try_from(position / self.of).ok()?, position % self.of))
    }

    /// The place of the first value, in the order asked for, whose share of `count` values reaches the fraction.
    fn at(self, count: i128) -> Option<usize> {
        let position = self.parts.checked_mul(count)?;
        let place = (position / self.of + i128::from(position % self.of != 0)).max(1) - 1;
        usize::try_from(if self.descending { count - 1 - place } else { place }).ok()
    }
}

/// A type of which percentiles are found.
pub(super) trait Sample: ArrowPrimitiveType {
    /// The value that lies `rest` of `of` parts above the lower one, on the way to the upper; `None` if it does not fit.
    fn interpolate(
        lower: Self::Native,
        upper: Self::Native,
        rest: i128,
        of: i128,
        to: &DataType,
    ) -> Result<Option<ScalarValue>>;
}

/// The digits of an exact interpolation, with as many more behind the point as `of` has zeros.
fn exact(lower: i128, upper: i128, rest: i128, of: i128) -> Option<i128> {
    let digits = lower.checked_mul(of - rest)?.checked_add(upper.checked_mul(rest)?)?;
    (digits.unsigned_abs() < 10_u128.pow(38)).then_some(digits)
}

fn decimal(digits: Option<i128>, to: &DataType) -> Option<ScalarValue> {
    match to {
        DataType::Decimal128(precision, scale) => {
            digits.map(|digits| ScalarValue::Decimal128(Some(digits), *precision, *scale))
        }
        _ => None,
    }
}

fn inexact(lower: f64, upper: f64, rest: i128, of: i128) -> ScalarValue {
    let share = rest as f64 / of as f64;
    ScalarValue::Float64(Some(if rest == 0 { lower } else { lower * (1.0 - share) + upper * share }))
}

/// Whole units of time, without a rest.
fn whole(lower: i64, upper: i64, rest: i128, of: i128) -> Option<i64> {
    let (lower, upper) = (i128::from(lower), i128::from(upper));
    i64::try_from(lower + (upper - lower).checked_mul(rest)? / of).ok()
}

impl Sample for Int64Type {
    fn interpolate(lower: i64, upper: i64, rest: i128, of: i128, to: &DataType) -> Result<Option<ScalarValue>> {
        if to.is_floating() {
            return Ok(Some(inexact(lower as f64, upper as f64, rest, of)));
        }
        Ok(decimal(exact(i128::from(lower), i128::from(upper), rest, of), to))
    }
}

impl Sample for Decimal128Type {
    fn interpolate(lower: i128, upper: i128, rest: i128, of: i128, to: &DataType) -> Result<Option<ScalarValue>> {
        Ok(decimal(exact(lower, upper, rest, of), to))
    }
}

impl Sample for Float64Type {
    fn interpolate(lower: f64, upper: f64, rest: i128, of: i128, _: &DataType) -> Result<Option<ScalarValue>> {
        Ok(Some(inexact(lower, upper, rest, of)))
    }
}

impl Sample for Date32Type {
    fn interpolate(lower: i32, upper: i32, rest: i128, of: i128, _: &DataType) -> Result<Option<ScalarValue>> {
        let day = whole(i64::from(lower), i64::from(upper), rest, of).and_then(|day| i32::try_from(day).ok());
        Ok(day.map(|day| ScalarValue::Date32(Some(day))))
    }
}

impl Sample for TimestampMicrosecondType {
    fn interpolate(lower: i64, upper: i64, rest: i128, of: i128, to: &DataType) -> Result<Option<ScalarValue>> {
        let time = whole(lower, upper, rest, of).map(|time| ScalarValue::TimestampMicrosecond(Some(time), None));
        time.map(|time| time.cast_to(to)).transpose()
    }
}

/// All values of a group, and the question about them.
#[derive(Debug)]
pub(super) struct Values<T: Sample> {
    values: Vec<T::Native>,
    discrete: bool,
    fraction: Fraction,
    from: DataType,
    to: DataType,
}

impl<T: Sample> Values<T> {
    pub(super) fn new(discrete: bool, fraction: Fraction, from: DataType, to: DataType) -> Self {
        Self { values: Vec::new(), discrete, fraction, from, to }
    }

    fn array(&self, values: Vec<T::Native>) -> PrimitiveArray<T> {
        PrimitiveArray::<T>::new(ScalarBuffer::from(values), None).with_data_type(self.from.clone())
    }
}

fn order<N: ArrowNativeTypeOp>(a: &N, b: &N) -> Ordering {
    a.compare(*b)
}

fn too_large() -> DataFusionError {
    exec_datafusion_err!("numeric overflow: a percentile has more than 38 digits; cast the values to fewer digits")
}

impl<T: Sample + Debug> Accumulator for Values<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<T>();
        if values.null_count() == 0 {
            self.values.extend_from_slice(values.values());
        } else {
            self.values.extend(values.iter().flatten());
        }
        Ok(())
    }

    // A window asks more than once: the values stay, their order does not matter.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = i128::try_from(self.values.len()).map_err(|_| too_large())?;
        if count == 0 {
            return ScalarValue::try_from(&self.to);
        }
        if self.discrete {
            let place = self.fraction.at(count).ok_or_else(too_large)?;
            let (_, value, _) = self.values.select_nth_unstable_by(place, order);
            let value = *value;
            return ScalarValue::try_from_array(&self.array(vec![value]), 0);
        }
        let (place, rest) = self.fraction.between(count).ok_or_else(too_large)?;
        let (_, lower, above) = self.values.select_nth_unstable_by(place, order);
        let lower = *lower;
        let upper = above.iter().copied().min_by(order).unwrap_or(lower);
        T::interpolate(lower, upper, rest, self.fraction.of, &self.to)?.ok_or_else(too_large)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<T::Native>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = std::mem::take(&mut self.values);
        let values = self.array(values);
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        let field = Arc::new(Field::new_list_field(self.from.clone(), true));
        Ok(vec![ScalarValue::List(Arc::new(ListArray::new(field, offsets, Arc::new(values), None)))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for list in states[0].as_list::<i32>().iter().flatten() {
            self.update_batch(&[list])?;
        }
        Ok(())
    }
}
