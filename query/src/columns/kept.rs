//! One column of one data file in memory, in few bytes, and back.

use std::sync::Arc;

use arrow::array::types::{
    ArrowDictionaryKeyType, ArrowPrimitiveType, Int32Type, Int64Type, TimestampMicrosecondType, UInt16Type, UInt32Type,
};
use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, PrimitiveArray, StringArray, UInt16Array, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;

/// A column is kept by its values if there are at least as many rows to each as this: what is saved is small otherwise.
const ROWS_PER_VALUE: usize = 4;

/// Texts that are kept by their values are no more than this: a row has two bytes to say which.
const MOST_VALUES: usize = 1 << 16;

/// All rows of one column of one file.
#[derive(Debug)]
pub(crate) enum Kept {
    /// As it is in an answer.
    Plain(ArrayRef),
    /// Numbers or times that lie close together: their distances from the least.
    Near { least: i64, distances: UInt32Array, of: DataType },
    /// Texts of which there are few: which of them each row has.
    Few { texts: StringArray, which: UInt16Array },
}

impl Kept {
    /// Keeps an array, in the smallest of the forms that fit it.
    pub(crate) fn new(array: ArrayRef) -> Self {
        let near = match array.data_type() {
            DataType::Int64 => near(array.as_primitive::<Int64Type>()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => near(array.as_primitive::<TimestampMicrosecondType>()),
            DataType::Utf8 => return few(&array).unwrap_or_else(|| plain(array)),
            _ => None,
        };
        match near {
            Some((least, distances)) => Self::Near { least, distances, of: array.data_type().clone() },
            None => plain(array),
        }
    }

    /// An array as it is: what is used once is not worth looking at.
    pub(crate) fn once(array: ArrayRef) -> Self {
        Self::Plain(array)
    }

    /// Keeps texts that came with their values listed, as data files have them.
    ///
    /// # Errors
    /// None that data can cause; what the array library says.
    pub(crate) fn listed(array: &DictionaryArray<Int32Type>) -> Result<Self, ArrowError> {
        let values = array.values().len();
        if values > MOST_VALUES || values * ROWS_PER_VALUE > array.len() {
            return Ok(plain(cast(array, &DataType::Utf8)?));
        }
        let texts = cast(array.values(), &DataType::Utf8)?.as_string::<i32>().clone();
        let which = cast(array.keys(), &DataType::UInt16)?.as_primitive::<UInt16Type>().clone();
        Ok(Self::Few { texts, which })
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Plain(array) => array.len(),
            Self::Near { distances, .. } => distances.len(),
            Self::Few { which, .. } => which.len(),
        }
    }

    /// Memory that it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Plain(array) => array.get_array_memory_size(),
            Self::Near { distances, .. } => distances.get_array_memory_size(),
            Self::Few { texts, which } => texts.get_array_memory_size() + which.get_array_memory_size(),
        }
    }

    /// `rows` rows from `from` on, as the array that they were.
    ///
    /// # Errors
    /// None that data can cause; what the array library says.
    pub(crate) fn slice(&self, from: usize, rows: usize) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Plain(array) => Ok(array.slice(from, rows)),
            Self::Near { least, distances, of } => {
                let some = distances.slice(from, rows);
                let values = some.values().iter().map(|&distance| least.wrapping_add(i64::from(distance)));
                let numbers = PrimitiveArray::<Int64Type>::new(values.collect(), some.nulls().cloned());
                Ok(match of {
                    DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                        Arc::new(numbers.reinterpret_cast::<TimestampMicrosecondType>().with_timezone_opt(zone.clone()))
                    }
                    _ => Arc::new(numbers),
                })
            }
            Self::Few { texts, which } => take(texts, &which.slice(from, rows), None),
        }
    }
}

fn plain(mut array: ArrayRef) -> Kept {
    // Decoders ask for more room than they need.
    array.shrink_to_fit();
    Kept::Plain(array)
}

/// The least value and the distances from it, if all fit into half the room.
fn near<T: ArrowPrimitiveType<Native = i64>>(array: &PrimitiveArray<T>) -> Option<(i64, UInt32Array)> {
    let (least, most) = (arrow::compute::min(array)?, arrow::compute::max(array)?);
    u32::try_from(most.checked_sub(least)?).ok()?;
    // What stands under a NULL may be anything, and is never looked at.
    let distance = |value: i64| u32::try_from(value.wrapping_sub(least)).unwrap_or(0);
    Some((least, array.unary::<_, UInt32Type>(distance)))
}

