//! What of the observations of a poll is stored: a change, a heartbeat, a tombstone, or nothing.

use std::collections::HashMap;

use lookback_schemas::encryption::{Row, obs_kind, state_hash};
use lookback_schemas::time::DAY;

use super::Origin;

/// A state that has not changed is stored again after this long.
pub(crate) const HEARTBEAT: i64 = DAY;

/// What a poll gives.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Rows to store.
    pub(crate) rows: Vec<Row>,
    /// Of each entity that changed: what it was, and what it is.
    pub(crate) changes: Vec<(Row, Row)>,
    /// Entities that were not there at the last poll, though it was looked for them.
    pub(crate) appeared: Vec<Row>,
    /// Entities that are gone: what they were.
    pub(crate) gone: Vec<Row>,
}

/// Compares what is seen with what was seen last. `last` is each entity's last row by its ARN; `calls` are the listings that
/// are complete: of what they gave last time, whatever they do not give now is gone.
pub(crate) fn observe(
    key: &'static str,
    seen: Vec<Row>,
    last: &HashMap<String, Row>,
    calls: &[&str],
    origin: &Origin,
) -> Observed {
    let mut observed = Observed::default();
    let mut met: HashMap<String, ()> = HashMap::new();
    for mut row in seen {
        let Some(entity) = row.get_text(key).map(str::to_owned) else { continue };
        // A listing that moved while it was read can have an entity on two pages.
        if met.insert(entity.clone(), ()).is_some() {
            continue;
        }
        let hash = state_hash(&row);
        let before = last.get(&entity).filter(|row| row.get_text("obs_kind") != Some(obs_kind::TOMBSTONE));
        let kind = match before {
            Some(before) if before.get_text("state_hash") == Some(&hash) => {
                let age = before.at().map_or(i64::MAX, |at| origin.now.saturating_sub(at));
                if age < HEARTBEAT {
                    continue;
                }
                obs_kind::HEARTBEAT
            }
            _ => obs_kind::CHANGE,
        };
        stamp(&mut row, kind, &hash, origin);
        match before {
            Some(before) if kind == obs_kind::CHANGE => observed.changes.push((before.clone(), row.clone())),
            None => observed.appeared.push(row.clone()),
            _ => {}
        }
        observed.rows.push(row);
    }
    let mut missing: Vec<&Row> = last
        .iter()
        .filter(|(entity, row)| {
            !met.contains_key(*entity)
                && row.get_text("obs_kind") != Some(obs_kind::TOMBSTONE)
                && row.get_text("source_call").is_some_and(|call| calls.contains(&call))
        })
        .map(|(_, row)| row)
        .collect();
    missing.sort_by_key(|row| row.get_text(key).map(str::to_owned));
    for before in missing {
        let mut row = before.clone();
        let hash = row.get_text("state_hash").unwrap_or_default().to_owned();
        stamp(&mut row, obs_kind::TOMBSTONE, &hash, origin);
        observed.gone.push(before.clone());
        observed.rows.push(row);
    }
    observed
}

fn stamp(row: &mut Row, kind: &str, hash: &str, origin: &Origin) {
    row.time("observed_at", Some(origin.now)).text("obs_kind", Some(kind)).text("state_hash", Some(hash));
    row.text("account_id", Some(origin.account.as_str())).text("run_id", Some(origin.run_id.as_str()));
    if row.get_text("region").is_none() {
        row.text("region", Some(origin.region.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use lookback_schemas::encryption::SNAPSHOT_ENCRYPTION_STATE;
    use lookback_schemas::time::HOUR;
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "snapshot_arn";

    fn snapshot(name: &str, encrypted: bool) -> Row {
        let mut row = Row::new(&SNAPSHOT_ENCRYPTION_STATE);
        row.text(KEY, Some(name)).text("snapshot_identifier", Some(name)).flag("encrypted", Some(encrypted));
        row.text("source_call", Some("list"));
        row
    }

    fn origin(now: i64) -> Origin {
        Origin { account: "1".into(), region: "r".into(), run_id: "x".into(), now }
    }

    fn kinds(observed: &Observed) -> Vec<&str> {
        observed.rows.iter().filter_map(|row| row.get_text("obs_kind")).collect()
    }

    fn learn(last: &mut HashMap<String, Row>, observed: &Observed) {
        for row in &observed.rows {
            assert_eq!(row.check(), Ok(()));
            last.insert(row.get_text(KEY).unwrap_or_default().to_owned(), row.clone());
        }
    }

    #[test]
    fn changes_heartbeats_and_tombstones() {
        let mut last = HashMap::new();
        let mut at = |hours: i64, seen: Vec<Row>, calls: &[&str]| {
            let observed = observe(KEY, seen, &last, calls, &origin(hours * HOUR));
            learn(&mut last, &observed);
            kinds(&observed).join(",")
        };
        assert_eq!(at(0, vec![snapshot("a", true), snapshot("a", true)], &["list"]), "change");
        assert_eq!(at(1, vec![snapshot("a", true)], &["list"]), "");
        assert_eq!(at(24, vec![snapshot("a", true)], &["list"]), "heartbeat");
        assert_eq!(at(25, vec![snapshot("a", false)], &["list"]), "change");
        // Not listed is not gone.
        assert_eq!(at(26, vec![], &["another"]), "");
        assert_eq!(at(27, vec![], &["list"]), "tombstone");
        assert_eq!(at(28, vec![], &["list"]), "");
        assert_eq!(at(29, vec![snapshot("a", false)], &["list"]), "change");
    }

    proptest! {
        /// Whatever is seen when: the stored rows give back what was seen at every poll, and no live entity is silent for a day.
        #[test]
        fn nothing_is_lost_between_rows(polls in prop::collection::vec((1i64..30, prop::option::of(any::<bool>())), 1..40)) {
            let (mut last, mut now) = (HashMap::new(), 0);
            for (hours, state) in polls {
                now += hours * HOUR;
                let seen: Vec<Row> = state.map(|encrypted| snapshot("a", encrypted)).into_iter().collect();
                let observed = observe(KEY, seen, &last, &["list"], &origin(now));
                prop_assert!(observed.rows.len() <= 1);
                learn(&mut last, &observed);
                let live = last.get("a").filter(|row| row.get_text("obs_kind") != Some("tombstone"));
                prop_assert_eq!(live.and_then(|row| row.get_flag("encrypted")), state);
                if let Some(row) = live {
                    prop_assert!(now - row.at().unwrap_or_default() < HEARTBEAT);
                }
            }
        }
    }
}
