//! `lookback status`

mod record;

use std::collections::BTreeMap;

use lookback_exporter::Settings;
use lookback_exporter::window::micros;
use lookback_query::collectors::collectors;
use lookback_query::coverage::{Coverage, coverage};
use lookback_schemas::TableSpec;
use lookback_schemas::names::cluster_name;
use lookback_schemas::time::rfc3339;
use serde_json::json;

use super::sql::open;
use crate::cli::{Global, Limits, Output, Scope, Status};
use crate::failure::Failure;
use crate::{config, print};

/// How the last run of a table ended that has had none.
const NEVER: &str = "never exported";
/// How many tables without coverage the line about them names.
const NAMED: usize = 3;

pub(crate) async fn run(global: &Global, arguments: &Status) -> Result<u8, Failure> {
    let settings = config::load(global)?;
    let retention = micros(settings.export.retention);
    let session = open(global, None, &Limits::default()).await?;
    let now = chrono::Utc::now().timestamp_micros();
    let collectors = collectors(&session).await?;
    record::warn(&collectors, now);
    if arguments.record {
        match arguments.format {
            Output::Table if collectors.is_empty() => print::line("no record of encryption has been collected yet")?,
            Output::Table => record::show(&collectors, now)?,
            Output::Json => print::json(&record::json_of(&collectors, now))?,
        }
        return Ok(0);
    }
    let mut all = coverage(&session).await?;
    let present = present(global, &settings).await;
    all.extend(never_exported(&present, &all));
    // What will be lost first comes first.
    all.sort_by(|a, b| (a.covered_until, &a.cluster_id, &a.table).cmp(&(b.covered_until, &b.cluster_id, &b.table)));
    match arguments.format {
        Output::Table => {
            print::line(answer(&present, retention, &all, now))?;
            print::line("")?;
            let rows: Vec<Vec<String>> = all.iter().map(|c| row(c, now, retention)).collect();
            print::table(
                &[
                    "cluster",
                    "table",
                    "covered until (UTC)",
                    "lag",
                    "purge headroom",
                    "last success (UTC)",
                    "rows",
                    "runs",
                    "failed",
                    "last result",
                    "gaps",
                ],
                &rows,
            )?;
            if !collectors.is_empty() {
                print::line("")?;
                record::show(&collectors, now)?;
            }
        }
        Output::Json => {
            let rows = all.iter().map(|c| {
                json!({
                    "cluster_id": c.cluster_id, "table": c.table, "covered_until": c.covered_until.map(rfc3339),
                    "lag_seconds": c.covered_until.map(|t| (now - t) / 1_000_000),
                    "purge_at": c.covered_until.map(|t| rfc3339(t + retention)),
                    "purge_headroom_seconds": c.covered_until.map(|t| (t + retention - now) / 1_000_000),
                    "rows": c.rows_new, "runs": c.runs, "failed": c.failed, "last_run": c.last_run.map(rfc3339),
                    "last_success": c.last_success.map(rfc3339),
                    "last_outcome": c.last_outcome, "last_error": c.last_error,
                    "gaps": c.gaps.iter().map(|g| json!({ "from": rfc3339(g.from), "to": rfc3339(g.to) })).collect::<Vec<_>>(),
                })
            });
            print::json(&rows.collect())?;
        }
    }
    Ok(0)
}

/// The clusters that are exported, and which tables of each. Empty if there are none, or nobody may ask which: then every
/// cluster of the record counts.
async fn present(global: &Global, settings: &Settings) -> BTreeMap<String, Vec<&'static TableSpec>> {
    if settings.clusters.is_empty() && settings.ssm.is_none() {
        return BTreeMap::new();
    }
    let scope = Scope { cluster: Vec::new(), table: Vec::new() };
    let loaded = config::load_all(global).await.and_then(|l| config::jobs(&l.settings, &l.members, &scope));
    match loaded {
        Ok(jobs) => jobs.into_iter().map(|job| (job.name, job.tables)).collect(),
        Err(e) => {
            tracing::warn!(
                "which clusters there are could not be found out; those of the record are shown: {}",
                e.into_error()
            );
            BTreeMap::new()
        }
    }
}

