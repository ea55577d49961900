//! The tables of the record, column by column. A name here is a format: changing one breaks existing lakes. Columns can be added:
//! all can be null in the lake, and what was stored before has null there.

mod events;
mod evidence;
mod states;

use super::alerts::ALERT_CHANGES;
use super::table::{Column, Kind, Table};

pub use events::{ENCRYPTION_EVENTS, KMS_KEY_ROTATIONS};
pub use evidence::{AUDIT_RESULTS, COLLECTION_RUNS};
pub use states::{CLUSTER_ENCRYPTION_STATE, KMS_KEY_STATE, SNAPSHOT_ENCRYPTION_STATE, STATE_COLUMNS};

const fn must(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: false }
}

/// Every table of the record.
pub static TABLES: [&Table; 8] = [
    &ENCRYPTION_EVENTS,
    &CLUSTER_ENCRYPTION_STATE,
    &KMS_KEY_STATE,
    &SNAPSHOT_ENCRYPTION_STATE,
    &KMS_KEY_ROTATIONS,
    &COLLECTION_RUNS,
    &AUDIT_RESULTS,
    &ALERT_CHANGES,
];

/// The table of that name.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.into_iter().find(|table| table.name == name)
}
