//! Which form an answer has: the header `Accept`, as RFC 9110 (section 12.5.1) has it.
//!
//! - The most specific range that fits a media type decides its weight; a weight of 0 excludes it.
//! - Of what is left, the highest weight wins; then what was named rather than meant by a wildcard; then the client's order.
//! - What cannot be read of a header is left out. A header of which nothing can be read counts as none: anything will do.
//! - At most [`MOST`] ranges are looked at.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// Ranges of a header that are looked at.
const MOST: usize = 64;

/// A form of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// One document: columns, rows as lists, what was read.
    Json,
    /// One object a line.
    Ndjson,
    /// RFC 4180 with a header line.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file, zstd.
    Parquet,
}

/// What can be asked for as rows, and as what it is then sent; what the server would rather give comes first.
pub(crate) const FORMS: [((Form, &str), &str); 7] = [
    offer(Form::Json, "application/json"),
    offer(Form::Ndjson, "application/x-ndjson"),
    offer(Form::Csv, "text/csv"),
    offer(Form::Arrow, "application/vnd.apache.arrow.stream"),
    offer(Form::Parquet, "application/vnd.apache.parquet"),
    offer(Form::Ndjson, "application/ndjson"),
    offer(Form::Ndjson, "application/jsonl"),
];

const fn offer(form: Form, media_type: &'static str) -> ((Form, &'static str), &'static str) {
    ((form, media_type), media_type)
}

impl Form {
    /// The form of that name, as a parameter `format` gives it, and its media type.
    pub(crate) fn named(name: &str) -> Option<(Self, &'static str)> {
        FORMS.iter().map(|(one, _)| *one).find(|(form, _)| form.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }
}

/// The offer that the headers want most; the first one if they want nothing in particular, `None` if they want something else.
pub(crate) fn best<T: Copy>(headers: &HeaderMap, offers: &[(T, &str)]) -> Option<T> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let all = values.collect::<Vec<_>>().join(",");
    choose(&all, offers)
}

/// A range of media types, such as `text/*;q=0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// Thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
        if !is_token(kind) || !is_token(subtype) || (kind == "*" && subtype != "*") {
            return None;
        }
        // Parameters of the media type itself, as `charset`, make no difference to what there is.
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
        });
        Some(Self { kind, subtype, weight: weight.unwrap_or(Some(1000))? })
    }

    /// How closely it fits: 2 by name, 1 by the kind, 0 as anything.
    fn fits(&self, media_type: &str) -> Option<u8> {
        let (kind, subtype) = media_type.split_once('/')?;
        match (self.kind, self.subtype) {
            ("*", _) => Some(0),
            (own, "*") => own.eq_ignore_ascii_case(kind).then_some(1),
            (own, own_subtype) => {
                (own.eq_ignore_ascii_case(kind) && own_subtype.eq_ignore_ascii_case(subtype)).then_some(2)
            }
        }
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `1`, `0.5` or `0.125` in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = format!("{fraction:0<3}").parse::<u16>().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

/// The offer that a header wants most.
fn choose<T: Copy>(header: &str, offers: &[(T, &str)]) -> Option<T> {
    let ranges: Vec<Range<'_>> = header.split(',').filter_map(|text| Range::parse(text.trim())).take(MOST).collect();
    if ranges.is_empty() {
        return offers.first().map(|(offer, _)| *offer);
    }
    let wanted = offers.iter().filter_map(|(offer, media_type)| {
        let weight = weigh(media_type, &ranges)?;
        (weight.0 > 0).then_some((weight, *offer))
    });
    // The first of equals stays: that is the server's own order.
    let best = wanted.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, offer)| offer)
}

