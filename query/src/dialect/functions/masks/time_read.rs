//! A text read by a mask. What the text does not say is the beginning of year 1.
//!
//! Unless reading is strict, values out of range run over: 31 June is 1 July, and 24:38 is 00:38 on the next day. A text that
//! does not fit its mask is an error; text behind the last field is not looked at.

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use datafusion::common::Result;
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};

use super::time_mask::{Field, Part, TimeMask};
use super::time_write::{DAYS, JULIAN_1970, MONTHS, ROMAN};
use crate::dialect::functions::calendar::midnight;
use crate::dialect::functions::frame::wrong;

/// What a text says, as far as it says it.
#[derive(Debug, Default)]
struct Said {
    year: Option<i64>,
    before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    iso: (Option<i64>, Option<i64>, Option<i64>),
    julian: Option<i64>,
    hour: i64,
    half: Option<bool>,
    hour12: bool,
    minute: i64,
    second: i64,
    micros: i64,
    second_of_day: Option<i64>,
}

/// Microseconds since 1970-01-01.
pub(super) fn read(text: &str, mask: &TimeMask, strict: bool) -> Result<i64> {
    let mut reader = Reader { text, rest: text, mask };
    let mut said = Said::default();
    for (n, part) in mask.parts.iter().enumerate() {
        match part {
            Part::Text(letter) => reader.separator(*letter)?,
            Part::Field { field, name, bare, ordinal } => {
                reader.rest = reader.rest.trim_start();
                if reader.rest.is_empty() {
                    break;
                }
                let next = mask.parts.get(n + 1);
                let open =
                    *bare || ordinal.is_some() || !matches!(next, Some(Part::Field { field, .. }) if field.is_number());
                reader.field(*field, name, open, &mut said)?;
                if ordinal.is_some() {
                    reader.rest = reader.rest.get(2..).unwrap_or("");
                }
            }
        }
    }
    said.moment(strict).or_else(|why| wrong(format!("'{text}' by the mask '{}': {why}", mask.text)))
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    mask: &'a TimeMask,
}

impl Reader<'_> {
    fn unfit<T>(&self, wanted: &str) -> Result<T> {
        let found: String = self.rest.chars().take(10).collect();
        let (text, mask) = (self.text, &self.mask.text);
        wrong(format!("'{text}' does not fit the mask '{mask}': {wanted} is expected where it says '{found}'"))
    }

    /// Any sign separates; letters of the mask skip one character each.
    fn separator(&mut self, letter: char) -> Result<()> {
        if letter.is_whitespace() {
            self.rest = self.rest.trim_start();
            return Ok(());
        }
        if !letter.is_alphanumeric() {
            self.rest = self.rest.trim_start();
        }
        match self.rest.chars().next() {
            None => Ok(()),
            Some(found) if letter.is_alphanumeric() || !found.is_alphanumeric() => {
                self.rest = &self.rest[found.len_utf8()..];
                Ok(())
            }
            Some(_) => self.unfit(&format!("'{letter}'")),
        }
    }

    /// The digits of a number: at most so many, or all that there are.
    fn digits(&mut self, name: &str, most: usize, open: bool) -> Result<&str> {
        let most = if open { 18 } else { most };
        let length = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return self.unfit(&format!("{name}, a number,"));
        }
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(digits)
    }

    fn number(&mut self, name: &str, most: usize, open: bool) -> Result<i64> {
        let text = self.text;
        let digits = self.digits(name, most, open)?;
        digits.parse().or_else(|_| wrong(format!("'{digits}' in '{text}' is too large for {name}")))
    }

    /// The number of the name that the text goes on with, in any case.
    fn name(&mut self, name: &str, known: impl Iterator<Item = &'static str>) -> Result<usize> {
        let starts = |name: &str| self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let best = known.enumerate().filter(|(_, name)| starts(name)).max_by_key(|(_, name)| name.len());
        let Some((number, found)) = best else { return self.unfit(name) };
        self.rest = &self.rest[found.len()..];
        Ok(number)
    }

    fn field(&mut self, field: Field, name: &'static str, open: bool, said: &mut Said) -> Result<()> {
        let ordinal = |n: usize| i64::try_from(n).ok();
        match field {
            Field::Year(4) => said.year = Some(self.number(name, 4, open)?),
            Field::Year(2) => {
                said.year = Some(match self.number(name, 2, open)? {
                    year @ 0..70 => year + 2000,
                    year @ 70..100 => year + 1900,
                    year @ 1000.. => year,
                    _ => return self.unfit("a year of two or four digits"),
                });
            }
            Field::YearWithComma => {
                let thousands = self.number(name, 1, true)?;
                self.separator(',')?;
                let rest = self.number(name, 3, false)?;
                said.year = Some(thousands.saturating_mul(1000).saturating_add(rest));
            }
            Field::IsoYear(4) => said.iso.0 = Some(self.number(name, 4, open)?),
            Field::IsoWeek => said.iso.1 = Some(self.number(name, 2, open)?),
            Field::IsoDayOfWeek => said.iso.2 = Some(self.number(name, 1, open)?),
            Field::Month => said.month = Some(self.number(name, 2, open)?),
            Field::MonthName(_) => said.month = ordinal(self.name("the name of a month", MONTHS.into_iter())? + 1),
            Field::ShortMonthName(_) => {
                let short = MONTHS.into_iter().map(|month| &month[..3]);
                said.month = ordinal(self.name("the short name of a month", short)? + 1);
            }
            Field::RomanMonth(_) => said.month = ordinal(self.name("a Roman numeral", ROMAN.into_iter())? + 1),
            // A weekday says nothing that the date does not.
            Field::DayName(_) => _ = self.name("the name of a day", DAYS.into_iter())?,
            Field::ShortDayName(_) => {
                _ = self.name("the short name of a day", DAYS.into_iter().map(|day| &day[..3]))?;
            }
            Field::DayOfWeek => _ = self.number(name, 1, open)?,
            Field::Day => said.day = Some(self.number(name, 2, open)?),
            Field::DayOfYear => said.day_of_year = Some(self.number(name, 3, open)?),
            Field::JulianDay => said.julian = Some(self.number(name, 7, open)?),
            Field::Hour24 => said.hour = self.number(name, 2, open)?,
            Field::Hour12 => {
                said.hour = self.number(name, 2, open)?;
                said.hour12 = true;
            }
            Field::Minute => said.minute = self.number(name, 2, open)?,
            Field::Second => said.second = self.number(name, 2, open)?,
            Field::SecondOfDay => said.second_of_day = Some(self.number(name, 5, open)?),
            // Digits of a fraction: 5 is 500 ms.
            Field::Millisecond => said.micros += fraction(self.digits(name, 3, false)?),
            Field::Microsecond => said.micros += fraction(self.digits(name, 6, false)?),
            Field::Half(..) => {
                said.half = Some(self.name("AM or PM", ["AM", "PM", "A.M.", "P.M."].into_iter())? % 2 == 1);
            }
            Field::Era(..) => {
                said.before_christ = self.name("AD or BC", ["AD", "BC", "A.D.", "B.C."].into_iter())? % 2 == 1;
            }
            Field::Zone(_) | Field::Offset => {
                return wrong(format!("{name} in a mask is for writing times, not for reading them"));
            }
            _ => {
                return wrong(format!(
                    "{name} in the mask '{}' is supported for writing times, not for reading them",
                    self.mask.text
                ));
            }
        }
        Ok(())
    }
}

