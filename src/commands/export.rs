//! `lookback export`

use std::io::Write;

use lookback_exporter::record::{Keeper, RecordReport};
use lookback_exporter::run::{Report, TableOutcome, TableReport};
use lookback_exporter::{Work, dry_run};
use lookback_schemas::ledger::RunKind;
use lookback_schemas::time::rfc3339;
use serde_json::{Value, json};

use super::metrics::MetricsFile;
use super::record;
use crate::cli::{Export, Global, Output};
use crate::config::{Loaded, Missing};
use crate::failure::Failure;
use crate::stop::{UNCOMMITTED, asked_to_stop};
use crate::{config, print, progress};

pub(crate) async fn run(global: &Global, arguments: &Export) -> Result<u8, Failure> {
    if let Some(cron) = &arguments.schedule {
        return Box::pin(super::service::run(global, arguments, cron)).await;
    }
    let Loaded { settings, aws, members } = config::load_all(global).await?;
    let jobs = config::jobs(&settings, &members, &arguments.scope)?;
    if arguments.dry_run {
        let plans = dry_run::plan(&settings, aws.as_ref(), &jobs).await?;
        return show_plans(&plans, arguments.format);
    }
    let metrics = MetricsFile::new(arguments.metrics_file.as_deref(), &settings, aws.as_ref(), &jobs);
    let opened = config::exporter(&settings, aws.as_ref(), progress::reporter(), Missing::Create).await;
    let exporter = metrics.or_failed(opened)?;
    metrics.started(&exporter).await;
    let sweep = settings.export.sweep && !arguments.no_sweep;
    // Whoever asks for a cluster or a table asks for nothing else.
    let whole = arguments.scope.cluster.is_empty() && arguments.scope.table.is_empty();
    let recorder = Keeper::new(&settings, aws.as_ref(), &exporter).filter(|_| whole);
    let stop = asked_to_stop(UNCOMMITTED);
    let recording = async {
        match &recorder {
            Some(recorder) => Some(recorder.collect(&stop).await),
            None => None,
        }
    };
    let (report, recorded) =
        tokio::join!(Box::pin(exporter.run(&jobs, Work::Export { sweep }, &stop)), Box::pin(recording));
    let written = metrics.ended(Some(&report));
    drop((recorder, exporter));
    show_both(&report, recorded.as_ref(), arguments.format)?;
    written?;
    Ok(exit_code(&report, recorded.as_ref()))
}

/// Prints what a run did: a line per table and cluster, then what failed and what to do about it.
pub(crate) fn show_report(report: &Report, format: Output) -> Result<(), Failure> {
    show_both(report, None, format)
}

fn exit_code(report: &Report, recorded: Option<&RecordReport>) -> u8 {
    recorded.map_or(report.exit_code(), |recorded| recorded.exit_code_with(report.exit_code()))
}

/// As [`show_report`], and what the record of encryption was given.
fn show_both(report: &Report, recorded: Option<&RecordReport>, format: Output) -> Result<(), Failure> {
    let mut tables: Vec<&TableReport> = report.tables.iter().collect();
    tables.sort_by(|a, b| (&a.cluster, &a.table, a.kind as u8).cmp(&(&b.cluster, &b.table, b.kind as u8)));
    match format {
        Output::Json => {
            let mut all = json!({
                "run_id": report.run_id,
                "exit_code": exit_code(report, recorded),
                "tables": tables.iter().map(|t| json_of(t)).collect::<Vec<_>>(),
                "ledger_error": report.ledger_error.as_ref().map(ToString::to_string),
            });
            if let (Some(recorded), Value::Object(all)) = (recorded, &mut all) {
                all.insert("record".to_owned(), record::json_of(recorded));
            }
            print::json(&all)?;
        }
        Output::Table => {
            // Sweeps that found nothing are the normal case, and one line says so.
            let quiet = |t: &&TableReport| t.kind == RunKind::Sweep && t.rows_new == 0 && result_of(t) == "ok";
            let rows: Vec<Vec<String>> = tables.iter().filter(|t| !quiet(t)).map(|t| row_of(t)).collect();
            if !rows.is_empty() {
                print::table(
                    &["cluster", "table", "work", "read", "new", "known", "size", "covered until (UTC)", "result"],
                    &rows,
                )?;
            }
            let swept = tables.iter().filter(|t| quiet(t)).count();
            if swept > 0 {
                print::line(format!("{swept} sweeps of whole days found nothing that was missing"))?;
            }
        }
    }
    show_failures(report);
    match recorded {
        Some(recorded) if format == Output::Table => record::show(recorded),
        _ => Ok(()),
    }
}

/// Prints one line per cluster.
#[cfg(feature = "demo")]
pub(crate) fn show_summary(report: &Report) -> Result<(), Failure> {
    let mut clusters: Vec<&str> = report.tables.iter().map(|t| t.cluster.as_str()).collect();
    clusters.sort_unstable();
    clusters.dedup();
    let rows: Vec<Vec<String>> = clusters
        .into_iter()
        .map(|name| {
            let of: Vec<&TableReport> = report.tables.iter().filter(|t| t.cluster == name).collect();
            let sum = |f: fn(&TableReport) -> u64| of.iter().map(|t| f(t)).sum::<u64>();
            let failed = of.iter().filter(|t| matches!(t.outcome, TableOutcome::Failed(_))).count();
            vec![
                name.to_owned(),
                of.iter().filter(|t| t.kind == RunKind::Export).count().to_string(),
                print::count(sum(|t| t.rows_new)),
                print::count(sum(|t| t.rows_present)),
                sum(|t| t.files).to_string(),
                print::bytes(sum(|t| t.bytes)),
                print::moment(of.iter().filter_map(|t| t.covered_until).min()),
                if failed == 0 { "ok".to_owned() } else { format!("{failed} FAILED") },
            ]
        })
        .collect();
    print::table(&["cluster", "tables", "new rows", "known", "files", "size", "covered until (UTC)", "result"], &rows)?;
    show_failures(report);
    Ok(())
}

