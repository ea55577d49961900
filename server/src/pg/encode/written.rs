//! Single values in the forms that PostgreSQL has for them.

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, NaiveDate};

/// As PostgreSQL writes floats since version 12: the fewest digits that are read back as the same, with an exponent from `large` digits.
pub(super) fn float(value: f64, plain: &str, scientific: &str, large: i32) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    match scientific.split_once('e').and_then(|(digits, power)| Some((digits, power.parse::<i32>().ok()?))) {
        Some((digits, power)) if value != 0.0 && (power < -4 || power >= large) => {
            format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
        }
        _ => plain.to_owned(),
    }
}

/// A day, as PostgreSQL writes it.
pub(super) fn day(days: i32) -> String {
    NaiveDate::from_epoch_days(days).map_or_else(|| "infinity".to_owned(), |day| day.format("%Y-%m-%d").to_string())
}

/// A time in microseconds since 1970-01-01; with the zone, it is said to be UTC.
pub(super) fn moment(micros: i64, zone: bool) -> String {
    let Some(time) = DateTime::from_timestamp_micros(micros) else { return "infinity".to_owned() };
    let mut text = time.format("%Y-%m-%d %H:%M:%S").to_string();
    let fraction = time.timestamp_subsec_micros();
    if fraction > 0 {
        let digits = format!(".{fraction:06}");
        text.push_str(digits.trim_end_matches('0'));
    }
    if zone {
        text.push_str("+00");
    }
    text
}

/// A decimal in groups of four digits.
pub(super) fn numeric(text: &str, to: &mut BytesMut) {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let group = |digits: &[u8]| digits.iter().fold(0u16, |group, digit| group * 10 + u16::from(digit - b'0'));
    let first = whole.len() % 4;
    let (head, rest) = whole.as_bytes().split_at(first);
    let mut groups: Vec<u16> = if first > 0 { vec![group(head)] } else { Vec::new() };
    groups.extend(rest.chunks(4).map(group));
    let mut weight = i16::try_from(groups.len()).unwrap_or(i16::MAX) - 1;
    groups
        .extend(fraction.as_bytes().chunks(4).map(|chunk| (chunk.len()..4).fold(group(chunk), |group, _| group * 10)));
    let leading = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..leading);
    weight = weight.saturating_sub(i16::try_from(leading).unwrap_or(i16::MAX));
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    to.put_u16(u16::try_from(groups.len()).unwrap_or(u16::MAX));
    to.put_i16(weight);
    to.put_u16(if negative && !groups.is_empty() { 0x4000 } else { 0 });
    to.put_u16(u16::try_from(fraction.len()).unwrap_or(u16::MAX));
    for group in groups {
        to.put_u16(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_and_times_are_written_as_postgresql_writes_them() {
        let double = |value: f64| float(value, &value.to_string(), &format!("{value:e}"), 15);
        let expected = [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (100_000.0, "100000"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e300, "1e+300"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in expected {
            assert_eq!(double(value), text);
        }
        assert_eq!(moment(1_700_000_000_120_000, false), "2023-11-14 22:13:20.12");
        assert_eq!(moment(1_700_000_000_000_000, true), "2023-11-14 22:13:20+00");
        assert_eq!(moment(-1, false), "1969-12-31 23:59:59.999999");
        assert_eq!(day(-719_162), "0001-01-01");
    }

    #[test]
    fn decimals_are_groups_of_four_digits() {
        let of = |text: &str| {
            let mut bytes = BytesMut::new();
            numeric(text, &mut bytes);
            let words: Vec<u16> = bytes.chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
            (words[1].cast_signed(), words[2], words[3], words[4..].to_vec())
        };
        assert_eq!(of("0.00"), (0, 0, 2, vec![]));
        assert_eq!(of("12345.678"), (1, 0, 3, vec![1, 2345, 6780]));
        assert_eq!(of("-0.0001"), (-1, 0x4000, 4, vec![1]));
        assert_eq!(of("0.00001"), (-2, 0, 5, vec![1000]));
        assert_eq!(of("10000"), (1, 0, 0, vec![1]));
        assert_eq!(of("99999999999999999999999999999999999999").3.len(), 10);
    }
}
