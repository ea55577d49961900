//! The map of coverage: how each day of each cluster, or of each table of one, is.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_schemas::time::{DAY, day_name, day_of, day_start};

use super::ask::{Answered, Trouble};
use super::chart::{Chart, Drill, Kind, Level};
use super::format::{count, visible};
use super::ledger::{Gap, Ledger, Line};
use super::panel::Content;
use super::request::Asked;
use super::table::{Cell, Table};
use super::view::Window;

/// Days of a map.
const MOST_DAYS: i32 = 400;
/// Rows of a map.
const MOST_ROWS: usize = 300;

/// How a day of a table is, what is worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Day {
    /// Nothing was to be read.
    Outside,
    /// All of it was read.
    Whole,
    /// It is being read, or reading began or ended within it.
    Part,
    /// Some of it was purged before it was read.
    Gap,
}

impl Day {
    const LEVELS: [Level; 4] = [
        Level { name: "not exported", tone: "none" },
        Level { name: "complete", tone: "ok" },
        Level { name: "in part", tone: "info" },
        Level { name: "with a gap", tone: "bad" },
    ];

    fn level(self) -> f64 {
        match self {
            Self::Outside => 0.0,
            Self::Whole => 1.0,
            Self::Part => 2.0,
            Self::Gap => 3.0,
        }
    }
}

/// How a day of a table is.
fn judge(line: &Line, gaps: &[&Gap], day: i32) -> Day {
    let (from, to) = (day_start(day), day_start(day) + DAY);
    let (Some(begin), Some(end)) = (line.covered_from, line.covered_until) else { return Day::Outside };
    if to <= begin || from >= end {
        return Day::Outside;
    }
    if gaps.iter().any(|gap| gap.from < to && gap.to > from) {
        return Day::Gap;
    }
    if begin <= from && end >= to { Day::Whole } else { Day::Part }
}

/// Of several tables, the day is as bad as that of the worst; one that has nothing to do with it does not count.
fn worst(days: impl Iterator<Item = Day>) -> Day {
    days.max().unwrap_or(Day::Outside)
}

fn days(window: Window) -> Vec<i32> {
    let (first, last) = (day_of(window.from), day_of(window.to - 1));
    (first.max(last - MOST_DAYS + 1)..=last).collect()
}

/// Rows of the map: each cluster, or each table of one.
fn rows(ledger: &Ledger, one: Option<&str>) -> BTreeMap<String, Vec<Line>> {
    let mut all: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in ledger.lines.iter().filter(|line| !line.table.is_empty() && one.is_none_or(|one| one == line.cluster)) {
        let name = if one.is_some() { &line.table } else { &line.cluster };
        all.entry(name.clone()).or_default().push(line.clone());
    }
    all
}

fn new_rows(reads: &Answered, one: Option<&str>) -> BTreeMap<(String, i32), f64> {
    let mut all = BTreeMap::new();
    for row in &reads.rows {
        let (cluster, table) = (reads.text(row, "cluster_id"), reads.text(row, "table_name"));
        let Some(day) = lookback_schemas::time::parse_day(reads.text(row, "day").get(..10).unwrap_or_default()) else {
            continue;
        };
        let name = if one.is_some() { table } else { cluster };
        *all.entry((name.to_owned(), day)).or_insert(0.0) += reads.number(row, "rows_new").unwrap_or(0.0);
    }
    all
}

