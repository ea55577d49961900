//! `/query/{cluster}/{id}`: everything that the logs say about one query.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_query::diagnostics;

use super::ask::{Answered, Trouble};
use super::chart::{Chart, Kind, Span};
use super::failure;
use super::format::{cut, moment, seconds, visible, visible_lines};
use super::html::{Fact, Facts, Html, Text};
use super::panel::{Content, Def, together};
use super::request::Asked;
use super::shell::Page;
use super::sql::{Put, fill};
use super::table::{Cell, Table};
use super::view::{When, valid_cluster};

/// The page.
pub(super) const PAGE: Page = Page { place: "/queries", controls: false, lead: "" };

/// Its panels.
pub(super) static PANELS: [Def; 6] = [
    Def::new("facts", "At a glance", 12, facts),
    Def::new("timeline", "What took the time", 7, timeline),
    Def::new("text", "Statement", 5, text),
    Def::new("plan", "Plan", 7, plan),
    Def::new("alerts", "Alerts", 5, alerts),
    Def::new("steps", "Steps", 12, steps),
];

/// `GET /query/{cluster}/{id}`
pub(super) async fn get(Path((cluster, query)): Path<(String, String)>, mut asked: Asked) -> Response {
    let number = query.parse::<i64>().ok();
    let (Some(number), true) = (number, valid_cluster(&cluster)) else {
        let trouble = Trouble::new(
            "There is no such query.",
            "A query is named by its cluster and its number: /query/etl/12345.",
        );
        return failure::page(&asked, StatusCode::NOT_FOUND, trouble).await;
    };
    asked.own.insert("of".to_owned(), cluster.clone());
    asked.own.insert("query".to_owned(), number.to_string());
    let asked = Arc::new(asked);
    let (shell, parts) = tokio::join!(asked.shell(PAGE), together("query", &PANELS, &asked));
    let shell = shell.about(format!("Query {number} on {cluster}"), "Queries", asked.href("/queries", &[]));
    shell.around(parts).answer(StatusCode::OK)
}

type Drawn = BoxFuture<'static, Result<Content, Trouble>>;

fn bound(asked: &Asked, template: &str) -> String {
    let query = asked.own("query").parse().unwrap_or(-1);
    fill(template, &[("cluster", Put::Text(asked.own("of"))), ("query", Put::Number(query))])
}

/// A diagnostic about this query.
async fn diagnosed(asked: &Asked, name: &str) -> Result<(String, Arc<Answered>), Trouble> {
    let diagnostic = diagnostics::get(name)?;
    let given = BTreeMap::from([
        ("query".to_owned(), asked.own("query").to_owned()),
        ("cluster".to_owned(), asked.own("of").to_owned()),
    ]);
    let answer = asked.asking.diagnose(&asked.asker, asked.view.as_of, diagnostic, &given).await?;
    Ok((bound(asked, diagnostic.sql), answer))
}

