//! `ROUND`, `TRUNC`, `CEIL` and `FLOOR`, which keep the type of their argument: a half is rounded away from zero, and a DECIMAL
//! has as many decimal places afterwards as were asked for. `TRUNC` of a time is its day.
//!
//! Source: Amazon Redshift Database Developer Guide, "ROUND function", "TRUNC function", "TRUNC Date function", "CEILING (or
//! CEIL) function", "FLOOR function".

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Float32Array, Float64Array, Int64Array};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, FieldRef, Float32Type, Float64Type, Int64Type,
    TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use lookback_schemas::time::day_of;

use super::frame::{is_text, is_time, wrong};
use super::{all_scalar, result, timestamp, wrong_arguments};

/// Most digits of a DECIMAL.
const DIGITS: u8 = 38;

/// How digits are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Way {
    Round,
    Truncate,
    Up,
    Down,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Truncate => "trunc",
            Self::Up => "ceil",
            Self::Down => "floor",
        }
    }

    fn usage(self) -> &'static str {
        match self {
            Self::Round => "round(number [, decimal places])",
            Self::Truncate => "trunc(number [, decimal places]) or trunc(time)",
            Self::Up => "ceil(number)",
            Self::Down => "floor(number)",
        }
    }

    fn takes_places(self) -> bool {
        matches!(self, Self::Round | Self::Truncate)
    }

    /// `value / unit` as a whole number; `unit` is positive.
    fn divide(self, value: i128, unit: i128) -> i128 {
        let (quotient, rest) = (value / unit, value % unit);
        match self {
            Self::Round if rest.abs() >= unit - rest.abs() => quotient + value.signum(),
            Self::Up if rest > 0 => quotient + 1,
            Self::Down if rest < 0 => quotient - 1,
            _ => quotient,
        }
    }

    fn float(self, value: f64) -> f64 {
        match self {
            Self::Round => value.round(),
            Self::Truncate => value.trunc(),
            Self::Up => value.ceil(),
            Self::Down => value.floor(),
        }
    }

    fn float_at(self, value: f64, places: i64) -> f64 {
        // Beyond this a DOUBLE PRECISION has no digits that could be dropped, or none that would be left.
        let Ok(places) = i32::try_from(places.clamp(-400, 400)) else { return value };
        if places == 0 || !value.is_finite() {
            return self.float(value);
        }
        let scale = 10_f64.powi(places.abs());
        let scaled = if places > 0 { value * scale } else { value / scale };
        if !scaled.is_finite() || scale.is_infinite() {
            return if places > 0 { value } else { 0.0 };
        }
        if places > 0 { self.float(scaled) / scale } else { self.float(scaled) * scale }
    }
}

/// One of the four functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Rounding {
    way: Way,
    aliases: Vec<String>,
    signature: Signature,
}

impl Rounding {
    pub(super) fn new(way: Way) -> Self {
        let aliases: &[&str] = match way {
            Way::Up => &["ceiling"],
            _ => &[],
        };
        Self {
            way,
            aliases: aliases.iter().map(|name| (*name).to_owned()).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    /// The type of the answer; `places` if they are known when the statement is planned.
    fn answer(&self, given: &DataType, places: Option<i64>) -> DataType {
        let DataType::Decimal128(precision, scale) = given else {
            return if is_time(given) { DataType::Date32 } else { given.clone() };
        };
        let Some(places) = places else { return given.clone() };
        let kept = i8::try_from(places.clamp(0, i64::from((*scale).max(0)))).unwrap_or(*scale);
        // Rounding up may need one more digit in front.
        let dropped = (*scale - kept).unsigned_abs();
        DataType::Decimal128(
            (precision - dropped.min(precision - 1) + 1).clamp(kept.unsigned_abs().max(1), DIGITS),
            kept,
        )
    }
}

fn constant(value: Option<&ScalarValue>) -> Option<i64> {
    match value?.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(places)) => places,
        _ => None,
    }
}

