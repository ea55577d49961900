//! Floats as Redshift prints them: `8`, not `8.0`. All digits that a value needs to be read back are kept.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// A batch whose floats are texts.
///
/// # Errors
/// If a value cannot be printed, which none has been seen to be.
pub fn printed(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields: Vec<Arc<Field>> = batch.schema().fields().iter().map(Arc::clone).collect();
    let mut columns = batch.columns().to_vec();
    for (field, column) in fields.iter_mut().zip(&mut columns) {
        if column.data_type().is_floating() {
            *column = texts(column)?;
            *field = Arc::new(Field::new(field.name(), column.data_type().clone(), true));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn texts(floats: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(floats.as_ref(), &options)?;
    let text = |row| {
        if floats.is_null(row) {
            return Ok(None);
        }
        let text = formatter.value(row).try_to_string()?;
        Ok(Some(text.strip_suffix(".0").unwrap_or(&text).to_owned()))
    };
    let texts: Result<StringArray, ArrowError> = (0..floats.len()).map(text).collect();
    Ok(Arc::new(texts?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use arrow::array::{AsArray, Float32Array, Float64Array};

    use super::*;

    #[test]
    fn whole_numbers_have_no_fraction_and_others_all_their_digits() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![
            Some(8.0),
            Some(-0.5),
            None,
            Some(0.1 + 0.2),
            Some(1e300),
            Some(f64::NAN),
        ]));
        let printed = texts(&floats).unwrap();
        let printed: Vec<Option<&str>> = printed.as_string::<i32>().iter().collect();
        let want = [Some("8"), Some("-0.5"), None, Some("0.30000000000000004"), Some("1e300"), Some("NaN")];
        assert_eq!(printed, want);
        let narrow: ArrayRef = Arc::new(Float32Array::from(vec![0.1, 100.0]));
        let printed = texts(&narrow).unwrap();
        assert_eq!(printed.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["0.1", "100"]);
    }
}
