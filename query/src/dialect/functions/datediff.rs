//! `DATEDIFF(part, from, to)`: how many boundaries of the part lie between two times, as BIGINT. From 31 December to
//! 1 January is one year. Source: Amazon Redshift Database Developer Guide, "DATEDIFF function".

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::DataType;
use chrono::{DateTime, Datelike};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};

use super::{DatePart, all_scalar, is_time_like, part, result, times, timestamp, wrong_arguments};

/// 1970-01-01 was a Thursday: the Monday of its week is this far before it.
const MONDAY_OFFSET: i64 = 3 * DAY;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateDiff {
    signature: Signature,
}

impl DateDiff {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DateDiff {
    fn name(&self) -> &str {
        "datediff"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, from, to] if is_time_like(from) && is_time_like(to) => {
                Ok(vec![DataType::Utf8, timestamp(), timestamp()])
            }
            _ => wrong_arguments("datediff(part, from, to)", given),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [name, from, to] = args.args.as_slice() else { return wrong_arguments("datediff(part, from, to)", &[]) };
        let part = part(self.name(), name)?;
        let scalar = all_scalar(&args.args);
        let rows = if scalar { 1 } else { args.number_rows };
        let (from, to) = (from.to_array(rows)?, to.to_array(rows)?);
        let (from, to) = (times(self.name(), &from)?, times(self.name(), &to)?);
        let count = |(from, to): (Option<i64>, Option<i64>)| match (from, to) {
            (Some(from), Some(to)) => Ok(Some(ordinal(part, to)? - ordinal(part, from)?)),
            _ => Ok(None),
        };
        let counts = from.iter().zip(to.iter()).map(count).collect::<Result<Int64Array>>()?;
        result(Arc::new(counts), scalar)
    }
}

/// The number of the part's period that a time lies in, counted from a fixed one.
fn ordinal(part: DatePart, time: i64) -> Result<i64> {
    let size = match part {
        DatePart::Week => return Ok((time.saturating_add(MONDAY_OFFSET)).div_euclid(7 * DAY)),
        DatePart::Day | DatePart::DayOfWeek | DatePart::DayOfYear => DAY,
        DatePart::Hour => HOUR,
        DatePart::Minute => MINUTE,
        DatePart::Second | DatePart::Epoch => SECOND,
        DatePart::Millisecond => 1_000,
        DatePart::Microsecond => 1,
        _ => return calendar_ordinal(part, time),
    };
    Ok(time.div_euclid(size))
}

fn calendar_ordinal(part: DatePart, time: i64) -> Result<i64> {
    let Some(date) = DateTime::from_timestamp_micros(time) else {
        return exec_err!("the timestamp {time} us is out of the calendar's range");
    };
    let (year, month) = (i64::from(date.year()), i64::from(date.month0()));
    Ok(match part {
        DatePart::Millennium => (year - 1).div_euclid(1000),
        DatePart::Century => (year - 1).div_euclid(100),
        DatePart::Decade => year.div_euclid(10),
        DatePart::Quarter => year * 4 + month / 3,
        DatePart::Month => year * 12 + month,
        _ => year,
    })
}
