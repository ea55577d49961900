//! What the difference between two observations means, as events. They say what no log does: that a rotation has ended, that a
//! change came from nowhere. It happened after the first look and before the second.

use std::collections::BTreeMap;

use lookback_schemas::encryption::{
    CLUSTER_ENCRYPTION_STATE, Class, ENCRYPTION_EVENTS, EventIdentity, KMS_KEY_STATE, Row, STATE_COLUMNS, Value,
    canonical, event_key, sha256_hex, source,
};
use lookback_schemas::time::rfc3339;
use serde_json::{Map, json};

use super::{Origin, VERSION};

/// Columns in which null says that there is none, and not that it could not be found out.
const NULL_SPEAKS: [&str; 10] = [
    "kms_key_arn",
    "pending_encryption_type",
    "hsm_configuration_identifier",
    "snapshot_copy_region",
    "snapshot_copy_grant_name",
    "master_secret_arn",
    "log_bucket",
    "deletion_date",
    "valid_to",
    "last_rotation_at",
];
/// Columns that follow from others.
const DERIVED: [&str; 9] = [
    "kms_key_region",
    "kms_key_account",
    "cluster_arn",
    "enabled",
    "pending_window_days",
    "policy_json",
    "last_rotation_type",
    "on_demand_used",
    "access_error",
];

/// The events of a change. `last` is when it was looked before.
pub(crate) fn change_events(before: &Row, after: &Row, last: i64, origin: &Origin) -> Vec<Row> {
    let volatile = after.table().volatile;
    let own = |name: &str| !STATE_COLUMNS.contains(&name) && !volatile.contains(&name) && !DERIVED.contains(&name);
    let mut classes: BTreeMap<&'static str, (Class, Vec<&'static str>)> = BTreeMap::new();
    for column in after.table().columns.iter().map(|column| column.name).filter(|name| own(name)) {
        let (old, new) = (before.get(column), after.get(column));
        let speaks = (old.is_some() && new.is_some()) || NULL_SPEAKS.contains(&column);
        if old == new || !speaks {
            continue;
        }
        if let Some(class) = class_of(column, before, after) {
            classes.entry(class.as_str()).or_insert((class, Vec::new())).1.push(column);
        }
    }
    classes.into_values().map(|(class, columns)| event(class, &columns, before, after, last, origin)).collect()
}

/// The event of an entity that was not there at the last look, or is there no more.
pub(crate) fn presence_event(row: &Row, appeared: bool, last: i64, origin: &Origin) -> Option<Row> {
    if row.table() != &CLUSTER_ENCRYPTION_STATE {
        return None;
    }
    let class = if appeared { Class::ClusterCreated } else { Class::ClusterDeleted };
    let nothing = Row::new(row.table());
    let (before, after) = if appeared { (&nothing, row) } else { (row, &nothing) };
    Some(event(class, &[], before, after, last, origin))
}

fn class_of(column: &str, before: &Row, after: &Row) -> Option<Class> {
    let table = after.table();
    let (old, new) = (before.get_text(column), after.get_text(column));
    if table == &CLUSTER_ENCRYPTION_STATE {
        return Some(match column {
            "encrypted" if after.get_flag(column) == Some(true) => Class::EncryptionEnabled,
            "encrypted" => Class::EncryptionDisabled,
            // Which key follows from whether there is one.
            "kms_key_arn" | "encryption_type" if before.get("encrypted") != after.get("encrypted") => return None,
            // Whose key it is was learnt, or forgotten: nothing was done.
            "encryption_type" if [old, new].contains(&Some("unknown")) => return None,
            "kms_key_arn" | "encryption_type" => Class::EncryptionKeyChanged,
            "cluster_identifier" => Class::ClusterRenamed,
            "cluster_status" if new == Some("rotating-keys") => Class::CekRotationStarted,
            "cluster_status" if old == Some("rotating-keys") => match new {
                Some("available") => Class::CekRotationCompleted,
                _ => Class::ClusterStatusChanged,
            },
            "cluster_status" | "availability_status" => Class::ClusterStatusChanged,
            "require_ssl" | "use_fips_ssl" | "ssl_parameter_status" | "user_activity_logging" => {
                Class::ParameterChanged
            }
            "logging_enabled" if after.get_flag(column) == Some(true) => Class::LoggingEnabled,
            "logging_enabled" => Class::LoggingDisabled,
            "log_destination" | "log_bucket" | "log_exports"
                if before.get("logging_enabled") != after.get("logging_enabled") =>
            {
                return None;
            }
            "log_destination" | "log_bucket" | "log_exports" => Class::LoggingModified,
            "snapshot_copy_region" if old.is_none() => Class::CopyEnabled,
            "snapshot_copy_region" if new.is_none() => Class::CopyDisabled,
            name if name.starts_with("snapshot_copy_") => {
                let (old, new) = (before.get("snapshot_copy_region"), after.get("snapshot_copy_region"));
                if old.is_none() || new.is_none() {
                    return None;
                }
                Class::CopyModified
            }
            name if name.starts_with("master_secret_") => Class::CredentialChanged,
            name if name.starts_with("hsm_") => Class::HsmChanged,
            "tags" => Class::TagsChanged,
            _ => Class::ClusterModified,
        });
    }
    if table == &KMS_KEY_STATE {
        return Some(match (column, old, new) {
            ("key_state", _, Some("PendingDeletion")) => Class::KeyStateDeletionScheduled,
            ("key_state", Some("PendingDeletion"), _) => Class::KeyStateDeletionCancelled,
            ("key_state", _, Some("Enabled")) => Class::KeyStateEnabled,
            ("key_state", _, Some("Disabled")) => Class::KeyStateDisabled,
            ("deletion_date", ..) if before.get("key_state") != after.get("key_state") => return None,
            ("rotation_enabled", ..) if before.get("key_state") != after.get("key_state") => return None,
            ("rotation_enabled", ..) if after.get_flag(column) == Some(false) => Class::RotationConfigDisabled,
            ("rotation_enabled" | "rotation_period_days", ..) => Class::RotationConfigEnabled,
            ("current_key_material_id" | "last_rotation_at" | "rotation_count", ..) => Class::KmsRotationCompleted,
            // It moves with every rotation.
            ("next_rotation_date", ..) => return None,
            ("on_demand_rotation_start", ..) => Class::KmsRotationRequested,
            ("policy_sha256", ..) => Class::PolicyChanged,
            ("grants", ..) => Class::GrantChanged,
            ("aliases", ..) => Class::AliasUpdated,
            ("tags", ..) => Class::TagsChanged,
            _ => Class::KeyStateChanged,
        });
    }
    Some(match column {
        "restore_accounts" if new.map_or(0, str::len) >= old.map_or(0, str::len) => Class::SnapshotShared,
        "restore_accounts" => Class::SnapshotUnshared,
        "status" if new == Some("available") => Class::SnapshotCompleted,
        _ => Class::SnapshotModified,
    })
}

