//! `lookback maintain`

use lookback_exporter::Work;
use lookback_exporter::maintain::{compact, vacuum};
use lookback_exporter::window::micros;
use lookback_schemas::registry;
use serde_json::json;

use super::export::{show_report, stop_signal};
use super::metrics::MetricsFile;
use crate::cli::{Global, Maintain, Output};
use crate::config::{Loaded, Missing};
use crate::failure::{FAILED, Failure};
use crate::{config, print, progress};

pub(crate) async fn run(global: &Global, arguments: &Maintain) -> Result<u8, Failure> {
    let Loaded { settings, aws, members } = config::load_all(global).await?;
    // What is asked for is looked at before anything is opened.
    let jobs = if arguments.no_sweep { Vec::new() } else { config::jobs(&settings, &members, &arguments.scope)? };
    let scope = if arguments.scope.table.is_empty() { vec!["all".to_owned()] } else { arguments.scope.table.clone() };
    let tables = registry().select(&scope)?;
    let metrics = MetricsFile::new(arguments.metrics_file.as_deref(), &settings, aws.as_ref(), &jobs);
    let opened = config::exporter(&settings, aws.as_ref(), progress::reporter(), Missing::Refuse).await;
    let exporter = metrics.or_failed(opened)?;
    metrics.started(&exporter).await;
    let stop = stop_signal();
    let mut code = 0;
    let swept = if arguments.no_sweep {
        None
    } else {
        let report = exporter.run(&jobs, Work::Sweep, &stop).await;
        code = report.exit_code();
        Some(report)
    };
    // What was swept is told whatever becomes of the rest.
    let written = metrics.ended(swept.as_ref());
    let compacted = compact(&exporter, &tables, &stop).await?;
    let cleaned = vacuum(&exporter, micros(settings.maintain.grace)).await?;
    written?;
    match arguments.format {
        Output::Table => {
            if let Some(report) = swept.as_ref().filter(|r| !r.tables.is_empty()) {
                show_report(report, Output::Table)?;
                print::line("")?;
            }
            let found: u64 = swept.iter().map(lookback_exporter::Report::rows_new).sum();
            if swept.is_some() {
                print::line(format!("sweeps:  {} rows that only a sweep found", print::count(found)))?;
            }
            print::line(format!(
                "compact: {} days of a cluster, {} files into {}, {} into {}",
                print::count(compacted.days),
                print::count(compacted.files_before),
                print::count(compacted.files_after),
                print::bytes(compacted.bytes_before),
                print::bytes(compacted.bytes_after),
            ))?;
            print::line(format!(
                "vacuum:  {} files removed ({}), {} wait for the end of their grace period",
                print::count(cleaned.files),
                print::bytes(cleaned.bytes),
                print::count(cleaned.waiting),
            ))?;
        }
        Output::Json => print::json(&json!({
            "sweeps": swept.as_ref().map(|r| json!({ "tables": r.tables.len(), "rows_new": r.rows_new(), "failures": r.failures().count() })),
            "compact": {
                "days": compacted.days, "files_before": compacted.files_before, "files_after": compacted.files_after,
                "rows": compacted.rows, "bytes_before": compacted.bytes_before, "bytes_after": compacted.bytes_after,
                "failures": compacted.failures.iter().map(|(place, e)| format!("{place}: {e}")).collect::<Vec<_>>(),
            },
            "vacuum": { "files": cleaned.files, "bytes": cleaned.bytes, "waiting": cleaned.waiting },
        }))?,
    }
    for (place, error) in &compacted.failures {
        tracing::warn!("{place} was not compacted: {error}");
        code = FAILED;
    }
    Ok(code)
}
