//! `DATEDIFF(part, from, to)`: how many boundaries of the part lie between two times, as BIGINT. From 31 December to
//! 1 January is one year. Source: Amazon Redshift Database Developer Guide, "DATEDIFF function".

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::compute::binary;
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
        // What millions of rows ask for goes without a branch for each of them.
        let counts: Int64Array = match period(part) {
            Some((1, _)) => binary(&from, &to, |from: i64, to: i64| to.wrapping_sub(from))?,
            Some((size, offset)) => {
                let ordinal = |time: i64| time.saturating_add(offset).div_euclid(size);
                binary(&from, &to, |from: i64, to: i64| ordinal(to) - ordinal(from))?
            }
            None => {
                let between = |from, to| Ok(calendar_ordinal(part, to)? - calendar_ordinal(part, from)?);
                let pairs = from.iter().zip(to.iter());
                pairs
                    .map(|(from, to)| from.zip(to).map(|(from, to)| between(from, to)).transpose())
                    .collect::<Result<_>>()?
            }
        };
        result(Arc::new(counts), scalar)
    }
}

/// Microseconds of a part that always has as many, and how long before 1970-01-01 one of them began.
fn period(part: DatePart) -> Option<(i64, i64)> {
    Some(match part {
        DatePart::Week => (7 * DAY, MONDAY_OFFSET),
        DatePart::Day | DatePart::DayOfWeek | DatePart::DayOfYear => (DAY, 0),
        DatePart::Hour => (HOUR, 0),
        DatePart::Minute => (MINUTE, 0),
        DatePart::Second | DatePart::Epoch => (SECOND, 0),
        DatePart::Millisecond => (1_000, 0),
        DatePart::Microsecond => (1, 0),
        _ => return None,
    })
}

/// The number of the part's period that a time lies in, counted from a fixed one.
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
