//! Days and months: `ADD_MONTHS`, `MONTHS_BETWEEN`, `LAST_DAY`, `NEXT_DAY`, `DATE_PART_YEAR` and the comparisons `DATE_CMP`,
//! `TIMESTAMP_CMP`, `INTERVAL_CMP`. Source: Amazon Redshift Database Developer Guide, one page per function.

use std::cmp::Ordering;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
    TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, Weekday};
use datafusion::common::Result;
use lookback_schemas::time::{DAY, day_of};

use super::frame::{Arguments, Function, Kind, wrong};
use super::timestamp;

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, Int, Text, Time};
    let integer = DataType::Int32;
    vec![
        Function::new("add_months", "add_months(time, number)", &[Time, Int], timestamp(), add_months),
        Function::new("months_between", "months_between(time, time)", &[Time, Time], DataType::Float64, |a| {
            let (first, second) = (a.times(0)?, a.times(1)?);
            a.numbers::<Float64Type>(|row| months_between(first.get(row), second.get(row)).map(Some))
        }),
        Function::new("last_day", "last_day(time)", &[Time], DataType::Date32, |a| {
            let times = a.times(0)?;
            a.numbers::<Date32Type>(|row| {
                let day = civil(times.get(row))?.date();
                Ok(Some(day_of(times.get(row)) + i32::from(day.num_days_in_month()) - day.day().cast_signed()))
            })
        }),
        Function::new("next_day", "next_day(time, 'Monday')", &[Time, Text], DataType::Date32, next_day),
        Function::new("date_part_year", "date_part_year(date)", &[Time], integer.clone(), |a| {
            let times = a.times(0)?;
            a.numbers::<Int32Type>(|row| Ok(Some(civil(times.get(row))?.year())))
        }),
        Function::new("date_cmp", "date_cmp(date, date)", &[Time, Time], integer.clone(), |a| {
            let (first, second) = (a.times(0)?, a.times(1)?);
            compare(a, |row| day_of(first.get(row)).cmp(&day_of(second.get(row))))
        }),
        Function::new(
            "date_cmp_timestamp",
            "date_cmp_timestamp(date, timestamp)",
            &[Time, Time],
            integer.clone(),
            |a| {
                let (first, second) = (a.times(0)?, a.times(1)?);
                compare(a, |row| first.get(row).div_euclid(DAY).saturating_mul(DAY).cmp(&second.get(row)))
            },
        )
        .aliases(&["date_cmp_timestamptz"]),
        Function::new("timestamp_cmp", "timestamp_cmp(timestamp, timestamp)", &[Time, Time], integer.clone(), |a| {
            let (first, second) = (a.times(0)?, a.times(1)?);
            compare(a, |row| first.get(row).cmp(&second.get(row)))
        })
        .aliases(&["timestamptz_cmp"]),
        Function::new(
            "timestamp_cmp_date",
            "timestamp_cmp_date(timestamp, date)",
            &[Time, Time],
            integer.clone(),
            |a| {
                let (first, second) = (a.times(0)?, a.times(1)?);
                compare(a, |row| first.get(row).cmp(&second.get(row).div_euclid(DAY).saturating_mul(DAY)))
            },
        )
        .aliases(&["timestamptz_cmp_date"]),
        Function::new("interval_cmp", "interval_cmp(interval, interval)", &[Any, Any], integer, |a| {
            let (first, second) = (lengths(a, 0)?, lengths(a, 1)?);
            compare(a, |row| first(row).cmp(&second(row)))
        }),
    ]
}

fn compare(arguments: &Arguments, order: impl Fn(usize) -> Ordering) -> Result<ArrayRef> {
    arguments.numbers::<Int32Type>(|row| Ok(Some(order(row) as i32)))
}

/// The calendar's view of microseconds since 1970-01-01.
pub(super) fn civil(micros: i64) -> Result<NaiveDateTime> {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => Ok(time.naive_utc()),
        None => wrong(format!("the timestamp {micros} us is out of the calendar's range")),
    }
}

