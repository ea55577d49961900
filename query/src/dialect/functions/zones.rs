//! `CONVERT_TIMEZONE` and `TIMEZONE` (which `AT TIME ZONE` becomes): times in other zones.
//!
//! A zone is an abbreviation, which is a fixed offset (`PST`), a name, which knows of summer time (`US/Pacific`), or a POSIX
//! specification: any letters and an offset that counts westwards, so that `GMT+2` is two hours behind UTC. Local times that a
//! change of the clock skips or repeats are read as standard time. Source: Amazon Redshift Database Developer Guide,
//! "CONVERT_TIMEZONE function", "TIMEZONE function", "AT TIME ZONE function".

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use datafusion::common::Result;
use lookback_schemas::time::{HOUR, MINUTE, SECOND};

use super::calendar::civil;
use super::frame::{Arguments, Function, Kind, Values, wrong};
use super::timestamp;

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Moment, Text, TextOrTime};
    vec![
        Function::new(
            "convert_timezone",
            "convert_timezone(['source zone',] 'target zone', time)",
            &[Text, TextOrTime, TextOrTime],
            timestamp(),
            convert,
        )
        .optional(1),
        Function::typed("timezone", "timezone('zone', time)", &[Text, Moment], |given| Ok(other_kind(given)), timezone),
    ]
}

fn convert(a: &Arguments) -> Result<ArrayRef> {
    let times = a.times(a.len() - 1)?;
    let target = Zones::new(a.name, a.texts(a.len() - 2)?)?;
    let source = if a.len() == 3 { Some(Zones::new(a.name, a.texts(0)?)?) } else { None };
    a.numbers::<TimestampMicrosecondType>(|row| {
        let utc = match &source {
            Some(source) => source.get(row)?.to_utc(times.get(row))?,
            None => times.get(row),
        };
        target.get(row)?.to_local(utc).map(Some)
    })
}

/// A time without zone becomes one with a zone, and the other way round.
fn other_kind(given: &[DataType]) -> DataType {
    match given.get(1) {
        Some(DataType::Timestamp(_, Some(_))) => timestamp(),
        _ => with_zone(),
    }
}

/// Redshift's TIMESTAMPTZ; sessions here are in UTC.
pub(super) fn with_zone() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("+00:00")))
}

fn timezone(a: &Arguments) -> Result<ArrayRef> {
    let zones = Zones::new(a.name, a.texts(0)?)?;
    let times = a.times(1)?;
    if matches!(a.data_type(1), DataType::Timestamp(_, Some(_))) {
        return a.numbers::<TimestampMicrosecondType>(|row| zones.get(row)?.to_local(times.get(row)).map(Some));
    }
    let moments = a.numbers::<TimestampMicrosecondType>(|row| zones.get(row)?.to_utc(times.get(row)).map(Some))?;
    Ok(cast(&moments, &with_zone())?)
}

/// The zones of an argument, looked up once if it is a constant.
struct Zones {
    function: &'static str,
    names: Values<StringArray>,
    constant: Option<Zone>,
}

impl Zones {
    fn new(function: &'static str, names: Values<StringArray>) -> Result<Self> {
        let constant = names.constant().map(|name| Zone::named(function, name)).transpose()?;
        Ok(Self { function, names, constant })
    }

    fn get(&self, row: usize) -> Result<Zone> {
        self.constant.map_or_else(|| Zone::named(self.function, self.names.get(row)), Ok)
    }
}

#[derive(Debug, Clone, Copy)]
enum Zone {
    /// Microseconds that local time is ahead of UTC.
    Fixed(i64),
    Named(Tz),
}

impl Zone {
    fn named(function: &str, name: &str) -> Result<Self> {
        let name = name.trim();
        let found = abbreviation(name).or_else(|| by_name(name)).or_else(|| posix(name));
        found.map_or_else(
            || {
                wrong(format!(
                    "'{name}' in {function}() is not a time zone; known are names such as 'Europe/Zurich', abbreviations such \
                     as 'PST' and POSIX forms such as 'GMT+2'"
                ))
            },
            Ok,
        )
    }

