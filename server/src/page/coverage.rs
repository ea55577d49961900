//! `/coverage`: which days of which tables are in the lake, and where time is missing.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_schemas::time::DAY;

use super::ask::Trouble;
use super::format::{ago, minute, span};
use super::ledger::{Gap, Ledger};
use super::map::map;
use super::panel::{Content, Def, together};
use super::request::Asked;
use super::shell::Page;
use super::table::{Cell, Table};

/// The page.
pub(super) const PAGE: Page = Page { place: "/coverage", controls: true, lead: "" };
/// How far back it looks, if nobody says otherwise.
pub(super) const LENGTH: i64 = 30 * DAY;
/// Its panels.
pub(super) static PANELS: [Def; 3] = [
    Def::new("map", "Day by day", 12, map),
    Def::new("gaps", "Gaps", 12, gaps),
    Def::new("tables", "Table by table", 12, tables),
];

/// `GET /coverage`
pub(super) async fn get(asked: Asked) -> Response {
    let asked = Arc::new(asked.reaching(LENGTH));
    let (shell, parts) = tokio::join!(asked.shell(PAGE), together("coverage", &PANELS, &asked));
    shell.around(parts).answer(StatusCode::OK)
}

type Drawn = BoxFuture<'static, Result<Content, Trouble>>;

fn gaps(asked: Arc<Asked>) -> Drawn {
    async move {
        let ledger = Ledger::read(&asked).await?;
        let inside: Vec<&Gap> =
            ledger.gaps.iter().filter(|gap| gap.to > asked.window.from && gap.from < asked.window.to).collect();
        if inside.is_empty() {
            let advice = match ledger.gaps.len() {
                0 => "Nothing was purged before it was read, ever.".to_owned(),
                1 => "There is one at another time: choose a longer range.".to_owned(),
                many => format!("There are {many} at other times: choose a longer range."),
            };
            return Ok(Content::nothing("No gaps in this time range", advice).asked(ledger.gaps_sql));
        }
        let mut table = Table::new(
            "Gaps",
            &[
                ("Cluster", "strong"),
                ("Table", ""),
                ("From (UTC)", "time"),
                ("To (UTC)", "time"),
                ("Missing", "amount"),
            ],
        )
        .stacked();
        for gap in inside.iter().take(500) {
            table.push(vec![
                Cell::text(&gap.cluster).linked(asked.href("/coverage", &[("cluster", &gap.cluster)])),
                Cell::text(&gap.table),
                Cell::text(&minute(gap.from)),
                Cell::text(&minute(gap.to)),
                Cell::amount(span(gap.to - gap.from), (gap.to - gap.from) as f64),
            ]);
        }
        table.limit = table.rows.len() > 14;
        let sql = ledger.gaps_sql.clone();
        Ok(Content { table: Some(table), sql, ..Content::default() }
            .hinted("Rows of this time were purged, or may have been, before they were read"))
    }
    .boxed()
}

fn tables(asked: Arc<Asked>) -> Drawn {
    async move {
        let ledger = Ledger::read(&asked).await?;
        let now = asked.now;
        let columns = [
            ("Cluster", "strong"),
            ("Table", ""),
            ("Covered from (UTC)", "time"),
            ("Covered until (UTC)", "time"),
            ("Behind", "amount"),
            ("Last run", "time"),
            ("Gaps", "amount"),
        ];
        let mut table = Table::new("Coverage of every table", &columns).stacked();
        for line in ledger.lines.iter().filter(|line| !line.table.is_empty()).take(4_000) {
            let gaps = ledger.gaps_of(&line.cluster).filter(|gap| gap.table == line.table).count();
            table.push(vec![
                Cell::text(&line.cluster),
                Cell::text(&line.table),
                Cell::text(&line.covered_from.map(minute).unwrap_or_default()),
                line.covered_until
                    .map_or_else(|| Cell::text("never").toned("warn"), |until| Cell::text(&minute(until))),
                line.covered_until
                    .map_or_else(Cell::default, |until| Cell::amount(span(now - until), (now - until) as f64)),
                line.last_run.map_or_else(Cell::default, |run| Cell::text(&ago(run, now)).worth((now - run) as f64)),
                Cell::amount(gaps.to_string(), gaps as f64),
            ]);
        }
        if table.rows.is_empty() {
            return Ok(Content::nothing("Nothing was exported", "“lookback check” says what would stop an export.")
                .asked(ledger.sql));
        }
        table.limit = table.rows.len() > 14;
        Ok(Content { table: Some(table), sql: ledger.sql, ..Content::default() })
    }
    .boxed()
}