/// The last day of a month stays the last day of a month.
fn add_months(a: &Arguments) -> Result<ArrayRef> {
    let (times, counts) = (a.times(0)?, a.ints(1)?);
    a.numbers::<TimestampMicrosecondType>(|row| {
        let (time, count) = (civil(times.get(row))?, counts.get(row));
        let months = u32::try_from(count.unsigned_abs()).ok().map(Months::new);
        let moved = months.and_then(|months| match count < 0 {
            true => time.checked_sub_months(months),
            false => time.checked_add_months(months),
        });
        let Some(mut moved) = moved else {
            return wrong(format!("add_months(..., {count}) leaves the range of timestamps"));
        };
        if time.day() == u32::from(time.num_days_in_month()) {
            moved = moved.with_day(u32::from(moved.num_days_in_month())).unwrap_or(moved);
        }
        Ok(Some(moved.and_utc().timestamp_micros()))
    })
}

/// Whole months if the days are equal or both the last of their month, else with a fraction of a month of 31 days.
fn months_between(first: i64, second: i64) -> Result<f64> {
    let (a, b) = (civil(first)?, civil(second)?);
    let months = f64::from((a.year() - b.year()) * 12) + f64::from(a.month()) - f64::from(b.month());
    let is_last = |time: &NaiveDateTime| time.day() == u32::from(time.num_days_in_month());
    if a.day() == b.day() || (is_last(&a) && is_last(&b)) {
        return Ok(months);
    }
    #[allow(clippy::cast_precision_loss, reason = "31 days of microseconds are far below 2^53")]
    let days = |time: &NaiveDateTime, micros: i64| f64::from(time.day()) + micros.rem_euclid(DAY) as f64 / DAY as f64;
    Ok(months + (days(&a, first) - days(&b, second)) / 31.0)
}

fn next_day(a: &Arguments) -> Result<ArrayRef> {
    let (times, names) = (a.times(0)?, a.texts(1)?);
    a.numbers::<Date32Type>(|row| {
        let Some(wanted) = weekday(names.get(row)) else {
            return wrong(format!(
                "'{}' in next_day() is not the name of a day, such as 'Monday' or 'Mon'",
                names.get(row)
            ));
        };
        let today = civil(times.get(row))?.weekday();
        let days =
            (i64::from(wanted.num_days_from_monday()) - i64::from(today.num_days_from_monday()) + 6).rem_euclid(7);
        Ok(Some(day_of(times.get(row)) + i32::try_from(days + 1).unwrap_or(7)))
    })
}

/// The day's name, or its beginning of at least two letters.
fn weekday(name: &str) -> Option<Weekday> {
    let days = [
        ("sunday", Weekday::Sun),
        ("monday", Weekday::Mon),
        ("tuesday", Weekday::Tue),
        ("wednesday", Weekday::Wed),
        ("thursday", Weekday::Thu),
        ("friday", Weekday::Fri),
        ("saturday", Weekday::Sat),
    ];
    let name = name.trim().to_ascii_lowercase();
    let found = days.iter().find(|(full, _)| name.len() >= 2 && full.starts_with(&name));
    found.map(|(_, day)| *day)
}

/// Intervals by length, a month taken as 30 days.
fn lengths(a: &Arguments, n: usize) -> Result<impl Fn(usize) -> i128 + use<>> {
    let wanted = DataType::Interval(IntervalUnit::MonthDayNano);
    let (array, constant) = a.raw(n);
    let array: ArrayRef = match array.data_type() {
        DataType::Utf8 | DataType::Interval(_) | DataType::Null => cast(array, &wanted)?,
        other => return wrong(format!("the form is interval_cmp(interval, interval), but an argument is {other}")),
    };
    let values = array.as_primitive::<IntervalMonthDayNanoType>().clone();
    Ok(move |row| {
        let IntervalMonthDayNano { months, days, nanoseconds } = values.value(if constant { 0 } else { row });
        let days = i128::from(months) * 30 + i128::from(days);
        days * i128::from(DAY) * 1_000 + i128::from(nanoseconds)
    })
}

/// The first moment of a day, in microseconds since 1970-01-01.
pub(super) fn midnight(day: NaiveDate) -> i64 {
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros()
}
