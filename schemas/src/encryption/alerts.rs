//! The table of alerts: what was told to whom, and what is still to be told.

use super::table::{Column, Kind, Table};

const fn must(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: false }
}

use Kind::{Json, Long, Text, Time};

/// Days of [`ALERT_CHANGES`], back from its newest, that say where every alert stands. Whoever appends repeats what still stands
/// and is half as old.
pub const ALERT_DAYS: i32 = 60;

/// Changes of verdicts and how far they are told. Rows are only added: the last row of a change, by `step`, is how far it is.
///
/// `alert_id` is the same for every change of one rule, question and entity; `number` counts the changes of an alert for a
/// destination; `change_id` is what a receiver knows the change by. `status` is `watched` (not so for enough runs), `waiting`
/// (to be sent), `pending` (being sent by `run_id`), `silent` (told to nobody) or `sent`.
pub static ALERT_CHANGES: Table = Table {
    name: "alert_changes",
    time_column: "recorded_at",
    natural_key: &["alert_id", "destination", "number", "step"],
    volatile: &[],
    columns: &[
        must("recorded_at", Time),
        must("alert_id", Text),
        must("destination", Text),
        must("number", Long),
        must("step", Long),
        must("change_id", Text),
        must("change", Text),
        must("status", Text),
        must("rule", Text),
        must("source", Text),
        must("source_name", Text),
        may("source_title", Text),
        must("severity", Text),
        must("account_id", Text),
        may("region", Text),
        may("entity_type", Text),
        must("entity", Text),
        may("entity_name", Text),
        may("entity_cluster", Text),
        must("verdict", Text),
        may("reason", Text),
        must("evaluated_at", Time),
        must("opened_at", Time),
        must("streak", Long),
        must("attempts", Long),
        may("error", Text),
        must("run_id", Text),
        may("event", Json),
    ],
};
