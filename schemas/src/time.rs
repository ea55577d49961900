//! Time in the lake: signed microseconds since 1970-01-01 00:00:00 UTC, the unit of every Redshift timestamp.

use chrono::{DateTime, NaiveDate, SecondsFormat};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a UTC day (Redshift's clocks have no leap seconds).
pub const DAY: i64 = 24 * HOUR;

/// 2000-01-01 00:00:00 UTC: the epoch of PostgreSQL's binary timestamps, and Redshift's way to write "never".
pub const Y2000: i64 = 946_684_800 * SECOND;

/// The last timestamp the lake writes: 9999-12-31 23:59:59.999999 UTC. `infinity` is stored as this value, so that every
/// reader can print it.
pub const LATEST: i64 = 253_402_300_800 * SECOND - 1;
/// The first timestamp the lake writes: 0001-01-01 00:00:00 UTC. `-infinity` is stored as this value.
pub const EARLIEST: i64 = -62_135_596_800 * SECOND;

/// Whether a cursor value says when something happened, rather than "never" (Redshift writes 2000-01-01 00:00:00).
#[must_use]
pub fn is_real(micros: i64) -> bool {
    micros > Y2000
}

/// Days since 1970-01-01 of the UTC day that holds `micros` (rounding towards the past, also before 1970).
#[must_use]
pub fn day_of(micros: i64) -> i32 {
    i32::try_from(micros.div_euclid(DAY)).unwrap_or(if micros < 0 { i32::MIN } else { i32::MAX })
}

/// The first microsecond of a day given as days since 1970-01-01.
#[must_use]
pub fn day_start(day: i32) -> i64 {
    i64::from(day) * DAY
}

/// `YYYY-MM-DD` of a day given as days since 1970-01-01.
#[must_use]
pub fn day_name(day: i32) -> String {
    NaiveDate::from_epoch_days(day).map_or_else(|| day.to_string(), |d| d.format("%Y-%m-%d").to_string())
}

/// The day of a `YYYY-MM-DD` text, as days since 1970-01-01.
#[must_use]
pub fn parse_day(text: &str) -> Option<i32> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|d| d.to_epoch_days())
}

/// RFC 3339 with microseconds and `Z`, for logs and stored statistics.
#[must_use]
pub fn rfc3339(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .map_or_else(|| format!("{micros} us"), |t| t.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// `YYYY-MM-DD HH:MM:SS.ffffff`, the form of a timestamp literal in the SQL of both Redshift and PostgreSQL.
#[must_use]
pub fn sql_literal(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros.clamp(EARLIEST, LATEST))
        .map_or_else(|| "epoch".to_owned(), |t| t.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_before_the_epoch_round_towards_the_past() {
        assert_eq!(day_of(-1), -1);
        assert_eq!(day_of(0), 0);
        assert_eq!(day_of(DAY - 1), 0);
        assert_eq!(day_of(DAY), 1);
    }

    #[test]
    fn the_names_of_days_and_times() {
        assert_eq!(day_name(day_of(Y2000)), "2000-01-01");
        assert_eq!(sql_literal(Y2000 + 1), "2000-01-01 00:00:00.000001");
        assert_eq!(sql_literal(LATEST), "9999-12-31 23:59:59.999999");
        assert_eq!(sql_literal(EARLIEST), "0001-01-01 00:00:00.000000");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert!(!is_real(Y2000));
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_its_day(micros in EARLIEST..LATEST) {
            let day = day_of(micros);
            prop_assert!(day_start(day) <= micros && micros < day_start(day) + DAY);
            prop_assert_eq!(parse_day(&day_name(day)), Some(day));
        }
    }
}
