//! A lake without logs: what to run, rather than a page of zeros.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::ask::Asking;
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

/// Whether nothing was ever exported into the lake. One that cannot be read is not empty: its panels say what is wrong.
pub(super) async fn is_empty(asking: &Asking) -> bool {
    asking.desk().session().lake().tables().await.is_ok_and(|tables| tables.is_empty())
}

/// The page.
pub(super) async fn page(asked: &Asked, page: Page) -> Response {
    let shell = asked.shell(Page { controls: false, ..page }).await;
    let lake = visible(asked.asking.desk().session().lake().name());
    Html::of(&Empty { shell, lake, again: asked.here(&[]) }).answer(StatusCode::OK)
}
