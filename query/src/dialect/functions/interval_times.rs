//! An interval, a number of times, or divided by a number.
//!
//! Fractions go down, as in PostgreSQL: a fraction of a month becomes days of a month of 30, a fraction of a day becomes time,
//! and what is left is rounded to microseconds. Source: PostgreSQL documentation, 9.9 "Date/Time Functions and Operators".

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, IntervalMonthDayNanoArray};
use arrow::compute::cast;
use arrow::compute::kernels::numeric::mul;
use arrow::datatypes::{DataType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{all_scalar, result, wrong_arguments};

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
const DAY_MICROS: f64 = 86_400_000_000.0;

/// `lookback_interval_times(interval, number)` and `lookback_interval_divided(interval, number)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IntervalTimes {
    divide: bool,
    signature: Signature,
}

impl IntervalTimes {
    pub(super) fn times() -> Self {
        Self { divide: false, signature: Signature::user_defined(Volatility::Immutable) }
    }

    pub(super) fn divided() -> Self {
        Self { divide: true, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn scaled(&self, interval: IntervalMonthDayNano, by: f64) -> Result<IntervalMonthDayNano> {
        if self.divide && by == 0.0 {
            return exec_err!("division of an interval by zero");
        }
        let scale = |value: f64| if self.divide { value / by } else { value * by };
        match scaled(interval, scale) {
            Some(scaled) => Ok(scaled),
            None => exec_err!("an interval leaves its range when it is multiplied or divided by {by}"),
        }
    }
}

/// `None` if a part does not fit.
fn scaled(interval: IntervalMonthDayNano, scale: impl Fn(f64) -> f64) -> Option<IntervalMonthDayNano> {
    let months = scale(f64::from(interval.months));
    let days = scale(f64::from(interval.days));
    let days_of_months = settled(months.fract() * 30.0);
    let rest = days.fract() + days_of_months.fract();
    #[allow(clippy::cast_precision_loss, reason = "intervals of centuries, in microseconds, are exact in a double")]
    let micros = scale((interval.nanoseconds / 1_000) as f64) + rest.fract() * DAY_MICROS;
    let nanoseconds = whole(micros.round_ties_even(), 9.2e15)?.checked_mul(1_000)?;
    Some(IntervalMonthDayNano {
        months: i32::try_from(whole(months.trunc(), 2.2e9)?).ok()?,
        days: i32::try_from(whole(days.trunc() + days_of_months.trunc() + rest.trunc(), 2.2e9)?).ok()?,
        nanoseconds,
    })
}

/// Without the error of a double: to the sixth digit.
fn settled(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}

fn whole(value: f64, most: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "it is whole and within the limit")]
    (value.abs() <= most).then_some(value as i64)
}

impl ScalarUDFImpl for IntervalTimes {
    fn name(&self) -> &str {
        if self.divide { "lookback_interval_divided" } else { "lookback_interval_times" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [DataType::Interval(_) | DataType::Duration(_), number]
                if !self.divide && (number.is_integer() || number.is_null()) =>
            {
                Ok(vec![INTERVAL, DataType::Int64])
            }
            [DataType::Interval(_) | DataType::Duration(_), number] if number.is_numeric() || number.is_null() => {
                Ok(vec![INTERVAL, DataType::Float64])
            }
            _ if self.divide => wrong_arguments("interval / number", types),
            _ => wrong_arguments("interval * number", types),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&arguments.args);
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [interval, number] = arrays.as_slice() else { return exec_err!("an interval is multiplied by a number") };
        let interval = cast(interval, &INTERVAL)?;
        if *number.data_type() == DataType::Int64 {
            return result(mul(&interval, number)?, scalar);
        }
        let intervals = interval.as_primitive::<IntervalMonthDayNanoType>().iter();
        let pairs = intervals.zip(number.as_primitive::<Float64Type>());
        let scaled = pairs.map(|(interval, by)| interval.zip(by).map(|(i, by)| self.scaled(i, by)).transpose());
        let scaled: ArrayRef = Arc::new(scaled.collect::<Result<IntervalMonthDayNanoArray>>()?);
        result(scaled, scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers are those of PostgreSQL 16.
    #[test]
    fn fractions_of_an_interval_go_down_to_days_and_time() {
        let interval = |months, days, micros: i64| IntervalMonthDayNano { months, days, nanoseconds: micros * 1_000 };
        let hour = 3_600_000_000;
        for (given, by, want) in [
            (interval(0, 0, 1_000_000), 1.5, interval(0, 0, 1_500_000)),
            (interval(0, 0, 1_000_000), 834_567_890.123_456, interval(0, 0, 834_567_890_123_456)),
            (interval(0, 1, 0), 0.5, interval(0, 0, 12 * hour)),
            (interval(0, 1, 0), 1.25, interval(0, 1, 6 * hour)),
            (interval(1, 0, 0), 0.5, interval(0, 15, 0)),
            (interval(1, 0, 0), 1.7, interval(1, 21, 0)),
            (interval(1, 1, 0), 0.5, interval(0, 15, 12 * hour)),
            (interval(12, 0, 0), 0.1, interval(1, 6, 0)),
            (interval(0, 1, 0), -0.5, interval(0, 0, -12 * hour)),
        ] {
            assert_eq!(scaled(given, |value| value * by), Some(want), "{given:?} * {by}");
        }
        assert_eq!(scaled(interval(0, 1, 0), |value| value / 3.0), Some(interval(0, 0, 8 * hour)));
        assert_eq!(scaled(interval(i32::MAX, 0, 0), |value| value * 2.0), None);
        assert_eq!(scaled(interval(0, 1, 0), |value| value * f64::NAN), None);
        assert!(IntervalTimes::divided().scaled(interval(0, 1, 0), 0.0).is_err());
    }
}
