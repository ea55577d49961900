//! `/queries`: which queries a bar was made of, or whatever else one looks for among them.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::ask::Trouble;
use super::drawing::nothing_ran;
use super::format::{count, moment, seconds};
use super::html::{Html, Pair};
use super::panel::{Content, Def, Pages, fixed, together};
use super::request::Asked;
use super::shell::Page;
use super::sql::{Put, fill};
use super::table::{Cell, Table};
use super::view::encoded;

/// The page.
pub(super) const PAGE: Page = Page { place: "/queries", controls: true, lead: "" };
/// Its panels.
pub(super) static PANELS: [Def; 1] = [Def::new("found", "Queries", 12, found)];

/// Rows of a page.
const ROWS: i64 = 100;
/// Pages that can be turned to: what is behind them is better found by narrowing.
const MOST_PAGES: i64 = 1_000;

const ORDERS: [(&str, &str, &str); 3] = [
    ("slowest", "slowest first", "elapsed_us DESC NULLS LAST"),
    ("newest", "newest first", "endtime DESC"),
    ("oldest", "oldest first", "endtime"),
];
const ONLY: [(&str, &str, &str); 3] =
    [("", "all", "TRUE"), ("users", "of users", "userid > 1"), ("aborted", "failed or cancelled", "aborted <> 0")];

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    path: &'static str,
    keep: Vec<Pair>,
    text: String,
    user: String,
    only: Vec<Choice>,
    sort: Vec<Choice>,
}

struct Choice {
    name: &'static str,
    title: &'static str,
    on: bool,
}

/// `GET /queries`
pub(super) async fn get(asked: Asked) -> Response {
    let asked = Arc::new(asked);
    let (shell, parts) = tokio::join!(asked.shell(PAGE), together("queries", &PANELS, &asked));
    let mut keep: Vec<Pair> =
        asked.view.pairs().into_iter().map(|(name, value)| Pair { name: name.to_owned(), value }).collect();
    if let Some(fingerprint) = fingerprint(&asked) {
        keep.push(Pair { name: "fingerprint".to_owned(), value: fingerprint.to_owned() });
    }
    let choices = |all: [(&'static str, &'static str, &'static str); 3], chosen: &str| {
        Vec::from(all.map(|(name, title, _)| Choice { name, title, on: name == chosen }))
    };
    let search = Search {
        path: "/queries",
        keep,
        text: asked.own("q").to_owned(),
        user: asked.own("user").to_owned(),
        only: choices(ONLY, asked.own("only")),
        sort: choices(ORDERS, order(&asked).0),
    };
    let search = Content { custom: Some(Html::of(&search)), ..Content::default() };
    let search = fixed("search", "Find", 12, search, &asked);
    shell.around([vec![search], parts].concat()).answer(StatusCode::OK)
}

fn order(asked: &Asked) -> (&'static str, &'static str, &'static str) {
    ORDERS.into_iter().find(|(name, ..)| *name == asked.own("sort")).unwrap_or(ORDERS[0])
}

fn fingerprint(asked: &Asked) -> Option<&str> {
    Some(asked.own("fingerprint"))
        .filter(|text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What a row must be, in SQL.
fn wanted(asked: &Asked) -> String {
    let only = ONLY.into_iter().find(|(name, ..)| *name == asked.own("only")).unwrap_or(ONLY[0]);
    let mut all = vec![only.2.to_owned()];
    let text: String = asked.own("q").chars().take(200).collect();
    if !text.is_empty() {
        all.push(fill("POSITION(LOWER(:q) IN LOWER(querytxt)) > 0", &[("q", Put::Text(&text))]));
    }
    if let Ok(user) = asked.own("user").trim().parse::<i64>() {
        all.push(fill("userid = :user", &[("user", Put::Number(user))]));
    }
    if let Some(fingerprint) = fingerprint(asked) {
        all.push(fill("query_fingerprint(querytxt) = :f", &[("f", Put::Text(fingerprint))]));
    }
    all.join(" AND ")
}

fn found(asked: Arc<Asked>) -> BoxFuture<'static, Result<Content, Trouble>> {
    async move {
        let page = asked.own("page").parse::<i64>().unwrap_or(0).clamp(0, MOST_PAGES);
        let wanted = wanted(&asked);
        let values = [
            ("wanted", Put::Sql(&wanted)),
            ("order", Put::Sql(order(&asked).2)),
            // One more, to know whether there is another page.
            ("limit", Put::Number(ROWS + 1)),
            ("offset", Put::Number(page * ROWS)),
        ];
        let sql = asked.over(asked.window, include_str!("sql/queries.sql"), &values);
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() && page == 0 {
            let mut none = nothing_ran(&asked).await;
            if let Some(empty) = none.empty.as_mut() {
                "No query is like that".clone_into(&mut empty.what);
            }
            return Ok(none.asked(sql));
        }
        let columns = [
            ("Query", "strong"),
            ("Cluster", "tight"),
            ("Started (UTC)", "time"),
            ("Took", "amount"),
            ("In queues", "amount"),
            ("User", "amount"),
            ("Database", ""),
            ("Outcome", "tight"),
            ("Statement", "code"),
        ];
        let mut table = Table::new("Queries", &columns).stacked();
        let most = usize::try_from(ROWS).unwrap_or(0);
        for row in answer.rows.iter().take(most) {
            let (cluster, query) = (answer.text(row, "cluster_id"), answer.text(row, "query"));
            let time = |name: &str| match answer.number(row, name) {
                Some(micros) => Cell::amount(seconds(micros / 1e6), micros),
                None => Cell::amount("", -1.0),
            };
            let failed = answer.number(row, "aborted").is_some_and(|aborted| aborted != 0.0);
            table.push(vec![
                Cell::text(query).linked(asked.href(&format!("/query/{}/{}", encoded(cluster), encoded(query)), &[])),
                Cell::text(cluster),
                Cell::text(&moment(answer.time(row, "starttime"))),
                time("elapsed_us"),
                time("queue_us"),
                Cell::text(answer.text(row, "userid")),
                Cell::text(answer.text(row, "database")),
                if failed { Cell::text("failed").toned("bad") } else { Cell::text("done").toned("ok") },
                Cell::text(answer.text(row, "text")),
            ]);
        }
        let first = page * ROWS;
        let last = first + i64::try_from(table.rows.len()).unwrap_or(0);
        let to = |page: i64| asked.href("/queries", &with_own(&asked, &page.to_string()));
        let pages = Pages {
            text: format!("{} to {}", count((first + 1) as f64), count(last as f64)),
            back: if page > 0 { to(page - 1) } else { String::new() },
            more: if answer.rows.len() > most && page < MOST_PAGES { to(page + 1) } else { String::new() },
        };
        let hint = match fingerprint(&asked) {
            Some(fingerprint) => format!("Runs of the statement {fingerprint}, {}", order(&asked).1),
            None => order(&asked).1.to_owned(),
        };
        Ok(Content { table: Some(table), sql, pages: Some(pages), ..Content::default() }.hinted(hint))
    }
    .boxed()
}

/// The page's own parameters, of another page of rows.
fn with_own<'a>(asked: &'a Asked, page: &'a str) -> Vec<(&'a str, &'a str)> {
    let names = ["q", "user", "only", "sort", "fingerprint"];
    names.into_iter().map(|name| (name, asked.own(name))).chain([("page", page)]).collect()
}
