//! `lookback maintain`

use lookback_exporter::maintain::{CompactReport, RollupReport, compact, compact_own, vacuum};
use lookback_exporter::window::micros;
use lookback_exporter::{Exporter, Settings, Work};
use lookback_schemas::registry;
use lookback_schemas::rollups::{ROLLUPS, Rollup};
use lookback_storage::Aws;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::export::show_report;
use super::metrics::MetricsFile;
use crate::cli::{Global, Maintain, Output};
use crate::config::{Loaded, Missing};
use crate::failure::{FAILED, Failure};
use crate::stop::{UNCOMMITTED, asked_to_stop};
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
    let stop = asked_to_stop(UNCOMMITTED);
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
    // Whoever names tables or clusters asks for nothing else.
    let whole = arguments.scope.table.is_empty() && arguments.scope.cluster.is_empty();
    let own = if whole { Some(compact_own(&exporter, &stop).await?) } else { None };
    let in_scope =
        |rollup: &&Rollup| rollup.sources.iter().any(|source| tables.iter().any(|spec| spec.name == *source));
    let rollups: Vec<&'static Rollup> = ROLLUPS.into_iter().filter(|rollup| in_scope(rollup)).collect();
    let wanted = settings.maintain.rollups && !arguments.no_rollups && !rollups.is_empty();
    // A lake that cannot be asked is cleaned up all the same.
    let summed = if wanted { update(&settings, aws.as_ref(), &exporter, &rollups, &stop).await } else { Ok(None) };
    let (summed, unasked) = match summed {
        Ok(summed) => (summed, None),
        Err(failure) => (None, Some(failure)),
    };
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
            if let Some(own) = own.as_ref().filter(|own| own.days > 0) {
                print::line(format!(
                    "records: {} days, {} files into {}, {} into {}",
                    print::count(own.days),
                    print::count(own.files_before),
                    print::count(own.files_after),
                    print::bytes(own.bytes_before),
                    print::bytes(own.bytes_after),
                ))?;
            }
            for report in summed.iter().flatten() {
                print::line(sums(report))?;
            }
            print::line(format!(
                "vacuum:  {} files removed ({}), {} wait for the end of their grace period",
                print::count(cleaned.files),
                print::bytes(cleaned.bytes),
                print::count(cleaned.waiting),
            ))?;
        }
        Output::Json => print::json(&json!({
            "sweeps": swept.as_ref().map(|r| json!({ "tables": r.tables.len(), "rows_new": r.rows_new(), "failures": r.failures().count() })),
            "compact": compacted_json(&compacted),
            "records": own.as_ref().map(compacted_json),
            "rollups": summed.as_ref().map(|reports| reports.iter().map(sums_json).collect::<Vec<_>>()),
            "vacuum": { "files": cleaned.files, "bytes": cleaned.bytes, "waiting": cleaned.waiting },
        }))?,
    }
    for (place, error) in compacted.failures.iter().chain(own.iter().flat_map(|own| &own.failures)) {
        tracing::warn!("{place} was not compacted: {error}");
        code = FAILED;
    }
    for (place, error) in summed.iter().flatten().flat_map(|report| &report.failures) {
        tracing::warn!("{place} was not summed up: {error}");
        code = FAILED;
    }
    unasked.map_or(Ok(code), Err)
}

#[cfg(feature = "query")]
async fn update(
    settings: &Settings,
    aws: Option<&Aws>,
    exporter: &Exporter,
    rollups: &[&'static Rollup],
    stop: &CancellationToken,
) -> Result<Option<Vec<RollupReport>>, Failure> {
    Box::pin(crate::rollups::update(settings, aws, exporter, rollups, stop)).await.map(Some)
}

/// A slim build cannot ask the lake; what is stored stays, and is known to be out of date.
#[cfg(not(feature = "query"))]
async fn update(
    _: &Settings,
    _: Option<&Aws>,
    _: &Exporter,
    _: &[&'static Rollup],
    _: &CancellationToken,
) -> Result<Option<Vec<RollupReport>>, Failure> {
    tracing::warn!(
        "rollups were left as they are: they need a build with the feature `query`; set maintain.rollups = false to be told no more"
    );
    Ok(None)
}

fn compacted_json(report: &CompactReport) -> Value {
    json!({
        "days": report.days, "files_before": report.files_before, "files_after": report.files_after,
        "rows": report.rows, "bytes_before": report.bytes_before, "bytes_after": report.bytes_after,
        "failures": report.failures.iter().map(|(place, e)| format!("{place}: {e}")).collect::<Vec<_>>(),
    })
}

fn sums(report: &RollupReport) -> String {
    let mut text = format!(
        "rollup:  {}: {} days of a cluster summed up ({} rows, {}), {} were up to date",
        report.name,
        print::count(report.stored),
        print::count(report.rows),
        print::bytes(report.bytes),
        print::count(report.current),
    );
    if report.removed > 0 {
        text.push_str(&format!(", {} removed", print::count(report.removed)));
    }
    if report.overtaken > 0 {
        text.push_str(&format!(", {} left to another process", print::count(report.overtaken)));
    }
    text
}

fn sums_json(report: &RollupReport) -> Value {
    json!({
        "table": report.name, "current": report.current, "stored": report.stored, "removed": report.removed,
        "overtaken": report.overtaken, "rows": report.rows, "bytes": report.bytes,
        "failures": report.failures.iter().map(|(place, e)| format!("{place}: {e}")).collect::<Vec<_>>(),
    })
}
