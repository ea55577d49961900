//! What the run ledger says, as far as pages show it: how fresh each cluster is, what would be lost first, where time is missing.
//!
//! When rows are purged, nobody can ask a cluster's logs, and no ledger has it: it is assumed that they are kept as long as the
//! configuration says ([`crate::Settings::retention`]), as `lookback status` does, and said so wherever it is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use lookback_schemas::names::cluster_name;
use lookback_schemas::time::{DAY, HOUR};

use super::ask::{Answered, Asking, Trouble};
use super::request::Asked;
use super::sql::{Put, fill};
use crate::people::Asker;

/// A cluster whose least covered table is further behind than this is late.
const LATE: i64 = 2 * HOUR;
/// With less time than this until rows may be purged, somebody has to act.
const URGENT: i64 = 12 * HOUR;
/// A table that was not read for so long before the newest run is not exported any more.
const GIVEN_UP: i64 = 7 * DAY;

/// How one table of a cluster is covered; microseconds since 1970-01-01, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) cluster: String,
    pub(super) table: String,
    pub(super) covered_from: Option<i64>,
    pub(super) covered_until: Option<i64>,
    pub(super) last_run: Option<i64>,
}

/// Time that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) cluster: String,
    pub(super) table: String,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// How far a cluster is, by the table that is least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Freshness {
    pub(super) covered_until: i64,
    pub(super) table: String,
    /// For how long rows are kept, as is assumed.
    pub(super) retention: i64,
}

impl Freshness {
    pub(super) fn lag(&self, now: i64) -> i64 {
        now - self.covered_until
    }

    /// Time until rows that were not read may be purged; negative if it is over.
    pub(super) fn headroom(&self, now: i64) -> i64 {
        self.covered_until.saturating_add(self.retention) - now
    }

    /// In a word, and how to mark it.
    pub(super) fn state(&self, now: i64) -> (&'static str, &'static str) {
        match (self.headroom(now), self.lag(now)) {
            (headroom, _) if headroom <= 0 => ("losing rows", "bad"),
            (headroom, _) if headroom < URGENT => ("urgent", "bad"),
            (_, lag) if lag > LATE => ("late", "warn"),
            _ => ("fresh", "ok"),
        }
    }
}

/// What the ledger says.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    pub(super) lines: Vec<Line>,
    pub(super) gaps: Vec<Gap>,
    pub(super) sql: String,
    pub(super) gaps_sql: String,
    /// For how long Redshift keeps rows, as is assumed (microseconds).
    pub(super) retention: i64,
}

impl Ledger {
    /// Asks for it, of the chosen clusters; of an earlier moment, what was known then.
    pub(super) async fn read(asked: &Asked) -> Result<Self, Trouble> {
        let (lines, gaps) = tokio::try_join!(known(asked, LINES), known(asked, GAPS))?;
        let chosen = &asked.view.clusters;
        let is_chosen = |cluster: &String| chosen.is_empty() || chosen.contains(cluster);
        // What is shown as the statement behind it is of the chosen clusters.
        let ask = |template| statement(template, asked.view.as_of, chosen);
        let retention = asked.asking.desk().settings().retention.as_micros();
        Ok(Self {
            lines: read_lines(&lines).filter(|line| is_chosen(&line.cluster)).collect(),
            gaps: read_gaps(&gaps).filter(|gap| is_chosen(&gap.cluster)).collect(),
            sql: ask(LINES),
            gaps_sql: ask(GAPS),
            retention: i64::try_from(retention).unwrap_or(i64::MAX),
        })
    }

    /// The names of all clusters, sorted, from the same question.
    pub(super) async fn names(asking: &Asking, asker: &Asker, as_of: Option<i64>) -> Result<Vec<String>, Trouble> {
        let lines = asking.rows(asker, as_of, &statement(LINES, as_of, &[])).await?;
        if lines.left_out > 0 {
            let names = asking.rows(asker, as_of, &statement(NAMES, as_of, &[])).await?;
            return Ok(names.rows.iter().filter_map(|row| row.first()).map(|name| name.text.clone()).collect());
        }
        let mut names: Vec<String> = read_lines(&lines).map(|line| line.cluster).collect();
        names.dedup();
        Ok(names)
    }

    /// Whether a cluster was ever exported.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All clusters, incarnations among them, sorted.
    pub(super) fn clusters(&self) -> Vec<String> {
        let mut names: Vec<String> = self.lines.iter().map(|line| line.cluster.clone()).collect();
        names.dedup();
        names
    }

