//! `/api/tables`: what can be asked, and with which columns.

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use lookback_query::Session;
use lookback_query::session::{Column, Relation};
use serde_json::{Value, json};

use super::Api;
use super::problem::{Code, Problem};
use super::query;
use crate::people::{Asker, Role};

/// Longest name that is looked up.
const MOST_NAME: usize = 200;

/// `GET /api/tables`
pub(super) async fn list(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    uri: Uri,
) -> Result<Response, Problem> {
    query::only(&query::read(&uri)?, &[])?;
    let session = api.desk().session();
    let all = session.relations().await?;
    let may = |relation: &&Relation| needed(&session, &relation.name) <= asker.role;
    let one = |relation: &Relation| {
        let contents = relation.contents.as_ref();
        json!({
            "name": relation.name, "view": relation.view, "rows": contents.and_then(|contents| contents.rows),
            "files": contents.map(|contents| contents.files), "bytes": contents.map(|contents| contents.bytes),
        })
    };
    let tables: Vec<Value> = all.iter().filter(may).map(one).collect();
    Ok(axum::Json(json!({ "tables": tables })).into_response())
}

/// `GET /api/tables/{name}`
pub(super) async fn describe(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Path(name) = name.map_err(|e| Problem::new(Code::BadRequest, e.body_text()))?;
    query::only(&query::read(&uri)?, &[])?;
    let no_such = || Problem::new(Code::NotFound, format!("there is no table '{}'", query::shown(&name)));
    if name.is_empty() || name.len() > MOST_NAME || name.chars().any(char::is_control) {
        return Err(no_such().hint("GET /api/tables lists them"));
    }
    let session = api.desk().session();
    let needed = needed(&session, &name);
    if asker.role < needed {
        return Err(Problem::forbidden(asker.role, needed));
    }
    let columns = session.columns(&name).await.map_err(|e| Problem::from(e).with_code(Code::Sql, Code::NotFound))?;
    let column = |column: &Column| json!({ "name": column.name, "type": column.data_type });
    let columns: Vec<Value> = columns.iter().map(column).collect();
    Ok(axum::Json(json!({ "name": name.to_lowercase(), "columns": columns })).into_response())
}

/// Who may ask a table: what may be said of it is decided where statements are.
fn needed(session: &Session, table: &str) -> Role {
    let quoted = table
        .split('.')
        .map(|part| format!("\"{}\"", part.to_lowercase().replace('"', "\"\"")))
        .collect::<Vec<_>>()
        .join(".");
    let statement = session.prepare(&format!("SELECT 1 FROM {quoted}"));
    let reads_record = statement.is_ok_and(|all| all.iter().any(lookback_query::Statement::reads_record));
    if reads_record { Role::Auditor } else { Role::Viewer }
}
