//! Pages that say that there is no page, and what to do.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use super::ask::Trouble;
use super::format::visible_lines;
use super::html::Html;
use super::request::Asked;
use super::shell::{Page, Shell};

#[derive(Template)]
#[template(path = "failure.html")]
struct Failure {
    shell: Shell,
    what: String,
    advice: String,
    detail: String,
}

/// What is asked for cannot be shown.
pub(super) async fn page(asked: &Asked, status: StatusCode, trouble: Trouble) -> Response {
    let shell = asked.shell(Page::default()).await.about("This page cannot be shown", "", String::new());
    let what = visible_lines(&trouble.what);
    Html::of(&Failure { shell, what, advice: trouble.advice, detail: String::new() }).answer(status)
}

/// The asker's role does not reach.
pub(super) async fn forbidden(asked: &Asked) -> Response {
    let trouble = Trouble::new(
        "The record of encryption needs the role auditor.",
        "Ask whoever keeps [serve.users] of the configuration for it.",
    );
    page(asked, StatusCode::FORBIDDEN, trouble).await
}

/// An address that cannot even be read.
pub(super) fn bare(what: &str) -> Response {
    let failure = Failure {
        shell: Shell::bare("This page cannot be shown"),
        what: what.to_owned(),
        advice: "Begin again at the overview.".to_owned(),
        detail: String::new(),
    };
    Html::of(&failure).answer(StatusCode::BAD_REQUEST)
}

/// Nobody is known to ask.
pub(super) fn nobody() -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, super::shell::login("/"))]).into_response()
}
