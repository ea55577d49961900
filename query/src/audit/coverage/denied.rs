//! Calls that AWS refused to a collector.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::spans::Spans;

/// A call that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The call, such as `kms:DescribeKey`.
    pub call: String,
    /// What AWS said, such as `AccessDeniedException`.
    pub code: String,
    /// The permission that is missing.
    pub grant: String,
    /// What it was refused about (an ARN); `None` if it was refused altogether.
    pub resource: Option<String>,
    /// The time that the run was to read (microseconds since 1970-01-01, UTC).
    pub window: (i64, i64),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    call: String,
    code: String,
    grant: String,
    resource: Option<String>,
}

/// Reads the list that a run of a collector keeps. One that cannot be read is a denied call as well: something was refused.
pub(super) fn read(json: &str, window: (i64, i64)) -> Vec<Denied> {
    if json.trim().is_empty() {
        return Vec::new();
    }
    match serde_json::from_str::<Option<Vec<Entry>>>(json) {
        Ok(entries) => entries
            .unwrap_or_default()
            .into_iter()
            .map(|entry| Denied {
                call: entry.call,
                code: entry.code,
                grant: entry.grant,
                resource: entry.resource.filter(|resource| !resource.is_empty()),
                window,
            })
            .collect(),
        Err(_) => {
            let (call, code) = ("a call".to_owned(), json.to_owned());
            vec![Denied { call, code, grant: String::new(), resource: None, window }]
        }
    }
}

/// Adds a refusal to those of earlier runs. What is refused at every run is one refusal that lasts.
pub(super) fn add(all: &mut Vec<Denied>, new: Denied) {
    let same = |old: &&mut Denied| {
        let lasts = old.window.0 < old.window.1 && new.window.0 < new.window.1;
        let touches = old.window.0 <= new.window.0 && new.window.0 <= old.window.1;
        lasts
            && touches
            && (&old.call, &old.code, &old.grant, &old.resource) == (&new.call, &new.code, &new.grant, &new.resource)
    };
    match all.iter_mut().rev().find(same) {
        Some(old) => old.window.1 = old.window.1.max(new.window.1),
        None => all.push(new),
    }
}

impl Denied {
    /// Whether it matters to a judgment that rests on these resources, or on who knows which.
    pub(super) fn is_about(&self, resources: Option<&BTreeSet<String>>) -> bool {
        match (&self.resource, resources) {
            (Some(resource), Some(resources)) => resources.contains(resource),
            _ => true,
        }
    }

    /// Whether it leaves something of a window unknown: nothing was read completely in its place.
    #[must_use]
    pub fn concerns(&self, window: (i64, i64), complete: &Spans) -> bool {
        let (from, to) = self.window;
        if from == to {
            // A run without a window of its own: what was read later stands in for it.
            return (window.0..window.1).contains(&from) && !complete.contains(from, from + 1);
        }
        let (from, to) = (from.max(window.0), to.min(window.1));
        from < to && !complete.contains(from, to)
    }

    /// What was refused, to whom, and what to do.
    pub(super) fn describe(&self, who: &str) -> String {
        let code = if self.code.is_empty() { String::new() } else { format!(" ({})", self.code) };
        let grant = match self.grant.as_str() {
            "" => String::new(),
            grant => format!("; grant {grant} to the collector's role"),
        };
        let call = if self.call.is_empty() { "a call" } else { &self.call };
        let about = self.resource.as_ref().map_or_else(String::new, |resource| format!(" of {resource}"));
        format!("{call}{about} was denied to {who}{code}{grant}")
    }
}
