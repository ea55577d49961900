//! Which window of a source of events to read, and what of it is lost. Pure.
//!
//! Invariants:
//! - coverage never passes the end of what was read, less the time that the source may take to show an event;
//! - a window begins at the coverage, less the overlap;
//! - what the source no longer holds of what was not covered is a gap, and is said before coverage passes it.

use lookback_schemas::encryption::{NOTICES_KEPT, TRAIL_KEPT};
use lookback_schemas::time::{HOUR, MINUTE, SECOND};

use crate::source::Window;

/// How a source of events is read. Times are microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    /// How far behind coverage each read starts again.
    pub(crate) overlap: i64,
    /// How far behind now each read ends.
    pub(crate) settle: i64,
    /// How late an event may show up: coverage stays so far behind now.
    pub(crate) late: i64,
    /// What the source keeps.
    pub(crate) retention: i64,
}

/// `LookupEvents`: 90 days, minutes late.
pub(crate) const TRAIL: Source =
    Source { overlap: 30 * MINUTE, settle: 5 * SECOND, late: 30 * MINUTE, retention: TRAIL_KEPT };
/// `DescribeEvents`: 14 days.
pub(crate) const NOTICES: Source = Source { overlap: HOUR, settle: 0, late: 0, retention: NOTICES_KEPT };
/// What an answer takes to arrive: asked for exactly what is kept, a source would refuse or leave out the first minutes.
const MARGIN: i64 = MINUTE;

/// What to read, and what that gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// From and to, both included.
    pub(crate) window: Window,
    /// What is lost: from the coverage to where the source begins.
    pub(crate) gap: Option<Window>,
    /// The coverage once the window is read.
    pub(crate) covered_until: i64,
    /// Where the source begins.
    pub(crate) oldest: i64,
}

/// Plans a read. `covered` is the coverage so far; without one, all that the source keeps is read.
pub(crate) fn plan(source: Source, covered: Option<i64>, now: i64) -> Plan {
    let oldest = now - source.retention + MARGIN;
    let to = now - source.settle;
    let from = covered.map_or(oldest, |covered| (covered.min(to) - source.overlap).max(oldest));
    let gap = covered.filter(|covered| *covered < oldest).map(|covered| Window { from: covered, to: oldest });
    let covered_until = (now - source.late).max(covered.unwrap_or(i64::MIN)).max(from);
    Plan { window: Window { from, to }, gap, covered_until, oldest }
}

/// From when on a poll of a state proves it: the poll before, unless that is longer ago than `longest`.
pub(crate) fn observed_since(last: Option<i64>, now: i64, longest: i64) -> i64 {
    last.filter(|last| *last <= now && now - *last <= longest).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lookback_schemas::time::DAY;
    use proptest::prelude::*;

    const NOW: i64 = 1_000 * DAY;

    #[test]
    fn the_first_read_goes_back_as_far_as_the_source() {
        let first = plan(TRAIL, None, NOW);
        assert_eq!(first.window, Window { from: NOW - 90 * DAY + MINUTE, to: NOW - 5 * SECOND });
        assert_eq!((first.gap, first.covered_until), (None, NOW - 30 * MINUTE));
        let next = plan(TRAIL, Some(NOW - 45 * MINUTE), NOW);
        assert_eq!(next.window.from, NOW - 75 * MINUTE);
    }

    #[test]
    fn what_expired_before_it_was_read_is_a_gap() {
        assert_eq!(plan(NOTICES, Some(NOW - 13 * DAY), NOW).gap, None);
        let late = plan(NOTICES, Some(NOW - 20 * DAY), NOW);
        assert_eq!(late.gap, Some(Window { from: NOW - 20 * DAY, to: NOW - 14 * DAY + MINUTE }));
        assert_eq!(late.window.from, late.oldest);
    }

    #[test]
    fn a_pause_that_is_too_long_proves_nothing() {
        assert_eq!(observed_since(Some(NOW - HOUR), NOW, HOUR), NOW - HOUR);
        assert_eq!(observed_since(Some(NOW - HOUR - 1), NOW, HOUR), NOW);
        assert_eq!(observed_since(Some(NOW + 1), NOW, HOUR), NOW);
        assert_eq!(observed_since(None, NOW, HOUR), NOW);
    }

    proptest! {
        /// Whatever the pauses between runs: every moment is read, or is in a gap; coverage never goes back, nor past now.
        #[test]
        fn nothing_is_passed_unread(pauses in prop::collection::vec(1i64..40 * DAY, 1..30), trail in any::<bool>()) {
            let source = if trail { TRAIL } else { NOTICES };
            let (mut now, mut covered): (i64, Option<i64>) = (NOW, None);
            for pause in pauses {
                let next = plan(source, covered, now);
                prop_assert!(next.window.from <= next.window.to);
                prop_assert!(next.covered_until <= now && next.covered_until >= covered.unwrap_or(i64::MIN));
                if let Some(covered) = covered {
                    let reached = next.gap.map_or(covered, |gap| gap.to);
                    prop_assert!(next.window.from <= reached);
                    prop_assert!(next.gap.is_none_or(|gap| gap.from == covered && gap.to <= next.window.from));
                }
                covered = Some(next.covered_until);
                now += pause;
            }
        }
    }
}
