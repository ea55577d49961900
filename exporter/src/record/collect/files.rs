//! A trail's files in a bucket: the same records as `LookupEvents`, and the uses of keys that it cannot be asked for.
//!
//! Files are read in the order in which they were delivered, which their names say. Coverage is the delivery up to which all
//! files were read, less the time that CloudTrail takes to deliver. A file that cannot be read, however often, is named in the run,
//! which then proves nothing of its window; it holds up no other.

use chrono::{DateTime, NaiveDateTime};
use lookback_schemas::encryption::is_recorded;
use lookback_schemas::time::{DAY, HOUR, MINUTE, day_of};
use serde_json::Value;

use super::events::Read;
use crate::record::calls::Calls;
use crate::record::plane::{Answer, ControlPlane, Page, Refusal};
use crate::source::Window;

/// How far behind coverage reading starts again: deliveries that were late.
const OVERLAP: i64 = HOUR;
/// How late CloudTrail delivers, and some more.
const LATE: i64 = 30 * MINUTE;
/// Files of a run; the rest is read by the next one.
const MOST_FILES: usize = 20_000;
/// Files that could not be read and are named.
const NAMED: usize = 3;
/// Records of a run that are kept; the rest is read by the next one.
const MOST_RECORDS: usize = 50_000;

/// Where a trail's files are.
#[derive(Debug, Clone)]
pub(crate) struct Trail<'a> {
    pub(crate) bucket: &'a str,
    /// What stands before `<account>/CloudTrail/`.
    pub(crate) prefix: &'a str,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    /// How far back the first read goes, microseconds.
    pub(crate) backfill: i64,
}

/// The records of the files that were delivered since the last read, those of them that are wanted.
pub(crate) async fn files(
    plane: &dyn ControlPlane,
    trail: &Trail<'_>,
    covered: Option<i64>,
    calls: &Calls,
    wanted: &(dyn Fn(&Value) -> bool + Sync),
) -> Read<Value> {
    let now = calls.now();
    let from = covered.map_or(now - trail.backfill, |covered| covered.min(now) - OVERLAP);
    let (mut read, mut reached, mut count) = (Read::default(), from, 0_usize);
    let mut unreadable: Vec<String> = Vec::new();
    let result: Answer<bool> = async {
        for day in day_of(from)..=day_of(now) {
            let (folder, mut after) = day_folder(trail, day, from);
            loop {
                let ask = || plane.trail_files(trail.bucket, &folder, after.clone());
                let Page { items, next } = calls.call("s3:ListBucket", ask).await?;
                for file in items.into_iter().filter(|file| file.key.contains(".json")) {
                    if count >= MOST_FILES || read.items.len() >= MOST_RECORDS {
                        return Ok(false);
                    }
                    count += 1;
                    let text = match calls.call("s3:GetObject", || plane.trail_file(trail.bucket, &file)).await {
                        Ok(text) => Some(text),
                        // It will be no better next time, and those behind it must not wait for ever.
                        Err(e) if matches!(e.refusal, Refusal::Unreadable | Refusal::NotFound) => None,
                        Err(e) => return Err(e),
                    };
                    match text.and_then(|text| records(&text, wanted)) {
                        Some(found) => read.items.extend(found),
                        None => unreadable.push(file.key.clone()),
                    }
                    reached = delivered(&file.key).unwrap_or(reached).max(reached);
                }
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(true)
    }
    .await;
    let until = match &result {
        Ok(true) => now,
        // All files that were delivered before the last one that was read.
        _ => reached,
    };
    match result {
        Err(e) if count == 0 => read.failure = Some(e),
        Err(e) => read.problems.push(e.to_string()),
        Ok(_) => {}
    }
    if !unreadable.is_empty() {
        let named = unreadable.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = unreadable.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        read.problems.push(format!("not a file of a trail, or gone: {named}{more}"));
    }
    if read.failure.is_none() {
        read.window = Some(Window { from, to: until });
        read.covered_until = Some((until - LATE).max(covered.unwrap_or(from)));
    }
    read.tally = calls.tally();
    read
}

/// The folder of a day, and the key after which its files begin to be of interest.
fn day_folder(trail: &Trail<'_>, day: i32, from: i64) -> (String, Option<String>) {
    let start = DateTime::from_timestamp_micros(i64::from(day) * DAY).unwrap_or_default();
    let prefix = trail.prefix.trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    let (account, region) = (trail.account, trail.region);
    let folder = format!("{prefix}{slash}{account}/CloudTrail/{region}/{}/", start.format("%Y/%m/%d"));
    let after = (day_of(from) == day).then(|| {
        let at = DateTime::from_timestamp_micros(from).unwrap_or_default();
        format!("{folder}{account}_CloudTrail_{region}_{}", at.format("%Y%m%dT%H%MZ"))
    });
    (folder, after)
}

/// When a file was delivered, as its name says: `<account>_CloudTrail_<region>_YYYYMMDDTHHmmZ_<unique>.json.gz`.
fn delivered(key: &str) -> Option<i64> {
    let stamp = key.rsplit('/').next()?.split('_').nth(3)?;
    NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%MZ").ok().map(|time| time.and_utc().timestamp_micros())
}

/// The records of a file that are of interest; `None` if it is not a file of a trail.
fn records(text: &[u8], wanted: &(dyn Fn(&Value) -> bool + Sync)) -> Option<Vec<Value>> {
    let mut file: Value = serde_json::from_slice(text).ok()?;
    let Value::Array(records) = file.get_mut("Records")?.take() else { return None };
    let recorded = |record: &Value| {
        let part = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        is_recorded(part("eventSource"), part("eventName")) && wanted(record)
    };
    Some(records.into_iter().filter(recorded).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_say_when() {
        let trail = Trail { bucket: "b", prefix: "/AWSLogs/o-1/", account: "1", region: "eu-central-1", backfill: DAY };
        let at = 1_767_272_400_000_000; // 2026-01-01T13:00:00Z
        let (folder, after) = day_folder(&trail, day_of(at), at);
        assert_eq!(folder, "AWSLogs/o-1/1/CloudTrail/eu-central-1/2026/01/01/");
        let after = after.unwrap_or_default();
        assert_eq!(after, format!("{folder}1_CloudTrail_eu-central-1_20260101T1300Z"));
        let key = format!("{after}_abc.json.gz");
        assert!(after < key && delivered(&key) == Some(at));
        assert_eq!(day_folder(&trail, day_of(at) + 1, at).1, None);
        assert_eq!(delivered("AWSLogs/1/CloudTrail/x/other.json.gz"), None);
    }

    #[test]
    fn only_what_is_recorded_is_kept() {
        let file = br#"{"Records":[{"eventSource":"kms.amazonaws.com","eventName":"Decrypt"},{"eventSource":"s3.amazonaws.com","eventName":"x"}]}"#;
        assert_eq!(records(file, &|_| true).map(|found| found.len()), Some(1));
        assert!(records(b"<html>", &|_| true).is_none() && records(b"{}", &|_| true).is_none());
    }
}
