//! A text cast to CHAR(n) or VARCHAR(n) keeps as many of its characters as fit in n bytes; a CHAR loses its trailing blanks,
//! which are padding. Source: Amazon Redshift Database Developer Guide, "Character types" (lengths are in bytes).

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::dialect::functions::{all_scalar, result, wrong_arguments};

/// What a cast to a text type with a length becomes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Fit {
    bytes: usize,
    padded: bool,
    signature: Signature,
}

impl Fit {
    pub(super) fn new(bytes: usize, padded: bool) -> Self {
        Self { bytes, padded, signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Fit {
    fn name(&self) -> &str {
        if self.padded { "fit_char" } else { "fit_varchar" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = args.args.as_slice() else { return wrong_arguments("one text", &[]) };
        let scalar = all_scalar(&args.args);
        let text = text.to_array(if scalar { 1 } else { args.number_rows })?;
        let fitted: StringArray = text.as_string::<i32>().iter().map(|text| text.map(|text| self.fit(text))).collect();
        result(Arc::new(fitted), scalar)
    }
}

impl Fit {
    fn fit<'a>(&self, text: &'a str) -> &'a str {
        let kept = &text[..text.floor_char_boundary(self.bytes)];
        if self.padded { kept.trim_end_matches(' ') } else { kept }
    }
}
