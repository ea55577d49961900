#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;

use super::divide::quotient_type;
use super::parse_time;

const NOW: i64 = 1_767_225_600_000_000 + 45_296_789_000;

fn shown(text: &str) -> Option<String> {
    let time = DateTime::from_timestamp_micros(parse_time(text, NOW)?).unwrap();
    Some(time.format("%Y-%m-%d %H:%M:%S%.f").to_string())
}

/// "Computations with numeric values": the example, and what people found on clusters.
#[test]
fn quotients_have_the_documented_precision_and_scale() {
    for (a, b, want) in [
        ((8, 2), (8, 2), (17, 9)),
        ((19, 0), (19, 0), (38, 19)),
        ((19, 2), (38, 19), (38, 4)),
        ((19, 0), (8, 1), (28, 8)),
        ((10, 0), (10, 0), (21, 11)),
        ((38, 0), (10, 0), (38, 4)),
    ] {
        assert_eq!(quotient_type(a, b), want, "{a:?} / {b:?}");
    }
}

/// "Date, time, and timestamp literals": both tables.
#[test]
fn dates_and_times_are_read_in_the_documented_forms() {
    for date in
        ["January 8, 1999", "1999-01-08", "1/8/1999", "Jan-8-1999", "8-Jan-1999", "19990108", "990108", "1999.008"]
    {
        assert_eq!(shown(date).as_deref(), Some("1999-01-08 00:00:00"), "{date}");
    }
    for (text, want) in [
        ("01/02/00", "2000-01-02 00:00:00"),
        ("2000-Jan-31", "2000-01-31 00:00:00"),
        ("Jan-31-2000", "2000-01-31 00:00:00"),
        ("31-Jan-2000", "2000-01-31 00:00:00"),
        ("080215", "2008-02-15 00:00:00"),
        ("2008.366", "2008-12-31 00:00:00"),
        ("20080215 04:05:06.789", "2008-02-15 04:05:06.789"),
        ("20080215 04:05:06", "2008-02-15 04:05:06"),
        ("20080215 04:05", "2008-02-15 04:05:00"),
        ("20080215 040506", "2008-02-15 04:05:06"),
        ("20080215 04:05 AM", "2008-02-15 04:05:00"),
        ("20080215 04:05 PM", "2008-02-15 16:05:00"),
        ("20080215 04:05pm", "2008-02-15 16:05:00"),
        ("20080215 12:05 AM", "2008-02-15 00:05:00"),
        ("20080215 16:05", "2008-02-15 16:05:00"),
        ("20080215", "2008-02-15 00:00:00"),
        ("Jan 31, 2026", "2026-01-31 00:00:00"),
        ("31 January 2026 23:59", "2026-01-31 23:59:00"),
        (" 2026-01-31 23:59 ", "2026-01-31 23:59:00"),
        ("2026-01-31T23:59:59Z", "2026-01-31 23:59:59"),
        ("2026-01-31 23:59:59.1234567", "2026-01-31 23:59:59.123457"),
        ("2026-1-3 1:02", "2026-01-03 01:02:00"),
        ("now", "2026-01-01 12:34:56.789"),
        ("today", "2026-01-01 00:00:00"),
        ("TOMORROW", "2026-01-02 00:00:00"),
        ("yesterday", "2025-12-31 00:00:00"),
    ] {
        assert_eq!(shown(text).as_deref(), Some(want), "{text}");
    }
    for text in [
        "",
        " ",
        "yes",
        "2026",
        "2026-13-01",
        "2026-02-30",
        "31/12/2026",
        "2026-01-01 25:00",
        "2026-01-01 16:05 PM",
        "2026-01-01 10:00 Europe/Berlin",
        "2026-01-01 10:00+02",
        "2008.367",
        "Jan Feb 2026",
        "12:00",
        "é",
        "2026-01-0é",
    ] {
        assert_eq!(parse_time(text, NOW), None, "{text}");
    }
}

proptest! {
    #[test]
    fn every_form_of_a_time_means_that_time(
        day in 0_i32..40_000, micros in 0_i64..86_400_000_000, date in 0_usize..6, time in 0_usize..3,
    ) {
        let day = NaiveDate::from_num_days_from_ce_opt(719_163 + day).unwrap();
        let date = day.format(["%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%B %d, %Y", "%d-%b-%Y", "%Y.%j"][date]).to_string();
        let (micros, form) = match time {
            0 => (micros, "%H:%M:%S%.6f"),
            1 => (micros / 1_000_000 * 1_000_000, "%I:%M:%S %p"),
            _ => (micros / 60_000_000 * 60_000_000, "%H:%M"),
        };
        let moment = day.and_time(chrono::NaiveTime::MIN).and_utc() + chrono::TimeDelta::microseconds(micros);
        let text = format!("{date} {}", moment.format(form));
        prop_assert_eq!(parse_time(&text, NOW), Some(moment.timestamp_micros()), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,30}", digits in "[0-9:./ tTJanpm-]{0,24}") {
        let _ = parse_time(&text, NOW);
        let _ = parse_time(&digits, NOW);
    }
}
