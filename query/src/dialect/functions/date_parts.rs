//! `DATE_PART` and `EXTRACT`: one part of a time, and `DATE_TRUNC`: the time at which a part began.
//!
//! The two that read differ in Redshift: `DATE_PART` is DOUBLE PRECISION and gives seconds with their fraction, `EXTRACT` is an
//! integer and gives nothing but the part. Source: Amazon Redshift Database Developer Guide, "DATE_PART function", "EXTRACT
//! function", "DATE_TRUNC function", "Date parts for date or timestamp functions".

use arrow::array::ArrayRef;
use arrow::datatypes::{
    DataType, DurationMicrosecondType, Float64Type, Int64Type, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use chrono::{Datelike, NaiveDate, Timelike};
use datafusion::common::Result;
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};

use super::calendar::{civil, midnight};
use super::frame::{Arguments, Function, Kind, wrong};
use super::{DatePart, timestamp};

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Text, Time, TimeOrSpan};
    vec![
        Function::new("date_part", "date_part(part, time)", &[Text, TimeOrSpan], DataType::Float64, date_part)
            .aliases(&["pgdate_part", "datepart"]),
        Function::typed(
            "extract_part",
            "extract(part FROM time)",
            &[Text, TimeOrSpan],
            |given| Ok(extracted(given)),
            extract,
        ),
        Function::new("date_trunc", "date_trunc('part', time)", &[Text, Time], timestamp(), truncate),
    ]
}

fn date_part(a: &Arguments) -> Result<ArrayRef> {
    let part = constant_part(a)?;
    if part == DatePart::Millisecond {
        return wrong(
            "date_part(millisecond, ...) is not answered: the documentation of Redshift gives it two meanings; write \
             extract(millisecond FROM time), or date_part(second, time) * 1000",
        );
    }
    if let Some(spans) = spans(a)? {
        #[allow(clippy::cast_precision_loss, reason = "DOUBLE PRECISION is what Redshift answers")]
        return a.numbers::<Float64Type>(|row| span_part(part, spans(row)).map(|micros| Some(micros as f64 / 1e6)));
    }
    let times = a.times(1)?;
    a.numbers::<Float64Type>(|row| double_part(part, times.get(row)).map(Some))
}

/// `EXTRACT` from a TIMESTAMPTZ is DOUBLE PRECISION.
fn extracted(given: &[DataType]) -> DataType {
    match given.get(1) {
        Some(DataType::Timestamp(_, Some(_))) => DataType::Float64,
        _ => DataType::Int64,
    }
}

fn extract(a: &Arguments) -> Result<ArrayRef> {
    let part = constant_part(a)?;
    if extracted(&[DataType::Utf8, a.data_type(1).clone()]) == DataType::Float64 {
        let times = a.times(1)?;
        return a.numbers::<Float64Type>(|row| double_part(part, times.get(row)).map(Some));
    }
    if let Some(spans) = spans(a)? {
        return a.numbers::<Int64Type>(|row| {
            let span = spans(row);
            Ok(Some(match part {
                DatePart::Millisecond => span.micros % SECOND / 1_000,
                part => span_part(part, span)? / 1_000_000,
            }))
        });
    }
    let times = a.times(1)?;
    a.numbers::<Int64Type>(|row| whole_part(part, times.get(row)).map(Some))
}

/// The length of time between two times; days and months are kept apart from hours.
#[derive(Clone, Copy)]
struct Span {
    months: i64,
    days: i64,
    micros: i64,
}

/// Lengths of time, by row.
type Spans = Box<dyn Fn(usize) -> Span>;

/// The second argument, if it is a length of time.
fn spans(a: &Arguments) -> Result<Option<Spans>> {
    Ok(match a.data_type(1) {
        DataType::Duration(_) => {
            let values = a.primitives::<DurationMicrosecondType>(1)?;
            Some(Box::new(move |row| {
                let micros = values.get(row);
                Span { months: 0, days: micros / DAY, micros: micros % DAY }
            }))
        }
        DataType::Interval(_) => {
            let values = a.primitives::<IntervalMonthDayNanoType>(1)?;
            Some(Box::new(move |row| {
                let value = values.get(row);
                Span { months: value.months.into(), days: value.days.into(), micros: value.nanoseconds / 1_000 }
            }))
        }
        _ => None,
    })
}

