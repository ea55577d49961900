//! The page: what most people will ever see of lookback. Rendered here, by templates that escape; scripts draw charts and keep
//! it fresh, and nothing is loaded from anywhere else.
//!
//! - What is looked at (time range, clusters, as of) is in the URL, and every link keeps it (`view`).
//! - A page is made of panels (`panel`). Each asks for itself, at the desk and in the name of whoever looks (`ask`), shows its
//!   own error, and can be fetched alone: so a slow one comes later, and a refresh is a fetch.
//! - What several people look at is asked once and kept until a table has a new version (`cache`, `looks`); what everybody looks at
//!   first is asked before anybody does (`first`).
//! - A chart and the table below it are the same rows (`chart`, `table`), of a statement that the console opens (`sql`).
//!
//! | path | file |
//! |---|---|
//! | `/` | `overview`, `fleet` |
//! | `/performance`, `/queries`, `/query/{cluster}/{id}` | `performance`, `queries`, `query` |
//! | `/encryption`, `/encryption/{cluster}` | `encryption`, `story`; for auditors |
//! | `/coverage` | `coverage`, `map` |
//! | `/diagnostics`, `/diagnostics/{name}` | `diagnostics` |
//! | `/console`, `/console/columns` | `console` |
//! | `/panel/{page}/{id}` | any panel alone |
//! | `/login` | `login` |
//! | `/assets/…` | `assets` |

mod ask;
mod assets;
mod cache;
mod chart;
mod checks;
mod clusters;
mod console;
mod coverage;
mod diagnostics;
mod drawing;
mod empty;
mod encryption;
mod failure;
mod first;
mod fleet;
mod format;
mod html;
mod ledger;
mod login;
mod looks;
mod map;
mod overview;
mod panel;
mod performance;
mod queries;
mod query;
mod request;
mod shell;
mod sql;
mod story;
mod table;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::desk::Desk;
use ask::{Asking, Trouble};
pub(crate) use first::FirstView;
use panel::Def;
use request::Asked;

/// The routes of the page. Each needs its [`Asker`](crate::Asker) as an extension of the request, but for the log-in and what a
/// browser loads for it. And what asks before anybody comes.
pub(crate) fn router(desk: Desk) -> (Router, FirstView) {
    let asking = Asking::new(desk);
    let first = FirstView::new(asking.clone());
    let router = Router::new()
        .route("/", get(overview::get))
        .route("/performance", get(performance::get))
        .route("/queries", get(queries::get))
        .route("/query/{cluster}/{id}", get(query::get))
        .route("/encryption", get(encryption::get))
        .route("/encryption/{cluster}", get(story::get))
        .route("/coverage", get(coverage::get))
        .route("/diagnostics", get(diagnostics::list))
        .route("/diagnostics/{name}", get(diagnostics::get))
        .route("/console", get(console::get))
        .route("/console/columns", get(console::columns))
        .route("/panel/{page}/{id}", get(one_panel))
        .route("/login", get(login::get))
        .route("/assets/{version}/{name}", get(assets::get))
        .route("/favicon.ico", get(assets::icon))
        .with_state(asking);
    (router, first)
}

/// The panels of a page, and how far back it looks by itself.
fn panels(page: &str) -> Option<(&'static [Def], Option<i64>)> {
    Some(match page {
        "overview" => (&overview::PANELS[..], None),
        "performance" => (&performance::PANELS[..], None),
        "queries" => (&queries::PANELS[..], None),
        "query" => (&query::PANELS[..], None),
        "encryption" => (&encryption::PANELS[..], Some(encryption::AUDIT_WINDOW)),
        "coverage" => (&coverage::PANELS[..], Some(coverage::LENGTH)),
        "diagnostics" => (&diagnostics::PANELS[..], None),
        _ => return None,
    })
}

/// `GET /panel/{page}/{id}`
async fn one_panel(Path((page, id)): Path<(String, String)>, mut asked: Asked) -> Response {
    let Some((defs, length)) = panels(&page) else { return no_panel(&asked).await };
    // Links of the panel are those of its page.
    let is_path = |path: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | ':' | '@' | '%');
        path.starts_with('/') && !path.starts_with("//") && path.chars().all(plain)
    };
    if let Some(path) = asked.own.remove("at").filter(is_path) {
        asked.path = path;
    }
    if let Some(length) = length {
        asked = asked.reaching(length);
    }
    let asked = Arc::new(asked);
    match panel::alone(&page, defs, &id, Arc::clone(&asked)).await {
        Some(panel) => panel.answer(StatusCode::OK),
        None => no_panel(&asked).await,
    }
}

async fn no_panel(asked: &Asked) -> Response {
    let trouble = Trouble::new("There is no such panel.", "Reload the page.");
    failure::page(asked, StatusCode::NOT_FOUND, trouble).await
}

#[cfg(test)]
mod tests;
