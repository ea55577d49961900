//! From intervals of the record to incarnations with their segments.

use super::{Between, Entry, Incarnation, OBSERVED, Segment};
use crate::audit::rows::Row;

/// What an interval says, as far as it is told.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Interval {
    pub(super) namespace_arn: String,
    pub(super) account_id: String,
    pub(super) region: String,
    pub(super) name: String,
    pub(super) created: Option<i64>,
    pub(super) gone: bool,
    pub(super) encrypted: Option<bool>,
    pub(super) encryption_type: String,
    pub(super) kms_key_arn: Option<String>,
    pub(super) status: String,
    pub(super) availability: String,
    pub(super) start_lo: Option<i64>,
    pub(super) start_hi: i64,
    pub(super) end_lo: i64,
    pub(super) end_hi: Option<i64>,
}

impl Interval {
    pub(super) fn read(row: &Row) -> Self {
        let start_hi = row.time("start_hi").unwrap_or_default();
        Self {
            namespace_arn: row.text("cluster_namespace_arn"),
            account_id: row.text("account_id"),
            region: row.text("region"),
            name: row.text("cluster_identifier"),
            created: row.time("create_time"),
            gone: row.text("obs_kind") == lookback_schemas::encryption::obs_kind::TOMBSTONE,
            encrypted: row.flag("encrypted"),
            encryption_type: row.text("encryption_type"),
            kms_key_arn: row.text_or_none("kms_key_arn").filter(|arn| !arn.is_empty()),
            status: row.text("cluster_status"),
            availability: row.text("availability_status"),
            start_lo: row.time("start_lo"),
            start_hi,
            end_lo: row.time("end_lo").unwrap_or(start_hi),
            end_hi: row.time("end_hi"),
        }
    }

    fn began(&self) -> Between {
        Between { after: self.start_lo, by: Some(self.start_hi) }
    }

    fn ended(&self) -> Between {
        Between { after: Some(self.end_lo), by: self.end_hi }
    }

    /// Whether it can be asked queries as usual.
    fn is_available(&self) -> bool {
        let is = |text: &str, word: &str| text.is_empty() || text.eq_ignore_ascii_case(word);
        is(&self.status, "available") && is(&self.availability, "available")
    }
}

/// The incarnations, the oldest first.
pub(super) fn incarnations(rows: &[Row]) -> Vec<Incarnation> {
    let intervals: Vec<Interval> = rows.iter().map(Interval::read).collect();
    let of_one = intervals.chunk_by(|one, next| one.namespace_arn == next.namespace_arn);
    let mut all: Vec<Incarnation> = of_one.filter_map(incarnation).collect();
    all.sort_by_key(|one| one.segments.first().and_then(|segment| segment.began.by));
    all
}

/// One incarnation, from its intervals in the order of time.
pub(super) fn incarnation(intervals: &[Interval]) -> Option<Incarnation> {
    let first = intervals.first()?;
    let alive: Vec<&Interval> = intervals.iter().filter(|interval| !interval.gone).collect();
    // Nothing was seen after it: either it was seen to be gone, or only that it is not as it was.
    let last = intervals.last()?;
    let gone = if last.gone { Some(last.began()) } else { last.end_hi.map(|_| last.ended()) };
    let mut names: Vec<(String, Between)> = Vec::new();
    for interval in &alive {
        if names.last().is_none_or(|(name, _)| *name != interval.name) {
            names.push((interval.name.clone(), interval.began()));
        }
    }
    let way =
        |interval: &Interval| (interval.encrypted, interval.encryption_type.clone(), interval.kms_key_arn.clone());
    let segments: Vec<Segment> = alive
        .chunk_by(|one, next| way(one) == way(next))
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            Some(Segment {
                encrypted: first.encrypted,
                encryption_type: first.encryption_type.clone(),
                kms_key_arn: first.kms_key_arn.clone(),
                began: first.began(),
                ended: last.ended(),
                work: None,
            })
        })
        .collect();
    let mut entries = changes(&segments, &names, gone);
    entries.extend(pauses(&alive));
    Some(Incarnation {
        namespace_arn: first.namespace_arn.clone(),
        account_id: first.account_id.clone(),
        region: first.region.clone(),
        created: first.created,
        gone,
        names,
        segments,
        entries,
    })
}

fn observed(time: Between, what: String) -> Entry {
    Entry {
        time: time.by.unwrap_or_default(),
        after: time.after,
        class: OBSERVED.to_owned(),
        what,
        who: String::new(),
        failed: false,
        times: 1,
    }
}

