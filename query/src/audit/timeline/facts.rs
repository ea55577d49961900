//! What the record's events say about a cluster and about its keys while it used them.

use lookback_schemas::time::HOUR;

use super::{Entry, Incarnation, Segment};
use crate::audit::rows::{Row, rows_of};
use crate::dialect::rewrite::text_literal;
use crate::error::QueryError;
use crate::session::Session;

/// Adds what happened to an incarnation's story, and puts it in the order of time.
pub(super) async fn add(session: &Session, incarnation: &mut Incarnation) -> Result<(), QueryError> {
    let mut keys: Vec<String> = incarnation.segments.iter().filter_map(|segment| segment.kms_key_arn.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    let literal = |text: &str| text_literal(text.to_owned()).to_string();
    let mut conditions = vec![format!("cluster_namespace_arn = {}", literal(&incarnation.namespace_arn))];
    if !keys.is_empty() {
        let list = keys.iter().map(|key| literal(key)).collect::<Vec<_>>().join(", ");
        conditions.push(format!("kms_key_arn IN ({list})"));
    }
    // Every query of a cluster uses its key: uses are no news.
    let sql = format!(
        "SELECT * FROM encryption_facts WHERE event_class <> 'crypto.used' AND ({}) ORDER BY event_time, event_class",
        conditions.join(" OR ")
    );
    for row in rows_of(session, &sql).await? {
        let fact = Fact::read(&row);
        if fact.concerns(incarnation) {
            incarnation.entries.push(fact.entry());
        }
    }
    incarnation.entries.sort_by(|a, b| (a.time, &a.class).cmp(&(b.time, &b.class)));
    incarnation.entries = collapsed(std::mem::take(&mut incarnation.entries));
    Ok(())
}

/// An event, as far as it is told.
#[derive(Debug, Clone, Default)]
struct Fact {
    time: i64,
    after: Option<i64>,
    class: String,
    name: String,
    namespace_arn: String,
    kms_key_arn: String,
    outcome: String,
    error: String,
    who: String,
}

impl Fact {
    fn read(row: &Row) -> Self {
        let time = row.time("event_time").unwrap_or_default();
        let first = |names: &[&str]| names.iter().map(|name| row.text(name)).find(|text| !text.is_empty());
        Self {
            time,
            after: row.time("time_lo").filter(|lo| *lo < time),
            class: row.text("event_class"),
            name: row.text("event_name"),
            namespace_arn: row.text("cluster_namespace_arn"),
            kms_key_arn: row.text("kms_key_arn"),
            outcome: row.text("outcome"),
            error: first(&["error_code", "error_message"]).unwrap_or_default(),
            who: first(&["actor_arn", "invoked_by"]).unwrap_or_default(),
        }
    }

    /// Whether it is about this cluster, or about a key while the cluster was under it.
    fn concerns(&self, incarnation: &Incarnation) -> bool {
        if !self.namespace_arn.is_empty() {
            return self.namespace_arn == incarnation.namespace_arn;
        }
        let during = |segment: &Segment| {
            segment.kms_key_arn.as_deref() == Some(self.kms_key_arn.as_str())
                && segment.began.after.or(segment.began.by).is_none_or(|began| began <= self.time)
                && segment.ended.by.is_none_or(|ended| self.time <= ended)
        };
        incarnation.segments.iter().any(during)
    }

    fn entry(self) -> Entry {
        let failed = self.outcome == "failure";
        let mut what = self.what();
        if failed {
            what.push_str(if self.error.is_empty() { ": failed" } else { ": failed, " });
            what.push_str(&self.error);
        }
        Entry { time: self.time, after: self.after, class: self.class, what, who: self.who, failed, times: 1 }
    }

    /// What happened, for people.
    fn what(&self) -> String {
        let key = &self.kms_key_arn;
        let of_key = |what: &str| if key.is_empty() { what.to_owned() } else { format!("{what}, {key}") };
        match self.class.as_str() {
            "cluster.created" => "created".to_owned(),
            "cluster.restored" => "restored from a snapshot".to_owned(),
            "cluster.renamed" => "renamed".to_owned(),
            "cluster.deleted" => "deleted".to_owned(),
            "cluster.key_inaccessible" => of_key("cut off from its key"),
            "cluster.key_accessible" => of_key("has its key again"),
            "encryption.enabled" => of_key("encryption switched on"),
            "encryption.disabled" => "encryption switched off".to_owned(),
            "encryption.key_changed" => of_key("moved to another key"),
            "cek_rotation.started" => "rotation of the cluster's own keys started".to_owned(),
            "cek_rotation.completed" => "rotation of the cluster's own keys completed".to_owned(),
            "cek_rotation.failed" => "rotation of the cluster's own keys failed".to_owned(),
            "kms_rotation.requested" => of_key("rotation of the key's material requested"),
            "kms_rotation.completed" => of_key("material of the key rotated"),
            "rotation_config.enabled" => of_key("automatic rotation of the key switched on"),
            "rotation_config.disabled" => of_key("automatic rotation of the key switched off"),
            "key_state.disabled" => of_key("key disabled"),
            "key_state.enabled" => of_key("key enabled"),
            "key_state.deletion_scheduled" => of_key("deletion of the key scheduled"),
            "key_state.deletion_cancelled" => of_key("deletion of the key withdrawn"),
            "key_state.deleted" => of_key("key deleted"),
            "policy.changed" => of_key("policy of the key changed"),
            "grant.created" => of_key("grant on the key given"),
            "grant.revoked" | "grant.retired" => of_key("grant on the key taken back"),
            "crypto.denied" => of_key("use of the key refused"),
            "copy.enabled" => "copies of snapshots to another region switched on".to_owned(),
            "copy.disabled" => "copies of snapshots to another region switched off".to_owned(),
            "logging.enabled" => "audit logging switched on".to_owned(),
            "logging.disabled" => "audit logging switched off".to_owned(),
            "logging.failed" => "delivery of audit logs failed".to_owned(),
            class if self.name.is_empty() => class.replace(['.', '_'], " "),
            class => format!("{} ({})", class.replace(['.', '_'], " "), self.name),
        }
    }
}

/// The same that happens again within an hour is one entry.
fn collapsed(entries: Vec<Entry>) -> Vec<Entry> {
    let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        let same = |other: &&mut Entry| {
            other.class == entry.class
                && other.what == entry.what
                && other.who == entry.who
                && entry.time - other.time < HOUR
        };
        match kept.last_mut().filter(same).filter(|_| entry.class != super::OBSERVED) {
            Some(other) => other.times += 1,
            None => kept.push(entry),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::Between;
    use super::*;

    fn fact(class: &str, time: i64, key: &str) -> Fact {
        Fact { time, class: class.to_owned(), kms_key_arn: key.to_owned(), ..Fact::default() }
    }

    #[test]
    fn a_key_matters_while_the_cluster_is_under_it() {
        let segment = |key: &str, from: i64, to: Option<i64>| Segment {
            encrypted: Some(true),
            encryption_type: "kms_cmk".to_owned(),
            kms_key_arn: Some(key.to_owned()),
            began: Between { after: Some(from - 1), by: Some(from) },
            ended: Between { after: to.map(|to| to - 1), by: to },
            work: None,
        };
        let story = Incarnation {
            namespace_arn: "n".to_owned(),
            account_id: String::new(),
            region: String::new(),
            created: None,
            gone: None,
            names: Vec::new(),
            segments: vec![segment("k1", 10, Some(20)), segment("k2", 20, None)],
            entries: Vec::new(),
        };
        assert!(fact("key_state.disabled", 15, "k1").concerns(&story));
        assert!(!fact("key_state.disabled", 25, "k1").concerns(&story));
        assert!(fact("key_state.disabled", 99, "k2").concerns(&story) && !fact("x", 15, "k3").concerns(&story));
        let of_another = Fact { namespace_arn: "m".to_owned(), ..fact("x", 15, "k1") };
        assert!(!of_another.concerns(&story));
    }

    #[test]
    fn the_same_again_is_one_entry() {
        let denied = |time| fact("crypto.denied", time, "k").entry();
        let entries = collapsed(vec![denied(0), denied(HOUR - 1), denied(3 * HOUR)]);
        assert_eq!(entries.iter().map(|entry| entry.times).collect::<Vec<_>>(), [2, 1]);
        let failed =
            Fact { outcome: "failure".to_owned(), error: "Denied".to_owned(), ..fact("cek_rotation.started", 0, "") };
        assert_eq!(failed.entry().what, "rotation of the cluster's own keys started: failed, Denied");
    }
}