/// Configured tables that the ledger says nothing of.
fn never_exported(present: &BTreeMap<String, Vec<&'static TableSpec>>, known: &[Coverage]) -> Vec<Coverage> {
    let exported =
        |name: &str, table: &str| known.iter().any(|c| cluster_name(&c.cluster_id) == name && c.table == table);
    let pairs = present.iter().flat_map(|(name, tables)| tables.iter().map(move |table| (name, &table.name)));
    pairs
        .filter(|(name, table)| !exported(name, table))
        .map(|(name, table)| Coverage {
            cluster_id: name.clone(),
            table: table.clone(),
            covered_until: None,
            last_run: None,
            last_success: None,
            last_outcome: NEVER.to_owned(),
            last_error: None,
            runs: 0,
            failed: 0,
            rows_new: 0,
            gaps: Vec::new(),
        })
        .collect()
}

/// What will be lost first, and when; and what nobody can tell that of.
fn answer(exported: &BTreeMap<String, Vec<&'static TableSpec>>, retention: i64, all: &[Coverage], now: i64) -> String {
    let mut present: BTreeMap<(&str, &str), &Coverage> = BTreeMap::new();
    for c in all {
        let key = (cluster_name(&c.cluster_id), c.table.as_str());
        // An earlier incarnation has nothing left to lose, nor has a cluster that nobody exports any more.
        let newest = present.get(&key).is_none_or(|other| order(&other.cluster_id) < order(&c.cluster_id));
        let exported = exported.is_empty() || exported.contains_key(key.0);
        if newest && exported && !c.table.is_empty() {
            present.insert(key, c);
        }
    }
    let first = present.values().filter_map(|c| Some((c.covered_until?, c))).min_by_key(|(covered, _)| *covered);
    let mut text = match first {
        None => "nothing has been exported yet".to_owned(),
        Some((covered, c)) => {
            let purge = covered.saturating_add(retention);
            let (place, moment) = (format!("{} {}", c.cluster_id, c.table), print::moment(Some(purge)));
            if purge > now {
                let left = print::span(purge - now);
                format!(
                    "first to be lost: {place}, from {moment} UTC on, in {left}: rows that are not exported by then may be purged"
                )
            } else {
                let past = print::span(now - purge);
                format!(
                    "first to be lost: {place}, since {moment} UTC, {past} ago: rows that were not exported by then may have been purged"
                )
            }
        }
    };
    let unknown: Vec<String> = present
        .values()
        .filter(|c| c.covered_until.is_none())
        .map(|c| format!("{} {}", c.cluster_id, c.table))
        .collect();
    if !unknown.is_empty() {
        let named = unknown.get(..NAMED).unwrap_or(&unknown).join(", ");
        let more = unknown.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("\nnever exported, headroom unknown: {named}{more}"));
    }
    text
}

/// Orders the incarnations of a cluster: `sales@10` comes after `sales@2`.
fn order(cluster_id: &str) -> (usize, &str) {
    (cluster_id.len(), cluster_id)
}

fn row(c: &Coverage, now: i64, retention: i64) -> Vec<String> {
    let gaps = c.gaps.iter().map(|g| format!("{} .. {}", print::moment(Some(g.from)), print::moment(Some(g.to))));
    vec![
        c.cluster_id.clone(),
        c.table.clone(),
        print::moment(c.covered_until),
        c.covered_until.map_or_else(|| "-".to_owned(), |t| print::span(now - t)),
        c.covered_until.map_or_else(|| "unknown".to_owned(), |t| print::span(t + retention - now)),
        print::moment(c.last_success),
        print::count(u64::try_from(c.rows_new).unwrap_or(0)),
        c.runs.to_string(),
        c.failed.to_string(),
        c.last_error.clone().unwrap_or_else(|| c.last_outcome.clone()),
        gaps.collect::<Vec<_>>().join(", "),
    ]
}