fn facts(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = bound(&asked, include_str!("sql/query.sql"));
        let answer = asked.rows(&sql).await?;
        let Some(row) = answer.rows.first() else {
            let advice = "stl_query has no such query of that cluster: it may be of an earlier incarnation (name@2), or of a time that is not in the lake.";
            return Ok(Content::nothing("The lake does not know this query", advice).asked(sql));
        };
        let text = |name: &str| visible(answer.text(row, name));
        let (start, end) = (answer.time(row, "starttime"), answer.time(row, "endtime"));
        let micros = |name: &str| answer.number(row, name).map(|micros| seconds(micros / 1e6));
        let failed = answer.number(row, "aborted").is_some_and(|aborted| aborted != 0.0);
        let (cluster, fingerprint) = (answer.text(row, "cluster_id"), answer.text(row, "fingerprint"));
        // Its other runs, in the week around it.
        let week = 7 * lookback_schemas::time::DAY;
        let around = |time: Option<i64>, by: i64| time.map(|time| When::At(time + by).to_string()).unwrap_or_default();
        let (from, to) = (around(start, -week), around(end, week));
        let runs = asked.href("/queries", &[("cluster", cluster), ("fingerprint", fingerprint), ("from", &from), ("to", &to)]);
        let nearby = asked.href("/queries", &[("cluster", cluster), ("from", &around(start, -300_000_000)), ("to", &around(end, 300_000_000)), ("sort", "oldest")]);
        let mut facts = vec![
            Fact { tone: if failed { "bad" } else { "ok" }, ..Fact::new("Outcome", if failed { "failed or cancelled" } else { "done" }) },
            Fact::new("Took", start.zip(end).map(|(start, end)| seconds((end - start) as f64 / 1e6)).unwrap_or_default()),
            Fact { tone: if answer.number(row, "queue_us").unwrap_or(0.0) > 0.0 { "warn" } else { "" }, ..Fact::new("In queues", micros("queue_us").unwrap_or_else(|| "none".to_owned())) },
            Fact::new("Ran", micros("exec_us").unwrap_or_default()),
            Fact::new("Started (UTC)", moment(start)),
            Fact::new("Ended (UTC)", moment(end)),
            Fact { href: nearby, ..Fact::new("Cluster", text("cluster_id")) },
            Fact::new("Database", text("database")),
            Fact::new("User id", text("userid")),
            Fact::new("Queue", text("service_class")),
            Fact::new("Process, transaction", format!("{}, {}", text("pid"), text("xid"))),
            Fact::new("Label", text("label")),
            Fact { href: runs, ..Fact::new("Other runs", fingerprint) },
        ];
        facts.retain(|fact| !fact.text.is_empty() && fact.text != "default");
        Ok(Content { custom: Some(Html::of(&Facts { facts })), sql, ..Content::default() })
    }
    .boxed()
}

fn text(asked: Arc<Asked>) -> Drawn {
    async move {
        let (sql, answer) = diagnosed(&asked, "query_text").await?;
        let Some(first) = answer.rows.first() else {
            return Ok(Content::nothing("No text", "Neither stl_querytext nor stl_query has the text of this query.")
                .asked(sql));
        };
        let source = visible(answer.text(first, "source"));
        let lines: Vec<&str> = answer.rows.iter().map(|row| answer.text(row, "text")).collect();
        let text = visible_lines(&lines.join("\n"));
        let note = match source.as_str() {
            "stl_query" => "From stl_query, which keeps the first 4,000 characters.".to_owned(),
            "stl_querytext" => String::new(),
            other => format!("From {other}: some fragments are missing."),
        };
        let console = asked.href("/console", &[("sql", &text)]);
        let console = if console.len() < 8_000 { console } else { String::new() };
        let block = Html::of(&Text { id: "statement", label: "The statement", text, note, console });
        Ok(Content { custom: Some(block), sql, ..Content::default() })
    }
    .boxed()
}

/// What a step is called in a drawing: its place in the plan's execution and its kind.
fn step_name(answer: &Answered, row: &[diagnostics::Cell]) -> String {
    let (what, seg, step) = (answer.text(row, "what"), answer.text(row, "seg"), answer.text(row, "step"));
    let place = match (seg, step) {
        ("", _) => String::new(),
        (seg, step) => format!("{seg}.{step} "),
    };
    cut(&visible(&format!("{place}{what} {}", if what == "scan" { answer.text(row, "detail") } else { "" })), 60)
        .trim_end()
        .to_owned()
}

