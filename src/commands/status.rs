//! `lookback status`

use lookback_exporter::window::micros;
use lookback_query::coverage::{Coverage, coverage};
use lookback_schemas::time::rfc3339;
use serde_json::json;

use super::sql::open;
use crate::cli::{Global, Output, Status};
use crate::failure::Failure;
use crate::{config, print};

pub(crate) async fn run(global: &Global, arguments: &Status) -> Result<u8, Failure> {
    let settings = config::load(global)?;
    let retention = micros(settings.export.retention);
    let session = open(global, None).await?;
    let mut all = coverage(&session).await?;
    // What will be lost first comes first.
    all.sort_by(|a, b| (a.covered_until, &a.cluster_id, &a.table).cmp(&(b.covered_until, &b.cluster_id, &b.table)));
    let now = chrono::Utc::now().timestamp_micros();
    match arguments.format {
        Output::Table => {
            let rows: Vec<Vec<String>> = all.iter().map(|c| row(c, now, retention)).collect();
            print::table(
                &[
                    "cluster",
                    "table",
                    "covered until (UTC)",
                    "lag",
                    "purge headroom",
                    "rows",
                    "runs",
                    "failed",
                    "last result",
                    "gaps",
                ],
                &rows,
            )?;
            if let Some(first) = all.iter().find_map(|c| Some((c, c.covered_until?))) {
                let headroom = first.1 + retention - now;
                let when = if headroom < 0 {
                    format!("may have lost rows since {}", print::moment(Some(first.1)))
                } else {
                    format!("has to be exported within {} to lose nothing", print::span(headroom))
                };
                print::line(format!("\n{} {} {when}", first.0.cluster_id, first.0.table))?;
            }
        }
        Output::Json => {
            let rows = all.iter().map(|c| {
                json!({
                    "cluster_id": c.cluster_id, "table": c.table, "covered_until": c.covered_until.map(rfc3339),
                    "lag_seconds": c.covered_until.map(|t| (now - t) / 1_000_000),
                    "purge_headroom_seconds": c.covered_until.map(|t| (t + retention - now) / 1_000_000),
                    "rows": c.rows_new, "runs": c.runs, "failed": c.failed, "last_run": c.last_run.map(rfc3339),
                    "last_outcome": c.last_outcome, "last_error": c.last_error,
                    "gaps": c.gaps.iter().map(|g| json!({ "from": rfc3339(g.from), "to": rfc3339(g.to) })).collect::<Vec<_>>(),
                })
            });
            print::json(&rows.collect())?;
        }
    }
    Ok(0)
}

fn row(c: &Coverage, now: i64, retention: i64) -> Vec<String> {
    let gaps = c.gaps.iter().map(|g| format!("{} .. {}", print::moment(Some(g.from)), print::moment(Some(g.to))));
    vec![
        c.cluster_id.clone(),
        c.table.clone(),
        print::moment(c.covered_until),
        c.covered_until.map_or_else(|| "-".to_owned(), |t| print::span(now - t)),
        c.covered_until.map_or_else(|| "-".to_owned(), |t| print::span(t + retention - now)),
        print::count(u64::try_from(c.rows_new).unwrap_or(0)),
        c.runs.to_string(),
        c.failed.to_string(),
        c.last_error.clone().unwrap_or_else(|| c.last_outcome.clone()),
        gaps.collect::<Vec<_>>().join(", "),
    ]
}