    /// How fresh each cluster is that is still exported: an earlier incarnation has nothing left to lose.
    pub(super) fn freshness(&self) -> BTreeMap<String, Freshness> {
        let newest_run = self.lines.iter().filter_map(|line| line.last_run).max().unwrap_or_default();
        let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
        for line in &self.lines {
            let id = newest.entry(cluster_name(&line.cluster)).or_insert(&line.cluster);
            if (id.len(), *id) < (line.cluster.len(), line.cluster.as_str()) {
                *id = &line.cluster;
            }
        }
        let mut all: BTreeMap<String, Freshness> = BTreeMap::new();
        for line in &self.lines {
            let is_read = line.last_run.is_some_and(|run| newest_run - run < GIVEN_UP) && !line.table.is_empty();
            let is_newest = newest.get(cluster_name(&line.cluster)).is_some_and(|id| *id == line.cluster);
            let Some(covered_until) = line.covered_until.filter(|_| is_read && is_newest) else { continue };
            let fresh = Freshness { covered_until, table: line.table.clone(), retention: self.retention };
            let least = all.entry(line.cluster.clone()).or_insert_with(|| fresh.clone());
            if covered_until < least.covered_until {
                *least = fresh;
            }
        }
        all
    }

    /// Gaps that reach into a time range.
    pub(super) fn gaps_of<'a>(&'a self, cluster: &'a str) -> impl Iterator<Item = &'a Gap> {
        self.gaps.iter().filter(move |gap| gap.cluster == cluster)
    }

    /// The newest moment that something is covered until.
    pub(super) fn newest(&self) -> Option<i64> {
        self.lines.iter().filter_map(|line| line.covered_until).max()
    }
}

const LINES: &str = include_str!("sql/ledger.sql");
const GAPS: &str = include_str!("sql/gaps.sql");
const NAMES: &str = include_str!("sql/names.sql");

/// One question for all pages, whichever clusters they show; of a fleet too large for an answer, that of the chosen clusters.
async fn known(asked: &Asked, template: &str) -> Result<Arc<Answered>, Trouble> {
    let (as_of, chosen) = (asked.view.as_of, &asked.view.clusters);
    let all = asked.rows(&statement(template, as_of, &[])).await?;
    if all.left_out > 0 && !chosen.is_empty() {
        return asked.rows(&statement(template, as_of, chosen)).await;
    }
    Ok(all)
}

fn statement(template: &str, as_of: Option<i64>, clusters: &[String]) -> String {
    let until = as_of.map(|as_of| fill("started_at <= :now", &[("now", Put::Time(as_of))]));
    let until = Put::Sql(until.as_deref().unwrap_or("TRUE"));
    fill(template, &[("until", until), ("clusters", Put::Clusters(clusters))])
}

fn read_lines(answer: &Answered) -> impl Iterator<Item = Line> {
    let line = |row: &Vec<_>| Line {
        cluster: answer.text(row, "cluster_id").to_owned(),
        table: answer.text(row, "table_name").to_owned(),
        covered_from: answer.time(row, "covered_from"),
        covered_until: answer.time(row, "covered_until"),
        last_run: answer.time(row, "last_run"),
    };
    answer.rows.iter().map(line)
}

fn read_gaps(answer: &Answered) -> impl Iterator<Item = Gap> {
    let gap = |row: &Vec<_>| {
        Some(Gap {
            cluster: answer.text(row, "cluster_id").to_owned(),
            table: answer.text(row, "table_name").to_owned(),
            from: answer.time(row, "gap_from")?,
            to: answer.time(row, "gap_to")?,
        })
    };
    answer.rows.iter().filter_map(gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cluster: &str, table: &str, covered: i64, run: i64) -> Line {
        Line {
            cluster: cluster.to_owned(),
            table: table.to_owned(),
            covered_from: Some(0),
            covered_until: Some(covered),
            last_run: Some(run),
        }
    }

    #[test]
    fn a_cluster_is_as_fresh_as_its_least_table_that_is_still_read() {
        let now = 100 * DAY;
        let ledger = Ledger {
            lines: vec![
                line("a", "stl_query", now - HOUR, now),
                line("a", "stl_scan", now - 3 * HOUR, now),
                // Taken out of the configuration long ago.
                line("a", "stl_old", now - 60 * DAY, now - 60 * DAY),
                line("b", "stl_query", now - 30 * DAY, now - DAY),
                line("b@2", "stl_query", now - 40 * HOUR, now),
                line("c", "", now - 40 * HOUR, now),
            ],
            retention: 2 * DAY,
            ..Ledger::default()
        };
        let fresh = ledger.freshness();
        assert_eq!(fresh.keys().collect::<Vec<_>>(), ["a", "b@2"], "an earlier incarnation has nothing to lose");
        assert_eq!((fresh["a"].table.as_str(), fresh["a"].state(now)), ("stl_scan", ("late", "warn")));
        assert_eq!((fresh["b@2"].headroom(now), fresh["b@2"].state(now).0), (8 * HOUR, "urgent"));
        assert_eq!(fresh["b@2"].state(now + 8 * HOUR), ("losing rows", "bad"));
        let week = Ledger { retention: 7 * DAY, ..ledger };
        assert_eq!(week.freshness()["b@2"].state(now + 8 * HOUR).0, "late", "it is kept for longer");
    }
}
