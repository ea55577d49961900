//! What makes two rows of the record the same fact.

use sha2::{Digest, Sha256};

use super::row::{Row, Value};
use super::tables::STATE_COLUMNS;
use crate::time::rfc3339;

/// SHA-256 as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// JSON in its one form: object keys sorted, no blanks. Equal values have equal texts.
#[must_use]
pub fn canonical(value: &serde_json::Value) -> String {
    use serde_json::Value as Json;
    match value {
        Json::Object(map) => {
            let mut entries: Vec<(&String, &Json)> = map.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| *name);
            let parts: Vec<String> = entries
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Json::String(name.clone()), canonical(value)))
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// What identifies an event at its source. Times are microseconds UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventIdentity<'a> {
    /// CloudTrail, from whichever of its doors: its event id is unique, and one record can be delivered to several accounts and
    /// regions.
    CloudTrail {
        /// `recipientAccountId`.
        account: &'a str,
        /// `awsRegion`.
        region: &'a str,
        /// `eventID`.
        event_id: &'a str,
    },
    /// Redshift's `DescribeEvents`, which has no id for an occurrence.
    Redshift {
        /// Account.
        account: &'a str,
        /// Region.
        region: &'a str,
        /// `SourceType`.
        source_type: &'a str,
        /// `SourceIdentifier`.
        source_identifier: &'a str,
        /// `Date`.
        date: i64,
        /// `EventId`.
        event_id: &'a str,
        /// `Message`.
        message: &'a str,
    },
    /// KMS's `ListKeyRotations`. Older answers have no id of the material.
    Rotation {
        /// Key ARN.
        key_arn: &'a str,
        /// `RotationDate`.
        date: i64,
        /// `RotationType`.
        rotation_type: &'a str,
    },
    /// An item of AWS Config.
    Config {
        /// ARN of the resource.
        arn: &'a str,
        /// `configurationItemCaptureTime`.
        captured: i64,
        /// `configurationStateId`.
        state_id: &'a str,
    },
    /// A difference between two observations.
    StateDiff {
        /// The state table.
        table: &'a str,
        /// ARN of the entity.
        entity: &'a str,
        /// Time of the later observation.
        time_hi: i64,
        /// The columns that differ, sorted and joined with commas.
        columns: &'a str,
    },
}

/// The key of an event: SHA-256 over the canonical JSON list of its source's name and natural key, as hexadecimal digits.
#[must_use]
pub fn event_key(identity: EventIdentity<'_>) -> String {
    let list = |parts: &[&str]| sha256_hex(canonical(&serde_json::json!(parts)).as_bytes());
    match identity {
        EventIdentity::CloudTrail { account, region, event_id } => list(&["cloudtrail", account, region, event_id]),
        EventIdentity::Redshift { account, region, source_type, source_identifier, date, event_id, message } => {
            list(&[
                "redshift_events",
                account,
                region,
                source_type,
                source_identifier,
                &rfc3339(date),
                event_id,
                message,
            ])
        }
        EventIdentity::Rotation { key_arn, date, rotation_type } => {
            list(&["kms_rotations", key_arn, &rfc3339(date), rotation_type])
        }
        EventIdentity::Config { arn, captured, state_id } => {
            list(&["config_history", arn, &rfc3339(captured), state_id])
        }
        EventIdentity::StateDiff { table, entity, time_hi, columns } => {
            list(&["state_diff", table, entity, &rfc3339(time_hi), columns])
        }
    }
}

/// The hash of what an observation says: SHA-256 over the canonical JSON of the row's own columns. What every observation has,
/// what changes all the time, and what is null are left out: so a column that is added later changes no hash by itself.
#[must_use]
pub fn state_hash(row: &Row) -> String {
    let mut state = serde_json::Map::new();
    let own = |name: &str| !STATE_COLUMNS.contains(&name) && !row.table().volatile.contains(&name);
    for (name, value) in row.values().filter(|(name, _)| own(name)) {
        let value = match value {
            Value::Text(text) => serde_json::Value::from(text.as_str()),
            Value::Bool(flag) => serde_json::Value::from(*flag),
            Value::Long(number) => serde_json::Value::from(*number),
            Value::Double(number) => serde_json::Value::from(*number),
            Value::Time(time) => serde_json::Value::from(rfc3339(*time)),
        };
        state.insert(name.to_owned(), value);
    }
    sha256_hex(canonical(&serde_json::Value::Object(state)).as_bytes())
}
