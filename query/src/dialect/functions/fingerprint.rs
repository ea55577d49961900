//! `query_shape(text)` and `query_fingerprint(text)`: the same statement with other constants, other spacing or other comments
//! is one. Redshift has no such functions; its own `query_hash` columns are in the SYS views only.
//!
//! The fingerprint is 16 hexadecimal digits: FNV-1a with 64 bits over the shape. It depends on nothing but the shape, so it is
//! the same on every cluster and in every version that makes the same shapes.

use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{all_scalar, is_text, result, shape::shape, wrong_arguments};

/// What is made of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Shape,
    Fingerprint,
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OfStatement {
    form: Form,
    signature: Signature,
}

impl OfStatement {
    pub(super) fn shape() -> Self {
        Self { form: Form::Shape, signature: Signature::user_defined(Volatility::Immutable) }
    }

    pub(super) fn fingerprint() -> Self {
        Self { form: Form::Fingerprint, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OfStatement {
    fn name(&self) -> &str {
        match self.form {
            Form::Shape => "query_shape",
            Form::Fingerprint => "query_fingerprint",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [text] if is_text(text) => Ok(vec![DataType::Utf8]),
            _ => wrong_arguments(&format!("{}(text)", self.name()), given),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = args.args.as_slice() else { return wrong_arguments("query_shape(text)", &[]) };
        let scalar = all_scalar(&args.args);
        let texts = text.to_array(if scalar { 1 } else { args.number_rows })?;
        let texts = texts.as_string::<i32>().iter();
        let made: StringArray = texts.map(|text| text.map(|text| self.form.of(text))).collect();
        result(Arc::new(made) as Arc<dyn Array>, scalar)
    }
}

impl Form {
    fn of(self, statement: &str) -> String {
        let shape = shape(statement);
        match self {
            Self::Shape => shape,
            Self::Fingerprint => format!("{:016x}", fnv1a(shape.as_bytes())),
        }
    }
}

/// FNV-1a, 64 bits. Source: RFC 9923, "The FNV Non-Cryptographic Hash Algorithm".
fn fnv1a(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        for (text, want) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fnv1a(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_version() {
        // Shapes that people have written down somewhere would no longer be found.
        assert_eq!(Form::Fingerprint.of("SELECT 1"), Form::Fingerprint.of("select  2 ; -- again"));
        assert_ne!(Form::Fingerprint.of("SELECT 1"), Form::Fingerprint.of("SELECT a"));
        insta::assert_snapshot!(Form::Fingerprint.of("SELECT 1"), @"");
    }
}
