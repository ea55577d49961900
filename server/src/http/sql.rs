//! `POST /api/sql`: statements, answered in the form that the client wants.
//!
//! Several statements, as a script has them, share views and temporary tables, and the answer is that of the last one. Every request
//! begins anew: what a statement leaves is gone with the answer.

use std::time::Instant;

use axum::extract::{Extension, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures::TryStreamExt;
use lookback_query::{QueryError, Session, Statement};
use serde::Deserialize;

use super::Api;
use super::accept::{FORMS, Form, best};
use super::answer::{Wanted, send};
use super::body::{self, Sent};
use super::encode::Head;
use super::guard::RequestId;
use super::problem::{Code, Problem};
use super::query::{self, Pairs};
use crate::people::Asker;

/// Statements that a request may have.
const MOST: usize = 32;
/// Bytes of a long text.
const LONG: usize = 1 << 20;
/// What may stand in the address.
const KNOWN: [&str; 3] = ["as_of", "limit", "format"];

/// What is asked besides the statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) as_of: Option<i64>,
    pub(super) limit: Option<u64>,
    pub(super) form: Option<(Form, &'static str)>,
}

impl Manner {
    /// Takes its parameters out of others; one without a value counts as none.
    ///
    /// # Errors
    /// [`Code::Parameter`] for a value that does not fit.
    pub(super) fn take(pairs: &mut Pairs) -> Result<Self, Problem> {
        let mut take = |name: &str| pairs.remove(name).filter(|value| !value.is_empty());
        let (as_of, limit, format) = (take("as_of"), take("limit"), take("format"));
        Self::new(as_of.as_deref(), limit.map(|limit| query::number("limit", &limit)).transpose()?, format.as_deref())
    }

    /// Of values.
    ///
    /// # Errors
    /// As [`Manner::take`].
    pub(super) fn new(as_of: Option<&str>, limit: Option<u64>, format: Option<&str>) -> Result<Self, Problem> {
        let named = |name: &str| {
            Form::named(name).ok_or_else(|| {
                let names = "json, ndjson, csv, arrow, parquet";
                Problem::new(Code::Parameter, format!("'{}' is not a format", query::shown(name)))
                    .hint(format!("there are {names}"))
            })
        };
        Ok(Self {
            as_of: as_of.map(|text| query::moment("as_of", text)).transpose()?,
            limit,
            form: format.map(named).transpose()?,
        })
    }

    /// The same, with what another one says where this one says nothing.
    fn or(self, other: Self) -> Self {
        Self { as_of: self.as_of.or(other.as_of), limit: self.limit.or(other.limit), form: self.form.or(other.form) }
    }

    /// In which form, of those that the client accepts.
    ///
    /// # Errors
    /// [`Code::NotAcceptable`].
    pub(super) fn wanted(&self, headers: &HeaderMap, id: &RequestId, began: Instant) -> Result<Wanted, Problem> {
        let (form, media_type) = self.form.or_else(|| best(headers, &FORMS)).ok_or_else(|| {
            Problem::new(Code::NotAcceptable, "rows come in none of the forms that the header Accept names")
                .hint("there are application/json, application/x-ndjson, text/csv, application/vnd.apache.arrow.stream and application/vnd.apache.parquet")
        })?;
        Ok(Wanted { form, media_type, limit: self.limit, request_id: id.0.clone(), began })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    sql: String,
    as_of: Option<String>,
    limit: Option<u64>,
    format: Option<String>,
}

/// `POST /api/sql`
pub(super) async fn ask(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, Problem> {
    let (began, headers) = (Instant::now(), request.headers().clone());
    let mut pairs = query::read(request.uri())?;
    query::only(&pairs, &KNOWN)?;
    let in_address = Manner::take(&mut pairs)?;
    let (sql, manner) = understood(body::read(request, body::SQL).await?)?;
    let manner = manner.or(in_address);
    let wanted = manner.wanted(&headers, &id, began)?;
    let session = api.desk().session().with_as_of(manner.as_of);
    let statements = understand(&api, session.clone(), sql).await?;
    let Some((last, before)) = statements.split_last() else {
        return Err(Problem::new(Code::Sql, "there is no statement"));
    };
    if before.len() >= MOST {
        return Err(Problem::new(Code::Sql, format!("there are more than {MOST} statements"))
            .hint("send them in several requests"));
    }
    for statement in &statements {
        // Values for parameters are the PostgreSQL door's.
        statement.bind(&[])?;
    }
    for statement in before {
        let mut rows = api.desk().ask(&asker, &session, statement).await?.into_stream();
        while rows.try_next().await.map_err(QueryError::from)?.is_some() {}
    }
    let notices = statements.iter().flat_map(|statement| statement.notices().iter().cloned()).collect();
    let asked = api.desk().ask(&asker, &session, last).await?;
    let head = Head { versions: asked.versions().to_vec(), notices };
    send(asked.into_stream(), head, wanted).await
}

/// The statements of a text. A long one takes its time, and many times its own memory, so that one of them is read after the other.
async fn understand(api: &Api, session: Session, sql: String) -> Result<Vec<Statement>, Problem> {
    let _turn = if sql.len() > LONG { Some(api.turn().await?) } else { None };
    let read = tokio::task::spawn_blocking(move || session.prepare(&sql)).await;
    Ok(read.map_err(|_| Problem::new(Code::Internal, "the server failed at reading the statement"))??)
}

fn understood(sent: Sent) -> Result<(String, Manner), Problem> {
    match sent {
        Sent::Json(bytes) => {
            let body: Body = body::json(&bytes)?;
            Ok((body.sql, Manner::new(body.as_of.as_deref(), body.limit, body.format.as_deref())?))
        }
        Sent::Form(mut form) => {
            let manner = Manner::take(&mut form)?;
            let sql = form.remove("sql").ok_or_else(|| {
                Problem::new(Code::BadRequest, "the form has no field 'sql'")
                    .hint("send Content-Type: text/plain for a statement as it is")
            })?;
            query::only(&form, &[])?;
            Ok((sql, manner))
        }
        Sent::Text(sql) => Ok((sql, Manner::default())),
        Sent::Nothing => Err(Problem::new(Code::UnsupportedMediaType, "there is no statement")
            .hint("send it as JSON, {\"sql\": \"SELECT ...\"}, or as text/plain")),
    }
}
