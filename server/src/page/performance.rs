//! `/performance`: what ran, what waited, what spilled, what the planner complained about, and what got slower.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_schemas::time::{DAY, day_of, day_start};

use super::ask::{Answered, Trouble};
use super::chart::{Chart, Kind};
use super::drawing::{drawn, load, nothing_ran, points, queries, times, to_queries};
use super::format::{count, cut, decimals, seconds, visible};
use super::panel::{Content, Def, together};
use super::request::Asked;
use super::shell::Page;
use super::sql::Put;
use super::table::{Cell, Table};

/// The page.
pub(super) const PAGE: Page = Page { place: "/performance", controls: true, lead: "" };

/// Its panels.
pub(super) static PANELS: [Def; 9] = [
    Def::new("hours", "Queries", 6, queries),
    Def::new("times", "How long queries took", 6, times),
    Def::new("load", "Waiting and running", 6, load),
    Def::new("queues", "Waiting by queue", 6, queues),
    Def::new("spills", "Spilled to disk", 6, spills),
    Def::new("alerts", "Alerts of the planner", 6, alerts),
    Def::new("slowest", "Where the time goes", 12, slowest),
    Def::new("regressed", "What got slower", 7, regressed),
    Def::new("tables", "Alerts by table", 5, tables),
];

/// `GET /performance`
pub(super) async fn get(asked: Asked) -> Response {
    let asked = Arc::new(asked);
    let (shell, parts) = tokio::join!(asked.shell(PAGE), together("performance", &PANELS, &asked));
    shell.around(parts).answer(StatusCode::OK)
}

type Drawn = BoxFuture<'static, Result<Content, Trouble>>;

fn queues(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = asked.over_steps(include_str!("sql/queues.sql"), "hour", &[]);
        let answer = asked.rows(&sql).await?;
        let queue =
            |row: &[_]| visible(&format!("{} · {}", answer.text(row, "cluster_id"), answer.text(row, "service_class")));
        let waits = points(&answer, queue, "queue_us", 1e-6);
        let mut chart =
            Chart::heat_over_time("seconds", "Waiting by queue of workload management", asked.steps(), waits);
        chart.keys = chart.rows.iter().map(|row| row.split(" · ").next().unwrap_or_default().to_owned()).collect();
        chart.drill = to_queries(&asked, "cluster");
        if !answer.rows.is_empty() && chart.cells.iter().all(|(_, _, waited)| *waited == 0.0) {
            let none = Content::nothing(
                "No query waited in a queue",
                "There were slots for everybody, in every queue and hour of this time range.",
            );
            return Ok(none.asked(sql));
        }
        Ok(drawn(&asked, chart, &answer, sql).await)
    }
    .boxed()
}

fn spills(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = asked.over_steps(include_str!("sql/spills.sql"), "endtime", &[]);
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            let advice = "Every sort, hash join and aggregation of this time range fitted in memory, or these steps are not exported.";
            return Ok(Content::nothing("Nothing spilled", advice).asked(sql));
        }
        let by_kind = points(&answer, |row| visible(answer.text(row, "what")), "bytes", 1.0);
        let chart = Chart::over_time(Kind::Bars, "bytes", "Bytes of steps that did not fit in memory", asked.steps(), by_kind);
        let mut content = drawn(&asked, chart, &answer, sql).await;
        (content.link, content.link_title) = (asked.href("/diagnostics/disk_spill", &[]), "Which queries spilled");
        Ok(content)
    }
    .boxed()
}

fn alerts(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = asked.over_steps(include_str!("sql/alerts.sql"), "event_time", &[]);
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            return Ok(Content::nothing("No alerts", "The planner had nothing to complain about in this time range.")
                .asked(sql));
        }
        let by_kind = points(&answer, |row| cut(&visible(answer.text(row, "alert")), 48), "alerts", 1.0);
        let chart = Chart::over_time(Kind::Bars, "count", "Alerts by kind", asked.steps(), by_kind);
        let mut content = drawn(&asked, chart, &answer, sql).await;
        (content.link, content.link_title) =
            (asked.href("/diagnostics/alerts_by_table", &[]), "Alerts by table, with the fix");
        Ok(content)
    }
    .boxed()
}

fn tables(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = asked.over(asked.steps().window, include_str!("sql/tables.sql"), &[]);
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            return Ok(Content::nothing("No alerts", "The planner had nothing to complain about in this time range.")
                .asked(sql));
        }
        let bars = answer.rows.iter().filter_map(|row| {
            let name = format!("{} · {}", answer.text(row, "table_name"), answer.text(row, "cluster_id"));
            Some((cut(&visible(&name), 80), answer.number(row, "alerts")?))
        });
        let chart = Chart::ranks("count", "Alerts by table", "alerts", bars);
        let (table, _) = Table::of("Alerts by table", &answer);
        let link = asked.href("/diagnostics/alerts_by_table", &[]);
        Ok(Content {
            chart: Some(chart),
            table: Some(table),
            sql,
            link,
            link_title: "Alerts by table, with the fix",
            ..Content::default()
        })
    }
    .boxed()
}

