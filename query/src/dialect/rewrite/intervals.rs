//! Interval literals in Redshift's forms: `'1w, 1h, 1m, 1s'`, `'0.5 days'`, `'1:30'`, `'90'` (seconds), `'5' minute`. They are
//! written out in months, days and seconds, which every planner understands. Source: Amazon Redshift Database Developer Guide,
//! "Interval literals".

use sqlparser::ast::{Expr, Interval, Value, ValueWithSpan};

use crate::dialect::DatePart;
use crate::error::QueryError;

const SECOND: i128 = 1_000_000;
const DAYS_OF_A_MONTH: i128 = 30;

/// Months, days and microseconds: none of them can be expressed by another.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Length {
    months: i128,
    days: i128,
    micros: i128,
}

pub(super) fn literal(expr: &mut Expr) -> Result<(), QueryError> {
    let Expr::Interval(Interval {
        value,
        leading_field,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }) = expr
    else {
        return Ok(());
    };
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = value.as_mut() else {
        return Ok(());
    };
    let written = match leading_field {
        Some(unit) => format!("{text} {unit}"),
        None => text.clone(),
    };
    let length = parse(&written).ok_or_else(|| {
        QueryError::sql(format!(
            "'{written}' is not an interval; write for example '5 minutes', '1 day 2 hours' or '1:30:00'"
        ))
    })?;
    *text = print(length);
    *leading_field = None;
    Ok(())
}

fn print(Length { months, days, micros }: Length) -> String {
    let (sign, seconds, rest) = (if micros < 0 { "-" } else { "" }, micros.abs() / SECOND, micros.abs() % SECOND);
    let mut parts = Vec::new();
    if months != 0 {
        parts.push(format!("{months} months"));
    }
    if days != 0 {
        parts.push(format!("{days} days"));
    }
    if micros != 0 || parts.is_empty() {
        let fraction = format!(".{rest:06}");
        parts.push(format!("{sign}{seconds}{} seconds", fraction.trim_end_matches('0').trim_end_matches('.')));
    }
    parts.join(" ")
}

fn parse(text: &str) -> Option<Length> {
    let text = text.to_lowercase().replace(',', " ");
    let mut words = text.split_whitespace().flat_map(number_and_unit).peekable();
    let mut length = Length::default();
    words.peek()?;
    while let Some(word) = words.next() {
        if word.contains(':') {
            length.micros = length.micros.checked_add(clock(word)?)?;
            continue;
        }
        let (digits, places) = number(word)?;
        // Without a unit, seconds are meant.
        let unit = match words.next_if(|next| next.starts_with(|c: char| c.is_alphabetic())) {
            Some(name) => DatePart::of(name)?,
            None => DatePart::Second,
        };
        add(&mut length, digits, places, unit)?;
    }
    Some(length)
}

/// `1w` is a number and a unit.
fn number_and_unit(word: &str) -> impl Iterator<Item = &str> {
    let at = word.find(|c: char| c.is_alphabetic()).unwrap_or(word.len());
    let (number, unit) = word.split_at(at);
    [number, unit].into_iter().filter(|part| !part.is_empty())
}

/// A number as its digits and how many of them are behind the point.
fn number(word: &str) -> Option<(i128, u32)> {
    let (whole, behind) = word.split_once('.').unwrap_or((word, ""));
    if behind.len() > 9 || !behind.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((format!("{whole}{behind}").parse().ok()?, u32::try_from(behind.len()).ok()?))
}

/// Hours, minutes and, perhaps, seconds.
fn clock(word: &str) -> Option<i128> {
    let (negative, word) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
    let parts: Vec<&str> = word.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (hours, minutes, "0"),
        [hours, minutes, seconds] => (hours, minutes, *seconds),
        _ => return None,
    };
    let whole = |text: &str| text.parse::<u32>().ok().map(i128::from);
    let (digits, places) = number(seconds).filter(|(digits, _)| *digits >= 0)?;
    let seconds = digits * SECOND / 10_i128.pow(places);
    let micros = (whole(hours)? * 3_600 + whole(minutes)? * 60) * SECOND + seconds;
    Some(if negative { -micros } else { micros })
}

/// Adds a number of units. What is left of a month is days, what is left of a day is time.
fn add(length: &mut Length, digits: i128, places: u32, unit: DatePart) -> Option<()> {
    let one = 10_i128.pow(places);
    let months = match unit {
        DatePart::Millennium => 12_000,
        DatePart::Century => 1_200,
        DatePart::Decade => 120,
        DatePart::Year => 12,
        DatePart::Quarter => 3,
        DatePart::Month => 1,
        _ => 0,
    };
    if months > 0 {
        let total = digits.checked_mul(months)?;
        length.months = length.months.checked_add(total / one)?;
        return add_days(length, (total % one) * DAYS_OF_A_MONTH, one);
    }
    let micros = match unit {
        DatePart::Week => return add_days(length, digits.checked_mul(7)?, one),
        DatePart::Day | DatePart::DayOfWeek | DatePart::DayOfYear => return add_days(length, digits, one),
        DatePart::Hour => 3_600 * SECOND,
        DatePart::Minute => 60 * SECOND,
        DatePart::Millisecond => 1_000,
        DatePart::Microsecond => 1,
        _ => SECOND,
    };
    length.micros = length.micros.checked_add(digits.checked_mul(micros)? / one)?;
    Some(())
}

fn add_days(length: &mut Length, days: i128, one: i128) -> Option<()> {
    length.days = length.days.checked_add(days / one)?;
    length.micros = length.micros.checked_add((days % one) * 86_400 * SECOND / one)?;
    Some(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails shall say where")]
mod tests {
    use super::{parse, print};

    #[test]
    fn intervals_are_written_out() {
        for (text, want) in [
            ("5 minutes", "300 seconds"),
            ("1 day 2 hours", "1 days 7200 seconds"),
            ("1:30", "5400 seconds"),
            ("1 day 1:30:00.5", "1 days 5400.5 seconds"),
            ("-1:30", "-5400 seconds"),
            ("3 hours, 35 minutes", "12900 seconds"),
            ("1w, 1h, 1m, 1s", "7 days 3661 seconds"),
            ("0.5 days", "43200 seconds"),
            ("52 weeks", "364 days"),
            ("4 months", "4 months"),
            ("1.5 years", "18 months"),
            ("0.5 months", "15 days"),
            ("90", "90 seconds"),
            ("-2 days 3 hours", "-2 days 10800 seconds"),
            ("5 s", "5 seconds"),
            ("2 mons", "2 months"),
            ("250 ms", "0.25 seconds"),
            ("0 days", "0 seconds"),
        ] {
            let printed = print(parse(text).unwrap());
            assert_eq!(printed, want, "{text}");
            assert_eq!(print(parse(&printed).unwrap()), printed, "{text}, read again");
        }
        for text in ["", "days", "5 parsecs", "1:2:3:4", "1 day ago", "1.2.3 days", "1e3 days", "--5 days"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
