//! The values of one column of one file, numbered.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::types::{Int64Type, UInt32Type};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, UInt16Array, UInt32Array};
use arrow::compute::{cast, max, min, take};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};

use crate::columns::Kept;

/// Most numbers that a file's rows are told apart by, of all columns together.
pub(super) const MOST: u32 = 1 << 16;

/// A column as numbers below [`Codes::len`]. NULL has the last of them, if there are NULLs.
pub(super) struct Codes {
    rows: Rows,
    values: Values,
    /// Numbers of values, without that of NULL.
    known: u32,
    nulls: bool,
}

/// Which number each row has.
enum Rows {
    /// All have the first.
    Same,
    Texts(UInt16Array),
    Numbers(UInt32Array),
}

/// What a number stands for.
enum Values {
    Listed(ArrayRef),
    /// This one and those after it.
    From(i64, DataType),
}

impl Codes {
    /// Of a column in memory; none, if it has too many values, or is of a type whose values are many.
    ///
    /// # Errors
    /// None that data can cause; what the array library says.
    pub(super) fn of(kept: &Kept) -> Result<Option<Self>> {
        Ok(match kept {
            Kept::Few { texts, which } => Some(Self::texts(texts, which)),
            Kept::Near { least, distances, of: DataType::Int64 } => {
                let most = max(distances).filter(|&most| most < MOST);
                most.map(|most| Self::numbers(*least, distances.clone(), most + 1, DataType::Int64))
            }
            Kept::Near { .. } => None,
            Kept::Plain(array) => match array.data_type() {
                DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::of_integers(array)?,
                _ => None,
            },
        })
    }

    /// Of a column that has one value.
    ///
    /// # Errors
    /// If the value is of a type that no array has.
    pub(super) fn constant(value: &ScalarValue) -> Result<Self> {
        Ok(Self { rows: Rows::Same, values: Values::Listed(value.to_array()?), known: 1, nulls: false })
    }

    fn texts(texts: &StringArray, which: &UInt16Array) -> Self {
        let known = u32::try_from(texts.len()).unwrap_or(MOST);
        let nulls = which.null_count() > 0;
        Self { rows: Rows::Texts(which.clone()), values: Values::Listed(Arc::new(texts.clone())), known, nulls }
    }

    fn numbers(least: i64, distances: UInt32Array, known: u32, of: DataType) -> Self {
        let nulls = distances.null_count() > 0;
        Self { rows: Rows::Numbers(distances), values: Values::From(least, of), known, nulls }
    }

    fn of_integers(array: &ArrayRef) -> Result<Option<Self>> {
        let wide = cast(array, &DataType::Int64)?;
        let wide = wide.as_primitive::<Int64Type>();
        // Nothing but NULLs: any number is the least.
        let (least, most) = (min(wide).unwrap_or(0), max(wide).unwrap_or(0));
        let Some(known) = most.checked_sub(least).and_then(|by| u32::try_from(by).ok()).filter(|&by| by < MOST) else {
            return Ok(None);
        };
        // What stands under a NULL may be anything, and is never looked at.
        let distances = wide.unary::<_, UInt32Type>(|value| u32::try_from(value.wrapping_sub(least)).unwrap_or(0));
        Ok(Some(Self::numbers(least, distances, known + 1, array.data_type().clone())))
    }

    /// How many numbers there are, that of NULL among them.
    pub(super) fn len(&self) -> u32 {
        self.known + u32::from(self.nulls)
    }

    /// Adds the numbers of some rows, each times `step`, to what there is for these rows.
    pub(super) fn add(&self, rows: Range<usize>, step: u32, to: &mut [u32]) {
        match &self.rows {
            Rows::Same => {}
            Rows::Texts(which) => self.add_each(which.slice(rows.start, rows.len()).iter(), step, to, u32::from),
            Rows::Numbers(numbers) if self.nulls => {
                self.add_each(numbers.slice(rows.start, rows.len()).iter(), step, to, |number| number);
            }
            Rows::Numbers(numbers) => {
                for (sum, number) in to.iter_mut().zip(&numbers.values()[rows]) {
                    *sum += number * step;
                }
            }
        }
    }

