//! `query_excerpt(text, length)`: the beginning of a text on one line, for a column of a table. Any run of white space, control
//! characters, and the `\n`, `\r` and `\t` that the log writes for them is one blank. Redshift has no such function.

use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{all_scalar, is_text, result, wrong_arguments};

const USAGE: &str = "query_excerpt(text, length)";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Excerpt {
    signature: Signature,
}

impl Excerpt {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Excerpt {
    fn name(&self) -> &str {
        "query_excerpt"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [text, length] if is_text(text) && (length.is_integer() || length.is_null()) => {
                Ok(vec![DataType::Utf8, DataType::Int64])
            }
            _ => wrong_arguments(USAGE, given),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, length] = args.args.as_slice() else { return wrong_arguments(USAGE, &[]) };
        let scalar = all_scalar(&args.args);
        let rows = if scalar { 1 } else { args.number_rows };
        let (texts, lengths) = (text.to_array(rows)?, length.to_array(rows)?);
        let pairs = texts.as_string::<i32>().iter().zip(lengths.as_primitive::<Int64Type>().iter());
        let cut: StringArray = pairs
            .map(|pair| match pair {
                (Some(text), Some(length)) => Some(excerpt(text, usize::try_from(length).unwrap_or(0))),
                _ => None,
            })
            .collect();
        result(Arc::new(cut) as Arc<dyn Array>, scalar)
    }
}

fn excerpt(text: &str, length: usize) -> String {
    let mut line = String::new();
    let mut chars = text.chars().peekable();
    let (mut written, mut pending) = (0, false);
    while let Some(c) = chars.next() {
        let escaped = c == '\\' && chars.peek().is_some_and(|next| matches!(next, 'n' | 'r' | 't'));
        if escaped {
            chars.next();
        }
        if escaped || c.is_whitespace() || c.is_control() {
            pending = written > 0;
            continue;
        }
        // A blank counts only if something follows it.
        if written + usize::from(pending) >= length {
            break;
        }
        if std::mem::take(&mut pending) {
            line.push(' ');
            written += 1;
        }
        line.push(c);
        written += 1;
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_is_one_blank_and_length_counts_characters() {
        assert_eq!(excerpt("  select\n\t 1\\n  from\0 t  ", 100), "select 1 from t");
        assert_eq!(excerpt("select äöü", 9), "select äö");
        assert_eq!(excerpt("select   1", 7), "select");
        assert_eq!(excerpt("anything", 0), "");
    }

    proptest! {
        #[test]
        fn an_excerpt_is_one_line_and_not_longer(text in any::<String>(), length in 0_usize..50) {
            let cut = excerpt(&text, length);
            prop_assert!(cut.chars().count() <= length);
            prop_assert!(!cut.contains(char::is_control));
            prop_assert_eq!(cut.trim(), &cut);
        }
    }
}
