//! Asks a diagnostic, and takes each row of its answer for a failure of the entity that it names.

use std::collections::{BTreeMap, BTreeSet};

use lookback_alerts::rules::{Diagnostic as Asks, Threshold};
use lookback_alerts::{Asked, Entity, Observation, Severity, Source, SourceKind, Verdict};
use lookback_query::coverage::Coverage;
use lookback_query::diagnostics::{self, Cell, Diagnostic, Outcome};
use lookback_query::{QueryError, Session};
use lookback_schemas::registry;
use lookback_schemas::time::rfc3339;
use serde_json::{Value, json};

/// Rows of a diagnostic that are looked at.
const MAX_ROWS: usize = 5_000;
/// The parameter that limits the rows of a diagnostic.
const TOP: &str = "top";

/// The answer at a moment, and what silence in it means; `covered` says how far the logs of clusters are exported.
pub(super) async fn ask(
    session: &Session,
    diagnostic: &'static Diagnostic,
    asks: &Asks,
    params: &BTreeMap<String, String>,
    at: i64,
    covered: &[Coverage],
) -> Result<(Asked, Vec<Observation>), QueryError> {
    let mut params = params.clone();
    let has = |name: &str| diagnostic.params.iter().any(|param| param.name == name);
    if has(TOP) {
        params.entry(TOP.to_owned()).or_insert_with(|| MAX_ROWS.to_string());
    }
    if let Some(window) = asks.window {
        params.insert("from".to_owned(), rfc3339(at - lookback_alerts::pace::micros(window)));
        if has("to") {
            params.entry("to".to_owned()).or_insert_with(|| rfc3339(at));
        }
    }
    let answer = diagnostics::run(&session.with_as_of(Some(at)), diagnostic.name, &params).await?;
    let tables: BTreeSet<String> = answer.versions().iter().map(|(table, _)| table.clone()).collect();
    let outcome = Outcome::read(answer, MAX_ROWS).await?;
    // What did not fit in may be anything.
    let top = params.get(TOP).filter(|_| has(TOP)).and_then(|top| top.parse::<usize>().ok());
    let full = outcome.left_out > 0 || top.is_some_and(|top| outcome.rows.len() >= top);
    let (known, stale) = freshness(&tables, covered, at - lookback_alerts::pace::micros(asks.fresh));
    let asked = Asked { name: diagnostic.name.to_owned(), whole: known && !full, stale, error: None };
    let rows = outcome.rows.iter().filter(|row| counts(asks.threshold.as_ref(), &outcome.columns, row));
    Ok((asked, rows.map(|row| of_row(diagnostic, asks, &outcome.columns, row)).collect()))
}

/// Whether anything is known of the logs that were read, and the clusters whose logs end before a moment.
fn freshness(tables: &BTreeSet<String>, covered: &[Coverage], since: i64) -> (bool, BTreeSet<String>) {
    let is_log = |table: &String| registry().table(table).is_some();
    if !tables.iter().any(is_log) {
        return (true, BTreeSet::new());
    }
    let mut of = covered.iter().filter(|one| tables.contains(&one.table)).peekable();
    let known = of.peek().is_some();
    let old = of.filter(|one| one.covered_until.is_none_or(|until| until < since));
    (known, old.map(|one| one.cluster_id.clone()).collect())
}

fn cell<'r>(columns: &[String], row: &'r [Cell], name: &str) -> Option<&'r Cell> {
    columns.iter().position(|column| column == name).and_then(|at| row.get(at))
}

fn counts(threshold: Option<&Threshold>, columns: &[String], row: &[Cell]) -> bool {
    threshold.is_none_or(|bound| bound.counts(cell(columns, row, &bound.column).and_then(|cell| cell.number)))
}

fn of_row(diagnostic: &Diagnostic, asks: &Asks, columns: &[String], row: &[Cell]) -> Observation {
    let text = |name: &str| cell(columns, row, name).map(|cell| cell.text.clone()).unwrap_or_default();
    let parts: Vec<String> = asks.entity.iter().map(|name| text(name)).collect();
    let id = match parts.as_slice() {
        [one] => one.clone(),
        several => json!(several).to_string(),
    };
    // Times are numbers to a report, and texts to people.
    let value = |cell: &Cell| match (cell.number, cell.text.parse::<i64>(), cell.text.parse::<f64>()) {
        (Some(_), Ok(whole), _) => Value::from(whole),
        (Some(number), _, Ok(_)) => Value::from(number),
        _ => Value::from(cell.text.clone()),
    };
    let values = columns.iter().zip(row).filter(|(_, cell)| !cell.text.is_empty());
    let severity = match diagnostic.severity {
        diagnostics::Severity::Info => Severity::Info,
        diagnostics::Severity::Warning => Severity::Medium,
        diagnostics::Severity::Critical => Severity::High,
    };
    let reason = match &asks.threshold {
        Some(bound) => format!("{} is {}.", bound.column, text(&bound.column)),
        None => diagnostic.title.to_owned() + ".",
    };
    Observation {
        source: Source {
            kind: SourceKind::Diagnostic,
            name: diagnostic.name.to_owned(),
            title: diagnostic.title.to_owned(),
        },
        severity: asks.severity.unwrap_or(severity),
        entity: Entity {
            kind: asks.entity.join(", "),
            id: if id.trim().is_empty() { "-".to_owned() } else { id },
            name: parts.join(", "),
            cluster: text("cluster_id"),
            ..Entity::default()
        },
        verdict: Verdict::Fail,
        said: "FAIL".to_owned(),
        reason,
        since: None,
        advice: diagnostic.advice.iter().map(|advice| (*advice).to_owned()).collect(),
        evidence: Vec::new(),
        values: values.map(|(name, cell)| (name.clone(), value(cell))).collect(),
    }
}
