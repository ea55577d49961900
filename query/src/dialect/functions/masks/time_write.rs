//! A time in the form of a mask.

use chrono::{Datelike, Timelike};
use datafusion::common::Result;
use lookback_schemas::time::{DAY, SECOND};

use super::time_mask::{Case, Field, Part, TimeMask};
use crate::dialect::functions::calendar::civil;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
/// The Julian day of 1970-01-01.
pub(super) const JULIAN_1970: i64 = 2_440_588;

pub(super) fn write(micros: i64, mask: &TimeMask) -> Result<String> {
    let mut text = String::with_capacity(mask.text.len() + 16);
    for part in &mask.parts {
        match part {
            Part::Text(letter) => text.push(*letter),
            Part::Field { field, bare, ordinal, .. } => {
                let start = text.len();
                write_field(micros, *field, *bare, &mut text)?;
                if let Some(case) = ordinal {
                    let ending = ending(&text[start..]);
                    text.push_str(&cased(ending, *case));
                }
            }
        }
    }
    Ok(text)
}

fn write_field(micros: i64, field: Field, bare: bool, text: &mut String) -> Result<()> {
    let time = civil(micros)?;
    // There is no year 0: the year before 1 is 1 BC.
    let of_era = |year: i32| if year > 0 { i64::from(year) } else { 1 - i64::from(year) };
    let year = of_era(time.year());
    let last = |year: i64, digits: u8| if digits == 4 { year } else { year % 10_i64.pow(digits.into()) };
    let number = |text: &mut String, value: i64, width: usize| {
        let width = if bare { 0 } else { width };
        text.push_str(&format!("{value:0width$}"));
    };
    let name = |text: &mut String, name: &str, case: Case, width: usize| {
        let width = if bare { 0 } else { width };
        text.push_str(&format!("{:width$}", cased(name, case)));
    };
    let (month, day) = (time.month0() as usize, time.weekday().num_days_from_sunday() as usize);
    let iso = time.iso_week();
    match field {
        Field::Year(digits) => number(text, last(year, digits), digits.into()),
        Field::YearWithComma => text.push_str(&format!("{},{:03}", year / 1000, year % 1000)),
        Field::IsoYear(digits) => number(text, last(of_era(iso.year()), digits), digits.into()),
        Field::Century => number(text, (year + 99) / 100, 2),
        Field::Quarter => number(text, i64::from(time.month0() / 3 + 1), 1),
        Field::Month => number(text, time.month().into(), 2),
        Field::MonthName(case) => name(text, MONTHS[month], case, 9),
        Field::ShortMonthName(case) => name(text, &MONTHS[month][..3], case, 3),
        Field::RomanMonth(case) => name(text, ROMAN[month], case, 4),
        Field::Week => number(text, i64::from(time.ordinal0() / 7 + 1), 2),
        Field::IsoWeek => number(text, iso.week().into(), 2),
        Field::WeekOfMonth => number(text, i64::from(time.day0() / 7 + 1), 1),
        Field::DayName(case) => name(text, DAYS[day], case, 9),
        Field::ShortDayName(case) => name(text, &DAYS[day][..3], case, 3),
        Field::DayOfYear => number(text, time.ordinal().into(), 3),
        Field::IsoDayOfYear => {
            number(text, i64::from((iso.week() - 1) * 7 + time.weekday().number_from_monday()), 3);
        }
        Field::Day => number(text, time.day().into(), 2),
        Field::DayOfWeek => number(text, time.weekday().number_from_sunday().into(), 1),
        Field::IsoDayOfWeek => number(text, time.weekday().number_from_monday().into(), 1),
        Field::JulianDay => number(text, micros.div_euclid(DAY) + JULIAN_1970, 1),
        Field::Hour12 => number(text, time.hour12().1.into(), 2),
        Field::Hour24 => number(text, time.hour().into(), 2),
        Field::Minute => number(text, time.minute().into(), 2),
        Field::Second => number(text, time.second().into(), 2),
        Field::Millisecond => text.push_str(&format!("{:03}", micros.rem_euclid(SECOND) / 1_000)),
        Field::Microsecond => text.push_str(&format!("{:06}", micros.rem_euclid(SECOND))),
        Field::SecondOfDay => number(text, time.num_seconds_from_midnight().into(), 1),
        Field::Half(case, dots) => text.push_str(&halves(time.hour() >= 12, ["AM", "PM"], case, dots)),
        Field::Era(case, dots) => text.push_str(&halves(time.year() <= 0, ["AD", "BC"], case, dots)),
        Field::Zone(case) => text.push_str(&cased("UTC", case)),
        Field::Offset => text.push_str("+00"),
    }
    Ok(())
}

fn halves(second: bool, names: [&str; 2], case: Case, dots: bool) -> String {
    let name = names[usize::from(second)];
    let name = if dots { name.chars().flat_map(|letter| [letter, '.']).collect() } else { name.to_owned() };
    cased(&name, case)
}

pub(super) fn cased(name: &str, case: Case) -> String {
    match case {
        Case::Upper => name.to_ascii_uppercase(),
        Case::First => name.to_owned(),
        Case::Lower => name.to_ascii_lowercase(),
    }
}

/// The English ending of an ordinal number.
pub(super) fn ending(number: &str) -> &'static str {
    let digits = number.as_bytes();
    let teen = digits.len() > 1 && digits[digits.len() - 2] == b'1';
    match digits.last() {
        Some(b'1') if !teen => "st",
        Some(b'2') if !teen => "nd",
        Some(b'3') if !teen => "rd",
        _ => "th",
    }
}