    fn add_each<T>(&self, of: impl Iterator<Item = Option<T>>, step: u32, to: &mut [u32], number: impl Fn(T) -> u32) {
        for (sum, one) in to.iter_mut().zip(of) {
            *sum += one.map_or(self.known, &number) * step;
        }
    }

    /// What these numbers stand for.
    ///
    /// # Errors
    /// None that data can cause; what the array library says.
    pub(super) fn values(&self, numbers: impl Iterator<Item = u32>) -> Result<ArrayRef> {
        let known = numbers.map(|number| (number < self.known).then_some(number));
        Ok(match &self.values {
            Values::Listed(values) => take(values, &known.collect::<UInt32Array>(), None)?,
            Values::From(least, of) => {
                let values = known.map(|number| number.map(|number| least.wrapping_add(i64::from(number))));
                cast(&values.collect::<Int64Array>(), of)?
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use arrow::array::{Int16Array, Int32Array};
    use proptest::prelude::*;

    use super::*;

    /// The column again, from numbers that were added to others.
    fn again(codes: &Codes, rows: usize, cut: usize) -> ArrayRef {
        let step = 3;
        let mut sums = vec![1; rows];
        codes.add(0..cut, step, &mut sums[..cut]);
        codes.add(cut..rows, step, &mut sums[cut..]);
        assert!(sums.iter().all(|sum| (sum - 1) % step == 0 && (sum - 1) / step < codes.len()));
        codes.values(sums.iter().map(|sum| (sum - 1) / step)).unwrap()
    }

    proptest! {
        #[test]
        fn numbers_stand_for_what_there_was(
            texts in prop::collection::vec(prop::option::of("[ab]{0,1}"), 40..80),
            numbers in prop::collection::vec(prop::option::of(-50_i16..50), 0..80),
            at in any::<i64>(),
            cut in 0..40_usize,
        ) {
            let near: Vec<_> = numbers.iter().map(|n| n.map(|n| at.saturating_add(n.into()))).collect();
            let arrays: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from(texts)),
                Arc::new(Int16Array::from(numbers.clone())),
                Arc::new(numbers.iter().map(|n| n.map(i32::from)).collect::<Int32Array>()),
                Arc::new(Int64Array::from(near)),
            ];
            for array in arrays {
                let cut = cut.min(array.len());
                for kept in [Kept::new(Arc::clone(&array)), Kept::once(Arc::clone(&array))] {
                    // Texts that are not listed have no numbers.
                    if let Some(codes) = Codes::of(&kept).unwrap() {
                        prop_assert_eq!(&again(&codes, array.len(), cut), &array);
                    } else {
                        prop_assert!(matches!(kept, Kept::Plain(array) if *array.data_type() == DataType::Utf8));
                    }
                }
            }
        }
    }

    #[test]
    fn what_has_many_values_has_no_numbers() {
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![0, i64::from(MOST)]));
        assert!(Codes::of(&Kept::once(Arc::clone(&wide))).unwrap().is_none());
        assert!(Codes::of(&Kept::new(wide)).unwrap().is_none());
        let widest: ArrayRef = Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX]));
        assert!(Codes::of(&Kept::once(widest)).unwrap().is_none());
        let just: ArrayRef = Arc::new(Int64Array::from(vec![-1, i64::from(MOST) - 2]));
        assert_eq!(Codes::of(&Kept::once(just)).unwrap().unwrap().len(), MOST);
    }

    #[test]
    fn a_constant_has_one_number() {
        let day = Codes::constant(&ScalarValue::Date32(Some(3))).unwrap();
        assert_eq!(day.len(), 1);
        assert_eq!(again(&day, 5, 2).as_primitive::<arrow::array::types::Date32Type>().values(), &[3; 5]);
        assert_eq!(again(&Codes::constant(&ScalarValue::Utf8(None)).unwrap(), 2, 0).null_count(), 2);
    }
}