/// Digits behind a decimal point, in millionths.
fn fraction(digits: &str) -> i64 {
    format!("{digits:0<6}").get(..6).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

impl Said {
    fn moment(&self, strict: bool) -> std::result::Result<i64, String> {
        let day = self.date(strict)?;
        let mut hour = self.hour;
        if self.hour12 || self.half.is_some() {
            if !(1..=12).contains(&hour) && (self.hour12 || hour != 0) {
                return Err(format!("hour {hour} is none of a clock with 12 hours"));
            }
            hour = hour % 12 + if self.half == Some(true) { 12 } else { 0 };
        }
        if strict && (hour > 23 || self.minute > 59 || self.second > 59) {
            return Err(format!("time out of range: {hour}:{}:{}", self.minute, self.second));
        }
        let parts =
            [(hour, HOUR), (self.minute, MINUTE), (self.second, SECOND), (self.second_of_day.unwrap_or(0), SECOND)];
        let sum = parts.iter().try_fold(day, |sum, (count, size)| sum.checked_add(count.checked_mul(*size)?));
        sum.and_then(|sum| sum.checked_add(self.micros)).ok_or_else(|| "the time is out of range".to_owned())
    }

    /// The first microsecond of the day.
    fn date(&self, strict: bool) -> std::result::Result<i64, String> {
        if let Some(julian) = self.julian {
            let days = julian - JULIAN_1970;
            return days.checked_mul(DAY).ok_or_else(|| format!("Julian day {julian} is out of range"));
        }
        if let (Some(year), Some(week), day) = self.iso {
            return self.iso_date(year, week, day.unwrap_or(1));
        }
        let mut year = self.year.unwrap_or(1);
        if self.before_christ {
            year = 1 - year;
        }
        // Zero is as good as nothing, in PostgreSQL.
        let not_zero = |value: Option<i64>| value.filter(|value| *value != 0).unwrap_or(1);
        let (mut month, mut day) = (not_zero(self.month), not_zero(self.day));
        if let (Some(of_year), None) = (self.day_of_year, self.month) {
            (month, day) = (1, of_year);
        }
        let shown = format!("date out of range: {year}-{month}-{day}");
        if strict && month > 12 {
            return Err(shown);
        }
        let first = i32::try_from(year + (month - 1) / 12)
            .ok()
            .and_then(|year| NaiveDate::from_ymd_opt(year, u32::try_from((month - 1) % 12 + 1).ok()?, 1))
            .ok_or_else(|| shown.clone())?;
        let longest = if self.day_of_year.is_some() { 366 } else { i64::from(first.num_days_in_month()) };
        if strict && day > longest {
            return Err(shown);
        }
        let days = TimeDelta::try_days(day - 1).and_then(|days| first.checked_add_signed(days));
        days.map(midnight).ok_or(shown)
    }

    fn iso_date(&self, year: i64, week: i64, day: i64) -> std::result::Result<i64, String> {
        let weekday = u8::try_from(day - 1).ok().and_then(|day| Weekday::try_from(day).ok());
        let found = i32::try_from(year).ok().zip(u32::try_from(week).ok()).zip(weekday);
        found
            .and_then(|((year, week), day)| NaiveDate::from_isoywd_opt(year, week, day))
            .map(midnight)
            .ok_or_else(|| format!("there is no day {day} of week {week} of {year}"))
    }
}
