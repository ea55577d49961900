//! Texts that are times: `2026-01-31`, `20260131`, `2026/01/31` or `01/31/2026`, alone or with a time of day after a blank or
//! a `T`: `23:59`, `23:59:30`, `23:59:30.25`. A `Z`, `UTC` or `+00` at the end is the zone that times here are in.

use arrow::array::{StringArray, TimestampMicrosecondArray};
use chrono::{NaiveDate, NaiveTime};
use datafusion::common::Result;

use super::frame::wrong;

/// Every text as microseconds since 1970-01-01.
pub(super) fn all(function: &str, texts: &StringArray) -> Result<TimestampMicrosecondArray> {
    let read = |text: Option<&str>| match text {
        None => Ok(None),
        Some(text) => match time(text) {
            Some(micros) => Ok(Some(micros)),
            None => wrong(format!("'{text}' in {function}() is not a time; write it as '2026-01-31 23:59:30'")),
        },
    };
    texts.iter().map(read).collect()
}

/// Microseconds since 1970-01-01, if the text is a time.
pub(super) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    let (day, rest) = match text.find([' ', 'T', 't']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let at = day_of(day)?.and_time(time_of_day(rest)?);
    Some(at.and_utc().timestamp_micros())
}

fn day_of(text: &str) -> Option<NaiveDate> {
    let numbers = |text: &str, separator: char| -> Option<Vec<u32>> {
        let parts: Vec<&str> = text.split(separator).collect();
        let digits =
            parts.iter().all(|part| !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit()));
        if parts.len() == 3 && digits { parts.iter().map(|part| part.parse().ok()).collect() } else { None }
    };
    let (year, month, day) = if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        (text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?)
    } else {
        let separator = if text.contains('/') { '/' } else { '-' };
        let first = text.find(separator)?;
        match (numbers(text, separator)?.as_slice(), first) {
            ([year, month, day], 4) => (*year, *month, *day),
            ([month, day, year], 1 | 2) if separator == '/' && *year > 999 => (*year, *month, *day),
            _ => return None,
        }
    };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    let text =
        ["UTC", "utc", "Z", "z", "+00:00", "+00"].iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    let text = text.trim_end();
    if text.is_empty() {
        return Some(NaiveTime::MIN);
    }
    ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())
}
