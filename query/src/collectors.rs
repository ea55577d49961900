//! What the collectors of the record of encryption have read, by account and region: until when, what stands in the way, and how
//! much time is left before their sources forget.
//!
//! Everything is taken from `collection_runs`, so that it can be told by whoever may read the lake, and needs no call to AWS. A
//! collector that nobody runs any more is still listed: that it is not run is what one wants to see.

use arrow::array::Array;
use chrono::DateTime;
use lookback_schemas::encryption::{Headroom, headroom};
use serde::Deserialize;

use crate::coverage::{Gap, numbers, text, texts, times};
use crate::error::QueryError;
use crate::session::Session;

/// One row per (account, region, collector); times are UTC.
pub const COLLECTORS_SQL: &str = include_str!("collectors.sql");

/// One row per time that a source had forgotten before it was read, oldest first.
pub const COLLECTOR_GAPS_SQL: &str = include_str!("collector_gaps.sql");

/// What one collector has read in one region of one account. Times are microseconds since 1970-01-01, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    /// The account.
    pub account_id: String,
    /// The region.
    pub region: String,
    /// The collector.
    pub collector: String,
    /// Everything before this was read, but for the gaps; for a collector of states, when it last looked. `None` before the first
    /// complete look.
    pub covered_until: Option<i64>,
    /// The end of what was last read without anything being refused or missing.
    pub last_complete: Option<i64>,
    /// When the last run started.
    pub last_run: Option<i64>,
    /// How the last run ended: `ok`, `partial` or `failed`.
    pub last_status: String,
    /// What the last run failed at.
    pub last_error: Option<String>,
    /// What was refused to the last run.
    pub refused: Vec<Refused>,
    /// Runs recorded.
    pub runs: i64,
    /// Runs that failed.
    pub failed: i64,
    /// Rows added by all runs.
    pub rows_new: i64,
    /// What was forgotten before it was read, oldest first.
    pub gaps: Vec<Gap>,
}

/// A call that was refused to a collector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Refused {
    /// The call, such as `kms:DescribeKey`.
    pub call: String,
    /// What AWS said, such as `AccessDeniedException`.
    pub code: String,
    /// The permission that is missing.
    pub grant: String,
    /// What it was refused about (an ARN), if it was not refused altogether.
    pub resource: Option<String>,
}

impl Refused {
    /// What to do about it.
    #[must_use]
    pub fn describe(&self) -> String {
        let of = self.resource.as_ref().map_or_else(String::new, |resource| format!(" of {resource}"));
        let grant = if self.grant.is_empty() { &self.call } else { &self.grant };
        format!("{}{of} was refused ({}): grant {grant}", self.call, self.code)
    }
}

impl Collector {
    /// How long its source still has what was not read; `None` where that is not known, or nothing was ever read.
    #[must_use]
    pub fn headroom(&self, now: i64) -> Option<Headroom> {
        headroom(&self.collector, self.covered_until?, now)
    }

    /// What went wrong with the last run, in words; `None` if nothing did.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let refused = self.refused.iter().map(Refused::describe);
        let all: Vec<String> = refused.chain(self.last_error.clone()).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// The collectors of the lake's record, by account, region and name. None if there is no record.
///
/// # Errors
/// If the ledger of the collectors cannot be read.
pub async fn collectors(session: &Session) -> Result<Vec<Collector>, QueryError> {
    let mut all: Vec<Collector> = Vec::new();
    for batch in session.query(COLLECTORS_SQL).await?.collect().await? {
        let column = |name: &str| texts(&batch, name);
        let (account, region, collector) = (column("account_id")?, column("region")?, column("collector")?);
        let (watermark, status, error) = (column("watermark")?, column("last_status")?, column("last_error")?);
        let refused = column("access_errors")?;
        let (complete, last) = (times(&batch, "last_complete")?, times(&batch, "last_run")?);
        let (runs, failed) = (numbers(&batch, "runs")?, numbers(&batch, "failed")?);
        let new = numbers(&batch, "rows_new")?;
        for row in 0..batch.num_rows() {
            all.push(Collector {
                account_id: text(&account, row).unwrap_or_default(),
                region: text(&region, row).unwrap_or_default(),
                collector: text(&collector, row).unwrap_or_default(),
                covered_until: text(&watermark, row).and_then(|text| moment(&text)),
                last_complete: complete.is_valid(row).then(|| complete.value(row)),
                last_run: last.is_valid(row).then(|| last.value(row)),
                last_status: text(&status, row).unwrap_or_default(),
                last_error: text(&error, row),
                refused: text(&refused, row).map(|text| read_refused(&text)).unwrap_or_default(),
                runs: runs.value(row),
                failed: failed.value(row),
                rows_new: new.value(row),
                gaps: Vec::new(),
            });
        }
    }
    for batch in session.query(COLLECTOR_GAPS_SQL).await?.collect().await? {
        let column = |name: &str| texts(&batch, name);
        let (account, region, collector) = (column("account_id")?, column("region")?, column("collector")?);
        let (from, to) = (times(&batch, "gap_from")?, times(&batch, "gap_to")?);
        for row in 0..batch.num_rows() {
            let key = (account.value(row), region.value(row), collector.value(row));
            let own = |one: &&mut Collector| (&*one.account_id, &*one.region, &*one.collector) == key;
            if let Some(found) = all.iter_mut().find(own) {
                found.gaps.push(Gap { from: from.value(row), to: to.value(row) });
            }
        }
    }
    Ok(all)
}

/// A watermark as the ledger has it.
fn moment(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
}

/// The list that a run keeps. One that cannot be read is something that was refused as well.
fn read_refused(text: &str) -> Vec<Refused> {
    match serde_json::from_str::<Option<Vec<Refused>>>(text) {
        Ok(list) => list.unwrap_or_default(),
        Err(_) => vec![Refused { call: "a call".to_owned(), code: text.to_owned(), ..Refused::default() }],
    }
}
