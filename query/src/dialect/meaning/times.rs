//! Dates and times as Redshift reads them from text. Month comes before day (`DateStyle` MDY). Source: Amazon Redshift
//! Database Developer Guide, "Date, time, and timestamp literals".

use std::sync::Arc;

use arrow::array::{AsArray, Date32Array, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use chrono::{NaiveDate, NaiveTime, Timelike};
use datafusion::common::{DataFusionError, Result, plan_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use lookback_schemas::time::{DAY, day_of};

use crate::dialect::functions::{all_scalar, result, timestamp, wrong_arguments};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The time that a text means, in microseconds since 1970-01-01 without a zone; `now` is the statement's moment. `None` if
/// it is not in one of Redshift's forms, or not a time of the calendar. A zone other than UTC is not read.
#[must_use]
pub fn parse_time(text: &str, now: i64) -> Option<i64> {
    let text = text.trim().to_lowercase();
    let today = i64::from(day_of(now)) * DAY;
    match text.as_str() {
        "now" => return Some(now),
        "epoch" => return Some(0),
        "today" => return Some(today),
        "tomorrow" => return Some(today + DAY),
        "yesterday" => return Some(today - DAY),
        _ => {}
    }
    let text = split_at_t(&text).replace(',', " ");
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let time = take_time(&mut words)?;
    let date = date_of(&words)?;
    let midnight = date.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
    midnight.checked_add(time)
}

/// ISO 8601 has a `T` between day and time.
fn split_at_t(text: &str) -> String {
    let bytes = text.as_bytes();
    let between = |at: usize| bytes[at - 1].is_ascii_digit() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
    match text.match_indices('t').find(|(at, _)| *at > 0 && between(*at)) {
        Some((at, _)) => format!("{} {}", &text[..at], &text[at + 1..]),
        None => text.to_owned(),
    }
}

/// Takes the words of the time of day away; microseconds since midnight, which is also what no time means.
fn take_time(words: &mut Vec<&str>) -> Option<i64> {
    if words.last().is_some_and(|word| matches!(*word, "utc" | "z" | "gmt" | "+00" | "+00:00" | "+0000")) {
        words.pop();
    }
    let is_six_digits = |word: &str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_clock = |at: usize, word: &str| word.contains(':') || (at > 0 && is_six_digits(word));
    let Some(at) = words.iter().enumerate().position(|(at, word)| is_clock(at, word)) else { return Some(0) };
    let mut clock = words.remove(at);
    let mut half = None;
    for name in ["am", "pm"] {
        if words.get(at) == Some(&name) {
            words.remove(at);
            half = Some(name);
        } else if let Some(rest) = clock.strip_suffix(name) {
            clock = rest;
            half = Some(name);
        }
    }
    let clock = ["z", "+00:00", "+0000", "+00"].iter().find_map(|zone| clock.strip_suffix(zone)).unwrap_or(clock);
    let time = if is_six_digits(clock) {
        NaiveTime::parse_from_str(clock, "%H%M%S").ok()?
    } else {
        let seconds = NaiveTime::parse_from_str(clock, "%H:%M:%S%.f");
        seconds.or_else(|_| NaiveTime::parse_from_str(clock, "%H:%M")).ok()?
    };
    let hour = match (half, time.hour()) {
        (Some(_), 13..) => return None,
        (Some("am"), 12) => 0,
        (Some("pm"), hour) if hour < 12 => hour + 12,
        (_, hour) => hour,
    };
    let seconds = i64::from(hour) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    // The seventh digit rounds.
    Some(seconds * 1_000_000 + (i64::from(time.nanosecond()) + 500) / 1_000)
}

fn date_of(words: &[&str]) -> Option<NaiveDate> {
    match words {
        [one] => date_of_word(one),
        [month, day, year] if month_of(month).is_some() => date(number(year, 4)?, month_of(month)?, number(day, 2)?),
        [day, month, year] => date(number(year, 4)?, month_of(month)?, number(day, 2)?),
        _ => None,
    }
}

fn date_of_word(word: &str) -> Option<NaiveDate> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    match word.len() {
        8 if digits => return date(number(&word[..4], 4)?, number(&word[4..6], 2)?, number(&word[6..], 2)?),
        6 if digits => return date(short_year(&word[..2])?, number(&word[2..4], 2)?, number(&word[4..], 2)?),
        _ => {}
    }
    if let Some((year, day)) = word.split_once('.')
        && year.len() == 4
        && day.len() == 3
    {
        return NaiveDate::from_yo_opt(i32::try_from(number(year, 4)?).ok()?, number(day, 3)?);
    }
    let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    match (month_of(a), month_of(b)) {
        (Some(month), None) => date(year_of(c)?, month, number(b, 2)?),
        (None, Some(month)) if a.len() == 4 => date(number(a, 4)?, month, number(c, 2)?),
        (None, Some(month)) => date(year_of(c)?, month, number(a, 2)?),
        (None, None) if a.len() == 4 => date(number(a, 4)?, number(b, 2)?, number(c, 2)?),
        (None, None) => date(year_of(c)?, number(a, 2)?, number(b, 2)?),
        (Some(_), Some(_)) => None,
    }
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn year_of(text: &str) -> Option<u32> {
    if text.len() == 2 { short_year(text) } else { number(text, 4) }
}

/// Two digits are a year from 1970 to 2069.
fn short_year(text: &str) -> Option<u32> {
    number(text, 2).map(|year| if year < 70 { 2000 + year } else { 1900 + year })
}

fn number(text: &str, most: usize) -> Option<u32> {
    let digits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// A month's name in full, or its first three letters.
fn month_of(text: &str) -> Option<u32> {
    let at = MONTHS
        .iter()
        .position(|name| *name == text || (name[..3] == *text) || (text == "sept" && *name == "september"));
    at.and_then(|at| u32::try_from(at + 1).ok())
}

/// The error for a text that is not a time.
pub(super) fn not_a_time(text: &str) -> DataFusionError {
    plan_datafusion_err!(
        "'{text}' is not a date or time; write 2026-01-31 or 2026-01-31 23:59:59 (see \"Date, time, and timestamp literals\" \
         in Redshift's documentation)"
    )
}

/// What a cast of a text to DATE or TIMESTAMP becomes, if the text is not a literal.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToTime {
    date: bool,
    now: i64,
    signature: Signature,
}

impl ToTime {
    pub(super) fn new(date: bool, now: i64) -> Self {
        Self { date, now, signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToTime {
    fn name(&self) -> &str {
        if self.date { "text_to_date" } else { "text_to_timestamp" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.date { DataType::Date32 } else { timestamp() })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = args.args.as_slice() else { return wrong_arguments("one text", &[]) };
        let scalar = all_scalar(&args.args);
        let text = text.to_array(if scalar { 1 } else { args.number_rows })?;
        let times = text.as_string::<i32>().iter().map(|text| match text {
            Some(text) => parse_time(text, self.now).map(Some).ok_or_else(|| not_a_time(text)),
            None => Ok(None),
        });
        let times = times.collect::<Result<TimestampMicrosecondArray>>()?;
        if self.date {
            let days: Date32Array = times.iter().map(|time| time.map(day_of)).collect();
            result(Arc::new(days), scalar)
        } else {
            result(Arc::new(times), scalar)
        }
    }
}
