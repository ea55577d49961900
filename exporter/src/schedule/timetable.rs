//! When ticks are: a cron expression, in UTC.
//!
//! People write what they know from cron: five fields, and weekdays from 0 (Sunday). The library behind it wants seconds, and
//! counts weekdays from 1 (Sunday), so that `1-5` would be Sunday to Thursday; both are translated here.

use std::str::FromStr;

use chrono::DateTime;
use cron::Schedule;

use crate::error::{Error, ErrorKind, Result};

/// What a right expression looks like.
const EXAMPLE: &str = "such as '0 */15 * * * *' for every 15 minutes: second, minute, hour, day of the month, month, weekday (0 is Sunday); without seconds, '*/15 * * * *'";

/// A cron expression that was understood.
#[derive(Debug, Clone)]
pub struct Timetable(Schedule);

impl Timetable {
    /// Reads an expression of six fields, from seconds to weekdays (a seventh is the year), or of five, from minutes on. Where
    /// both the day of the month and the weekday are given, both have to fit.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is none, or if its time never comes.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: String| Error::new(ErrorKind::Config, format!("schedule '{text}': {why}")).advise(EXAMPLE);
        let spelled = spelled(text);
        let schedule = Schedule::from_str(&spelled).map_err(|e| {
            // It points at places of the translated text, over several lines.
            let why = e.to_string();
            let why = why.lines().map(str::trim).rfind(|line| *line != spelled && line.contains(char::is_alphanumeric));
            wrong(why.map_or_else(|| "no cron expression".to_owned(), |why| format!("no cron expression: {why}")))
        })?;
        let timetable = Self(schedule);
        match timetable.after(chrono::Utc::now().timestamp_micros()) {
            Some(_) => Ok(timetable),
            None => Err(wrong("its time never comes".to_owned())),
        }
    }

    /// The first tick after a moment, both in microseconds since the Unix epoch, UTC.
    #[must_use]
    pub fn after(&self, now: i64) -> Option<i64> {
        let now = DateTime::from_timestamp_micros(now)?;
        let mut coming = self.0.after(&now);
        coming.find(|tick| *tick > now).map(|tick| tick.timestamp_micros())
    }
}

/// The expression as the library takes it.
fn spelled(text: &str) -> String {
    let mut fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if fields.len() == 5 {
        fields.insert(0, "0".to_owned());
    }
    if let Some(days) = fields.get_mut(5) {
        *days = days.split(',').map(weekdays).collect::<Vec<_>>().join(",");
    }
    fields.join(" ")
}

/// One item of the weekday field, with numbers replaced by names. What is no number, or no weekday, is left for the library.
fn weekdays(item: &str) -> String {
    const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
    let (from, to) = range.split_once('-').map_or((range, None), |(from, to)| (from, Some(to)));
    let number = |text: &str| text.parse::<usize>().ok().filter(|day| *day <= 7);
    let step_width = step.map_or(Some(1), |step| step.parse::<usize>().ok());
    let (Some(from), Some(step_width)) = (number(from), step_width.filter(|width| *width > 0)) else {
        return item.to_owned();
    };
    let to = match to {
        Some(to) => number(to),
        None if step.is_some() => Some(6.max(from)),
        None => Some(from),
    };
    let Some(to) = to.filter(|to| *to >= from) else { return item.to_owned() };
    (from..=to).step_by(step_width).map(|day| NAMES[day % 7]).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};
    use proptest::prelude::*;

    use super::*;

    /// A Thursday, 2026-05-28 00:00:00 UTC.
    const THURSDAY: i64 = 1_779_926_400 * SECOND;

    fn after(text: &str, now: i64) -> i64 {
        Timetable::parse(text).unwrap().after(now).unwrap()
    }

    #[test]
    fn ticks_come_by_the_second_or_by_the_minute() {
        assert_eq!(after("0 */15 * * * *", THURSDAY), THURSDAY + 15 * MINUTE);
        assert_eq!(after("*/15 * * * *", THURSDAY), THURSDAY + 15 * MINUTE, "five fields begin at second 0");
        assert_eq!(after("*/15 * * * *", THURSDAY - 1), THURSDAY);
        assert_eq!(after("* * * * * *", THURSDAY + 1), THURSDAY + SECOND);
        assert_eq!(after("30 5 0 * * * 2027", THURSDAY), 1_798_761_930 * SECOND, "a seventh field is the year");
        assert_eq!(after("@hourly", THURSDAY), THURSDAY + HOUR);
    }

    #[test]
    fn weekdays_are_those_of_cron() {
        for (days, next) in [
            ("4", 7),
            ("5", 1),
            ("0", 3),
            ("7", 3),
            ("Sun", 3),
            ("1-5", 1),
            ("6-7", 2),
            ("1,3", 4),
            ("1-5/2", 1),
            ("*/2", 2),
            ("Mon-Wed", 4),
            ("*", 1),
        ] {
            assert_eq!((after(&format!("0 0 * * {days}"), THURSDAY) - THURSDAY) / DAY, next, "weekday {days}");
        }
    }

    #[test]
    fn a_wrong_expression_is_an_error_with_an_example() {
        for wrong in ["", "soon", "* * *", "61 * * * * *", "0 0 * * 8", "0 0 * * 5-1", "0 0 * * 1/0", "0 0 30 2 *"] {
            let error = Timetable::parse(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().starts_with(&format!("schedule '{wrong}': ")), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
            assert!(error.advice().unwrap().contains("0 */15 * * * *"));
        }
    }

    proptest! {
        #[test]
        fn the_next_tick_is_strictly_later_and_none_lies_between(
            now in 0..4_000_000_000_i64, fraction in 0..SECOND, which in 0..5_usize,
        ) {
            let text = ["* * * * * *", "*/7 */3 * * * *", "*/15 * * * *", "30 3 * * 1-5", "0 0 12 31 * *"][which];
            let timetable = Timetable::parse(text).unwrap();
            let now = now * SECOND + fraction;
            let next = timetable.after(now).unwrap();
            prop_assert!(next > now && next % SECOND == 0);
            // Whatever moment in between one asks from, the answer is the same.
            prop_assert_eq!(timetable.after(now + (next - now) / 2), Some(next));
        }
    }
}