/// A part of a length of time, in millionths.
fn span_part(part: DatePart, span: Span) -> Result<i64> {
    let whole = |count: i64| count * 1_000_000;
    Ok(match part {
        DatePart::Year => whole(span.months / 12),
        DatePart::Month => whole(span.months % 12),
        DatePart::Day => whole(span.days),
        DatePart::Hour => whole(span.micros / HOUR),
        DatePart::Minute => whole(span.micros % HOUR / MINUTE),
        DatePart::Second => span.micros % MINUTE,
        DatePart::Microsecond => whole(span.micros % SECOND),
        // A year is 365.25 days, a month 30.
        DatePart::Epoch => {
            let days = i128::from(span.months % 12 * 30 + span.days) * i128::from(DAY);
            let years = i128::from(span.months / 12) * i128::from(1461 * 6 * HOUR);
            let micros = years + days + i128::from(span.micros);
            return i64::try_from(micros).or_else(|_| wrong("the length of time is out of range"));
        }
        part => return wrong(format!("'{}' is not a part of a length of time; hour, day or epoch are", part.name())),
    })
}

fn constant_part(a: &Arguments) -> Result<DatePart> {
    let names = a.texts(0)?;
    let Some(name) = names.constant() else {
        return wrong(format!("the date part of {}() must be a constant", a.name));
    };
    match DatePart::of(name) {
        Some(part) => Ok(part),
        None => wrong(format!("'{name}' is not a date part in {}()", a.name)),
    }
}

/// Seconds have their fraction, epochs too.
#[allow(clippy::cast_precision_loss, reason = "DOUBLE PRECISION is what Redshift answers")]
fn double_part(part: DatePart, time: i64) -> Result<f64> {
    Ok(match part {
        DatePart::Second => time.rem_euclid(MINUTE) as f64 / 1e6,
        DatePart::Epoch => time as f64 / 1e6,
        part => whole_part(part, time)? as f64,
    })
}

fn whole_part(part: DatePart, time: i64) -> Result<i64> {
    let date = civil(time)?;
    let year = i64::from(date.year());
    Ok(match part {
        DatePart::Millennium => (year + 999).div_euclid(1000),
        DatePart::Century => (year + 99).div_euclid(100),
        // The decade of the years 2000 to 2009 is the 201st.
        DatePart::Decade => year.div_euclid(10) + 1,
        DatePart::Year => year,
        DatePart::Quarter => i64::from(date.month0() / 3 + 1),
        DatePart::Month => i64::from(date.month()),
        DatePart::Week => i64::from(date.iso_week().week()),
        DatePart::Day => i64::from(date.day()),
        DatePart::DayOfWeek => i64::from(date.weekday().num_days_from_sunday()),
        DatePart::DayOfYear => i64::from(date.ordinal()),
        DatePart::Hour => i64::from(date.hour()),
        DatePart::Minute => i64::from(date.minute()),
        DatePart::Second => i64::from(date.second()),
        DatePart::Millisecond => time.rem_euclid(SECOND) / 1_000,
        DatePart::Microsecond => time.rem_euclid(SECOND),
        DatePart::Epoch => time.div_euclid(SECOND),
    })
}

fn truncate(a: &Arguments) -> Result<ArrayRef> {
    let (part, times) = (constant_part(a)?, a.times(1)?);
    a.numbers::<TimestampMicrosecondType>(|row| start_of(part, times.get(row)).map(Some))
}

/// The first microsecond of the part's period that holds a time.
fn start_of(part: DatePart, time: i64) -> Result<i64> {
    let size = match part {
        DatePart::Microsecond => 1,
        DatePart::Millisecond => 1_000,
        DatePart::Second => SECOND,
        DatePart::Minute => MINUTE,
        DatePart::Hour => HOUR,
        DatePart::Day => DAY,
        DatePart::DayOfWeek | DatePart::DayOfYear | DatePart::Epoch => {
            return wrong(format!(
                "date_trunc() cannot cut at '{}'; it cuts at year, month, week, day and the like",
                part.name()
            ));
        }
        _ => 0,
    };
    if size > 0 {
        return Ok(time.div_euclid(size).saturating_mul(size));
    }
    let date = civil(time)?.date();
    let (year, month) = match part {
        DatePart::Week => {
            let days = i64::from(date.weekday().num_days_from_monday());
            return Ok(time.div_euclid(DAY) * DAY - days * DAY);
        }
        // Centuries and millennia begin with a year that ends in 1.
        DatePart::Millennium => ((date.year() - 1).div_euclid(1000) * 1000 + 1, 1),
        DatePart::Century => ((date.year() - 1).div_euclid(100) * 100 + 1, 1),
        DatePart::Decade => (date.year().div_euclid(10) * 10, 1),
        DatePart::Year => (date.year(), 1),
        DatePart::Quarter => (date.year(), date.month0() / 3 * 3 + 1),
        _ => (date.year(), date.month()),
    };
    match NaiveDate::from_ymd_opt(year, month, 1) {
        Some(day) => Ok(midnight(day)),
        None => wrong(format!("date_trunc('{}', ...) leaves the range of timestamps", part.name())),
    }
}