impl ScalarUDFImpl for Rounding {
    fn name(&self) -> &str {
        self.way.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let number = |given: &DataType| match given {
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => Some(given.clone()),
            other if other.is_integer() => Some(DataType::Int64),
            other if other.is_null() => Some(DataType::Float64),
            other if is_text(other) => Some(DataType::Float64),
            _ => None,
        };
        let first = given.first().and_then(number);
        match (given, first) {
            ([time], _) if self.way == Way::Truncate && is_time(time) => Ok(vec![timestamp()]),
            ([_], Some(first)) => Ok(vec![first]),
            ([_, places], Some(first)) if self.way.takes_places() && (places.is_integer() || places.is_null()) => {
                Ok(vec![first, DataType::Int64])
            }
            _ => wrong_arguments(self.way.usage(), given),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of {}() depends on its arguments", self.name())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let places = match args.scalar_arguments.get(1) {
            Some(places) => constant(*places),
            None => Some(0),
        };
        let answer = match args.arg_fields.first() {
            Some(field) => self.answer(field.data_type(), places),
            None => return wrong_arguments(self.way.usage(), &[]),
        };
        Ok(Arc::new(Field::new(self.name(), answer, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&args.args);
        let rows = if scalar { 1 } else { args.number_rows };
        let values = args.args[0].to_array(rows)?;
        let places = match args.args.get(1) {
            Some(places) => places.to_array(rows)?.as_primitive::<Int64Type>().clone(),
            None => Int64Array::from(vec![0; rows]),
        };
        let array = compute(self.way, &values, &places, args.return_field.data_type())?;
        result(array, scalar)
    }
}

fn compute(way: Way, values: &ArrayRef, places: &Int64Array, answer: &DataType) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        DataType::Timestamp(..) => {
            Arc::new(values.as_primitive::<TimestampMicrosecondType>().unary::<_, Date32Type>(day_of))
        }
        DataType::Float64 => {
            let pairs = values.as_primitive::<Float64Type>().iter().zip(places);
            Arc::new(pairs.map(|(value, places)| Some(way.float_at(value?, places?))).collect::<Float64Array>())
        }
        DataType::Float32 => {
            let pairs = values.as_primitive::<Float32Type>().iter().zip(places);
            #[allow(clippy::cast_possible_truncation, reason = "REAL stays REAL")]
            let round = |value: f32, places: i64| way.float_at(f64::from(value), places) as f32;
            Arc::new(pairs.map(|(value, places)| Some(round(value?, places?))).collect::<Float32Array>())
        }
        DataType::Decimal128(_, scale) => {
            let pairs = values.as_primitive::<Decimal128Type>().iter().zip(places);
            let DataType::Decimal128(precision, kept) = *answer else {
                return internal_err!("{}() of a DECIMAL is a DECIMAL", way.name());
            };
            let round = |value: Option<i128>, places: Option<i64>| match (value, places) {
                (Some(value), Some(places)) => {
                    decimal(way, value, i64::from(*scale), places, i64::from(kept)).map(Some)
                }
                _ => Ok(None),
            };
            let rounded = pairs.map(|(value, places)| round(value, places)).collect::<Result<Decimal128Array>>()?;
            Arc::new(rounded.with_precision_and_scale(precision, kept)?)
        }
        _ => {
            let pairs = values.as_primitive::<Int64Type>().iter().zip(places);
            let round = |value: Option<i64>, places: Option<i64>| match (value, places) {
                (Some(value), Some(places)) => {
                    let rounded = decimal(way, i128::from(value), 0, places, 0)?;
                    i64::try_from(rounded).map_or_else(
                        |_| wrong(format!("{}({value}, {places}) is out of range", way.name())),
                        |n| Ok(Some(n)),
                    )
                }
                _ => Ok(None),
            };
            Arc::new(pairs.map(|(value, places)| round(value, places)).collect::<Result<Int64Array>>()?)
        }
    })
}

/// `value` has `scale` decimal places, is cut to `places`, and is written with `kept`.
fn decimal(way: Way, value: i128, scale: i64, places: i64, kept: i64) -> Result<i128> {
    // No DECIMAL has so many digits.
    let places = places.clamp(-400, 400);
    let power = |n: i64| u32::try_from(n).ok().and_then(|n| 10_i128.checked_pow(n));
    let dropped = scale - places.min(scale);
    let Some(unit) = power(dropped) else { return Ok(0) };
    let cut = way.divide(value, unit);
    let back = (scale - dropped) - kept;
    let written = match power(back.abs()) {
        Some(unit) if back >= 0 => Some(cut / unit),
        Some(unit) => cut.checked_mul(unit),
        None => None,
    };
    written.map_or_else(|| wrong(format!("{}(..., {places}) is out of range", way.name())), Ok)
}
