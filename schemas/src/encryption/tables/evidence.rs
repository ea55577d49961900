//! What was read when, and what was concluded from it.

use super::{may, must};
use crate::encryption::table::Kind::{Double, Json, Long, Text, Time};
use crate::encryption::table::Table;

/// What was read: one row for each collector, account and region of a run, and one more for each gap. `run_id` is the row's own;
/// rows of the other tables name the collection that they come from by it.
///
/// A collector of events has read all of `window_from` to `window_to`. A collector of states has looked at the end of it, and at
/// its beginning or less than the configured longest pause before. `watermark` is the coverage afterwards (RFC 3339).
/// `access_errors` is a list of `{"call", "code", "grant", "resource"}`: the IAM action that was refused, in what words, what to
/// allow, and, if it was refused about one resource only, which (its ARN). Of a run that was refused nothing but single resources,
/// and has no `error`, everything else is as after `ok`.
/// `oldest_available` is how far back the source could still be asked.
pub static COLLECTION_RUNS: Table = Table {
    name: "collection_runs",
    time_column: "started_at",
    natural_key: &["run_id"],
    volatile: &[],
    columns: &[
        must("run_id", Text),
        must("collector", Text),
        must("collector_version", Text),
        must("account_id", Text),
        must("region", Text),
        must("started_at", Time),
        must("finished_at", Time),
        must("status", Text),
        may("window_from", Time),
        may("window_to", Time),
        may("watermark", Text),
        may("oldest_available", Time),
        must("calls", Long),
        must("throttles", Long),
        must("rows", Long),
        may("access_errors", Json),
        may("error", Text),
    ],
};

/// What an audit concluded, entity by entity.
pub static AUDIT_RESULTS: Table = Table {
    name: "audit_results",
    time_column: "evaluated_at",
    natural_key: &["check_id", "check_version", "entity", "evaluated_for_to", "run_id"],
    volatile: &[],
    columns: &[
        must("evaluated_at", Time),
        must("run_id", Text),
        must("check_id", Text),
        must("check_version", Long),
        must("account_id", Text),
        may("region", Text),
        may("entity_type", Text),
        must("entity", Text),
        may("entity_name", Text),
        must("verdict", Text),
        must("severity", Text),
        may("reason", Text),
        may("since", Time),
        may("window_from", Time),
        may("window_to", Time),
        must("evaluated_for_to", Time),
        may("coverage_pct", Double),
        may("evidence", Json),
        may("params_json", Json),
    ],
};
