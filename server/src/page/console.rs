//! `/console`: any statement, asked through `/api/sql` by the page's script; and what completion needs to know.

use askama::Template;
use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lookback_query::session::redshift_type;
use serde::{Deserialize, Serialize};

use super::html::Html;
use super::request::Asked;
use super::shell::{Page, Shell};
use super::sql::fill;
use super::view::When;

/// The page.
pub(super) const PAGE: Page = Page { place: "/console", controls: true, lead: "" };
/// Names that completion knows.
const MOST: usize = 2_000;

#[derive(Template)]
#[template(path = "console.html")]
struct Console {
    shell: Shell,
    sql: String,
    as_of: String,
    names: String,
}

/// `GET /console`
pub(super) async fn get(asked: Asked) -> Response {
    let (shell, names) = tokio::join!(asked.shell(PAGE), names(&asked));
    let names = serde_json::to_string(&names).unwrap_or_default();
    let as_of = asked.view.as_of.map(|time| When::At(time).to_string()).unwrap_or_default();
    Html::of(&Console { shell, sql: asked.own("sql").to_owned(), as_of, names }).answer(StatusCode::OK)
}

/// What can be asked for: tables and views; of the record of encryption only if the asker may.
async fn names(asked: &Asked) -> Vec<String> {
    let sql = fill(
        "SELECT DISTINCT table_name FROM information_schema.tables WHERE table_schema <> 'information_schema' ORDER BY 1",
        &[],
    );
    let Ok(answer) = asked.rows(&sql).await else { return Vec::new() };
    let names = answer.rows.iter().filter_map(|row| row.first()).map(|cell| cell.text.clone());
    names.filter(|name| asked.is_auditor() || !is_record(name)).take(MOST).collect()
}

/// Whether a name is of the record of encryption: one of its tables, or of the views over them.
fn is_record(name: &str) -> bool {
    let views = ["cluster_encryption_", "kms_key_", "snapshot_encryption_", "cek_rotation_", "encryption_"];
    lookback_schemas::encryption::table(name).is_some() || views.iter().any(|view| name.starts_with(view))
}

#[derive(Deserialize)]
pub(super) struct Of {
    #[serde(default)]
    table: String,
}

#[derive(Serialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// `GET /console/columns`: the columns of a table. Asked at the desk, so that whoever may not see a table does not see its columns.
pub(super) async fn columns(Query(of): Query<Of>, asked: Asked) -> Response {
    let name = of.table.to_lowercase();
    if name.is_empty() || name.len() > 200 || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'))
    {
        return (StatusCode::BAD_REQUEST, Json(Vec::<Column>::new())).into_response();
    }
    let desk = asked.asking.desk();
    let session = desk.session();
    let Ok(statements) = session.prepare(&format!("SELECT * FROM \"{name}\" LIMIT 0")) else {
        return (StatusCode::NOT_FOUND, Json(Vec::<Column>::new())).into_response();
    };
    let Some(statement) = statements.first() else { return StatusCode::NOT_FOUND.into_response() };
    match desk.ask(&asked.asker, &session, statement).await {
        Ok(answer) => {
            let schema = answer.schema();
            let column = |field: &std::sync::Arc<arrow::datatypes::Field>| Column {
                name: field.name().clone(),
                kind: redshift_type(field.data_type()),
            };
            Json(schema.fields().iter().map(column).collect::<Vec<_>>()).into_response()
        }
        Err(_) => (StatusCode::NOT_FOUND, Json(Vec::<Column>::new())).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_told_by_its_names() {
        for name in
            ["cluster_encryption_state", "encryption_facts", "kms_key_latest", "collection_runs", "audit_results"]
        {
            assert!(is_record(name), "{name}");
        }
        for name in ["stl_query", "lookback_hourly", "svl_qlog"] {
            assert!(!is_record(name), "{name}");
        }
    }
}
