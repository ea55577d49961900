//! One test or more for each failure that the usual exporters of system tables have; `f07` is the seventh. Each test says
//! what such an exporter does, sets the situation up, and shows that the lake equals what the cluster has shown.

mod access;
mod children;
mod clocks;
mod drift;
mod gaps;
mod incarnations;
mod isolation;
mod own_queries;
mod repeats;
mod values;
mod verified;
mod watermarks;

use lookback_exporter::{ErrorKind, Report};
use lookback_schemas::names::LEDGER_TABLE;
use lookback_simulator::Fault;

use crate::support::world::{RowText, World, texts};

/// Everything was done, nothing failed.
fn assert_done(report: &Report) {
    assert_eq!(failures(report), Vec::<String>::new());
    assert_eq!(report.exit_code(), 0);
}

/// What failed, as text.
fn failures(report: &Report) -> Vec<String> {
    report.failures().map(|(t, e)| format!("{}/{}: {e}", t.cluster, t.table)).collect()
}

/// The kinds of the failures, with the table's name.
fn kinds(report: &Report) -> Vec<(&str, ErrorKind)> {
    report.failures().map(|(t, e)| (t.table.as_str(), e.kind())).collect()
}

/// Statements on a table are refused, for no good reason and with no hope of a retry.
fn broken(table: &str) -> Fault {
    Fault::Error { table: Some(table.to_owned()), sqlstate: "42601".to_owned(), message: "made up".to_owned() }
}

/// The run ledger, in the order in which it was written.
async fn ledger(world: &World) -> Vec<RowText> {
    let table = world.lake().await.table(LEDGER_TABLE).await.unwrap().unwrap();
    let mut rows: Vec<RowText> =
        lookback_exporter::ledger::read(&table).await.unwrap().iter().flat_map(texts).collect();
    rows.sort_by_key(|row| row["started_at"].parse::<i64>().unwrap());
    rows
}
