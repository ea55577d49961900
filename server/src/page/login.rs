//! `/login`: where somebody says who it is. The form is answered by the HTTP door, which keeps the sessions.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::ask::Asking;
use super::html::Html;
use super::shell::Shell;

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    shell: Shell,
    problem: &'static str,
    next: String,
}

#[derive(Deserialize, Default)]
struct Given {
    #[serde(default)]
    failed: String,
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub(super) async fn get(State(asking): State<Asking>, uri: Uri) -> Response {
    // Without users, there is nobody to be.
    if asking.desk().people().is_empty() {
        return Redirect::to("/").into_response();
    }
    let given = Query::<Given>::try_from_uri(&uri).map(|Query(given)| given).unwrap_or_default();
    let problem = match given.failed.as_str() {
        "" => "",
        "too_many_logins" => "Too many log-ins failed. Wait a minute, and try again.",
        "unauthenticated" => "Wrong user, password or token.",
        _ => "That did not work. Give a user with its password, or a token alone.",
    };
    // Where it leads afterwards is checked by whoever sends the browser there.
    let next: String = given.next.chars().take(8_000).collect();
    Html::of(&Login { shell: Shell::bare("Log in"), problem, next }).answer(StatusCode::OK)
}
