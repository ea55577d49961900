//! What one collector read in one region of one account, and what that proves.

use std::collections::BTreeSet;

use super::denied::{self, Denied};
use super::{Proof, Spans};
use crate::audit::rows::moment_text;

/// What one collector read in one region of one account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reads {
    /// Time that was read completely.
    pub complete: Spans,
    /// Time that was read completely, but for single resources: `denied` names them.
    pub apart: Spans,
    /// Time that its source no longer held when it was to be read.
    pub lost: Spans,
    /// Calls that were refused.
    pub denied: Vec<Denied>,
    /// The last error of a run that failed, with the time of the run.
    pub error: Option<(i64, String)>,
}

impl Reads {
    /// Takes a run into account: how it ended, when it started and what it failed at, what it read, and what was refused.
    pub(super) fn add(&mut self, status: &str, error: (i64, String), window: (i64, i64), denied: Vec<Denied>) {
        // Whatever else went wrong: what is missing then is not known.
        let only_resources = error.1.is_empty() && denied.iter().all(|denied| denied.resource.is_some());
        match status {
            "ok" if denied.is_empty() => self.complete.add(window.0, window.1),
            "ok" | "partial" if !denied.is_empty() && only_resources => self.apart.add(window.0, window.1),
            "gap" => self.lost.add(window.0, window.1),
            _ if !error.1.is_empty() => self.error = Some(error),
            _ => {}
        }
        denied.into_iter().for_each(|one| denied::add(&mut self.denied, one));
    }

    /// Takes over what a collector read that stands in for this one.
    pub(super) fn extend(&mut self, other: &Self) {
        self.complete.extend(&other.complete);
        self.apart.extend(&other.apart);
        self.lost.extend(&other.lost);
        self.denied.extend(other.denied.iter().cloned());
    }

    /// Whether a call was refused about a single resource.
    pub(super) fn has_denied_resources(&self) -> bool {
        self.denied.iter().any(|denied| denied.resource.is_some())
    }

    /// Time that was read, but for single resources.
    #[must_use]
    pub fn mostly(&self) -> Spans {
        let mut all = self.complete.clone();
        all.extend(&self.apart);
        all
    }

    /// Time that was read completely as far as some resources are concerned; all of them, if it is not said which.
    fn complete_for(&self, resources: Option<&BTreeSet<String>>) -> Spans {
        let mut unread = Spans::default();
        let of_resources = self.denied.iter().filter(|denied| denied.resource.is_some() && denied.is_about(resources));
        of_resources.for_each(|denied| unread.add(denied.window.0, denied.window.1));
        let mut complete = self.complete.clone();
        for (from, to) in self.apart.spans() {
            unread.holes(*from, *to).into_iter().for_each(|(from, to)| complete.add(from, to));
        }
        complete
    }

    /// What is proven of a window for a judgment that rests on these resources, or on who knows which. `who` is the collector.
    pub(super) fn proof(&self, who: &str, window: (i64, i64), resources: Option<&BTreeSet<String>>) -> Proof {
        let complete = self.complete_for(resources);
        let pct = complete.pct(window.0, window.1);
        let relevant = |denied: &&Denied| denied.is_about(resources) && denied.concerns(window, &complete);
        if let Some(denied) = self.denied.iter().rev().find(relevant) {
            return Proof { pct, missing: Some(denied.describe(who)), denied: true };
        }
        let holes = complete.holes(window.0, window.1);
        let longest = holes.iter().max_by_key(|(from, to)| to - from);
        let missing = longest.map(|(from, to)| {
            let why = if self.lost.overlaps(*from, *to) {
                "; its source no longer had it".to_owned()
            } else {
                let within = |(at, _): &&(i64, String)| from <= at && at <= to;
                self.error.as_ref().filter(within).map_or_else(String::new, |(_, error)| format!("; {error}"))
            };
            let (from, to) = (minute(*from), minute(*to));
            format!("{pct:.1} % of the window was read by {who}; the longest hole is {from} to {to} UTC{why}")
        });
        Proof { pct, missing, denied: false }
    }
}

/// A moment to the minute.
fn minute(micros: i64) -> String {
    moment_text(micros)[..16].to_owned()
}
