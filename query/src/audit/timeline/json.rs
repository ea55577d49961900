//! The story of a cluster as one JSON document.

use lookback_schemas::time::rfc3339;
use serde_json::{Value, json};

use super::{Between, Entry, Incarnation, Segment, Timeline};

impl Timeline {
    /// All that is known, times in RFC 3339.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "cluster": self.cluster, "as_of": rfc3339(self.as_of),
            "incarnations": self.incarnations.iter().map(incarnation).collect::<Vec<_>>(),
        })
    }
}

fn between(time: Between) -> Value {
    json!({ "after": time.after.map(rfc3339), "by": time.by.map(rfc3339) })
}

fn segment(segment: &Segment) -> Value {
    json!({
        "encrypted": segment.encrypted, "encryption_type": segment.encryption_type,
        "kms_key_arn": segment.kms_key_arn, "began": between(segment.began), "ended": between(segment.ended),
        "queries": segment.work.map(|work| work.queries), "connections": segment.work.map(|work| work.connections),
        "plaintext_connections": segment.work.map(|work| work.plaintext),
    })
}

fn entry(entry: &Entry) -> Value {
    json!({
        "time": rfc3339(entry.time), "after": entry.after.map(rfc3339), "class": entry.class, "what": entry.what,
        "who": entry.who, "failed": entry.failed, "times": entry.times,
    })
}

fn incarnation(one: &Incarnation) -> Value {
    let name = |(name, since): &(String, Between)| json!({ "name": name, "since": between(*since) });
    json!({
        "namespace_arn": one.namespace_arn, "account_id": one.account_id, "region": one.region,
        "created": one.created.map(rfc3339), "gone": one.gone.map(between),
        "names": one.names.iter().map(name).collect::<Vec<_>>(),
        "segments": one.segments.iter().map(segment).collect::<Vec<_>>(),
        "entries": one.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}
