//! What the panels over time share: the sums by step that most of them draw, the rows below a chart, and what it means that there
//! are none.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_query::diagnostics::Cell;
use lookback_schemas::time::DAY;

use super::ask::{Answered, Trouble};
use super::chart::{Chart, Drill, Kind};
use super::format::{count, minute, visible};
use super::ledger::Ledger;
use super::panel::Content;
use super::request::Asked;
use super::table::Table;
use super::view::When;

type Drawn = BoxFuture<'static, Result<Content, Trouble>>;

/// Sums by cluster and step: what most panels of this page show.
pub(super) async fn hourly(asked: &Asked) -> Result<(String, Arc<Answered>), Trouble> {
    let sql = asked.over_steps(include_str!("sql/hourly.sql"), "hour", &[]);
    let answer = asked.rows(&sql).await?;
    Ok((sql, answer))
}

/// (series, time, amount) of an answer's rows.
pub(super) fn points<'a>(
    answer: &'a Answered,
    series: impl Fn(&[Cell]) -> String + 'a,
    amount: &'a str,
    scale: f64,
) -> impl Iterator<Item = (String, i64, f64)> + 'a {
    answer
        .rows
        .iter()
        .filter_map(move |row| Some((series(row), answer.time(row, "at")?, answer.number(row, amount)? * scale)))
}

/// A chart with the rows that it was drawn from below it, or what an answer without rows means.
pub(super) async fn drawn(asked: &Asked, chart: Chart, answer: &Answered, sql: String) -> Content {
    if answer.rows.is_empty() {
        return nothing_ran(asked).await.asked(sql);
    }
    let (table, left_out) = Table::of(&chart.label, answer);
    let note = if left_out > 0 {
        format!("{} more rows are left out of the table; a download has all.", count(left_out as f64))
    } else {
        String::new()
    };
    Content { hint: asked.steps().each(), chart: Some(chart), table: Some(table), sql, note, ..Content::default() }
}

/// That there is nothing in the time range, and where there is something.
pub(super) async fn nothing_ran(asked: &Asked) -> Content {
    let mut content = Content::nothing("Nothing in this time range", "The logs have no rows of it for these clusters.");
    let newest = Ledger::read(asked).await.ok().and_then(|ledger| ledger.newest());
    if let (Some(newest), Some(empty)) = (newest.filter(|newest| *newest <= asked.window.from), content.empty.as_mut())
    {
        let (from, to) = (When::At(newest - DAY).to_string(), When::At(newest).to_string());
        empty.advice = format!(
            "The newest rows are of {} UTC. If there should be newer ones, look at the coverage.",
            minute(newest)
        );
        empty.href = asked.here(&[("from", &from), ("to", &to)]);
        empty.link = "Show the last day that there is";
    }
    content
}

/// A link from a bar to the queries behind it.
pub(super) fn to_queries(asked: &Asked, by: &'static str) -> Option<Drill> {
    Some(Drill { path: "/queries".to_owned(), query: asked.kept(), by, range: true })
}

/// Queries by cluster.
pub(super) fn queries(asked: Arc<Asked>) -> Drawn {
    async move {
        let (sql, hours) = hourly(&asked).await?;
        let by_cluster = points(&hours, |row| visible(hours.text(row, "cluster_id")), "queries", 1.0);
        let mut chart = Chart::over_time(Kind::Bars, "count", "Queries by cluster", asked.steps(), by_cluster);
        chart.drill = to_queries(&asked, "cluster");
        Ok(drawn(&asked, chart, &hours, sql).await)
    }
    .boxed()
}

/// Waiting and running, of all clusters together.
pub(super) fn load(asked: Arc<Asked>) -> Drawn {
    async move {
        let (sql, hours) = hourly(&asked).await?;
        let of = |name: &'static str, column: &'static str| {
            points(&hours, move |_| name.to_owned(), column, 1e-6).collect::<Vec<_>>()
        };
        let both = [of("running", "exec_us"), of("waiting", "queue_us")].concat();
        let mut chart = Chart::over_time(
            Kind::Lines,
            "seconds",
            "Time in queues and running, of all queries together",
            asked.steps(),
            both,
        );
        chart.stack = false;
        for one in &mut chart.series {
            one.tone = if one.name == "waiting" { "warn" } else { "info" };
        }
        chart.drill = to_queries(&asked, "");
        Ok(drawn(&asked, chart, &hours, sql).await)
    }
    .boxed()
}

/// Queries by how long they took.
pub(super) fn times(asked: Arc<Asked>) -> Drawn {
    async move {
        let (sql, hours) = hourly(&asked).await?;
        // The columns count all queries below a limit; a class is what lies between two.
        let limits = ["under_1s", "under_10s", "under_1m", "under_10m", "timed"];
        let names = ["under 1 s", "1 to 10 s", "10 s to 1 min", "1 to 10 min", "10 min or more"];
        let mut all = Vec::new();
        for row in &hours.rows {
            let Some(at) = hours.time(row, "at") else { continue };
            let mut below = 0.0;
            for (limit, name) in limits.iter().zip(names) {
                let upto = hours.number(row, limit).unwrap_or(below);
                all.push((name.to_owned(), at, upto - below));
                below = upto;
            }
        }
        let mut chart = Chart::over_time(Kind::Bars, "count", "Queries by how long they took", asked.steps(), all);
        chart.series.sort_by_key(|one| names.iter().position(|name| *name == one.name));
        chart.drill = to_queries(&asked, "");
        Ok(drawn(&asked, chart, &hours, sql).await)
    }
    .boxed()
}
