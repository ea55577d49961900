//! `TO_NUMBER(text, mask)`: a DECIMAL with as many decimal places as the mask has. The mask is a constant, as in Redshift.
//! A text that does not fit is an error; nothing of it is left out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::number_mask::{Node, NumberMask};
use crate::dialect::functions::frame::{is_text, wrong};
use crate::dialect::functions::{all_scalar, plain, result, wrong_arguments};

const USAGE: &str = "to_number(text, 'mask')";
const PRECISION: u8 = 38;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::dialect::functions) struct ToNumber {
    signature: Signature,
}

impl ToNumber {
    pub(in crate::dialect::functions) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToNumber {
    fn name(&self) -> &str {
        "to_number"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [text, mask] if (is_text(text) || text.is_null()) && is_text(mask) => Ok(vec![DataType::Utf8; 2]),
            [number, mask] if plain::is_printable(number) && is_text(mask) => Ok(vec![number.clone(), DataType::Utf8]),
            _ => wrong_arguments(USAGE, given),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of to_number() depends on its mask")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let mask = args.scalar_arguments.get(1).copied().flatten().and_then(|mask| mask.try_as_str().flatten());
        let Some(mask) = mask else { return wrong("the mask of to_number() must be a constant") };
        let behind = NumberMask::parse(mask)?.behind;
        let Some(scale) = i8::try_from(behind).ok().filter(|scale| scale.unsigned_abs() <= PRECISION) else {
            return wrong(format!("a DECIMAL has at most {PRECISION} decimal places, the mask has {behind}"));
        };
        Ok(Arc::new(Field::new(self.name(), DataType::Decimal128(PRECISION, scale), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&args.args);
        let rows = if scalar { 1 } else { args.number_rows };
        let DataType::Decimal128(precision, scale) = *args.return_field.data_type() else {
            return internal_err!("to_number() is a DECIMAL");
        };
        let texts = plain::texts(&args.args[0].to_array(rows)?)?;
        let masks = args.args[1].to_array(rows)?;
        if masks.is_empty() {
            return Ok(ColumnarValue::Array(new_empty_array(args.return_field.data_type())));
        }
        let mask_text = masks.as_string::<i32>().value(0).to_owned();
        let mask = NumberMask::parse(&mask_text)?;
        let read = |text: Option<&str>| match text {
            None => Ok(None),
            Some(text) => match (Reader { rest: text.trim() }).read(&mask) {
                Some(value) => Ok(Some(value)),
                None => wrong(format!("to_number(): '{text}' does not fit the mask '{mask_text}'")),
            },
        };
        let values = texts.iter().map(read).collect::<Result<Decimal128Array>>()?;
        let array: ArrayRef = Arc::new(values.with_precision_and_scale(precision, scale)?);
        result(array, scalar)
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let found = self.rest.chars().next().filter(|letter| wanted(*letter))?;
        self.rest = &self.rest[found.len_utf8()..];
        Some(found)
    }

    /// The value in units of the mask's last decimal place.
    fn read(&mut self, mask: &NumberMask) -> Option<i128> {
        if mask.roman || mask.shifted > 0 {
            return None;
        }
        let (mut value, mut places, mut digits, mut negative, mut point) = (0_i128, 0, 0, false, false);
        for node in &mask.nodes {
            match node {
                Node::Nine | Node::Zero => {
                    if digits == 0 && !point {
                        self.rest = self.rest.trim_start();
                        let sign =
                            self.take(|letter| letter == '-' || letter == '+' || (mask.brackets && letter == '<'));
                        negative |= matches!(sign, Some('-' | '<'));
                    }
                    if let Some(digit) = self.take(|letter| letter.is_ascii_digit()) {
                        value = value.checked_mul(10)?.checked_add(i128::from(digit.to_digit(10)?))?;
                        digits += 1;
                        places += usize::from(point);
                    }
                }
                Node::Point => point |= self.take(|letter| letter == '.').is_some(),
                Node::Group => _ = self.take(|letter| letter == ','),
                Node::Currency => _ = self.take(|letter| letter == '$'),
                Node::Sign | Node::Minus | Node::Plus | Node::Both => {
                    negative |= self.take(|letter| letter == '-' || letter == '+') == Some('-');
                }
                Node::Brackets => _ = self.take(|letter| letter == '>'),
                Node::Ordinal(_) => {
                    self.take(|letter| letter.is_ascii_alphabetic());
                    self.take(|letter| letter.is_ascii_alphabetic());
                }
                Node::Text(letter) if letter.is_whitespace() => self.rest = self.rest.trim_start(),
                Node::Text(letter) => _ = self.take(|found| found == *letter),
                Node::Roman(_) | Node::Shift => return None,
            }
        }
        let missing = u32::try_from(mask.behind - places.min(mask.behind)).ok()?;
        let value = value.checked_mul(10_i128.checked_pow(missing)?)?;
        (self.rest.trim().is_empty() && digits > 0).then_some(if negative { -value } else { value })
    }
}