    fn to_local(self, utc: i64) -> Result<i64> {
        Ok(match self {
            Self::Fixed(ahead) => utc.saturating_add(ahead),
            Self::Named(zone) => utc + ahead(zone.offset_from_utc_datetime(&civil(utc)?).fix()),
        })
    }

    fn to_utc(self, local: i64) -> Result<i64> {
        let zone = match self {
            Self::Fixed(ahead) => return Ok(local.saturating_sub(ahead)),
            Self::Named(zone) => zone,
        };
        let time = civil(local)?;
        let offset = match zone.offset_from_local_datetime(&time) {
            MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(_, offset) => offset.fix(),
            // Skipped when the clock was put forward: what held before the change holds for it.
            MappedLocalTime::None => before_gap(zone, time),
        };
        Ok(local - ahead(offset))
    }
}

fn before_gap(zone: Tz, time: NaiveDateTime) -> chrono::FixedOffset {
    let earlier = time.checked_sub_signed(TimeDelta::hours(25)).unwrap_or(time);
    match zone.offset_from_local_datetime(&earlier) {
        MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(_, offset) => offset.fix(),
        MappedLocalTime::None => zone.offset_from_utc_datetime(&DateTime::UNIX_EPOCH.naive_utc()).fix(),
    }
}

fn ahead(offset: chrono::FixedOffset) -> i64 {
    i64::from(offset.local_minus_utc()) * SECOND
}

fn by_name(name: &str) -> Option<Zone> {
    let exact = name.parse::<Tz>().ok();
    let any_case = || TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name)).copied();
    exact.or_else(any_case).map(Zone::Named)
}

/// Letters, then an offset: `PST8`, `NEWZONE +2`, `NEWZONE-2:15`, `America/Los_Angeles+2`. It counts hours west of Greenwich.
fn posix(name: &str) -> Option<Zone> {
    let at = name.find(|c: char| c == '+' || c == '-' || c.is_ascii_digit())?;
    let (letters, offset) = (name[..at].trim_end(), &name[at..]);
    if letters.is_empty() || !letters.bytes().all(|b| b.is_ascii_alphabetic() || b == b'/' || b == b'_') {
        return None;
    }
    let (sign, offset) = match offset.strip_prefix('-') {
        Some(rest) => (1, rest),
        None => (-1, offset.strip_prefix('+').unwrap_or(offset)),
    };
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "0"));
    let number = |text: &str, most: i64| {
        let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| digits && *n <= most)
    };
    Some(Zone::Fixed(sign * (number(hours, 24)? * HOUR + number(minutes, 59)? * MINUTE)))
}

/// Abbreviations of zones, in minutes ahead of UTC. Those that mean different zones in different countries have the meaning
/// of PostgreSQL's default set; one whose meaning has changed over the years is not known here, its zone has a name.
const ABBREVIATIONS: [(&str, i64); 45] = [
    ("ACDT", 630),
    ("ACST", 570),
    ("ADT", -180),
    ("AEDT", 660),
    ("AEST", 600),
    ("AKDT", -480),
    ("AKST", -540),
    ("AST", -240),
    ("AWST", 480),
    ("BRT", -180),
    ("BST", 60),
    ("CDT", -300),
    ("CEST", 120),
    ("CET", 60),
    ("CST", -360),
    ("EDT", -240),
    ("EEST", 180),
    ("EET", 120),
    ("EST", -300),
    ("GMT", 0),
    ("HKT", 480),
    ("HST", -600),
    ("ICT", 420),
    ("JST", 540),
    ("KST", 540),
    ("MDT", -360),
    ("MEST", 120),
    ("MET", 60),
    ("MEZ", 60),
    ("MST", -420),
    ("NDT", -150),
    ("NST", -210),
    ("NZDT", 780),
    ("NZST", 720),
    ("PDT", -420),
    ("PHT", 480),
    ("PKT", 300),
    ("PST", -480),
    ("SGT", 480),
    ("UT", 0),
    ("UTC", 0),
    ("WEST", 60),
    ("WET", 0),
    ("Z", 0),
    ("ZULU", 0),
];

fn abbreviation(name: &str) -> Option<Zone> {
    let found = ABBREVIATIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, minutes)| Zone::Fixed(minutes * MINUTE))
}
