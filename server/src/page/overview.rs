//! `/`: is everything exported, and what did the clusters do.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_schemas::time::{DAY, HOUR};

use super::ask::{Answered, Asking, Trouble};
use super::drawing::{hourly, load, points, queries, times};
use super::encryption::AUDIT_WINDOW;
use super::fleet::clusters;
use super::format::{change, count, minute, seconds_parts, short, span, visible};
use super::html::{Html, Stat, Stats};
use super::ledger::Ledger;
use super::panel::{Content, Def, together};
use super::request::Asked;
use super::shell::Page;
use super::table::{Cell, Table, spark};
use super::view::Window;
use super::{empty, encryption};
use crate::people::Role;

/// The page.
pub(super) const PAGE: Page = Page { place: "/", controls: true, lead: "" };

/// Its panels.
pub(super) static PANELS: [Def; 7] = [
    Def::new("now", "At a glance", 12, now).bare(),
    Def::new("clusters", "Clusters", 12, clusters),
    Def::new("queries", "Queries", 8, queries),
    Def::new("verdicts", "Audit of encryption", 4, verdicts).of(Role::Auditor),
    Def::new("load", "Waiting and running", 6, load),
    Def::new("times", "How long queries took", 6, times),
    Def::new("losses", "Gaps and failed runs", 12, losses),
];

/// `GET /`
pub(super) async fn get(State(asking): State<Asking>, asked: Asked) -> Response {
    if asking.is_empty().await {
        return empty::page(&asked, PAGE).await;
    }
    let asked = Arc::new(asked);
    let (shell, parts) = tokio::join!(asked.shell(PAGE), together("overview", &PANELS, &asked));
    shell.around(parts).answer(StatusCode::OK)
}

type Drawn = BoxFuture<'static, Result<Content, Trouble>>;

fn total(answer: &Answered, name: &str) -> f64 {
    answer.rows.iter().filter_map(|row| answer.number(row, name)).sum()
}

fn now(asked: Arc<Asked>) -> Drawn {
    async move {
        let steps = asked.steps();
        let before = Window { from: steps.window.from - steps.window.length(), to: steps.window.from };
        let prior_sql = asked.over(before, include_str!("sql/totals.sql"), &[]);
        let (ledger, hours, prior) = tokio::join!(Ledger::read(&asked), hourly(&asked), asked.rows(&prior_sql));
        let (ledger, (_, hours)) = (ledger?, hours?);
        let mut stats = state_of(&asked, &ledger);
        let prior = prior.ok();
        let of_before = |name: &str| prior.as_ref().map_or(0.0, |answer| total(answer, name));
        let line = |name: &str| {
            let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
            points(&hours, |_| String::new(), name, 1.0)
                .for_each(|(_, at, amount)| *sums.entry(at).or_default() += amount);
            spark(&sums.into_values().collect::<Vec<_>>())
        };
        for (label, name, path) in [
            ("Queries", "queries", "/queries"),
            ("Failed or cancelled", "aborted", "/queries"),
            ("Waited in queues", "queue_us", "/performance"),
        ] {
            let (sum, before) = (total(&hours, name), of_before(name));
            let changed = change(sum, before);
            let worse = name != "queries" && before > 0.0 && sum > 1.5 * before;
            let (value, unit) = match name {
                "queue_us" => {
                    let (value, unit) = seconds_parts(sum / 1e6);
                    (value, unit.to_owned())
                }
                "aborted" if total(&hours, "queries") > 0.0 => {
                    (short(sum), format!("{} %", super::format::decimals(100.0 * sum / total(&hours, "queries"))))
                }
                _ => (short(sum), String::new()),
            };
            let (line, area) = line(name);
            stats.push(Stat {
                label,
                value,
                unit,
                more: if changed.is_empty() || changed == "as before" {
                    changed
                } else {
                    format!("{changed} against the time before")
                },
                more_tone: if worse { "bad" } else { "" },
                href: asked.href(path, if name == "aborted" { &[("only", "aborted")] } else { &[] }),
                line,
                area,
                ..Stat::default()
            });
        }
        Ok(Content { custom: Some(Html::of(&Stats { stats })), ..Content::default() })
    }
    .boxed()
}

