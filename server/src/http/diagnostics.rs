//! `/api/diagnostics`: named questions, what they take and answer, and their rows.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use lookback_query::diagnostics::{self, Diagnostic, Param};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Api;
use super::answer::{Wanted, send};
use super::body;
use super::encode::Head;
use super::guard::RequestId;
use super::problem::{Code, Problem};
use super::query;
use super::sql::Manner;
use crate::people::Asker;

type Name = Result<Path<String>, PathRejection>;

/// `GET /api/diagnostics`
pub(super) async fn list() -> Response {
    let all: Vec<Value> = diagnostics::list().iter().map(|one| Value::Object(described(one))).collect();
    axum::Json(json!({ "diagnostics": all })).into_response()
}

/// `GET /api/diagnostics/{name}`
pub(super) async fn describe(name: Name) -> Result<Response, Problem> {
    let diagnostic = named(name)?;
    let mut body = described(diagnostic);
    body.insert("sql".to_owned(), json!(diagnostic.sql));
    Ok(axum::Json(Value::Object(body)).into_response())
}

/// `GET /api/diagnostics/{name}/rows`
pub(super) async fn rows(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    Extension(id): Extension<RequestId>,
    name: Name,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let began = Instant::now();
    let mut given = query::read(&uri)?;
    let manner = Manner::take(&mut given)?;
    // A form that a person has filled in sends what was left empty.
    given.retain(|_, value| !value.is_empty());
    let wanted = manner.wanted(&headers, &id, began)?;
    answer(&api, &asker, named(name)?, &given, manner, wanted).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    parameters: Map<String, Value>,
    as_of: Option<String>,
    limit: Option<u64>,
    format: Option<String>,
}

/// `POST /api/diagnostics/{name}/rows`
pub(super) async fn rows_of_body(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    Extension(id): Extension<RequestId>,
    name: Name,
    request: Request,
) -> Result<Response, Problem> {
    let (began, headers) = (Instant::now(), request.headers().clone());
    query::only(&query::read(request.uri())?, &[])?;
    let body: Body = body::json_or_nothing(request).await?;
    let manner = Manner::new(body.as_of.as_deref(), body.limit, body.format.as_deref())?;
    let wanted = manner.wanted(&headers, &id, began)?;
    answer(&api, &asker, named(name)?, &texts(body.parameters)?, manner, wanted).await
}

async fn answer(
    api: &Api,
    asker: &Asker,
    diagnostic: &'static Diagnostic,
    given: &BTreeMap<String, String>,
    manner: Manner,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let session = api.desk().session().with_as_of(manner.as_of);
    let statement = diagnostics::bind(&session, diagnostic, given)?;
    let asked = api.desk().ask(asker, &session, &statement).await?;
    let head = Head { versions: asked.versions().to_vec(), notices: statement.notices().to_vec() };
    send(asked.into_stream(), head, wanted).await
}

fn named(name: Name) -> Result<&'static Diagnostic, Problem> {
    let Path(name) = name.map_err(|e| Problem::new(Code::BadRequest, e.body_text()))?;
    diagnostics::get(&name).map_err(|e| Problem::from(e).with_code(Code::Parameter, Code::NotFound))
}

/// Parameters of JSON as texts; null is none.
///
/// # Errors
/// [`Code::Parameter`] for what is neither a text nor a number.
pub(super) fn texts(given: Map<String, Value>) -> Result<BTreeMap<String, String>, Problem> {
    let mut texts = BTreeMap::new();
    for (name, value) in given {
        match value {
            Value::Null => None,
            Value::String(text) => texts.insert(name, text),
            Value::Number(number) => texts.insert(name, number.to_string()),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                let message = format!("parameter '{}' is neither a text nor a number", query::shown(&name));
                return Err(Problem::new(Code::Parameter, message));
            }
        };
    }
    Ok(texts)
}

/// What a check or a diagnostic takes.
pub(super) fn parameter(param: &Param) -> Value {
    json!({
        "name": param.name, "type": param.param_type.to_string(), "default": param.default, "required": param.required,
        "description": param.description,
    })
}

fn described(one: &Diagnostic) -> Map<String, Value> {
    let column = |column: &diagnostics::Column| json!({ "name": column.name, "unit": column.unit.to_string(), "meaning": column.meaning });
    let chart = one.chart.as_ref().map(|chart| {
        let kind = match chart.kind {
            diagnostics::ChartKind::Bars => "bars",
            diagnostics::ChartKind::Lines => "lines",
            diagnostics::ChartKind::Heat => "heat",
        };
        json!({ "kind": kind, "x": chart.x, "y": chart.y, "series": chart.series })
    });
    Map::from_iter(
        [
            ("name", json!(one.name)),
            ("title", json!(one.title)),
            ("group", json!(one.group.name())),
            ("severity", json!(one.severity.name())),
            ("question", json!(one.question)),
            ("parameters", one.params.iter().map(parameter).collect()),
            ("columns", one.columns.iter().map(column).collect()),
            ("chart", json!(chart)),
            ("advice", json!(one.advice)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}
