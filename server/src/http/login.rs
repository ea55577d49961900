//! Logging in and out of the page.
//!
//! A form is answered with a way on, JSON with a status: the one is for browsers without script, the other for those with it.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::auth::{Shown, check};
use super::body::{SMALL, Sent, json, read};
use super::problem::{Code, Problem};
use super::query::{Pairs, escape, only};
use super::{Api, guard, origin, tickets};
use crate::people::Door;

/// Bytes of a log-in.
const MOST: usize = 16 << 10;
const _: () = assert!(MOST < SMALL);

/// What somebody shows, and where to go afterwards.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Given {
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
    next: Option<String>,
}

impl Given {
    fn of_form(mut form: Pairs) -> Result<Self, Problem> {
        only(&form, &["user", "password", "token", "next"])?;
        let mut take = |name: &str| form.remove(name).filter(|value| !value.is_empty());
        Ok(Self { user: take("user"), password: take("password"), token: take("token"), next: take("next") })
    }

    fn shown(&mut self) -> Option<Shown> {
        match (self.user.take(), self.password.take(), self.token.take()) {
            // A form with one field for both has a token where no user is named.
            (None, None, Some(token)) | (None, Some(token), None) => Shown::token(token),
            (Some(user), Some(password), None) => Shown::password(user, password),
            _ => None,
        }
    }
}

/// `POST /login`
pub(super) async fn open(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let from = guard::address(&request);
    let (mut given, is_form) = match read(request, MOST).await? {
        Sent::Json(bytes) => (json::<Given>(&bytes)?, false),
        Sent::Form(form) => (Given::of_form(form)?, true),
        Sent::Text(_) | Sent::Nothing => {
            return Err(Problem::new(Code::UnsupportedMediaType, "a log-in is a form or JSON"));
        }
    };
    let people = api.desk().people();
    if people.is_empty() {
        return Err(Problem::new(Code::BadRequest, "this server has no users, so there is nothing to log in to"));
    }
    let shown = given.shown();
    let next = given.next.take();
    let next = next.as_deref().map_or("/", origin::own_path);
    let shown = shown.ok_or_else(|| {
        Problem::new(Code::BadRequest, "a log-in needs user and password, or a token, and neither too long")
    });
    let checked = match shown {
        Ok(shown) => check(people.clone(), shown, from, Door::Page, &api).await,
        Err(problem) => Err(problem),
    };
    match checked {
        Ok(asker) => {
            let id = api.tickets().open(asker, Instant::now());
            let id = id.map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
            Ok(way_on(is_form, next, Some(&tickets::cookie(Some(&id), api.tls()))))
        }
        Err(problem) if is_form => {
            let place = format!("/login?failed={}&next={}", problem.code().name(), escape(next));
            Ok(way_on(true, &place, None))
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /logout`
pub(super) async fn close(State(api): State<Api>, headers: HeaderMap) -> Response {
    if let Some(id) = tickets::sent(&headers, api.tls()) {
        api.tickets().close(id);
    }
    let is_person =
        headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"));
    way_on(is_person, "/login", Some(&tickets::cookie(None, api.tls())))
}

fn way_on(is_form: bool, next: &str, cookie: Option<&str>) -> Response {
    let mut response = if is_form { StatusCode::SEE_OTHER } else { StatusCode::NO_CONTENT }.into_response();
    let headers = response.headers_mut();
    let pairs = [(LOCATION, is_form.then_some(next)), (SET_COOKIE, cookie)];
    for (name, value) in pairs.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
