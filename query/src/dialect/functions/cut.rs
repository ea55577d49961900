//! What a cast to `VARCHAR(n)` or `CHAR(n)` does: the text, cut to `n` bytes without breaking a character.
//!
//! Source: Amazon Redshift Database Developer Guide, "Character types": lengths are in bytes, and an explicit cast truncates.

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::{all_scalar, result};

/// `lookback_cut(text, bytes)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Cut {
    signature: Signature,
}

impl Cut {
    pub(super) fn new() -> Self {
        let forms = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, DataType::Null]
            .map(|text| TypeSignature::Exact(vec![text, DataType::Int64]));
        Self { signature: Signature::one_of(forms.to_vec(), Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Cut {
    fn name(&self) -> &str {
        "lookback_cut"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&arguments.args);
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [text, bytes] = arrays.as_slice() else { return exec_err!("lookback_cut() takes a text and a length") };
        let text = cast(text, &DataType::Utf8)?;
        let bytes = bytes.as_primitive::<Int64Type>();
        let cut: StringArray =
            text.as_string::<i32>().iter().zip(bytes).map(|(text, most)| Some(cut(text?, most?))).collect();
        result(Arc::new(cut), scalar)
    }
}

fn cut(text: &str, most: i64) -> &str {
    let mut end = usize::try_from(most).unwrap_or(0).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_character_is_never_broken() {
        assert_eq!(cut("abcdef", 3), "abc");
        assert_eq!(cut("abc", 10), "abc");
        assert_eq!(cut("éé", 3), "é");
        assert_eq!(cut("é", 1), "");
        assert_eq!(cut("abc", -1), "");
    }
}
