//! Whether a request comes from where it may: what browsers say about pages that ask on somebody's behalf. Pure.
//!
//! A cookie, and being on the same machine as a server without users, go along with whatever a page of any site sends. So where
//! one of them is all that lets a request in, it has to come from a page of this server, or from no page. A name that is made to
//! point at this machine after the page was loaded (DNS rebinding) shows in the host, which is then none of ours.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method};

/// What a page of another site cannot send without being allowed to, which it never is.
pub(crate) const OWN_HEADER: &str = "lookback-request";
/// Longest address to come back to after a log-in: a link to a statement has the statement in it.
const MOST_PATH: usize = 8_000;
const FETCH_SITE: &str = "sec-fetch-site";
const FETCH_MODE: &str = "sec-fetch-mode";

/// What lets the request in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// A cookie.
    Cookie,
    /// That it comes from this machine.
    Place,
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // What is not text is something, and equals nothing.
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Whether a browser sent it.
pub(crate) fn is_from_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(FETCH_SITE)
}

/// Whether whoever is let in by that may ask with this request. `link` is whether another site may link here: it may to pages,
/// not to answers.
pub(crate) fn may_ask(method: &Method, headers: &HeaderMap, by: By, link: bool) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match text(headers, FETCH_SITE) {
        Some("same-origin" | "none") => return true,
        Some(_) => return link && reads && text(headers, FETCH_MODE) == Some("navigate"),
        None => {}
    }
    if let Some(origin) = text(headers, ORIGIN.as_str()) {
        let host = text(headers, HOST.as_str());
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        return own.is_some() && own == host;
    }
    // Nothing says that a page sent it.
    reads || by == By::Place || headers.contains_key(OWN_HEADER)
}

/// Whether all names that the request gives the server are names of this machine for itself, whatever the port: one that was
/// forwarded differs.
pub(crate) fn is_local(headers: &HeaderMap, in_uri: Option<&str>) -> bool {
    let hosts = headers.get_all(HOST).iter().map(|value| value.to_str().unwrap_or("?"));
    hosts.chain(in_uri).all(is_local_name)
}

fn is_local_name(host: &str) -> bool {
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let is_local =
            address.parse::<Ipv6Addr>().is_ok_and(|address| IpAddr::from(address).to_canonical().is_loopback());
        return is_local && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_local =
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    is_local && port.is_none_or(is_port)
}

/// A place on this server to go to after a log-in; the first page if it is none, or somebody else's.
pub(crate) fn own_path(path: &str) -> &str {
    let is_own = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= MOST_PATH
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_own_pages_and_programs_may_ask_with_what_goes_along() {
        use By::{Cookie, Place};
        let (post, get) = (Method::POST, Method::GET);
        let host = ("host", "localhost:8080");
        for (method, sent, by, link, want) in [
            (&post, vec![("sec-fetch-site", "same-origin")], Cookie, false, true),
            (&post, vec![("sec-fetch-site", "cross-site")], Cookie, false, false),
            (&post, vec![("sec-fetch-site", "same-site"), ("lookback-request", "1")], Cookie, false, false),
            (&post, vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], Place, true, false),
            (&get, vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], Place, true, true),
            (&get, vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], Place, false, false),
            (&get, vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], Place, true, false),
            (&get, vec![("sec-fetch-site", "none")], Cookie, false, true),
            // Browsers without those headers.
            (&post, vec![host, ("origin", "http://localhost:8080")], Cookie, false, true),
            (&post, vec![host, ("origin", "https://localhost:8080")], Cookie, false, true),
            (&post, vec![host, ("origin", "http://localhost:8081")], Cookie, false, false),
            (&post, vec![host, ("origin", "http://evil.example")], Place, false, false),
            (&post, vec![host, ("origin", "null")], Place, false, false),
            (&post, vec![("origin", "http://")], Place, false, false),
            // Programs.
            (&post, vec![host], Place, false, true),
            (&post, vec![host], Cookie, false, false),
            (&post, vec![host, ("lookback-request", "1")], Cookie, false, true),
            (&get, vec![host], Cookie, false, true),
        ] {
            assert_eq!(may_ask(method, &headers(&sent), by, link), want, "{method} {sent:?} {by:?} {link}");
        }
    }

    #[test]
    fn names_of_this_machine() {
        for local in ["localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "127.1.2.3:80", "[::1]", "[::1]:8080"]
        {
            assert!(is_local_name(local), "{local}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "localhost:",
            "localhost:80:80",
            "localhost:99999",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "[::1",
            "[::1]x",
            "::1",
            "localhost@evil.example",
        ] {
            assert!(!is_local_name(other), "{other}");
        }
        assert!(is_local(&headers(&[]), None));
        assert!(!is_local(&headers(&[("host", "localhost")]), Some("evil.example")));
        assert!(!is_local(&headers(&[("host", "localhost"), ("host", "evil.example")]), None));
    }

    #[test]
    fn after_a_log_in_one_stays_here() {
        for own in ["/", "/sql?q=1", "/a//b", "/%2F%2Fevil.example"] {
            assert_eq!(own_path(own), own);
        }
        for other in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nSet-Cookie: x", "/ä", "evil"]
        {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }
}