/// The weight of a media type, how closely it was named, and how early.
fn weigh(media_type: &str, ranges: &[Range<'_>]) -> Option<(u16, u8, std::cmp::Reverse<usize>)> {
    let fitting = ranges.iter().enumerate().filter_map(|(at, range)| Some((range.fits(media_type)?, at, range.weight)));
    // Of ranges that fit equally well the first one counts.
    let closest = fitting.reduce(|best, next| if next.0 > best.0 { next } else { best });
    closest.map(|(fit, at, weight)| (weight, fit, std::cmp::Reverse(at)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use proptest::prelude::*;

    use super::*;

    fn form(header: &str) -> Option<&'static str> {
        choose(header, &FORMS).map(|(form, _)| form.name())
    }

    #[test]
    fn what_clients_send() {
        for (header, want) in [
            ("", Some("json")),
            ("*/*", Some("json")),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some("json")),
            ("text/csv", Some("csv")),
            ("TEXT/CSV; charset=utf-8", Some("csv")),
            ("text/*", Some("csv")),
            ("application/*", Some("json")),
            ("application/jsonl", Some("ndjson")),
            ("text/csv, */*", Some("csv")),
            ("*/*, text/csv", Some("csv")),
            ("text/csv, application/json", Some("csv")),
            ("application/json;q=0.5, application/vnd.apache.parquet", Some("parquet")),
            ("application/json;q=0, */*", Some("ndjson")),
            ("application/vnd.apache.arrow.stream;q=0.001", Some("arrow")),
            ("application/*;q=0.2, application/json;q=0.1", Some("ndjson")),
            ("text/html", None),
            ("text/csv;q=0", None),
            ("*/*;q=0", None),
            // Not understood: left out, and if nothing is left, anything will do.
            ("json", Some("json")),
            ("*/csv, text/csv", Some("csv")),
            ("text/csv;q=2, application/x-ndjson", Some("ndjson")),
            ("text/csv;q=0.1234", Some("json")),
        ] {
            assert_eq!(form(header), want, "{header}");
        }
    }

    #[test]
    fn names_and_media_types_belong_together() {
        for ((form, media_type), offered) in FORMS {
            assert_eq!(media_type, offered);
            assert_eq!(choose(media_type, &FORMS), Some((form, media_type)));
            assert_eq!(Form::named(form.name()).unwrap().0, form);
        }
        assert_eq!(Form::named("ndjson"), Some((Form::Ndjson, "application/x-ndjson")));
        assert_eq!(Form::named("xlsx"), None);
    }

    fn range() -> impl Strategy<Value = (String, u16)> {
        let kinds = prop::sample::select(vec![
            "application/json",
            "application/x-ndjson",
            "text/csv",
            "text/*",
            "application/*",
            "image/png",
            "*/*",
        ]);
        (kinds, 0_u16..=1000).prop_map(|(kind, weight)| (kind.to_owned(), weight))
    }

    fn written(ranges: &[(String, u16)]) -> String {
        let one = |(kind, weight): &(String, u16)| format!("{kind};q={}.{:03}", weight / 1000, weight % 1000);
        ranges.iter().map(one).collect::<Vec<_>>().join(" ,\t")
    }

    proptest! {
        #[test]
        fn any_header_has_an_answer(header in "\\PC{0,200}") {
            let _ = form(&header);
        }

        /// What is chosen is acceptable, and nothing that is acceptable weighs more.
        #[test]
        fn the_choice_is_the_heaviest(ranges in prop::collection::vec(range(), 1..8)) {
            let weight = |media_type: &str| {
                let (kind, _) = media_type.split_once('/').unwrap();
                let find = |wanted: &str| ranges.iter().find(|(own, _)| own == wanted).map(|(_, weight)| *weight);
                find(media_type).or_else(|| find(&format!("{kind}/*"))).or_else(|| find("*/*")).unwrap_or(0)
            };
            let heaviest = FORMS.iter().map(|(_, media_type)| weight(media_type)).max().unwrap();
            match choose(&written(&ranges), &FORMS) {
                None => prop_assert_eq!(heaviest, 0),
                Some((_, media_type)) => {
                    prop_assert!(heaviest > 0);
                    prop_assert_eq!(weight(media_type), heaviest);
                }
            }
        }

        /// Ranges for something else, spaces and empty members change nothing.
        #[test]
        fn noise_changes_nothing(ranges in prop::collection::vec(range(), 1..5)) {
            let plain = written(&ranges);
            let noisy = format!(", image/webp;q=1.0 ,, {plain} , x/y;level=1;q=0.3,");
            prop_assert_eq!(choose(&noisy, &FORMS), choose(&plain, &FORMS));
        }
    }
}