/// Freshness, headroom and gaps, as numbers.
fn state_of(asked: &Asked, ledger: &Ledger) -> Vec<Stat> {
    let (fresh, now) = (ledger.freshness(), asked.now);
    let behind = fresh.values().filter(|one| one.state(now).1 != "ok").count();
    let worst = fresh.values().any(|one| one.state(now).1 == "bad");
    let first = fresh.iter().min_by_key(|(_, one)| one.covered_until);
    let lost: i64 = ledger.gaps.iter().map(|gap| gap.to - gap.from).sum();
    let coverage = asked.href("/coverage", &[]);
    let stat = |label, value: String, more: String, tone| Stat {
        label,
        value,
        more,
        more_tone: tone,
        tone,
        href: coverage.clone(),
        ..Stat::default()
    };
    let headroom = first.map(|(_, one)| one.headroom(now));
    vec![
        stat(
            "Clusters",
            fresh.len().to_string(),
            match behind {
                0 => "all are fresh".to_owned(),
                1 => "1 is late".to_owned(),
                many => format!("{many} are late"),
            },
            if worst {
                "bad"
            } else if behind > 0 {
                "warn"
            } else {
                "ok"
            },
        ),
        stat(
            "Until rows may be purged",
            headroom.map_or_else(|| "–".to_owned(), |left| if left > 0 { span(left) } else { "now".to_owned() }),
            first
                .map(|(cluster, one)| {
                    visible(&format!("{cluster}, {}; if rows are kept for {}", one.table, span(one.retention)))
                })
                .unwrap_or_default(),
            match headroom {
                Some(left) if left < DAY / 2 => "bad",
                Some(left) if left < DAY => "warn",
                _ => "",
            },
        ),
        stat(
            "Gaps",
            count(ledger.gaps.len() as f64),
            if ledger.gaps.is_empty() {
                "nothing is missing".to_owned()
            } else {
                format!("{} of tables in all", span(lost))
            },
            if ledger.gaps.is_empty() { "ok" } else { "warn" },
        ),
    ]
}

fn verdicts(asked: Arc<Asked>) -> Drawn {
    async move {
        let window = Window { from: asked.now - AUDIT_WINDOW, to: asked.now };
        let audited = asked.asking.audit(&asked.asker, asked.now, window).await?;
        let mut content = encryption::summary(&audited.0);
        content.link = asked.href("/encryption", &[]);
        content.link_title = "All verdicts, with evidence";
        Ok(content)
    }
    .boxed()
}

fn losses(asked: Arc<Asked>) -> Drawn {
    async move {
        // Of whole hours, so that it is one question as long as the hour lasts.
        let failures_sql = asked.over(asked.window.whole(HOUR), include_str!("sql/failures.sql"), &[]);
        let (ledger, failures) = tokio::join!(Ledger::read(&asked), asked.rows(&failures_sql));
        let (ledger, failures) = (ledger?, failures?);
        let mut table = Table::new(
            "Gaps and failed runs",
            &[("When (UTC)", "time"), ("What", "tight"), ("Cluster", "strong"), ("Table", ""), ("Why", "")],
        )
        .stacked();
        let inside = |gap: &&super::ledger::Gap| gap.to > asked.window.from && gap.from < asked.window.to;
        for gap in ledger.gaps.iter().filter(inside).take(50) {
            table.push(vec![
                Cell::text(&format!("{} – {}", minute(gap.from), minute(gap.to))),
                Cell::text("gap").toned("bad"),
                Cell::text(&gap.cluster).linked(asked.href("/coverage", &[("cluster", &gap.cluster)])),
                Cell::text(&gap.table),
                Cell::text(&format!("{} were purged before they were read", span(gap.to - gap.from))),
            ]);
        }
        let began = |row: &[_]| failures.time(row, "started_at").is_none_or(|time| time >= asked.window.from);
        for row in failures.rows.iter().filter(|row| began(row)) {
            table.push(vec![
                Cell::text(failures.text(row, "started_at").get(..16).unwrap_or_default()),
                Cell::text("failed").toned("warn"),
                Cell::text(failures.text(row, "cluster_id")),
                Cell::text(failures.text(row, "table_name")),
                Cell::text(failures.text(row, "error")),
            ]);
        }
        if table.rows.is_empty() {
            let advice = "Every run of this time range was complete, and no rows were purged before they were read.";
            return Ok(Content::nothing("No gaps and no failed runs", advice).asked(failures_sql));
        }
        let shown = table.rows.len();
        table.limit = shown > 12;
        Ok(Content { table: Some(table), sql: failures_sql, ..Content::default() })
    }
    .boxed()
}
