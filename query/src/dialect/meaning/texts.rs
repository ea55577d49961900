//! Times and floats as text, and the length of an interval.
//!
//! A timestamp is written `2026-01-31 23:59:59`, with a fraction only if there is one; a float has up to 15 digits, as
//! PostgreSQL's `extra_float_digits` of 0 says, which is Redshift's default.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, DurationMicrosecondType, Float64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
    TimestampMicrosecondType,
};
use chrono::DateTime;
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use lookback_schemas::time::DAY;

use crate::dialect::functions::{all_scalar, result, timestamp, wrong_arguments};

const DAYS_OF_A_MONTH: i64 = 30;

/// What a cast of a timestamp or a float to text becomes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToText {
    signature: Signature,
}

impl ToText {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToText {
    fn name(&self) -> &str {
        "to_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return wrong_arguments("one value", &[]) };
        let scalar = all_scalar(&args.args);
        let value = value.to_array(if scalar { 1 } else { args.number_rows })?;
        let texts = match value.data_type() {
            DataType::Timestamp(_, zone) => of_times(&value, zone.is_some())?,
            _ => cast(&value, &DataType::Float64)?
                .as_primitive::<Float64Type>()
                .iter()
                .map(|value| value.map(of_float))
                .collect(),
        };
        result(Arc::new(texts), scalar)
    }
}

fn of_times(values: &ArrayRef, zoned: bool) -> Result<StringArray> {
    let micros = cast(values, &timestamp())?;
    let texts = micros.as_primitive::<TimestampMicrosecondType>().iter().map(|micros| {
        let Some(micros) = micros else { return Ok(None) };
        let Some(time) = DateTime::from_timestamp_micros(micros) else {
            return exec_err!("the timestamp {micros} us is out of the calendar's range");
        };
        let mut text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len().max("2026-01-31 23:59:59".len()));
        if zoned {
            text.push_str("+00");
        }
        Ok(Some(text))
    });
    texts.collect()
}

/// Up to 15 digits, without zeros at the end; very large and very small numbers with an exponent of at least two digits.
fn of_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{value:.14e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let short = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match usize::try_from(14 - exponent) {
        Ok(places) if exponent >= -4 => short(&format!("{value:.places$}")),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", short(digits), exponent.abs())
        }
    }
}

/// What an interval becomes before it is compared with another: its length in microseconds, a month as 30 days.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IntervalLength {
    signature: Signature,
}

impl IntervalLength {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for IntervalLength {
    fn name(&self) -> &str {
        "interval_microseconds"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return wrong_arguments("one interval", &[]) };
        let scalar = all_scalar(&args.args);
        let value = value.to_array(if scalar { 1 } else { args.number_rows })?;
        let lengths: Int64Array = match value.data_type() {
            DataType::Duration(_) => {
                let micros = cast(&value, &DataType::Duration(TimeUnit::Microsecond))?;
                micros.as_primitive::<DurationMicrosecondType>().iter().collect()
            }
            _ => {
                let parts = cast(&value, &DataType::Interval(IntervalUnit::MonthDayNano))?;
                let length = |months: i32, days: i32, nanoseconds: i64| {
                    let days = i64::from(months) * DAYS_OF_A_MONTH + i64::from(days);
                    days.checked_mul(DAY)?.checked_add(nanoseconds / 1_000)
                };
                let lengths = parts.as_primitive::<IntervalMonthDayNanoType>().iter().map(|parts| match parts {
                    Some(parts) => length(parts.months, parts.days, parts.nanoseconds)
                        .map(Some)
                        .ok_or_else(|| exec_datafusion_err!("an interval is too long to be compared")),
                    None => Ok(None),
                });
                lengths.collect::<Result<_>>()?
            }
        };
        result(Arc::new(lengths), scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::of_float;

    #[test]
    fn floats_have_fifteen_digits_and_no_idle_zeros() {
        for (value, want) in [
            (0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.333333333333333"),
            (100.0, "100"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e15, "1e+15"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (9.999_999_999_999_999, "10"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(of_float(value), want, "{value:e}");
        }
    }
}
