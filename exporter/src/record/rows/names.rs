//! Which cluster a name stood for, and when: names can change, and can be used again after a cluster is gone.

use std::collections::HashMap;

use lookback_schemas::encryption::Row;
use lookback_schemas::time::HOUR;

/// A cluster's creation shows in events a little before its own create time, and its deletion a little after it was last seen.
const SLACK: i64 = HOUR;

/// A name, from when to when it stood for a cluster. Microseconds UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    name: String,
    from: i64,
    to: i64,
    namespace: String,
}

/// What is known of a cluster before an event.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Before {
    at: i64,
    encrypted: Option<bool>,
    key: Option<String>,
}

/// The clusters of an account and region by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    spans: Vec<Span>,
    /// Of each cluster, what was observed when.
    seen: HashMap<String, Vec<Before>>,
}

impl Names {
    /// Learns from observations: those of earlier, and those of now.
    pub(crate) fn new(earlier: &[Row], now: &[Row]) -> Self {
        let mut names = Self::default();
        let namespace = |row: &Row| row.get_text("cluster_namespace_arn").map(str::to_owned);
        for row in now {
            let (Some(namespace), Some(name)) = (namespace(row), row.get_text("cluster_identifier")) else { continue };
            let from = row.get_time("create_time").map_or(i64::MIN, |created| created.saturating_sub(SLACK));
            names.spans.push(Span { name: name.to_owned(), from, to: i64::MAX, namespace });
        }
        for row in earlier {
            let (Some(namespace), Some(name), Some(at)) =
                (namespace(row), row.get_text("cluster_identifier"), row.at())
            else {
                continue;
            };
            let seen = Before {
                at,
                encrypted: row.get_flag("encrypted"),
                key: row.get_text("kms_key_arn").map(str::to_owned),
            };
            names.seen.entry(namespace.clone()).or_default().push(seen);
            match names.spans.iter_mut().find(|span| span.namespace == namespace) {
                Some(span) if span.name == name => {}
                // It has another name now: from some time after it was last seen with this one.
                Some(span) => {
                    let from = std::mem::replace(&mut span.from, at);
                    names.spans.push(Span { name: name.to_owned(), from, to: at, namespace });
                }
                None => {
                    let from = row.get_time("create_time").map_or(i64::MIN, |created| created.saturating_sub(SLACK));
                    names.spans.push(Span { name: name.to_owned(), from, to: at.saturating_add(SLACK), namespace });
                }
            }
        }
        names
    }

    /// Learns of renames: (old, new, when). The order does not matter.
    pub(crate) fn renamed(&mut self, mut renames: Vec<(String, String, i64)>) {
        // From the present backwards: each rename says what a name that is known was before.
        renames.sort_unstable_by_key(|(_, _, at)| std::cmp::Reverse(*at));
        for (old, new, at) in renames {
            if self.spans.iter().any(|span| span.name == old && span.to == at) {
                continue;
            }
            // What was seen under the old name after the last look ends with the rename, and the new one begins there.
            let found = self.spans.iter_mut().find(|span| span.name == new && span.from <= at && at < span.to);
            let Some(span) = found else { continue };
            let namespace = span.namespace.clone();
            let from = std::mem::replace(&mut span.from, at);
            match self.spans.iter_mut().find(|span| span.namespace == namespace && span.name == old) {
                Some(earlier) => earlier.to = at,
                None => self.spans.push(Span { name: old, from, to: at, namespace }),
            }
        }
    }

    /// The namespace ARN of the cluster of that name at a time.
    pub(crate) fn at(&self, name: &str, time: i64) -> Option<&str> {
        let mut found = self.spans.iter().filter(|s| s.name == name && s.from <= time && time <= s.to);
        // The latest to begin: of two with slack around them, the one that came later.
        let first = found.next()?;
        Some(found.fold(first, |best, span| if span.from > best.from { span } else { best }).namespace.as_str())
    }

    /// Whether a cluster was encrypted, and under which key, when it was last seen before a time.
    pub(crate) fn before(&self, namespace: &str, time: i64) -> Option<(Option<bool>, Option<&str>)> {
        let seen = self.seen.get(namespace)?;
        let last = seen.iter().filter(|seen| seen.at <= time).max_by_key(|seen| seen.at)?;
        Some((last.encrypted, last.key.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use lookback_schemas::encryption::CLUSTER_ENCRYPTION_STATE;

    use super::*;

    fn seen(namespace: &str, name: &str, created: i64, at: i64) -> Row {
        let mut row = Row::new(&CLUSTER_ENCRYPTION_STATE);
        row.text("cluster_namespace_arn", Some(namespace)).text("cluster_identifier", Some(name));
        row.time("create_time", Some(created * HOUR)).time("observed_at", Some(at * HOUR));
        row.flag("encrypted", Some(namespace == "N1"));
        row
    }

    #[test]
    fn a_name_that_was_used_again_is_another_cluster() {
        let names = Names::new(&[seen("N1", "sales", 10, 50)], &[seen("N2", "sales", 60, 70)]);
        assert_eq!(names.at("sales", 20 * HOUR), Some("N1"));
        assert_eq!(names.at("sales", 60 * HOUR), Some("N2"));
        assert_eq!(names.at("sales", 55 * HOUR), None);
        assert_eq!(names.at("sales", 2 * HOUR), None);
        assert_eq!(names.at("other", 20 * HOUR), None);
    }

    #[test]
    fn a_rename_moves_the_name_and_keeps_the_cluster() {
        let mut names = Names::new(&[], &[seen("N1", "c", 10, 70)]);
        names.renamed(vec![("a".into(), "b".into(), 20 * HOUR), ("b".into(), "c".into(), 30 * HOUR)]);
        for (name, hour, known) in [
            ("a", 15, Some("N1")),
            ("a", 25, None),
            ("b", 25, Some("N1")),
            ("b", 35, None),
            ("c", 35, Some("N1")),
            ("c", 15, None),
        ] {
            assert_eq!(names.at(name, hour * HOUR), known, "{name} at {hour}");
        }
    }

    #[test]
    fn a_rename_between_two_looks_is_placed_where_it_happened() {
        let mut names = Names::new(&[seen("N1", "a", 10, 50)], &[seen("N1", "b", 10, 70)]);
        assert_eq!(names.at("a", 40 * HOUR), Some("N1"));
        names.renamed(vec![("a".into(), "b".into(), 60 * HOUR)]);
        assert_eq!((names.at("a", 55 * HOUR), names.at("b", 55 * HOUR)), (Some("N1"), None));
        assert_eq!((names.at("a", 65 * HOUR), names.at("b", 65 * HOUR)), (None, Some("N1")));
        assert_eq!(names.before("N1", 60 * HOUR), Some((Some(true), None)));
        assert_eq!(names.before("N1", 40 * HOUR), None);
    }
}