/// What failed and what to do about it, to stderr.
fn show_failures(report: &Report) {
    let mut out = std::io::stderr().lock();
    for (table, error) in report.failures() {
        let place =
            if table.table.is_empty() { table.cluster.clone() } else { format!("{} {}", table.cluster, table.table) };
        let text = error.to_string();
        // Most messages name the cluster themselves.
        let named = text.contains(&format!("'{}'", table.cluster));
        let _ = if named { writeln!(out, "lookback: {text}") } else { writeln!(out, "lookback: {place}: {text}") };
        if let Some(advice) = error.advice() {
            let _ = writeln!(out, "          {advice}");
        }
    }
    if let Some(error) = &report.ledger_error {
        let _ = writeln!(out, "lookback: the run ledger could not be written (what was committed stays): {error}");
    }
}

/// How it went, in a word.
fn result_of(t: &TableReport) -> String {
    match (&t.outcome, t.gap) {
        (TableOutcome::Failed(_), _) => "FAILED".to_owned(),
        (TableOutcome::LeaseHeld, _) => "held by another run".to_owned(),
        (TableOutcome::Done, Some(gap)) => {
            format!("GAP {} .. {}", print::moment(Some(gap.from)), print::moment(Some(gap.to)))
        }
        (TableOutcome::Done, None) if t.added_columns.is_empty() => "ok".to_owned(),
        (TableOutcome::Done, None) => format!("ok, new columns: {}", t.added_columns.join(", ")),
    }
}

fn row_of(t: &TableReport) -> Vec<String> {
    let work = match (t.kind, t.window) {
        (RunKind::Sweep, Some(w)) => {
            format!("sweep {}", lookback_schemas::time::day_name(lookback_schemas::time::day_of(w.from)))
        }
        (kind, _) => kind.to_string(),
    };
    vec![
        if t.cluster_id.is_empty() { t.cluster.clone() } else { t.cluster_id.clone() },
        t.table.clone(),
        work,
        print::count(t.rows_read),
        print::count(t.rows_new),
        print::count(t.rows_present),
        print::bytes(t.bytes),
        print::moment(t.covered_until),
        result_of(t),
    ]
}

fn json_of(t: &TableReport) -> Value {
    let outcome = match (&t.outcome, t.gap) {
        (TableOutcome::Failed(_), _) => "failed",
        (TableOutcome::LeaseHeld, _) => "lease_held",
        (TableOutcome::Done, Some(_)) => "gap",
        (TableOutcome::Done, None) => "ok",
    };
    let error = match &t.outcome {
        TableOutcome::Failed(e) => Some(e.to_string()),
        _ => None,
    };
    json!({
        "cluster": t.cluster, "cluster_id": t.cluster_id, "table": t.table, "kind": t.kind.to_string(), "outcome": outcome,
        "window_from": t.window.map(|w| rfc3339(w.from)), "window_to": t.window.map(|w| rfc3339(w.to)),
        "covered_until": t.covered_until.map(rfc3339),
        "gap_from": t.gap.map(|w| rfc3339(w.from)), "gap_to": t.gap.map(|w| rfc3339(w.to)),
        "rows_read": t.rows_read, "rows_new": t.rows_new, "rows_present": t.rows_present,
        "files": t.files, "bytes": t.bytes, "duration_ms": t.duration_ms, "added_columns": t.added_columns, "error": error,
    })
}

fn show_plans(plans: &[dry_run::Plan], format: Output) -> Result<u8, Failure> {
    let failed = plans.iter().any(|p| p.problem.is_some());
    match format {
        Output::Json => {
            let rows = plans.iter().map(|p| {
                json!({
                    "cluster": p.cluster, "cluster_id": p.cluster_id, "table": p.table,
                    "covered_until": p.covered_until.map(rfc3339),
                    "windows": p.windows.iter().map(|w| json!({ "from": rfc3339(w.from), "to": rfc3339(w.to) })).collect::<Vec<_>>(),
                    "problem": p.problem,
                })
            });
            print::json(&rows.collect())?;
        }
        Output::Table => {
            let rows: Vec<Vec<String>> = plans
                .iter()
                .map(|p| {
                    vec![
                        p.cluster_id.clone().unwrap_or_else(|| p.cluster.clone()),
                        p.table.clone(),
                        print::moment(p.covered_until),
                        print::moment(p.windows.first().map(|w| w.from)),
                        print::moment(p.windows.last().map(|w| w.to)),
                        p.windows.len().to_string(),
                        p.problem.clone().unwrap_or_default(),
                    ]
                })
                .collect();
            print::table(
                &["cluster", "table", "covered until (UTC)", "would read from", "to", "windows", "problem"],
                &rows,
            )?;
            print::line("\nnothing was read or written")?;
        }
    }
    Ok(u8::from(failed))
}
