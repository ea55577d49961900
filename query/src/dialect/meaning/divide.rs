//! Division of decimals and of floats.
//!
//! The quotient of DECIMAL(p1,s1) and DECIMAL(p2,s2) has the scale max(4, s1+p2-s2+1) and the precision p1-s1+s2+scale; if
//! that is more than 38, it is 38, and the scale max(38+scale-precision, 4). Digits behind the scale are cut off. Source:
//! Amazon Redshift Database Developer Guide, "Computations with numeric values".

use std::sync::Arc;

use arrow::array::{Array, AsArray, Decimal128Array, Float64Array};
use arrow::datatypes::{DataType, Float64Type, i256};
use arrow::error::ArrowError;
use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::dialect::functions::{all_scalar, result, wrong_arguments};

const MOST_DIGITS: u8 = 38;
const LEAST_SCALE: u8 = 4;

/// Precision and scale of a quotient.
pub(super) fn quotient_type((p1, s1): (u8, i8), (p2, s2): (u8, i8)) -> (u8, i8) {
    let [p1, s1, p2, s2] = [i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2)];
    let (most, least) = (i32::from(MOST_DIGITS), i32::from(LEAST_SCALE));
    let scale = (s1 + p2 - s2 + 1).max(least);
    let precision = p1 - s1 + s2 + scale;
    let (precision, scale) =
        if precision > most { (most, (most + scale - precision).max(least)) } else { (precision, scale) };
    (u8::try_from(precision).unwrap_or(MOST_DIGITS), i8::try_from(scale).unwrap_or(0))
}

/// `numeric_divide(a, b)`: what `a / b` of decimals becomes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DivideNumerics {
    signature: Signature,
}

impl DivideNumerics {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

fn parts(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}

impl ScalarUDFImpl for DivideNumerics {
    fn name(&self) -> &str {
        "numeric_divide"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let decimals: Option<Vec<(u8, i8)>> = given.iter().map(parts).collect();
        match decimals.as_deref() {
            Some([a, b]) => Ok([a, b].map(|(precision, scale)| DataType::Decimal128(*precision, *scale)).to_vec()),
            _ => wrong_arguments("numeric / numeric", given),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [a, b] => match (parts(a), parts(b)) {
                (Some(a), Some(b)) => {
                    let (precision, scale) = quotient_type(a, b);
                    Ok(DataType::Decimal128(precision, scale))
                }
                _ => wrong_arguments("numeric / numeric", given),
            },
            _ => wrong_arguments("numeric / numeric", given),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let &DataType::Decimal128(precision, scale) = args.return_type() else {
            return internal_err!("a quotient of numerics is not a numeric");
        };
        let scalar = all_scalar(&args.args);
        let rows = if scalar { 1 } else { args.number_rows };
        let [a, b] = args.args.as_slice() else { return wrong_arguments("numeric / numeric", &[]) };
        let (a, b) = (a.to_array(rows)?, b.to_array(rows)?);
        let (Some((_, s1)), Some((_, s2))) = (parts(a.data_type()), parts(b.data_type())) else {
            return internal_err!("a quotient of numerics was not given numerics");
        };
        let quotients = divide(a.as_primitive(), b.as_primitive(), i32::from(scale) - i32::from(s1) + i32::from(s2))?;
        result(Arc::new(quotients.with_precision_and_scale(precision, scale)?), scalar)
    }
}

/// Divides the digits, after moving the point of the dividend by `shift` places to the right.
fn divide(a: &Decimal128Array, b: &Decimal128Array, shift: i32) -> Result<Decimal128Array> {
    let narrow = 10_i128.checked_pow(shift.unsigned_abs());
    let wide = i256::from_i128(10).checked_pow(shift.unsigned_abs());
    let quotient = |a: i128, b: i128| -> Result<i128> {
        if b == 0 {
            return Err(ArrowError::DivideByZero.into());
        }
        let direct = narrow.and_then(|power| match shift {
            0.. => a.checked_mul(power)?.checked_div(b),
            _ => a.checked_div(b.checked_mul(power)?),
        });
        let quotient = direct.or_else(|| {
            let (a, b, power) = (i256::from_i128(a), i256::from_i128(b), wide?);
            match shift {
                0.. => a.checked_mul(power)?.checked_div(b)?.to_i128(),
                _ => a.checked_div(b.checked_mul(power)?)?.to_i128(),
            }
        });
        let limit = 10_u128.pow(u32::from(MOST_DIGITS));
        quotient
            .filter(|quotient| quotient.unsigned_abs() < limit)
            .ok_or_else(|| exec_datafusion_err!("numeric overflow: a quotient has more than 38 digits"))
    };
    let rows = a.iter().zip(b.iter()).map(|pair| match pair {
        (Some(a), Some(b)) => quotient(a, b).map(Some),
        _ => Ok(None),
    });
    rows.collect::<Result<Decimal128Array>>()
}

/// `float_divide(a, b)`: what `a / b` becomes if one of them is a float.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DivideFloats {
    signature: Signature,
}

impl DivideFloats {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Float64, DataType::Float64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DivideFloats {
    fn name(&self) -> &str {
        "float_divide"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&args.args);
        let rows = if scalar { 1 } else { args.number_rows };
        let [a, b] = args.args.as_slice() else { return wrong_arguments("float / float", &[]) };
        let (a, b) = (a.to_array(rows)?, b.to_array(rows)?);
        let (a, b) = (a.as_primitive::<Float64Type>(), b.as_primitive::<Float64Type>());
        let quotients = a.iter().zip(b.iter()).map(|pair| match pair {
            (Some(_), Some(0.0)) => Err(ArrowError::DivideByZero.into()),
            (Some(a), Some(b)) => Ok(Some(a / b)),
            _ => Ok(None),
        });
        result(Arc::new(quotients.collect::<Result<Float64Array>>()?), scalar)
    }
}
