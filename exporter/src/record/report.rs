//! What came of a collection.

use std::collections::BTreeMap;

use lookback_schemas::encryption::{Headroom, status};

use super::tally::Tally;
use crate::error::Error;
use crate::source::Window;

/// One collector in one account and region.
#[derive(Debug, Clone)]
pub struct CollectorReport {
    /// The account; the role, if the account could not be found out.
    pub account: String,
    /// The region.
    pub region: String,
    /// The collector.
    pub collector: &'static str,
    /// `ok`, `partial` or `failed`.
    pub status: &'static str,
    /// New rows.
    pub rows: u64,
    /// What was read.
    pub window: Option<Window>,
    /// What its source lost before it was read.
    pub gap: Option<Window>,
    /// Up to where everything was read, by this collection or earlier ones, microseconds UTC; `None` if nothing ever was.
    pub covered_until: Option<i64>,
    /// How long its source still has what was not read; `None` where that is not known, or nothing was ever read.
    pub headroom: Option<Headroom>,
    /// What it asked, and what was refused.
    pub tally: Tally,
    /// What went wrong.
    pub error: Option<String>,
}

impl CollectorReport {
    /// What was refused, with the permission that is missing, and what failed.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.tally.refusals().into_iter().chain(self.error.clone()).collect()
    }
}

/// A collection.
#[derive(Debug, Default)]
pub struct RecordReport {
    /// Collectors, by account and region.
    pub collectors: Vec<CollectorReport>,
    /// Accounts and regions that another exporter is at.
    pub held: Vec<String>,
    /// What stopped the collection as a whole.
    pub error: Option<Error>,
}

impl RecordReport {
    /// Calls by action, over all collectors.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        let mut all = BTreeMap::new();
        for (call, count) in self.collectors.iter().flat_map(|one| &one.tally.calls) {
            *all.entry(*call).or_default() += count;
        }
        all
    }

    /// Collectors that have not read their source for so long that it will soon forget what they did not read, or has begun to.
    pub fn alarms(&self) -> impl Iterator<Item = (&CollectorReport, Headroom)> {
        self.collectors.iter().filter_map(|one| Some((one, one.headroom.filter(|headroom| headroom.alarm)?)))
    }

    /// What this means for the exit code of a command: 1 if a collector failed, 3 if a gap was recorded, 0 otherwise. A fact that
    /// was refused is in the record, and fails nothing.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.error.is_some() || self.collectors.iter().any(|one| one.status == status::FAILED) {
            return 1;
        }
        if self.collectors.iter().any(|one| one.gap.is_some()) { 3 } else { 0 }
    }

    /// The exit code of a command that exported as well, with `export` as the export's own. A failure comes before a gap, and both
    /// before "somebody else is at it".
    #[must_use]
    pub fn exit_code_with(&self, export: u8) -> u8 {
        match (export, self.exit_code()) {
            (1, _) | (_, 1) => 1,
            (3, _) | (_, 3) => 3,
            (code, _) => code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_failure_comes_before_a_gap() {
        let failed = RecordReport { error: Some(Error::new(ErrorKind::Aws, "x")), ..RecordReport::default() };
        let fine = RecordReport::default();
        for (export, record, code) in [(0, &fine, 0), (4, &fine, 4), (3, &fine, 3), (3, &failed, 1), (0, &failed, 1)] {
            assert_eq!(record.exit_code_with(export), code, "{export}");
        }
    }
}