fn timeline(asked: Arc<Asked>) -> Drawn {
    async move {
        let (sql, answer) = diagnosed(&asked, "query_timeline").await?;
        let mut chart = Chart::new(Kind::Spans, "seconds", "What the query did, from its arrival on");
        let mut end: f64 = 0.0;
        for row in answer.rows.iter().take(80) {
            let number = |name: &str| answer.number(row, name);
            let (Some(from), what) = (number("after_s"), answer.text(row, "what")) else { continue };
            let to = from + number("took_s").unwrap_or(0.0).max(0.0);
            end = end.max(to);
            let detail = |name: &str, value: &str| (!value.is_empty()).then(|| visible(&format!("{name}: {value}")));
            let (tone, color) = match what {
                "query" => ("none", 8),
                "wait" | "alert" => ("warn", 2),
                "execution" => ("info", 0),
                "scan" => ("", 1),
                "hash" | "hashjoin" | "mergejoin" | "nestloop" => ("", 3),
                "dist" | "bcast" | "return" => ("", 5),
                "sort" | "aggr" | "unique" | "window" => ("", 4),
                _ => ("", 9),
            };
            let tone = if answer.text(row, "detail").contains("(disk)") { "bad" } else { tone };
            let details = [
                detail("rows", answer.text(row, "rows")),
                detail("MB", answer.text(row, "mb")),
                detail("slices", answer.text(row, "slices")),
                detail("detail", answer.text(row, "detail")),
            ];
            let name = step_name(&answer, row);
            let span = Span {
                row: chart.rows.len(),
                from,
                to,
                name: name.clone(),
                tone,
                color,
                open: false,
                details: details.into_iter().flatten().collect(),
            };
            chart.rows.push(name);
            chart.spans.push(span);
        }
        if chart.spans.is_empty() {
            return Ok(Content::nothing(
                "No steps",
                "The tables of steps (stl_scan, stl_hash, stl_sort and so on) have none of this query.",
            )
            .asked(sql));
        }
        (chart.from, chart.to) = (Some(0.0), Some(end.max(0.001)));
        let (table, _) = Table::of("Steps in time", &answer);
        Ok(Content { chart: Some(chart), table: Some(table), sql, ..Content::default() }
            .hinted("Waiting, steps by segment and step, and alerts; red did not fit in memory"))
    }
    .boxed()
}

fn plan(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = bound(&asked, include_str!("sql/plan.sql"));
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            return Ok(
                Content::nothing("No plan", "stl_explain has no plan of this query, or is not exported.").asked(sql)
            );
        }
        let lines = answer.rows.iter().map(|row| {
            let (node, info) = (answer.text(row, "plannode").trim_end(), answer.text(row, "info").trim());
            let indent = node.len() - node.trim_start().len();
            if info.is_empty() { node.to_owned() } else { format!("{node}\n{}{info}", " ".repeat(indent + 4)) }
        });
        let text = visible_lines(&lines.collect::<Vec<_>>().join("\n"));
        let block =
            Html::of(&Text { id: "plan-text", label: "The plan", text, note: String::new(), console: String::new() });
        Ok(Content { custom: Some(block), sql, ..Content::default() })
    }
    .boxed()
}

fn alerts(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = bound(&asked, include_str!("sql/query_alerts.sql"));
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            return Ok(Content::nothing("No alerts", "The planner had nothing to complain about.").asked(sql));
        }
        let mut table = Table::new("Alerts of this query", &[("Alert", ""), ("What to do", ""), ("Times", "amount")]);
        for row in &answer.rows {
            let place = format!("segment {}, step {}", answer.text(row, "segment"), answer.text(row, "step"));
            table.push(vec![
                Cell::text(answer.text(row, "event")).below(visible(&place)),
                Cell::text(answer.text(row, "solution")),
                Cell::text(answer.text(row, "times")),
            ]);
        }
        Ok(Content { table: Some(table), sql, ..Content::default() })
    }
    .boxed()
}

fn steps(asked: Arc<Asked>) -> Drawn {
    async move {
        let (sql, answer) = diagnosed(&asked, "query_timeline").await?;
        let diagnostic = diagnostics::get("query_timeline")?;
        let (mut table, _) = Table::of_diagnostic(diagnostic, &answer, |_, _| String::new());
        table.limit = table.rows.len() > 14;
        if table.rows.is_empty() {
            return Ok(Content::nothing("No steps", "The tables of steps have none of this query.").asked(sql));
        }
        Ok(Content { table: Some(table), sql, ..Content::default() })
    }
    .boxed()
}
