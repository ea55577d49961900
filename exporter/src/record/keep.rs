//! The record of encryption beside exports: once, or at the ticks of a timetable.

use std::sync::Arc;

use lookback_schemas::encryption::status;
use lookback_schemas::time::{SECOND, rfc3339};
use lookback_storage::Aws;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::report::RecordReport;
use super::{Recorder, identify};
use crate::clock::Clock;
use crate::run::Exporter;
use crate::schedule::{LOG_TARGET, Pace, SystemPace, Timetable, by_chance};
use crate::settings::Settings;
use crate::window::micros;

/// Collects the record, where it is configured.
pub struct Keeper {
    recorder: Recorder,
    aws: Aws,
    settings: Settings,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("record", &self.settings.record).finish_non_exhaustive()
    }
}

impl Keeper {
    /// `None` if the record is not to be collected.
    #[must_use]
    pub fn new(settings: &Settings, aws: Option<&Aws>, exporter: &Arc<Exporter>) -> Option<Self> {
        let aws = aws.filter(|_| settings.record.enabled)?.clone();
        let clusters = settings.clusters.values().filter_map(|cluster| cluster.kms_key.clone());
        let own_keys = settings.lake.kms_key.iter().cloned().chain(clusters).collect();
        let pace = Arc::new(SystemPace);
        let recorder = Recorder::new(Arc::clone(exporter), pace, by_chance, settings.record.clone(), own_keys);
        Some(Self { recorder, aws, settings: settings.clone() })
    }

    /// Collects once. What will soon be lost is logged.
    pub async fn collect(&self, stop: &CancellationToken) -> RecordReport {
        let report = match identify(&self.aws, &self.settings.record).await {
            Ok(places) => self.recorder.run(&places, stop).await,
            Err(error) => RecordReport { error: Some(error), ..RecordReport::default() },
        };
        for (one, headroom) in report.alarms() {
            let place = format!("{} {} {}", one.account, one.region, one.collector);
            warn!(target: LOG_TARGET, "the record: {place}: {}", headroom.describe());
        }
        report
    }

    /// Collects at the ticks of a timetable until told to stop, beside the exports: neither waits for the other. Whoever waits
    /// for `collected` is told after each collection.
    pub async fn keep(self, timetable: Timetable, stop: CancellationToken, collected: Arc<Notify>) {
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
            collected.notify_one();
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
            warn!(target: LOG_TARGET, "the record: {place}: {}: {}", one.status, one.problems().join("; "));
        }
    }
    let rows: u64 = report.collectors.iter().map(|one| one.rows).sum();
    let calls: u64 = report.calls().values().sum();
    info!(target: LOG_TARGET, rows, calls, "the record was collected");
}
