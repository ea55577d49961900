//! The record of encryption beside an export: who collects it, when, and what is said about it.

use std::io::Write;
use std::sync::Arc;

use lookback_exporter::clock::Clock;
use lookback_exporter::record::{CollectorReport, RecordReport, Recorder, identify};
use lookback_exporter::schedule::{LOG_TARGET, Pace, SystemPace, Timetable, by_chance};
use lookback_exporter::window::micros;
use lookback_exporter::{Exporter, Settings};
use lookback_schemas::encryption::status;
use lookback_schemas::time::{SECOND, rfc3339};
use lookback_storage::Aws;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::failure::Failure;
use crate::print;

/// The record, where it is configured.
pub(super) struct Record {
    recorder: Recorder,
    aws: Aws,
    settings: Settings,
}

impl Record {
    /// `None` if the record is not to be collected.
    pub(super) fn new(settings: &Settings, aws: Option<&Aws>, exporter: &Arc<Exporter>) -> Option<Self> {
        let aws = aws.filter(|_| settings.record.enabled)?.clone();
        let clusters = settings.clusters.values().filter_map(|cluster| cluster.kms_key.clone());
        let own_keys = settings.lake.kms_key.iter().cloned().chain(clusters).collect();
        let pace = Arc::new(SystemPace);
        let recorder = Recorder::new(Arc::clone(exporter), pace, by_chance, settings.record.clone(), own_keys);
        Some(Self { recorder, aws, settings: settings.clone() })
    }

    /// Collects once.
    pub(super) async fn collect(&self, stop: &CancellationToken) -> RecordReport {
        match identify(&self.aws, &self.settings.record).await {
            Ok(places) => self.recorder.run(&places, stop).await,
            Err(error) => RecordReport { error: Some(error), ..RecordReport::default() },
        }
    }

    /// Collects at the ticks of a timetable until told to stop, beside the exports: neither waits for the other.
    pub(super) async fn keep(self, timetable: Timetable, stop: CancellationToken) {
        let (pace, every) = (SystemPace, micros(self.settings.record.every));
        let mut last: Option<i64> = None;
        while let Some(next) = timetable.after(pace.now()) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = pace.until(next) => {}
            }
            let now = pace.now();
            // Ticks come within a second of their time.
            if now < next || last.is_some_and(|last| now - last < every - SECOND) {
                continue;
            }
            last = Some(now);
            tell(&self.collect(&stop).await);
        }
    }
}

/// Logs what came of a collection.
fn tell(report: &RecordReport) {
    if let Some(error) = &report.error {
        warn!(target: LOG_TARGET, "the record: {error}");
    }
    for one in &report.collectors {
        let place = format!("{} {} {}", one.account, one.region, one.collector);
        if let Some(gap) = one.gap {
            let (from, to) = (rfc3339(gap.from), rfc3339(gap.to));
            warn!(target: LOG_TARGET, "the record: {place}: gap {from} .. {to}: it had expired before it was read");
        }
        if one.status != status::OK {
            warn!(target: LOG_TARGET, "the record: {place}: {}: {}", one.status, problems(one).join("; "));
        }
    }
    let rows: u64 = report.collectors.iter().map(|one| one.rows).sum();
    let calls: u64 = report.calls().values().sum();
    info!(target: LOG_TARGET, rows, calls, "the record was collected");
}

/// What a command ends with that did both. A failure comes before a gap, and both before "somebody else is at it".
pub(super) fn exit_code(export: u8, record: Option<&RecordReport>) -> u8 {
    match (export, record.map_or(0, RecordReport::exit_code)) {
        (1, _) | (_, 1) => 1,
        (3, _) | (_, 3) => 3,
        (code, _) => code,
    }
}

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
                match one.gap {
                    Some(gap) => format!("GAP {} .. {}", print::moment(Some(gap.from)), print::moment(Some(gap.to))),
                    None if one.status == status::FAILED => "FAILED".to_owned(),
                    None => one.status.to_owned(),
                },
            ]
        })
        .collect();
    if !rows.is_empty() {
        let headers = ["account", "region", "record of", "new", "calls", "read from (UTC)", "to", "result"];
        print::table(&headers, &rows)?;
    }
    let mut out = std::io::stderr().lock();
    for one in report.collectors.iter().filter(|one| one.status != status::OK) {
        for problem in problems(one) {
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

/// What was refused, with the permission that is missing, and what failed.
fn problems(one: &CollectorReport) -> Vec<String> {
    let refused = one.tally.denied.iter().map(|(call, code)| {
        format!("{call} was refused ({code}): allow it to the role, and on a KMS key in the key's policy, too")
    });
    refused.chain(one.error.clone()).collect()
}

/// A collection as JSON.
pub(super) fn json_of(report: &RecordReport) -> Value {
    let collectors = report.collectors.iter().map(|one| {
        json!({
            "account": one.account, "region": one.region, "collector": one.collector, "status": one.status,
            "rows": one.rows, "calls": one.tally.total(), "throttles": one.tally.throttles,
            "window_from": one.window.map(|w| rfc3339(w.from)), "window_to": one.window.map(|w| rfc3339(w.to)),
            "gap_from": one.gap.map(|w| rfc3339(w.from)), "gap_to": one.gap.map(|w| rfc3339(w.to)),
            "access_errors": one.tally.access_errors(), "error": one.error,
        })
    });
    json!({
        "collectors": collectors.collect::<Vec<_>>(), "held": report.held,
        "error": report.error.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_comes_before_a_gap() {
        let failed = RecordReport {
            error: Some(lookback_exporter::Error::new(lookback_exporter::ErrorKind::Aws, "x")),
            ..RecordReport::default()
        };
        let fine = RecordReport::default();
        for (export, record, code) in
            [(0, None, 0), (4, Some(&fine), 4), (3, Some(&fine), 3), (3, Some(&failed), 1), (0, Some(&failed), 1)]
        {
            assert_eq!(exit_code(export, record), code, "{export}");
        }
    }
}
