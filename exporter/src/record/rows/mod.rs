//! What AWS answers, as rows of the record. Pure: everything here is told the time.
//!
//! - `cluster`, `snapshot`, `key`: states of entities. `state`: what of them is new, and what differs from the last time.
//! - `trail`, `notice`, `rotation`, `config`: events. `redact`: what of a record may be stored.
//! - `names`: which cluster a name was, and when. `arn`: references to keys.

pub(crate) mod arn;
pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod diff;
pub(crate) mod key;
pub(crate) mod names;
pub(crate) mod notice;
pub(crate) mod redact;
pub(crate) mod rotation;
pub(crate) mod snapshot;
pub(crate) mod state;
pub(crate) mod trail;

use aws_smithy_types::DateTime;
use serde_json::{Map, Value, json};

/// Version of the way in which answers become rows, stored with each event.
pub(crate) const VERSION: &str = concat!("lookback ", env!("CARGO_PKG_VERSION"));

/// The account and region that rows are about, and which collection they come from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) account: String,
    pub(crate) region: String,
    /// One id for all rows of a collector in a run.
    pub(crate) run_id: String,
    /// When it was looked, microseconds UTC.
    pub(crate) now: i64,
}

impl Origin {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub(crate) fn partition(&self) -> &'static str {
        arn::partition_of(&self.region)
    }
}

/// A moment of the SDK, microseconds UTC.
pub(crate) fn micros(time: &DateTime) -> i64 {
    i64::try_from(time.as_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
}

/// Tags as an object.
pub(crate) fn tags<'a>(tags: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Value {
    let pairs = tags.filter_map(|(key, value)| Some((key?.to_owned(), json!(value.unwrap_or_default()))));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// Texts as a sorted list, each once.
pub(crate) fn sorted<'a>(texts: impl Iterator<Item = &'a str>) -> Value {
    let texts: std::collections::BTreeSet<&str> = texts.collect();
    json!(texts)
}

#[cfg(test)]
mod tests;
