//! A time as the text that Redshift makes of it: `2026-01-31 08:00:00`, with as many digits of the second's fraction as there
//! are; a date as `2026-01-31`.

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use chrono::{DateTime, Duration, NaiveDate};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{all_scalar, result, timestamp};

/// `lookback_time_text(time)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::dialect) struct TimeText {
    signature: Signature,
}

impl TimeText {
    pub(in crate::dialect) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TimeText {
    fn name(&self) -> &str {
        "lookback_time_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&arguments.args);
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [times] = arrays.as_slice() else { return exec_err!("lookback_time_text() takes one time") };
        let text: StringArray = if let DataType::Date32 | DataType::Date64 = times.data_type() {
            let days = cast(times, &DataType::Date32)?;
            days.as_primitive::<Date32Type>().iter().map(|day| day.and_then(of_day)).collect()
        } else {
            let times = cast(times, &timestamp())?;
            times.as_primitive::<TimestampMicrosecondType>().iter().map(|time| time.and_then(of_time)).collect()
        };
        result(Arc::new(text), scalar)
    }
}

fn of_day(day: i32) -> Option<String> {
    let epoch: NaiveDate = DateTime::UNIX_EPOCH.date_naive();
    epoch.checked_add_signed(Duration::days(i64::from(day))).map(|day| day.format("%Y-%m-%d").to_string())
}

fn of_time(micros: i64) -> Option<String> {
    let text = DateTime::from_timestamp_micros(micros)?.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::{of_day, of_time};

    #[test]
    fn a_time_has_as_many_digits_as_it_needs() {
        for (micros, want) in [
            (0, "1970-01-01 00:00:00"),
            (1_500_000, "1970-01-01 00:00:01.5"),
            (20_000_000, "1970-01-01 00:00:20"),
            (1_767_225_600_000_001, "2026-01-01 00:00:00.000001"),
            (-1, "1969-12-31 23:59:59.999999"),
        ] {
            assert_eq!(of_time(micros).as_deref(), Some(want));
        }
        assert_eq!(of_day(20_454).as_deref(), Some("2026-01-01"));
    }
}
