//! Which moment a row belongs to: its cursor, or the fallback where the cursor says "never", or the parent's time for driven
//! tables. The same rule as in the SQL that reads windows, applied to rows of the source and of the lake alike.

use arrow::array::{Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use lookback_schemas::TableSpec;
use lookback_schemas::registry::CursorUnit;
use lookback_schemas::time::{Y2000, is_real};

/// The moment of every row, microseconds UTC; `None` for a row that no window contains.
#[must_use]
pub fn times(spec: &TableSpec, batch: &RecordBatch) -> Vec<Option<i64>> {
    let cursor = batch.column_by_name(spec.time_column());
    let cursor_times = cursor.map(|a| a.as_any());
    let stamps = cursor_times.and_then(|a| a.downcast_ref::<TimestampMicrosecondArray>());
    let numbers = cursor_times.and_then(|a| a.downcast_ref::<Int64Array>());
    let fallback = spec.fallback.as_ref().and_then(|name| batch.column_by_name(name));
    let fallback = fallback.and_then(|a| a.as_any().downcast_ref::<TimestampMicrosecondArray>());
    let value = |array: Option<&TimestampMicrosecondArray>, row: usize| {
        array.filter(|a| a.is_valid(row)).map(|a| a.value(row)).filter(|&t| is_real(t))
    };
    (0..batch.num_rows())
        .map(|row| {
            let own = match spec.cursor_unit {
                CursorUnit::Timestamp => value(stamps, row),
                CursorUnit::MicrosSince2000 => {
                    let number = numbers.filter(|a| a.is_valid(row)).map(|a| a.value(row));
                    number.map(|n| n.saturating_add(Y2000)).filter(|&t| is_real(t))
                }
            };
            own.or_else(|| value(fallback, row))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::ArrayRef;
    use lookback_schemas::registry;

    use super::*;

    #[test]
    fn a_cursor_that_says_never_gives_way_to_the_fallback() {
        let stamps = |v: Vec<Option<i64>>| Arc::new(TimestampMicrosecondArray::from(v)) as ArrayRef;
        let batch = RecordBatch::try_from_iter([
            ("endtime", stamps(vec![Some(Y2000 + 9), None, Some(Y2000), None])),
            ("starttime", stamps(vec![Some(Y2000 + 1), Some(Y2000 + 2), Some(Y2000 + 3), None])),
        ]);
        let spec = registry().table("stl_query");
        let found = batch.ok().zip(spec).map(|(b, s)| times(s, &b));
        assert_eq!(found, Some(vec![Some(Y2000 + 9), Some(Y2000 + 2), Some(Y2000 + 3), None]));
    }

    #[test]
    fn a_number_counts_from_2000() {
        let batch = RecordBatch::try_from_iter([("currenttime", Arc::new(Int64Array::from(vec![5, 0])) as ArrayRef)]);
        let spec = registry().table("stl_disk_full_diag");
        let found = batch.ok().zip(spec).map(|(b, s)| times(s, &b));
        assert_eq!(found, Some(vec![Some(Y2000 + 5), None]));
    }
}
