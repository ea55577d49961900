//! A lake without logs: what to run, rather than a page of zeros.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::format::visible;
use super::html::Html;
use super::request::Asked;
use super::shell::{Page, Shell};

#[derive(Template)]
#[template(path = "empty.html")]
struct Empty {
    shell: Shell,
    lake: String,
    again: String,
}

/// The page.
pub(super) async fn page(asked: &Asked, page: Page) -> Response {
    let shell = asked.shell(Page { controls: false, ..page }).await;
    let lake = visible(asked.asking.desk().session().lake().name());
    Html::of(&Empty { shell, lake, again: asked.here(&[]) }).answer(StatusCode::OK)
}
