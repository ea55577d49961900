//! `GET /api/status`: until when each table of each cluster is covered, and where it has holes; for auditors also what the
//! collectors of the record of encryption have read.

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use lookback_query::collectors::Collector;
use lookback_query::coverage::{Coverage, Gap};
use lookback_schemas::time::{SECOND, rfc3339};
use serde_json::{Value, json};

use super::Api;
use super::problem::Problem;
use super::query;
use crate::people::Asker;

/// What the ledgers say now.
pub(super) async fn show(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    uri: Uri,
) -> Result<Response, Problem> {
    query::only(&query::read(&uri)?, &[])?;
    let now = chrono::Utc::now().timestamp_micros();
    let known = api.desk().covered(&asker).await?;
    let tables: Vec<Value> = known.tables.iter().map(|one| of_table(one, now)).collect();
    let collectors = known.collectors.map(|all| all.iter().map(|one| of_collector(one, now)).collect::<Vec<_>>());
    let lake = api.desk().session().lake().name().to_owned();
    Ok(axum::Json(json!({ "now": rfc3339(now), "lake": lake, "coverage": tables, "collectors": collectors }))
        .into_response())
}

fn gaps(gaps: &[Gap]) -> Vec<Value> {
    gaps.iter().map(|gap| json!({ "from": rfc3339(gap.from), "to": rfc3339(gap.to) })).collect()
}

fn of_table(one: &Coverage, now: i64) -> Value {
    json!({
        "cluster_id": one.cluster_id, "table": one.table, "covered_until": one.covered_until.map(rfc3339),
        "lag_seconds": one.covered_until.map(|covered| (now - covered) / SECOND),
        "last_run": one.last_run.map(rfc3339), "last_success": one.last_success.map(rfc3339),
        "last_outcome": one.last_outcome, "last_error": one.last_error, "runs": one.runs, "failed": one.failed,
        "rows": one.rows_new, "gaps": gaps(&one.gaps),
    })
}

fn of_collector(one: &Collector, now: i64) -> Value {
    let headroom = one.headroom(now);
    json!({
        "account_id": one.account_id, "region": one.region, "collector": one.collector,
        "covered_until": one.covered_until.map(rfc3339),
        "lag_seconds": one.covered_until.map(|covered| (now - covered) / SECOND),
        "forgets_at": headroom.map(|headroom| rfc3339(headroom.forgets_at)),
        "last_complete": one.last_complete.map(rfc3339), "last_run": one.last_run.map(rfc3339),
        "last_status": one.last_status, "trouble": one.trouble(), "runs": one.runs, "failed": one.failed,
        "rows": one.rows_new, "gaps": gaps(&one.gaps),
    })
}
