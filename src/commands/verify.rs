//! `lookback verify`

use lookback_exporter::verify::{Objects, VerifyReport, objects, verify};
use lookback_schemas::time::{day_name, rfc3339};
use serde_json::json;

use crate::cli::{Global, Output, Verify};
use crate::config::{Loaded, Missing};
use crate::failure::{FAILED, Failure};
use crate::{config, print, progress};

pub(crate) async fn run(global: &Global, arguments: &Verify) -> Result<u8, Failure> {
    let Loaded { settings, aws, members } = config::load_all(global).await?;
    let jobs = config::jobs(&settings, &members, &arguments.scope)?;
    let exporter = config::exporter(&settings, aws.as_ref(), progress::reporter(), Missing::Refuse).await?;
    let mut reports: Vec<VerifyReport> = Vec::new();
    let mut failed = false;
    for job in &jobs {
        match verify(&exporter, job).await {
            Ok(found) => reports.extend(found),
            Err(e) => {
                failed = true;
                tracing::error!(cluster = %job.name, "{e}");
            }
        }
    }
    let sealed = objects(exporter.lake()).await?;
    match arguments.format {
        Output::Table => {
            let rows: Vec<Vec<String>> = reports.iter().map(row).collect();
            print::table(
                &[
                    "cluster",
                    "table",
                    "compared from (UTC)",
                    "until (UTC)",
                    "source",
                    "missing",
                    "only in lake",
                    "remarks",
                ],
                &rows,
            )?;
            if let Some(sealed) = &sealed {
                show_objects(sealed)?;
            }
        }
        Output::Json => {
            let rows = reports.iter().map(|r| {
                json!({
                    "cluster_id": r.cluster_id, "table": r.table,
                    "window_from": r.window.map(|w| rfc3339(w.from)), "window_to": r.window.map(|w| rfc3339(w.to)),
                    "source_rows": r.source_rows, "missing": r.missing, "only_in_lake": r.only_in_lake,
                    "missing_by_day": r.missing_by_day.iter().map(|(d, n)| json!({ "day": day_name(*d), "rows": n })).collect::<Vec<_>>(),
                    "sweep_pending": r.sweep_pending, "without_time": r.unplaced.without_time, "in_the_future": r.unplaced.in_the_future,
                })
            });
            let objects =
                sealed.iter().flat_map(|s| &s.unsealed).map(|o| json!({ "object": o.path, "problem": o.why }));
            print::json(&rows.chain(objects).collect())?;
        }
    }
    if let Some(wrong) = sealed.as_ref().map(|s| s.unsealed.len()).filter(|n| *n > 0) {
        failed = true;
        tracing::error!(
            "{wrong} objects are not encrypted as configured; copy each onto itself under the right key, or correct lake.kms_key"
        );
    }
    let missing: u64 = reports.iter().map(|r| r.missing).sum();
    if missing > 0 {
        tracing::error!(
            "{missing} rows of the source are not in the lake; `lookback maintain` sweeps the days that are due"
        );
    }
    Ok(if failed || missing > 0 { FAILED } else { 0 })
}

fn show_objects(sealed: &Objects) -> Result<(), Failure> {
    if sealed.unsealed.is_empty() {
        return print::line(format!("\nall {} objects are encrypted as configured", print::count(sealed.seen)));
    }
    let rows: Vec<Vec<String>> = sealed.unsealed.iter().map(|o| vec![o.path.clone(), o.why.clone()]).collect();
    print::line("")?;
    print::table(&["object", "not encrypted as configured"], &rows)
}

fn row(r: &VerifyReport) -> Vec<String> {
    let mut remarks = Vec::new();
    if r.window.is_none() {
        remarks.push("nothing to compare".to_owned());
    }
    if r.missing > 0 {
        let days = r.missing_by_day.iter().map(|(day, n)| format!("{} on {}", print::count(*n), day_name(*day)));
        remarks.push(format!("missing: {}", days.collect::<Vec<_>>().join(", ")));
        if r.sweep_pending > 0 {
            remarks
                .push(format!("{} of them on days whose last sweep is still to come", print::count(r.sweep_pending)));
        }
    }
    if r.unplaced.without_time > 0 {
        remarks.push(format!("{} source rows have no time or no parent", print::count(r.unplaced.without_time)));
    }
    if r.unplaced.in_the_future > 0 {
        remarks.push(format!("{} source rows are dated in the future", print::count(r.unplaced.in_the_future)));
    }
    vec![
        r.cluster_id.clone(),
        r.table.clone(),
        print::moment(r.window.map(|w| w.from)),
        print::moment(r.window.map(|w| w.to)),
        print::count(r.source_rows),
        print::count(r.missing),
        print::count(r.only_in_lake),
        remarks.join("; "),
    ]
}
