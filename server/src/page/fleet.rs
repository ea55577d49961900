//! The table of clusters on the overview: how far each is exported, and what it did.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::ask::{Answered, Trouble};
use super::drawing::hourly;
use super::format::{ago, count, seconds, span};
use super::ledger::Ledger;
use super::panel::Content;
use super::request::Asked;
use super::table::{Cell, Table, spark};

#[derive(Default)]
struct Sums {
    queries: f64,
    aborted: f64,
    timed: f64,
    elapsed: f64,
    queue: f64,
    line: BTreeMap<i64, f64>,
}

fn sums(hours: &Answered) -> BTreeMap<String, Sums> {
    let mut all: BTreeMap<String, Sums> = BTreeMap::new();
    for row in &hours.rows {
        let one = all.entry(hours.text(row, "cluster_id").to_owned()).or_default();
        let number = |name: &str| hours.number(row, name).unwrap_or(0.0);
        one.queries += number("queries");
        one.aborted += number("aborted");
        one.timed += number("timed");
        one.elapsed += number("elapsed_us") / 1e6;
        one.queue += number("queue_us") / 1e6;
        *one.line.entry(hours.time(row, "at").unwrap_or_default()).or_default() += number("queries");
    }
    all
}

/// Every cluster with its state, and what it did over the time range.
pub(super) fn clusters(asked: Arc<Asked>) -> BoxFuture<'static, Result<Content, Trouble>> {
    async move {
        let (ledger, hours) = tokio::join!(Ledger::read(&asked), hourly(&asked));
        let ledger = ledger?;
        let (sql, hours) = hours.unwrap_or_default();
        let (fresh, sums, now) = (ledger.freshness(), sums(&hours), asked.now);
        let mut columns = vec![
            ("Cluster", "strong"),
            ("State", "tight"),
            ("Until purged", "tight"),
            ("Gaps", "amount"),
            ("Queries", "amount"),
        ];
        columns.extend([
            ("Failed", "amount"),
            ("Mean time", "amount"),
            ("In queues", "amount"),
            ("Queries over time", ""),
        ]);
        let mut table = Table::new("Clusters", &columns).stacked();
        let none = Sums::default();
        for cluster in ledger.clusters() {
            let one = sums.get(&cluster).unwrap_or(&none);
            let state = fresh.get(&cluster);
            let gaps = ledger.gaps_of(&cluster).count();
            let times: Vec<f64> = one.line.values().copied().collect();
            let (line, area) = spark(&times);
            let of_cluster: [(&str, &str); 1] = [("cluster", &cluster)];
            let text = |text: String| Cell { text, ..Cell::default() };
            table.push(vec![
                Cell::text(&cluster).linked(asked.href("/performance", &of_cluster)),
                match state {
                    Some(state) => {
                        let (word, tone) = state.state(now);
                        text(word.to_owned())
                            .toned(tone)
                            .below(ago(state.covered_until, now))
                            .worth(state.lag(now) as f64)
                    }
                    None => text("not exported now".to_owned()).toned("none"),
                },
                state.map_or_else(Cell::default, |state| {
                    let left = state.headroom(now);
                    let part = (left / (state.retention / 100).max(1)).clamp(0, 100);
                    let tone = match state.state(now).1 {
                        "bad" => "bad",
                        _ if part < 50 => "warn",
                        _ => "ok",
                    };
                    let shown = if left > 0 { span(left) } else { "now".to_owned() };
                    Cell { meter: part.to_string(), meter_tone: tone, ..text(shown) }.worth(left as f64)
                }),
                Cell::amount(gaps.to_string(), gaps as f64).linked(if gaps > 0 {
                    asked.href("/coverage", &of_cluster)
                } else {
                    String::new()
                }),
                Cell::amount(count(one.queries), one.queries).linked(asked.href("/queries", &of_cluster)),
                Cell::amount(count(one.aborted), one.aborted),
                if one.timed > 0.0 {
                    Cell::amount(seconds(one.elapsed / one.timed), one.elapsed / one.timed)
                } else {
                    Cell::amount("–", 0.0)
                },
                Cell::amount(seconds(one.queue), one.queue),
                Cell { line, area, line_label: format!("{} queries over time", count(one.queries)), ..Cell::default() },
            ]);
        }
        if ledger.is_empty() {
            let content = Content::nothing(
                "No cluster was exported yet",
                "Run “lookback check”, then “lookback export”; “lookback status” says how it went.",
            );
            return Ok(content.asked(ledger.sql));
        }
        let kept = span(ledger.retention);
        let hint = format!(
            "State and time until purged as of now, if Redshift keeps rows for {kept} as the configuration says; the rest over the \
             time range"
        );
        Ok(Content { table: Some(table), sql, ..Content::default() }.hinted(hint))
    }
    .boxed()
}
