//! How amounts, times and texts are written for people. Pure: what "now" is, is an argument.

use chrono::DateTime;
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};

/// A text of a log, made harmless to read: characters that nobody sees, or that turn the order of others around, become a sign
/// that is seen. That nothing in it is markup, the templates see to.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { shown(c) }).collect()
}

/// The same for a text of several lines.
pub(super) fn visible_lines(text: &str) -> String {
    text.chars().filter(|c| *c != '\r').map(|c| if matches!(c, '\n' | '\t') { c } else { shown(c) }).collect()
}

fn shown(c: char) -> char {
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if c.is_control() || turns { '\u{fffd}' } else { c }
}

/// The first characters of a text, with a sign if there are more.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// A whole number with thousands separators.
pub(super) fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value <= -0.5 { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count where space is short: `48.2k`.
pub(super) fn short(value: f64) -> String {
    for (size, sign) in [(1e9, "G"), (1e6, "M"), (1e4, "k")] {
        if value.abs() >= size {
            let unit = if size < 1e6 { 1e3 } else { size };
            return format!("{}{sign}", decimals(value / unit));
        }
    }
    count(value)
}

/// At most two decimals, fewer the larger the number is.
pub(super) fn decimals(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Seconds as one number with its unit: (`1.4`, `s`).
pub(super) fn seconds_parts(seconds: f64) -> (String, &'static str) {
    let (size, unit) = match seconds.abs() {
        s if s < 1e-9 => return ("0".to_owned(), "s"),
        s if s < 0.9995 => (1e-3, "ms"),
        s if s < 120.0 => (1.0, "s"),
        s if s < 7_200.0 => (60.0, "min"),
        s if s < 172_800.0 => (3_600.0, "h"),
        _ => (86_400.0, "d"),
    };
    (decimals(seconds / size), unit)
}

/// Seconds as people say them: `1.4 s`.
pub(super) fn seconds(seconds: f64) -> String {
    let (number, unit) = seconds_parts(seconds);
    format!("{number} {unit}")
}

/// A span of time in two units: `1d 14h`.
pub(super) fn span(micros: i64) -> String {
    let seconds = micros.unsigned_abs() / SECOND.unsigned_abs();
    let (d, h, m, s) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let text = match (d, h, m) {
        (0, 0, 0) => format!("{s}s"),
        (0, 0, _) => format!("{m}m {s}s"),
        (0, ..) => format!("{h}h {m}m"),
        _ => format!("{d}d {h}h"),
    };
    if micros < 0 { format!("−{text}") } else { text }
}

/// How long ago something was, roughly.
pub(super) fn ago(then: i64, now: i64) -> String {
    match now - then {
        passed if passed < 0 => format!("in {}", span(-passed)),
        passed if passed < MINUTE => "just now".to_owned(),
        passed if passed < HOUR => format!("{} min ago", passed / MINUTE),
        passed if passed < 2 * DAY => format!("{} h ago", passed / HOUR),
        passed => format!("{} days ago", passed / DAY),
    }
}

/// A moment to the second, UTC; empty if there is none.
pub(super) fn moment(micros: Option<i64>) -> String {
    let time = micros.and_then(DateTime::from_timestamp_micros);
    time.map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

/// A moment to the minute, UTC.
pub(super) fn minute(micros: i64) -> String {
    moment(Some(micros)).chars().take(16).collect()
}

/// How an amount compares with the one before, in percent; empty if there was none.
pub(super) fn change(now: f64, before: f64) -> String {
    if before <= 0.0 {
        return String::new();
    }
    let percent = 100.0 * (now - before) / before;
    match percent {
        p if p.abs() < 0.5 => "as before".to_owned(),
        p if p >= 1_000.0 => format!("{} times as much", decimals(now / before)),
        p if p > 0.0 => format!("+{p:.0} %"),
        p => format!("−{:.0} %", p.abs()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts() {
        assert_eq!([0.0, 999.6, 1_234_567.0, -1_000.0].map(count), ["0", "1,000", "1,234,567", "−1,000"]);
        assert_eq!([0.0, 9_999.0, 48_211.0, 3_400_000.0].map(short), ["0", "9,999", "48.2k", "3.4M"]);
        assert_eq!(
            [0.0, 0.0004, 0.25, 1.4, 90.0, 600.0, 7_200.0, 345_600.0].map(seconds),
            ["0 s", "0.4 ms", "250 ms", "1.4 s", "90 s", "10 min", "2 h", "4 d"]
        );
    }

    #[test]
    fn times() {
        assert_eq!([59 * SECOND, 90 * SECOND, 38 * HOUR, -HOUR].map(span), ["59s", "1m 30s", "1d 14h", "−1h 0m"]);
        assert_eq!(
            [0, 5 * MINUTE, 3 * HOUR, 3 * DAY].map(|t| ago(0, t)),
            ["just now", "5 min ago", "3 h ago", "3 days ago"]
        );
        assert_eq!((moment(None), minute(0)), (String::new(), "1970-01-01 00:00".to_owned()));
    }

    #[test]
    fn changes() {
        assert_eq!(change(112.0, 100.0), "+12 %");
        assert_eq!(change(70.0, 100.0), "−30 %");
        assert_eq!(change(100.2, 100.0), "as before");
        assert_eq!(change(2_500.0, 100.0), "25 times as much");
        assert_eq!(change(5.0, 0.0), "");
    }

    #[test]
    fn what_cannot_be_seen_is_seen() {
        assert_eq!(visible("a\u{202e}b\u{7}c\nd"), "a\u{fffd}b\u{fffd}c d");
        assert_eq!(visible_lines("a\r\n\tb\u{1b}"), "a\n\tb\u{fffd}");
        assert_eq!((cut("select 1", 8), cut("select 12", 7)), ("select 1".to_owned(), "select…".to_owned()));
    }

    proptest! {
        #[test]
        fn no_text_is_cut_within_a_character(text in "\\PC{0,30}", most in 0_usize..40) {
            prop_assert!(cut(&text, most).chars().count() <= most + 1);
        }
    }
}