/// Links of a row to the runs of its fingerprint, over the days that it is about.
fn to_runs(asked: &Asked, answer: &Answered, row: &[lookback_query::diagnostics::Cell]) -> String {
    let days = days(asked);
    let from = super::view::When::At(days.0).to_string();
    let to = super::view::When::At(days.1).to_string();
    let (cluster, fingerprint) = (answer.text(row, "cluster_id"), answer.text(row, "fingerprint"));
    asked.href(
        "/queries",
        &[("cluster", cluster), ("fingerprint", fingerprint), ("from", &from), ("to", &to), ("sort", "slowest")],
    )
}

/// The statement of a row, cut: some queries of Redshift's own have no text.
fn shape(answer: &Answered, row: &[lookback_query::diagnostics::Cell], most: usize) -> String {
    match answer.text(row, "shape").trim() {
        "" => "(without text)".to_owned(),
        shape => cut(shape, most),
    }
}

/// The whole days of the time range, as the rollup has them.
fn days(asked: &Asked) -> (i64, i64) {
    (day_start(day_of(asked.window.from)), day_start(day_of(asked.window.to - 1)) + DAY)
}

fn slowest(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = asked.over(asked.window, include_str!("sql/fingerprints.sql"), &[]);
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            return Ok(nothing_ran(&asked).await.asked(sql));
        }
        let columns = [
            ("Statement, without its constants", "code"),
            ("Cluster", "strong"),
            ("Runs", "amount"),
            ("Time of all runs", "amount"),
            ("Mean", "amount"),
            ("Longest", "amount"),
            ("In queues", "amount"),
            ("Failed", "amount"),
        ];
        let mut table = Table::new("Queries by the time of all their runs", &columns).stacked();
        let most = answer.rows.iter().filter_map(|row| answer.number(row, "elapsed_us")).fold(1.0, f64::max);
        for row in &answer.rows {
            let number = |name: &str| answer.number(row, name).unwrap_or(0.0);
            let elapsed = number("elapsed_us");
            let time = |micros: f64| Cell::amount(seconds(micros / 1e6), micros);
            let mean = if number("timed") > 0.0 { elapsed / number("timed") } else { 0.0 };
            table.push(vec![
                Cell::text(&shape(&answer, row, 180)).linked(to_runs(&asked, &answer, row)),
                Cell::text(answer.text(row, "cluster_id")),
                Cell::amount(count(number("runs")), number("runs")),
                Cell { meter: format!("{:.0}", 100.0 * elapsed / most), meter_tone: "info", ..time(elapsed) },
                time(mean),
                time(number("longest_us")),
                time(number("queue_us")),
                Cell::amount(count(number("aborted")), number("aborted")),
            ]);
        }
        Ok(Content { table: Some(table), sql, ..Content::default() }
            .hinted("Whole UTC days of the time range; a statement is one line, whatever its constants"))
    }
    .boxed()
}

fn regressed(asked: Arc<Asked>) -> Drawn {
    async move {
        // At least a week before, so that a weekend is not compared with a Friday.
        let (first, last) = days(&asked);
        let earlier = first - (last - first).max(7 * DAY);
        let sql = asked.over(asked.window, include_str!("sql/regressed.sql"), &[("earlier", Put::Day(earlier))]);
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            let advice = "No statement with three runs or more takes half as long again as in the days before.";
            return Ok(Content::nothing("Nothing got slower", advice).asked(sql));
        }
        let columns = [
            ("Statement, without its constants", "code"),
            ("Cluster", "strong"),
            ("Runs", "amount"),
            ("Before", "amount"),
            ("Now", "amount"),
            ("Factor", "amount"),
        ];
        let mut table = Table::new("Queries that got slower", &columns).stacked();
        for row in &answer.rows {
            let number = |name: &str| answer.number(row, name).unwrap_or(0.0);
            table.push(vec![
                Cell::text(&shape(&answer, row, 140)).linked(to_runs(&asked, &answer, row)),
                Cell::text(answer.text(row, "cluster_id")),
                Cell::amount(count(number("runs")), number("runs")),
                Cell::amount(seconds(number("before_s")), number("before_s")),
                Cell::amount(seconds(number("after_s")), number("after_s")),
                Cell::amount(format!("{}×", decimals(number("factor"))), number("factor")),
            ]);
        }
        Ok(Content { table: Some(table), sql, ..Content::default() }
            .hinted("Mean of the time range's days against at least a week before"))
    }
    .boxed()
}
