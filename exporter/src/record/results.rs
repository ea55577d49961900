//! What an audit concluded, into the lake. The audit itself only reads; whoever asked for it stores its rows here.

use std::collections::{BTreeMap, BTreeSet};

use lookback_schemas::encryption::{ACCOUNT_ID, AUDIT_RESULTS, Row};
use lookback_schemas::names::app_id;
use lookback_schemas::time::day_of;

use super::store::{KeyCache, discard, keys_of, natural_key, write};
use crate::error::{Error, ErrorKind, Result};
use crate::lake::{CommitOutcome, CommitUnit, Lake};

/// How often rows are looked at again because somebody else stored the same run.
const ATTEMPTS: u32 = 5;

/// Stores rows of `audit_results` that are not there yet, by their natural key, in one commit. `now` is the time of writing
/// (microseconds UTC). Gives how many were new.
///
/// # Errors
/// [`ErrorKind::Lake`] if the lake cannot be read or written, or a row is none of the table; [`ErrorKind::Conflict`] if others
/// kept storing the same run.
pub async fn append_results(lake: &Lake, rows: &[Row], run_id: &str, now: i64) -> Result<u64> {
    let table = lake.ensure_table(AUDIT_RESULTS.name, &AUDIT_RESULTS.schema()).await?;
    let cache = KeyCache::default();
    for _ in 0..ATTEMPTS {
        let snapshot = table.refresh().await?;
        let mut days: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
        for row in rows {
            if let (Some(account), Some(at)) = (row.get_text(ACCOUNT_ID), row.at()) {
                days.entry(account).or_default().insert(day_of(at));
            }
        }
        let mut present = BTreeSet::new();
        for (account, days) in days {
            present.extend(keys_of(&table, &snapshot, &AUDIT_RESULTS, account, &days, &cache).await?);
        }
        let new: Vec<Row> = rows.iter().filter(|row| present.insert(natural_key(row))).cloned().collect();
        if new.is_empty() {
            return Ok(0);
        }
        let actions = write(&table, &new, run_id, now).await?;
        let unit = CommitUnit {
            transaction: Some((app_id(run_id, AUDIT_RESULTS.name), now)),
            based_on: snapshot.version,
            actions: actions.clone(),
            removes: Vec::new(),
            data_change: true,
        };
        match table.commit(vec![unit]).await?.first() {
            Some(CommitOutcome::Committed(_)) => return Ok(new.len() as u64),
            _ => discard(&table, &actions).await,
        }
    }
    Err(Error::new(ErrorKind::Conflict, format!("others stored {run_id} {ATTEMPTS} times")).transient())
}