/// The different texts and which of them each row has, if there are few.
fn few(array: &ArrayRef) -> Option<Kept> {
    let rows = array.len();
    // Most columns of many texts are seen to be such by their beginning.
    let some = array.slice(0, rows.min(1_024));
    let first: DictionaryArray<UInt16Type> = coded(&some)?;
    if first.values().len() * ROWS_PER_VALUE > some.len() {
        return None;
    }
    let all = coded::<UInt16Type>(array)?;
    if all.values().len() * ROWS_PER_VALUE > rows {
        return None;
    }
    let texts = all.values().as_string_opt::<i32>()?.clone();
    Some(Kept::Few { texts, which: all.keys().clone() })
}

fn coded<K: ArrowDictionaryKeyType>(array: &ArrayRef) -> Option<DictionaryArray<K>> {
    let of = DataType::Dictionary(Box::new(K::DATA_TYPE), Box::new(DataType::Utf8));
    cast(array, &of).ok()?.as_dictionary_opt::<K>().cloned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use arrow::array::{BooleanArray, Int64Array, TimestampMicrosecondArray};
    use proptest::prelude::*;

    use super::*;

    fn same(array: ArrayRef, cuts: &[usize]) -> Kept {
        let kept = Kept::new(Arc::clone(&array));
        assert_eq!(kept.rows(), array.len());
        let mut from = 0;
        for &cut in cuts.iter().chain([&array.len()]) {
            let to = (from + cut).min(array.len());
            assert_eq!(&kept.slice(from, to - from).unwrap(), &array.slice(from, to - from));
            from = to;
        }
        kept
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(
            numbers in prop::collection::vec(prop::option::of(prop_oneof![0..100_i64, any::<i64>()]), 0..300),
            close in prop::collection::vec(prop::option::of(-5..5_i64), 0..300),
            at in any::<i64>(),
            few in prop::collection::vec(prop::option::of("[ab ]{0,2}"), 0..300),
            many in prop::collection::vec(prop::option::of(".{0,6}"), 0..300),
            cuts in prop::collection::vec(0..100_usize, 0..5),
        ) {
            same(Arc::new(Int64Array::from(numbers.clone())), &cuts);
            let close: Vec<_> = close.into_iter().map(|value| value.map(|v| at.wrapping_add(v))).collect();
            same(Arc::new(Int64Array::from(close.clone())), &cuts);
            same(Arc::new(TimestampMicrosecondArray::from(close).with_timezone("UTC")), &cuts);
            for texts in [few, many] {
                let texts: ArrayRef = Arc::new(StringArray::from(texts));
                same(Arc::clone(&texts), &cuts);
                let kept = Kept::listed(&coded(&texts).unwrap()).unwrap();
                assert_eq!(&kept.slice(0, texts.len()).unwrap(), &texts);
            }
            same(Arc::new(numbers.iter().map(|n| n.map(|n| n > 50)).collect::<BooleanArray>()), &cuts);
        }
    }

    #[test]
    fn it_takes_little_room() {
        let ids: ArrayRef = Arc::new((0..100_000_i64).map(|n| 5_000_000_000 + n).collect::<Int64Array>());
        let kept = same(Arc::clone(&ids), &[10]);
        assert!(kept.bytes() < 410_000, "{}", kept.bytes());
        let names: ArrayRef =
            Arc::new((0..100_000).map(|n| Some(format!("a table's name {}", n % 70))).collect::<StringArray>());
        let kept = same(Arc::clone(&names), &[10]);
        assert!(kept.bytes() < 220_000, "{}", kept.bytes());
        // One value more than there are codes.
        let many: ArrayRef = Arc::new((0..400_000).map(|n| Some((n % 65_537).to_string())).collect::<StringArray>());
        assert!(matches!(same(many, &[3]), Kept::Plain(_)));
        assert!(matches!(same(Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])), &[]), Kept::Plain(_)));
        assert!(matches!(same(Arc::new(Int64Array::new_null(7)), &[]), Kept::Plain(_)));
    }
}
