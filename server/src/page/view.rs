//! What is looked at: the time range, the clusters, the moment that counts as now. All of it is in the URL, on every page, and
//! every link keeps it; so a page can be sent to somebody, and the browser's own history works.
//!
//! What is as it is by default stays out of the URL. Times there are UTC.

use lookback_query::diagnostics::parse_time;
use lookback_schemas::names::valid_cluster_name;
use lookback_schemas::time::{DAY, EARLIEST, HOUR, LATEST, MINUTE, rfc3339};

/// Clusters that a view may name.
const MOST_CLUSTERS: usize = 200;
/// Seconds between refreshes that can be chosen.
pub(super) const RATES: [u32; 5] = [5, 10, 30, 60, 300];

/// A moment, or one that moves along with the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// So many microseconds before now.
    Before(i64),
    /// Microseconds since 1970-01-01, UTC.
    At(i64),
}

impl When {
    /// `now`, `now-6h` (m, h, d, w), or a time.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let Some(rest) = text.strip_prefix("now") else {
            let time = parse_time(text).map_err(|e| format!("{e}, or now-6h, now-7d"))?;
            return Ok(Self::At(time.clamp(EARLIEST, LATEST)));
        };
        let back = || {
            let Some(rest) = rest.trim_start().strip_prefix('-') else { return rest.trim().is_empty().then_some(0) };
            let rest = rest.trim();
            let unit = match rest.chars().last()? {
                'm' => MINUTE,
                'h' => HOUR,
                'd' => DAY,
                'w' => 7 * DAY,
                _ => return None,
            };
            let number: i64 = rest.get(..rest.len() - 1)?.parse().ok()?;
            (0..=100_000).contains(&number).then_some(number)?.checked_mul(unit)
        };
        back()
            .map(Self::Before)
            .ok_or_else(|| format!("'{text}' is not a time; write now-30m, now-6h, now-7d or now-4w"))
    }

    fn at(self, now: i64) -> i64 {
        match self {
            Self::Before(back) => now - back,
            Self::At(time) => time,
        }
    }
}

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Before(0) => f.write_str("now"),
            Self::Before(back) => {
                let units = [(7 * DAY, 'w'), (DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')];
                let (unit, sign) = units.into_iter().find(|(unit, _)| back % unit == 0).unwrap_or((MINUTE, 'm'));
                write!(f, "now-{}{sign}", back / unit)
            }
            Self::At(time) => {
                let text = rfc3339(time);
                f.write_str(&text.replace(".000000Z", "Z"))
            }
        }
    }
}

/// A half-open span of time, microseconds since 1970-01-01, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Window {
    /// The same, widened to whole steps.
    pub(super) fn whole(self, step: i64) -> Self {
        let from = self.from - self.from.rem_euclid(step);
        let to = self.to + (step - self.to.rem_euclid(step)) % step;
        Self { from, to: to.max(from + step) }
    }

    /// Its length.
    pub(super) fn length(self) -> i64 {
        self.to - self.from
    }
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct View {
    pub(super) from: Option<When>,
    pub(super) to: Option<When>,
    pub(super) clusters: Vec<String>,
    pub(super) as_of: Option<i64>,
    pub(super) refresh: Option<u32>,
}

impl View {
    /// Reads it from the pairs of a URL; others are left to the page. What does not fit is left out, and said.
    pub(super) fn read(pairs: &[(String, String)]) -> (Self, Vec<String>) {
        let (mut view, mut wrong) = (Self::default(), Vec::new());
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            let read = match name.as_str() {
                "from" => When::parse(value).map(|when| view.from = Some(when)),
                "to" => When::parse(value).map(|when| view.to = Some(when)),
                "as_of" => parse_time(value)
                    .map(|time| view.as_of = Some(time.clamp(EARLIEST, LATEST)))
                    .map_err(|e| e.to_string()),
                "refresh" => match value.parse().ok().filter(|rate| RATES.contains(rate)) {
                    Some(rate) => {
                        view.refresh = Some(rate);
                        Ok(())
                    }
                    None => Err(format!("'{value}' is no rate of refreshing; there are 5, 10, 30, 60 and 300 seconds")),
                },
                "cluster" if !valid_cluster(value) => Err(format!("'{value}' cannot be the name of a cluster")),
                "cluster" if view.clusters.len() >= MOST_CLUSTERS => {
                    Err(format!("more than {MOST_CLUSTERS} clusters are named"))
                }
                "cluster" => {
                    if !view.clusters.contains(value) {
                        view.clusters.push(value.clone());
                    }
                    Ok(())
                }
                _ => Ok(()),
            };
            wrong.extend(read.err().map(|why| format!("{name}: {why}")));
        }
        (view, wrong)
    }

    /// What a URL needs to say for it.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.from.map(|when| ("from", when.to_string())));
        pairs.extend(self.to.map(|when| ("to", when.to_string())));
        pairs.extend(self.clusters.iter().map(|cluster| ("cluster", cluster.clone())));
        pairs.extend(self.as_of.map(|time| ("as_of", When::At(time).to_string())));
        pairs.extend(self.refresh.map(|rate| ("refresh", rate.to_string())));
        pairs
    }

    /// A link to a path that keeps all of it, with more pairs behind.
    pub(super) fn href(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut pairs = self.pairs();
        pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let own = pairs.iter().map(|(name, value)| (*name, value.as_str()));
        link(path, own.chain(more.iter().copied()))
    }

    /// The moment that counts as now. Rounded up to a minute, so that what twenty people ask within it is one question.
    pub(super) fn now(&self, clock: i64) -> i64 {
        self.as_of.unwrap_or(clock - clock.rem_euclid(MINUTE) + MINUTE)
    }

    /// The time range; `length` is how far it reaches back if nothing says so. Never empty.
    pub(super) fn window(&self, clock: i64, length: i64) -> Window {
        let now = self.now(clock);
        let to = self.to.map_or(now, |when| when.at(now)).clamp(EARLIEST + DAY, LATEST - DAY);
        let from = self.from.map_or(to - length, |when| when.at(now)).max(EARLIEST + DAY);
        if from < to { Window { from, to } } else { Window { from: (to - length).max(EARLIEST), to } }
    }
}

/// Whether a text can be a `cluster_id`: a cluster's name, or that of a later incarnation.
pub(super) fn valid_cluster(text: &str) -> bool {
    let (name, ordinal) = text.split_once('@').map_or((text, None), |(name, ordinal)| (name, Some(ordinal)));
    valid_cluster_name(name)
        && ordinal.is_none_or(|n| (1..=9).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
}

/// A path with pairs behind it, encoded; pairs without a value are left out.
pub(super) fn link<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut url = path.to_owned();
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&encoded(name));
        url.push('=');
        url.push_str(&encoded(value));
    }
    url
}

/// A text as one part of a path or a query (RFC 3986: all but unreserved characters, and `:` and `@`, which both may have).
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'@' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests;
