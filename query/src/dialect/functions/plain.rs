//! Values as the text that Redshift prints for them: a timestamp with a blank between day and time and no more fraction than
//! it has, a DOUBLE PRECISION with 15 significant digits.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Date32Type, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType};
use chrono::DateTime;
use datafusion::common::{Result, exec_err};
use lookback_schemas::time::{SECOND, day_name};

/// Significant digits of DOUBLE PRECISION and REAL.
const DOUBLE_DIGITS: usize = 15;
const REAL_DIGITS: usize = 6;

/// Whether [`texts`] knows the type.
pub(super) fn is_printable(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Float32
                | DataType::Float64
                | DataType::Decimal128(..)
                | DataType::Boolean
                | DataType::Date32
                | DataType::Timestamp(..)
        )
}

/// An array as texts.
pub(super) fn texts(array: &ArrayRef) -> Result<StringArray> {
    let each = |text: &dyn Fn(usize) -> String| -> StringArray {
        (0..array.len()).map(|row| array.is_valid(row).then(|| text(row))).collect()
    };
    Ok(match array.data_type() {
        DataType::Null => StringArray::new_null(array.len()),
        DataType::Utf8 => array.as_string::<i32>().clone(),
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            each(&|row| general(values.value(row), DOUBLE_DIGITS))
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            each(&|row| general(f64::from(values.value(row)), REAL_DIGITS))
        }
        DataType::Date32 => {
            let values = array.as_primitive::<Date32Type>();
            each(&|row| day_name(values.value(row)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            let zone = if zone.is_some() { "+00" } else { "" };
            each(&|row| format!("{}{zone}", time(values.value(row))))
        }
        DataType::Timestamp(_, zone) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            return texts(&arrow::compute::cast(array, &micros)?);
        }
        other if is_printable(other) => {
            let cast = arrow::compute::cast(array, &DataType::Utf8)?;
            cast.as_string::<i32>().clone()
        }
        other => return exec_err!("a value of type {other} has no text form here"),
    })
}

/// `2026-01-31 23:59:00.5`.
pub(super) fn time(micros: i64) -> String {
    let Some(time) = DateTime::from_timestamp_micros(micros) else { return micros.to_string() };
    let seconds = time.format("%Y-%m-%d %H:%M:%S");
    match micros.rem_euclid(SECOND) {
        0 => seconds.to_string(),
        fraction => format!("{seconds}.{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}

/// A number with so many significant digits, without trailing zeros; with an exponent if it is very large or very small.
pub(super) fn general(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".to_owned()
        } else {
            if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        };
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let width = i32::try_from(digits).unwrap_or(i32::MAX);
    if (-4..width).contains(&exponent) {
        let decimals = usize::try_from(width - 1 - exponent).unwrap_or(0);
        return trimmed(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}
