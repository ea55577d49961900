//! Functions that Redshift has and DataFusion has not, or has with another meaning. One file or folder per family;
//! `frame` is what they share, `missing` names those that are refused.

mod arguments;
mod arithmetic;
mod calendar;
mod clock;
mod date_parts;
mod dateadd;
mod datediff;
mod excerpt;
mod fingerprint;
mod frame;
mod interval_times;
mod json;
mod masks;
mod missing;
mod only;
mod plain;
mod read_time;
mod regexp;
mod rounding;
mod shape;
mod system;
mod text;
mod time_text;
mod zones;

pub(super) use time_text::TimeText;

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::DatePart;
use rounding::Way;

/// `datediff`, which counts the microseconds between two times.
pub(super) fn time_difference() -> Arc<ScalarUDF> {
    Arc::new(datediff::DateDiff::new().into())
}

/// What multiplies an interval by a number, and what divides it.
pub(super) fn interval_scaled() -> [Arc<ScalarUDF>; 2] {
    [interval_times::IntervalTimes::times(), interval_times::IntervalTimes::divided()].map(|f| Arc::new(f.into()))
}

/// `dateadd`, which moves a time by whole parts.
pub(super) fn time_moved() -> Arc<ScalarUDF> {
    Arc::new(dateadd::DateAdd::new().into())
}

/// The functions for one statement that believes that it is `now` (microseconds since 1970-01-01, UTC). Later ones replace
/// earlier ones of the same name.
#[must_use]
pub fn all(now: i64) -> Vec<Arc<ScalarUDF>> {
    let families = [
        calendar::functions(),
        date_parts::functions(),
        zones::functions(),
        masks::functions(),
        text::functions(),
        regexp::functions(),
        json::functions(),
        arithmetic::functions(),
    ];
    let roundings = [Way::Round, Way::Truncate, Way::Up, Way::Down];
    let single = [
        ScalarUDF::from(clock::GetDate::new(now)),
        ScalarUDF::from(clock::CurrentDate::new(now)),
        ScalarUDF::from(clock::time_of_day(now)),
        ScalarUDF::from(datediff::DateDiff::new()),
        ScalarUDF::from(dateadd::DateAdd::new()),
        ScalarUDF::from(interval_times::IntervalTimes::times()),
        ScalarUDF::from(interval_times::IntervalTimes::divided()),
        ScalarUDF::from(only::Only::new()),
        ScalarUDF::from(masks::ToNumber::new()),
        ScalarUDF::from(excerpt::Excerpt::new()),
        ScalarUDF::from(fingerprint::OfStatement::shape()),
        ScalarUDF::from(fingerprint::OfStatement::fingerprint()),
    ];
    missing::functions()
        .into_iter()
        .map(ScalarUDF::from)
        .chain(system::constants().into_iter().map(ScalarUDF::from))
        .chain(families.into_iter().flatten().map(ScalarUDF::from))
        .chain(roundings.map(|way| ScalarUDF::from(rounding::Rounding::new(way))))
        .chain(single)
        .map(Arc::new)
        .collect()
}

/// Redshift's TIMESTAMP: microseconds, no zone.
pub(super) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

/// Whether a value of the type can be taken for a timestamp.
fn is_time_like(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Null
    )
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null)
}

pub(super) fn wrong_arguments<T>(usage: &str, given: &[DataType]) -> Result<T> {
    let given: Vec<String> = given.iter().map(ToString::to_string).collect();
    plan_err!("the form is {usage}, but the arguments are ({})", given.join(", "))
}

/// The date part in the first argument; it is the same for all rows.
fn part(function: &str, value: &ColumnarValue) -> Result<DatePart> {
    match value {
        ColumnarValue::Scalar(scalar) => match scalar.try_as_str() {
            Some(Some(name)) => DatePart::of(name)
                .ok_or_else(|| DataFusionError::Execution(format!("'{name}' is not a date part in {function}()"))),
            _ => exec_err!("the date part of {function}() is missing"),
        },
        ColumnarValue::Array(_) => exec_err!("the date part of {function}() must be a constant"),
    }
}

fn times(function: &str, array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let array = array.as_any().downcast_ref::<TimestampMicrosecondArray>().cloned();
    array.ok_or_else(|| DataFusionError::Internal(format!("{function}() was not given timestamps")))
}

/// One value if every argument is one value, so that the planner can compute it once.
pub(super) fn result(array: ArrayRef, scalar: bool) -> Result<ColumnarValue> {
    if scalar {
        ScalarValue::try_from_array(&array, 0).map(ColumnarValue::Scalar)
    } else {
        Ok(ColumnarValue::Array(array))
    }
}

pub(super) fn all_scalar(arguments: &[ColumnarValue]) -> bool {
    arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)))
}

#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod tests;
