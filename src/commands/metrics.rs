//! `--metrics-file`: what a command that ends tells Prometheus.

use std::path::{Path, PathBuf};

use lookback_exporter::metrics::{Metrics, write_file};
use lookback_exporter::window::micros;
use lookback_exporter::{ClusterJob, Exporter, Report, Settings};
use lookback_storage::Aws;

use crate::failure::Failure;

/// The metrics of one command, if they were asked for.
pub(crate) struct MetricsFile {
    wanted: Option<(PathBuf, Metrics)>,
    began: i64,
}

impl MetricsFile {
    pub(crate) fn new(path: Option<&Path>, settings: &Settings, aws: Option<&Aws>, jobs: &[ClusterJob]) -> Self {
        let wanted = path.map(|path| {
            let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), micros(settings.export.retention));
            metrics.clusters(jobs.iter());
            if let Some(aws) = aws {
                metrics.count_requests(aws.requests().clone());
            }
            (path.to_owned(), metrics)
        });
        let began = now();
        if let Some((_, metrics)) = &wanted {
            metrics.tick(began);
        }
        Self { wanted, began }
    }

    /// The lake is open.
    pub(crate) async fn started(&self, exporter: &Exporter) {
        let Some((_, metrics)) = &self.wanted else { return };
        metrics.watch(exporter);
        // Without them only what this run covers is known; an export that cannot read them says so itself.
        if let Ok(known) = exporter.list_watermarks().await {
            metrics.recall(&known);
        }
    }

    /// The same result; a failure is counted and written.
    pub(crate) fn or_failed<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        if let (Err(_), Some((path, metrics))) = (&result, &self.wanted) {
            metrics.run_lost();
            if let Err(e) = write_file(path, metrics, now()) {
                tracing::warn!("{e}");
            }
        }
        result
    }

    /// Writes the file. Without a report no run took place.
    pub(crate) fn ended(&self, report: Option<&Report>) -> Result<(), Failure> {
        let Some((path, metrics)) = &self.wanted else { return Ok(()) };
        if let Some(report) = report {
            metrics.tables(&report.tables);
            metrics.run(report, now() - self.began);
        }
        write_file(path, metrics, now()).map_err(|e| {
            let failure = Failure::failed(e.to_string());
            match e.advice() {
                Some(advice) => failure.advise(advice),
                None => failure,
            }
        })
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_micros()
}
