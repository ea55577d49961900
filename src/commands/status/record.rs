//! What `lookback status` says of the collectors of the record of encryption.

use lookback_query::collectors::Collector;
use lookback_schemas::encryption::status;
use lookback_schemas::time::{SECOND, rfc3339};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::print;

/// Logs what will soon be lost, and what has begun to be.
pub(super) fn warn(all: &[Collector], now: i64) {
    for one in all {
        if let Some(headroom) = one.headroom(now).filter(|headroom| headroom.alarm) {
            let place = format!("{} {} {}", one.account_id, one.region, one.collector);
            tracing::warn!("the record: {place}: {}", headroom.describe());
        }
    }
}

/// Prints a line per collector, then what was refused or failed, each with what to do.
pub(super) fn show(all: &[Collector], now: i64) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = all.iter().map(|one| row(one, now)).collect();
    print::table(
        &[
            "account",
            "region",
            "record of",
            "covered until (UTC)",
            "lag",
            "AWS forgets in",
            "last complete look (UTC)",
            "rows",
            "runs",
            "failed",
            "last result",
            "gaps",
        ],
        &rows,
    )?;
    let troubled: Vec<String> = all
        .iter()
        .filter_map(|one| Some(format!("{} {} {}: {}", one.account_id, one.region, one.collector, one.trouble()?)))
        .collect();
    if !troubled.is_empty() {
        print::line("")?;
        print::line(troubled.join("\n"))?;
    }
    Ok(())
}

fn row(one: &Collector, now: i64) -> Vec<String> {
    let headroom = one.headroom(now);
    let left = match headroom {
        Some(headroom) if headroom.alarm => format!("{} SOON LOST", print::span(headroom.left)),
        Some(headroom) => print::span(headroom.left),
        None => "-".to_owned(),
    };
    let gaps = one.gaps.iter().map(|g| format!("{} .. {}", print::moment(Some(g.from)), print::moment(Some(g.to))));
    let result = match one.last_status.as_str() {
        status::FAILED => "FAILED".to_owned(),
        _ if !one.refused.is_empty() => format!("{}, {} refused", one.last_status, one.refused.len()),
        other => other.to_owned(),
    };
    vec![
        one.account_id.clone(),
        one.region.clone(),
        one.collector.clone(),
        print::moment(one.covered_until),
        one.covered_until.map_or_else(|| "-".to_owned(), |covered| print::span(now - covered)),
        left,
        print::moment(one.last_complete),
        print::count(u64::try_from(one.rows_new).unwrap_or(0)),
        one.runs.to_string(),
        one.failed.to_string(),
        result,
        gaps.collect::<Vec<_>>().join(", "),
    ]
}

/// The collectors as JSON: a list.
pub(super) fn json_of(all: &[Collector], now: i64) -> Value {
    let rows = all.iter().map(|one| {
        let headroom = one.headroom(now);
        let refused = one.refused.iter().map(|refused| {
            json!({
                "call": refused.call, "code": refused.code, "grant": refused.grant, "resource": refused.resource,
            })
        });
        json!({
            "account_id": one.account_id, "region": one.region, "collector": one.collector,
            "covered_until": one.covered_until.map(rfc3339),
            "lag_seconds": one.covered_until.map(|covered| (now - covered) / SECOND),
            "forgets_at": headroom.map(|headroom| rfc3339(headroom.forgets_at)),
            "headroom_seconds": headroom.map(|headroom| headroom.left / SECOND),
            "alarm": headroom.filter(|headroom| headroom.alarm).map(|headroom| headroom.describe()),
            "last_complete": one.last_complete.map(rfc3339), "last_run": one.last_run.map(rfc3339),
            "last_status": one.last_status, "last_error": one.last_error, "refused": refused.collect::<Vec<_>>(),
            "rows": one.rows_new, "runs": one.runs, "failed": one.failed,
            "gaps": one.gaps.iter().map(|g| json!({ "from": rfc3339(g.from), "to": rfc3339(g.to) })).collect::<Vec<_>>(),
        })
    });
    rows.collect()
}
