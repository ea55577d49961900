//! What a collection of the record of encryption says, to people and to programs.

use std::io::Write;

use lookback_exporter::record::{CollectorReport, RecordReport};
use lookback_schemas::encryption::status;
use lookback_schemas::time::{SECOND, rfc3339};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::print;

/// Prints a line per collector, then what was refused and what failed.
pub(super) fn show(report: &RecordReport) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = report
        .collectors
        .iter()
        .map(|one| {
            vec![
                one.account.clone(),
                one.region.clone(),
                one.collector.to_owned(),
                print::count(one.rows),
                print::count(one.tally.total()),
                print::moment(one.window.map(|window| window.from)),
                print::moment(one.window.map(|window| window.to)),
                result_of(one),
            ]
        })
        .collect();
    if !rows.is_empty() {
        let headers = ["account", "region", "record of", "new", "calls", "read from (UTC)", "to", "result"];
        print::table(&headers, &rows)?;
    }
    let mut out = std::io::stderr().lock();
    for one in report.collectors.iter().filter(|one| one.status != status::OK) {
        for problem in one.problems() {
            let _ = writeln!(out, "lookback: {} {} {}: {problem}", one.account, one.region, one.collector);
        }
    }
    for place in &report.held {
        let _ = writeln!(out, "lookback: the record of {place} is left to another exporter that is at it");
    }
    if let Some(error) = &report.error {
        let _ = writeln!(out, "lookback: the record: {error}");
        if let Some(advice) = error.advice() {
            let _ = writeln!(out, "          {advice}");
        }
    }
    Ok(())
}

/// How it went, in a few words.
fn result_of(one: &CollectorReport) -> String {
    let result = match one.gap {
        Some(gap) => format!("GAP {} .. {}", print::moment(Some(gap.from)), print::moment(Some(gap.to))),
        None if one.status == status::FAILED => "FAILED".to_owned(),
        None => one.status.to_owned(),
    };
    match one.headroom.filter(|headroom| headroom.alarm) {
        Some(headroom) if headroom.left > 0 => format!("{result}, AWS forgets in {}", print::span(headroom.left)),
        Some(_) => format!("{result}, AWS forgets already"),
        None => result,
    }
}

/// A collection as JSON.
pub(super) fn json_of(report: &RecordReport) -> Value {
    let collectors = report.collectors.iter().map(|one| {
        json!({
            "account": one.account, "region": one.region, "collector": one.collector, "status": one.status,
            "rows": one.rows, "calls": one.tally.total(), "throttles": one.tally.throttles,
            "window_from": one.window.map(|w| rfc3339(w.from)), "window_to": one.window.map(|w| rfc3339(w.to)),
            "gap_from": one.gap.map(|w| rfc3339(w.from)), "gap_to": one.gap.map(|w| rfc3339(w.to)),
            "covered_until": one.covered_until.map(rfc3339), "forgets_at": one.headroom.map(|h| rfc3339(h.forgets_at)),
            "headroom_seconds": one.headroom.map(|h| h.left / SECOND),
            "alarm": one.headroom.filter(|h| h.alarm).map(|h| h.describe()),
            "access_errors": one.tally.access_errors(), "error": one.error,
        })
    });
    json!({
        "collectors": collectors.collect::<Vec<_>>(), "held": report.held,
        "error": report.error.as_ref().map(ToString::to_string),
    })
}
