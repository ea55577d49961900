//! What stands after the `?` of an address: names and values, each once.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::http::Uri;
use lookback_query::diagnostics::parse_time;

use super::problem::{Code, Problem};

/// Parameters that an address may have.
const MOST: usize = 64;

/// 2200-01-01 in microseconds since 1970-01-01. Times that are counted in nanoseconds end in 2262.
const LATEST: i64 = 7_258_118_400_000_000;

/// Names and values.
pub(crate) type Pairs = BTreeMap<String, String>;

/// The parameters of an address.
///
/// # Errors
/// [`Code::BadRequest`] if they cannot be decoded, one is there twice, or there are too many.
pub(crate) fn read(uri: &Uri) -> Result<Pairs, Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Problem::new(Code::BadRequest, "what stands after the ? of the address cannot be read"))?;
    distinct(pairs)
}

/// Pairs as a map.
///
/// # Errors
/// As [`read`].
pub(crate) fn distinct(pairs: Vec<(String, String)>) -> Result<Pairs, Problem> {
    if pairs.len() > MOST {
        return Err(Problem::new(Code::BadRequest, format!("there are more than {MOST} parameters")));
    }
    let mut all = Pairs::new();
    for (name, value) in pairs {
        if all.contains_key(&name) {
            return Err(Problem::new(Code::BadRequest, format!("parameter '{}' is there twice", shown(&name))));
        }
        all.insert(name, value);
    }
    Ok(all)
}

/// Refuses parameters that are none.
///
/// # Errors
/// [`Code::Parameter`] with those that there are.
pub(crate) fn only(pairs: &Pairs, known: &[&str]) -> Result<(), Problem> {
    match pairs.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(other) => {
            let problem = Problem::new(Code::Parameter, format!("there is no parameter '{}' here", shown(other)));
            Err(if known.is_empty() { problem } else { problem.hint(format!("there are {}", known.join(", "))) })
        }
    }
}

/// The number that a parameter has.
///
/// # Errors
/// [`Code::Parameter`] if it is none.
pub(crate) fn number(name: &str, text: &str) -> Result<u64, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        Problem::new(
            Code::Parameter,
            format!("parameter '{name}': '{}' is not a whole number of 0 or more", shown(text)),
        )
    })
}

/// The moment that a parameter has, in microseconds since 1970-01-01, UTC.
///
/// # Errors
/// [`Code::Parameter`] if it is none, or none that a cluster could have seen.
pub(crate) fn moment(name: &str, text: &str) -> Result<i64, Problem> {
    let moment = parse_time(text)?;
    if (0..LATEST).contains(&moment) {
        return Ok(moment);
    }
    Err(Problem::new(Code::Parameter, format!("parameter '{name}': '{}' is not between 1970 and 2200", shown(text))))
}

/// A name that somebody sent, as it may be repeated.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(64).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// A text as the value of a parameter.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_read_once_each() {
        let read = |text: &str| read(&text.parse().unwrap());
        let pairs = read("/x?a=1&b=%C3%A4+c&c=").unwrap();
        assert_eq!(
            pairs.into_iter().collect::<Vec<_>>(),
            [("a", "1"), ("b", "ä c"), ("c", "")].map(|(a, b)| (a.into(), b.into()))
        );
        assert!(read("/x").unwrap().is_empty());
        for wrong in
            ["/x?a=1&a=2".to_owned(), format!("/x?{}", (0..65).map(|n| format!("p{n}=1&")).collect::<String>())]
        {
            assert_eq!(read(&wrong).unwrap_err().code(), Code::BadRequest, "{wrong}");
        }
    }

    #[test]
    fn numbers_and_names() {
        assert_eq!(number("n", "18446744073709551615").unwrap(), u64::MAX);
        for wrong in ["", "-1", "+1", "1.0", "18446744073709551616", " 1", "x"] {
            assert_eq!(number("n", wrong).unwrap_err().code(), Code::Parameter, "{wrong}");
        }
        assert_eq!(moment("t", "2026-01-31T00:00:00Z").unwrap(), 1_769_817_600_000_000);
        for wrong in ["", "now", "1969-12-31", "2200-01-01", "+200000-01-01", "-0001-01-01"] {
            assert_eq!(moment("t", wrong).unwrap_err().code(), Code::Parameter, "{wrong}");
        }
        assert!(only(&Pairs::from([("a".to_owned(), String::new())]), &["a", "b"]).is_ok());
        assert!(only(&Pairs::from([("c".to_owned(), String::new())]), &["a", "b"]).is_err());
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in "\\PC{0,40}") {
            let uri = format!("/x?v={}", escape(&text)).parse().unwrap();
            prop_assert_eq!(read(&uri).unwrap().remove("v"), Some(text));
        }
    }
}