/// What differs from one look to the next.
fn changes(segments: &[Segment], names: &[(String, Between)], gone: Option<Between>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let how = segment.how();
        let what = if at == 0 { format!("first seen, {how}") } else { format!("seen {how}") };
        entries.push(observed(segment.began, what));
    }
    for pair in names.windows(2) {
        entries.push(observed(pair[1].1, format!("seen under the name {} in place of {}", pair[1].0, pair[0].0)));
    }
    entries.extend(gone.map(|time| observed(time, "gone".to_owned())));
    entries
}

/// Times in which it was not available, with the least and the most that they can have lasted.
fn pauses(alive: &[&Interval]) -> Vec<Entry> {
    let state = |interval: &Interval| (interval.status.clone(), interval.availability.clone());
    let chunks = alive.chunk_by(|one, next| state(one) == state(next));
    let pause = |chunk: &[&Interval]| {
        let (first, last) = (chunk.first()?, chunk.last()?);
        if first.is_available() {
            return None;
        }
        let least = last.end_lo - first.start_hi;
        let most = last.end_hi.zip(first.start_lo).map(|(to, from)| to - from);
        let lasted = match most {
            Some(most) => format!("for {} to {} minutes", minutes(least), minutes(most)),
            None => format!("for at least {} minutes", minutes(least)),
        };
        let status = [&first.status, &first.availability].map(String::as_str);
        let status = status.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
        Some(observed(first.began(), format!("not available ({status}) {lasted}")))
    };
    chunks.filter_map(pause).collect()
}

fn minutes(micros: i64) -> i64 {
    micros / lookback_schemas::time::MINUTE
}

impl Segment {
    /// How it was encrypted, in words.
    #[must_use]
    pub fn how(&self) -> String {
        let kind = match self.encryption_type.as_str() {
            "none" => "",
            "kms_cmk" => "a customer managed key",
            "kms_aws_managed" => "the key that AWS manages in the account",
            "kms_aws_owned" => "a key that AWS owns",
            "hsm" => "a key in a hardware security module",
            _ => "a key of unknown kind",
        };
        match (self.encrypted, &self.kms_key_arn) {
            (Some(false), _) => "not encrypted".to_owned(),
            (Some(true), Some(key)) => format!("encrypted with {kind}, {key}"),
            (Some(true), None) => format!("encrypted with {kind}"),
            (None, _) => "with unknown encryption".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use lookback_schemas::time::MINUTE;

    use super::*;

    fn interval(name: &str, key: Option<&str>, status: &str, times: [i64; 4]) -> Interval {
        let [start_lo, start_hi, end_lo, end_hi] = times.map(|minutes| minutes * MINUTE);
        Interval {
            namespace_arn: "arn:n".to_owned(),
            name: name.to_owned(),
            encrypted: Some(key.is_some()),
            encryption_type: if key.is_some() { "kms_cmk" } else { "none" }.to_owned(),
            kms_key_arn: key.map(str::to_owned),
            status: status.to_owned(),
            start_lo: (start_lo >= 0).then_some(start_lo),
            start_hi,
            end_lo,
            end_hi: Some(end_hi),
            ..Interval::default()
        }
    }

    #[test]
    fn intervals_that_differ_in_nothing_told_are_one_segment() {
        let mut last = interval("sales-eu", Some("k1"), "available", [105, 120, 300, 315]);
        last.end_hi = None;
        let gone = Interval { gone: true, ..interval("sales-eu", Some("k1"), "", [300, 315, 315, 315]) };
        let intervals = [
            interval("sales", None, "available", [-1, 0, 45, 60]),
            interval("sales", Some("k1"), "available", [45, 60, 60, 75]),
            interval("sales", Some("k1"), "rotating-keys", [60, 75, 105, 120]),
            last,
            gone,
        ];
        let story = incarnation(&intervals).unwrap();
        let segments: Vec<_> =
            story.segments.iter().map(|s| (s.how(), s.began.by.unwrap() / MINUTE, s.ended.by)).collect();
        assert_eq!(
            segments,
            [
                ("not encrypted".to_owned(), 0, Some(60 * MINUTE)),
                ("encrypted with a customer managed key, k1".to_owned(), 60, None)
            ]
        );
        let entries: Vec<_> = story.entries.iter().map(|entry| (entry.time / MINUTE, entry.what.as_str())).collect();
        assert_eq!(
            entries,
            [
                (0, "first seen, not encrypted"),
                (60, "seen encrypted with a customer managed key, k1"),
                (120, "seen under the name sales-eu in place of sales"),
                (315, "gone"),
                (75, "not available (rotating-keys) for 30 to 60 minutes"),
            ]
        );
        assert_eq!(story.names.len(), 2);
        assert_eq!(story.gone, Some(Between { after: Some(300 * MINUTE), by: Some(315 * MINUTE) }));
    }
}
