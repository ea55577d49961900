//! `query_shape(text)` and `query_fingerprint(text)`: a statement without its constants, and the name of that.

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{all_scalar, result};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    signature: Signature,
    hashed: bool,
}

impl Shape {
    pub(super) fn new(hashed: bool) -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable), hashed }
    }
}

impl ScalarUDFImpl for Shape {
    fn name(&self) -> &str {
        if self.hashed { "query_fingerprint" } else { "query_shape" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&args.args);
        let [text] = args.args.as_slice() else { return Err(DataFusionError::Internal("one text".to_owned())) };
        let texts = text.to_array(if scalar { 1 } else { args.number_rows })?;
        let of = |text: &str| if self.hashed { hash(&shape(text)) } else { shape(text) };
        let shapes: StringArray = texts.as_string::<i32>().iter().map(|text| text.map(of)).collect();
        result(Arc::new(shapes), scalar)
    }
}

fn shape(text: &str) -> String {
    let mut shape = String::new();
    for word in text.to_lowercase().split_whitespace() {
        let number = word.chars().all(|c| c.is_ascii_digit());
        shape.push_str(if number { "?" } else { word });
        shape.push(' ');
    }
    shape.trim_end().to_owned()
}

fn hash(shape: &str) -> String {
    let hash = shape
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