fn event(class: Class, columns: &[&str], before: &Row, after: &Row, last: i64, origin: &Origin) -> Row {
    let (table, either) = (after.table(), |name: &str| after.get_text(name).or_else(|| before.get_text(name)));
    let (entity_column, resource_type, id) = if table == &CLUSTER_ENCRYPTION_STATE {
        let kind = if either("deployment") == Some("serverless") { "namespace" } else { "cluster" };
        ("cluster_namespace_arn", kind, "cluster_identifier")
    } else if table == &KMS_KEY_STATE {
        ("kms_key_arn", "kms_key", "key_id")
    } else {
        ("snapshot_arn", "snapshot", "snapshot_identifier")
    };
    let entity = either(entity_column).unwrap_or_default();
    let differences = columns.iter().map(|name| {
        let pair = json!({ "before": json_of(before.get(name)), "after": json_of(after.get(name)) });
        ((*name).to_owned(), pair)
    });
    let detail = json!({ "table": table.name, "entity": entity, "columns": differences.collect::<Map<_, _>>() });
    // The state stands for the record: the same difference has the same hash.
    let detail_text = canonical(&detail);
    let joined = if columns.is_empty() { class.as_str().to_owned() } else { columns.join(",") };
    let identity = EventIdentity::StateDiff { table: table.name, entity, time_hi: origin.now, columns: &joined };
    let mut row = Row::new(&ENCRYPTION_EVENTS);
    row.text("event_key", Some(event_key(identity))).text("source", Some(source::STATE_DIFF));
    row.time("event_time", Some(origin.now)).time("time_lo", Some(last.min(origin.now)));
    row.time("time_hi", Some(origin.now)).time("observed_at", Some(origin.now));
    row.text("account_id", Some(origin.account.as_str())).text("partition", Some(origin.partition()));
    row.text("region", Some(either("region").unwrap_or(&origin.region).to_owned()));
    row.text("event_class", Some(class.as_str())).text("event_name", Some("StateDiff"));
    row.text("outcome", Some("success")).text("resource_type", Some(resource_type));
    row.text("resource_arn", Some(entity)).text("resource_id", either(id).map(str::to_owned));
    row.text("raw_sha256", Some(sha256_hex(detail_text.as_bytes()))).json("detail_json", Some(&detail));
    row.text("run_id", Some(origin.run_id.as_str())).text("collector_version", Some(VERSION));
    if table != &KMS_KEY_STATE {
        row.text("cluster_namespace_arn", either("cluster_namespace_arn").map(str::to_owned));
        row.text("cluster_identifier", either("cluster_identifier").map(str::to_owned));
        row.text(
            "prev_kms_key_arn",
            before.get_text("kms_key_arn").filter(|k| after.get_text("kms_key_arn") != Some(k)),
        );
        row.flag("encrypted_before", before.get_flag("encrypted")).flag("encrypted_after", after.get_flag("encrypted"));
        row.text("encryption_type_after", after.get_text("encryption_type"));
        row.text("snapshot_identifier", either("snapshot_identifier").map(str::to_owned));
        row.text("snapshot_copy_grant_name", after.get_text("snapshot_copy_grant_name"));
        row.text("destination_region", after.get_text("snapshot_copy_region"));
    } else if class == Class::KmsRotationCompleted {
        row.text("rotation_type", after.get_text("last_rotation_type"));
        row.text("key_material_id", after.get_text("current_key_material_id"));
        row.text("prev_key_material_id", before.get_text("current_key_material_id"));
    }
    row.text("kms_key_arn", after.get_text("kms_key_arn").map(str::to_owned));
    row
}

fn json_of(value: Option<&Value>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(Value::Text(text)) => json!(text),
        Some(Value::Bool(flag)) => json!(flag),
        Some(Value::Long(number)) => json!(number),
        Some(Value::Double(number)) => json!(number),
        Some(Value::Time(time)) => json!(rfc3339(*time)),
    }
}