/// Clusters by day, or tables of one cluster by day.
pub(super) fn map(asked: Arc<Asked>) -> BoxFuture<'static, Result<Content, Trouble>> {
    async move {
        let whole = asked.window.whole(DAY);
        let reads_sql = asked.over(whole, include_str!("sql/reads.sql"), &[]);
        let (ledger, reads) = tokio::join!(Ledger::read(&asked), asked.rows(&reads_sql));
        let (ledger, reads) = (ledger?, reads?);
        let one = match asked.view.clusters.as_slice() {
            [one] => Some(one.as_str()),
            _ => None,
        };
        let (rows, new, days) = (rows(&ledger, one), new_rows(&reads, one), days(asked.window));
        if rows.is_empty() {
            let advice =
                "The run ledger has no run of these clusters. “lookback check” says what would stop an export.";
            return Ok(Content::nothing("Nothing was exported", advice).asked(ledger.sql));
        }
        let mut chart = Chart::new(Kind::Heat, "level", "Coverage by day");
        chart.at = Some(days.iter().map(|day| day_start(*day) / 1_000).collect());
        chart.step = DAY / 1_000;
        chart.levels = Day::LEVELS.into();
        let mut table = Table::new(
            "Coverage by day",
            &[
                (if one.is_some() { "Table" } else { "Cluster" }, "strong"),
                ("Day (UTC)", "time"),
                ("State", "tight"),
                ("New rows", "amount"),
            ],
        );
        for (y, (name, lines)) in rows.iter().take(MOST_ROWS).enumerate() {
            chart.rows.push(visible(name));
            for (x, day) in days.iter().enumerate() {
                let of_line = |line: &Line| {
                    let gaps: Vec<&Gap> = ledger
                        .gaps
                        .iter()
                        .filter(|gap| gap.cluster == line.cluster && gap.table == line.table)
                        .collect();
                    judge(line, &gaps, *day)
                };
                let state = worst(lines.iter().map(of_line));
                let rows = new.get(&(name.clone(), *day)).copied().unwrap_or(0.0);
                chart.cells.push((x, y, state.level()));
                chart.notes.push(format!("{} new rows", count(rows)));
                if matches!(state, Day::Gap | Day::Part) {
                    let level = &Day::LEVELS[if state == Day::Gap { 3 } else { 2 }];
                    table.push(vec![
                        Cell::text(name),
                        Cell::text(&day_name(*day)),
                        Cell::text(level.name).toned(level.tone),
                        Cell::amount(count(rows), rows),
                    ]);
                }
            }
        }
        table.limit = true;
        let hint = match one {
            Some(one) => format!("Tables of {}, UTC days by when a row became visible", visible(one)),
            None => {
                chart.drill = Some(Drill {
                    path: "/coverage".to_owned(),
                    query: range_kept(&asked),
                    by: "cluster",
                    range: false,
                });
                "Clusters, each day as bad as that of its worst table. Click one for its tables".to_owned()
            }
        };
        let note =
            "The rows below are the days that are not whole, or have a gap; all others are as the map shows them."
                .to_owned();
        Ok(Content { chart: Some(chart), table: Some(table), sql: reads_sql, note, ..Content::default() }.hinted(hint))
    }
    .boxed()
}

/// What a link from the map keeps: all but the clusters, of which it sets one.
fn range_kept(asked: &Asked) -> String {
    let view = super::view::View { clusters: Vec::new(), ..asked.view.clone() };
    view.href("", &[]).trim_start_matches('?').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_only_if_all_of_it_was_read() {
        let line = Line {
            cluster: "a".to_owned(),
            table: "t".to_owned(),
            covered_from: Some(day_start(10) + 5),
            covered_until: Some(day_start(14) + 7),
            last_run: None,
        };
        let gap = Gap { cluster: "a".to_owned(), table: "t".to_owned(), from: day_start(12) + 1, to: day_start(13) };
        let states: Vec<Day> = (9..16).map(|day| judge(&line, &[&gap], day)).collect();
        assert_eq!(states, [Day::Outside, Day::Part, Day::Whole, Day::Gap, Day::Whole, Day::Part, Day::Outside]);
        assert_eq!(judge(&Line { covered_from: None, ..line.clone() }, &[], 11), Day::Outside);
        assert_eq!(worst([Day::Whole, Day::Outside, Day::Part].into_iter()), Day::Part);
        assert_eq!(worst(std::iter::empty()), Day::Outside);
    }

    #[test]
    fn a_map_has_a_limit() {
        assert_eq!(days(Window { from: 0, to: 5_000 * DAY }).len(), 400);
        assert_eq!(days(Window { from: 1, to: DAY }), [0]);
    }
}
