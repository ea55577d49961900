//! `/api/audit`: the checks of the encryption record, and their verdicts.

use axum::extract::{Extension, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lookback_query::audit::{self, Check, Exceptions, Period, format};
use lookback_schemas::time::DAY;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Api;
use super::accept::best;
use super::body;
use super::diagnostics::{parameter, texts};
use super::problem::{Code, Problem};
use super::query;
use crate::people::Asker;

/// The window, if none is given: as long as CloudTrail remembers.
const WINDOW: i64 = 90 * DAY;
/// Checks that can be named.
const MOST: usize = 100;

/// Forms, by name, and what they are sent as.
const FORMS: [(&str, format::Form, &str); 5] = [
    ("json", format::Form::Json, "application/json"),
    ("csv", format::Form::Csv, "text/csv"),
    ("junit", format::Form::Junit, "application/xml"),
    ("ocsf", format::Form::Ocsf, "application/json"),
    ("asff", format::Form::Asff, "application/x-ndjson"),
];

/// `GET /api/audit`
pub(super) async fn list() -> Response {
    let all: Vec<Value> = audit::list().iter().map(described).collect();
    axum::Json(json!({ "checks": all })).into_response()
}

fn described(check: &Check) -> Value {
    let period = match check.period {
        Period::Now => "now",
        Period::Window => "window",
    };
    json!({
        "id": check.id, "version": check.version, "title": check.title, "severity": check.severity.name(),
        "question": check.question, "period": period, "parameters": check.params.iter().map(parameter).collect::<Vec<_>>(),
        "advice": check.advice,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    controls: Vec<String>,
    as_of: Option<String>,
    from: Option<String>,
    to: Option<String>,
    parameters: Map<String, Value>,
    exceptions: Option<String>,
    format: Option<String>,
}

/// `POST /api/audit`
pub(super) async fn run(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    query::only(&query::read(request.uri())?, &[])?;
    let body: Body = body::json_or_nothing(request).await?;
    let (form, media_type) = match &body.format {
        Some(name) => {
            FORMS.iter().find(|(own, ..)| own == name).map(|(_, form, kind)| (*form, *kind)).ok_or_else(|| {
                Problem::new(Code::Parameter, format!("'{}' is not a format", query::shown(name)))
                    .hint("there are json, csv, junit, ocsf, asff")
            })?
        }
        None => {
            let by_type = [FORMS[0], FORMS[1], FORMS[2]].map(|(_, form, kind)| ((form, kind), kind));
            best(&headers, &by_type).ok_or_else(|| {
                Problem::new(Code::NotAcceptable, "an audit comes in none of the forms that the header Accept names")
                    .hint("there are application/json, text/csv and application/xml, and more by the field format")
            })?
        }
    };
    let request = asked(body)?;
    let audit = api.desk().audit(&asker, request).await?;
    // Evidence can be long, and its text takes its time.
    let text = tokio::task::spawn_blocking(move || format::write(&audit, form)).await;
    let text = text.map_err(|_| Problem::new(Code::Internal, "the server failed at writing the audit"))?;
    Ok(([(CONTENT_TYPE, media_type)], text).into_response())
}

fn asked(body: Body) -> Result<audit::Request, Problem> {
    if body.controls.len() > MOST {
        return Err(Problem::new(Code::Parameter, format!("more than {MOST} controls are named")));
    }
    let mut checks = body.controls.iter().map(|id| audit::get(id)).collect::<Result<Vec<_>, _>>()?;
    if checks.is_empty() {
        checks = audit::list().iter().collect();
    }
    checks.sort_by_key(|check| check.id);
    checks.dedup_by_key(|check| check.id);
    let time = |name: &str, text: &Option<String>| text.as_deref().map(|text| query::moment(name, text)).transpose();
    let as_of = time("as_of", &body.as_of)?.unwrap_or_else(|| chrono::Utc::now().timestamp_micros());
    let to = time("to", &body.to)?.unwrap_or(as_of);
    let from = time("from", &body.from)?.unwrap_or(to.saturating_sub(WINDOW));
    let exceptions = body.exceptions.as_deref().map(Exceptions::parse).transpose()?.unwrap_or_default();
    Ok(audit::Request { as_of, from, to, checks, params: texts(body.parameters)?, exceptions })
}
