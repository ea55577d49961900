//! `DATEADD(part, n, time)`: a time moved by whole parts, as TIMESTAMP. A day that the target month does not have becomes
//! its last day, except that whole years make the 1st of March of a 29th of February. Source: Amazon Redshift Database
//! Developer Guide, "DATEADD function".

use std::sync::Arc;

use arrow::array::{Array, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use chrono::{DateTime, Datelike, Months};
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};

use super::{DatePart, all_scalar, is_time_like, part, result, times, timestamp, wrong_arguments};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateAdd {
    signature: Signature,
}

impl DateAdd {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DateAdd {
    fn name(&self) -> &str {
        "dateadd"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, n, time] if (n.is_numeric() || n.is_null()) && is_time_like(time) => {
                Ok(vec![DataType::Utf8, DataType::Int64, timestamp()])
            }
            _ => wrong_arguments("dateadd(part, number, time)", given),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(timestamp())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [name, n, time] = args.args.as_slice() else { return wrong_arguments("dateadd(part, number, time)", &[]) };
        let part = part(self.name(), name)?;
        let scalar = all_scalar(&args.args);
        let rows = if scalar { 1 } else { args.number_rows };
        let (n, time) = (n.to_array(rows)?, time.to_array(rows)?);
        let time = times(self.name(), &time)?;
        let Some(n) = n.as_any().downcast_ref::<Int64Array>() else {
            return exec_err!("dateadd() was not given a number");
        };
        let moved = (0..time.len()).map(|row| {
            if n.is_null(row) || time.is_null(row) {
                Ok(None)
            } else {
                add(part, n.value(row), time.value(row)).map(Some)
            }
        });
        result(Arc::new(moved.collect::<Result<TimestampMicrosecondArray>>()?), scalar)
    }
}

fn add(part: DatePart, n: i64, time: i64) -> Result<i64> {
    let size = match part {
        DatePart::Week => 7 * DAY,
        DatePart::Day | DatePart::DayOfWeek | DatePart::DayOfYear => DAY,
        DatePart::Hour => HOUR,
        DatePart::Minute => MINUTE,
        DatePart::Second | DatePart::Epoch => SECOND,
        DatePart::Millisecond => 1_000,
        DatePart::Microsecond => 1,
        _ => return add_months(part, n, time),
    };
    n.checked_mul(size).and_then(|by| time.checked_add(by)).ok_or_else(|| out_of_range(part, n))
}

fn add_months(part: DatePart, n: i64, time: i64) -> Result<i64> {
    let months: i64 = match part {
        DatePart::Millennium => 12_000,
        DatePart::Century => 1_200,
        DatePart::Decade => 120,
        DatePart::Year => 12,
        DatePart::Quarter => 3,
        _ => 1,
    };
    let moved = n.checked_mul(months).and_then(|by| {
        let count = Months::new(u32::try_from(by.unsigned_abs()).ok()?);
        let from = DateTime::from_timestamp_micros(time)?;
        let to = if by < 0 { from.checked_sub_months(count) } else { from.checked_add_months(count) }?;
        let lost = months % 12 == 0 && from.day() == 29 && to.day() == 28;
        to.timestamp_micros().checked_add(if lost { DAY } else { 0 })
    });
    moved.ok_or_else(|| out_of_range(part, n))
}

fn out_of_range(part: DatePart, n: i64) -> DataFusionError {
    DataFusionError::Execution(format!("dateadd({}, {n}, ...) leaves the range of timestamps", part.name()))
}
