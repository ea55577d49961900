//! How long sources of events keep what happened, and how much of that time a collector has left.
//!
//! What a source has forgotten before it was read is a gap for ever: no later run can close it. So whoever falls behind is told
//! while there is time to do something. Pure: everything here is told the time.

use super::collector;
use crate::time::{DAY, HOUR, MINUTE, rfc3339};

/// How long `DescribeEvents` shows events, microseconds.
///
/// Source: Amazon Redshift API Reference, `DescribeEvents`.
pub const NOTICES_KEPT: i64 = 14 * DAY;
/// How long `LookupEvents` finds events, microseconds.
///
/// Source: AWS CloudTrail API Reference, `LookupEvents`.
pub const TRAIL_KEPT: i64 = 90 * DAY;

/// How long the source of a collector's events keeps them, microseconds. `None` for collectors of states, which AWS shows as they
/// are now, and for sources whose retention is the account's own decision (a trail's bucket, AWS Config).
#[must_use]
pub fn retention(name: &str) -> Option<i64> {
    match name {
        collector::REDSHIFT_EVENTS => Some(NOTICES_KEPT),
        collector::CLOUDTRAIL => Some(TRAIL_KEPT),
        _ => None,
    }
}

/// Percent of the retention after which it is time for an alarm: about 10 of 14 days, and 80 of 90.
fn alarm_after(name: &str) -> i64 {
    if name == collector::CLOUDTRAIL { 89 } else { 71 }
}

/// What is left of the time in which a collector can still read everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headroom {
    /// Everything before this was read, microseconds UTC.
    pub covered_until: i64,
    /// From then on its source forgets what was not read, microseconds UTC.
    pub forgets_at: i64,
    /// How long that is from now, microseconds; less than nothing once it has forgotten.
    pub left: i64,
    /// Whether so much of the retention is over that somebody should be told.
    pub alarm: bool,
}

/// How much time a collector has left that has read everything up to `covered_until`. Times are microseconds UTC. `None` where
/// [`retention`] is not known.
#[must_use]
pub fn headroom(name: &str, covered_until: i64, now: i64) -> Option<Headroom> {
    let retention = retention(name)?;
    let forgets_at = covered_until.saturating_add(retention);
    let behind = now.saturating_sub(covered_until);
    let alarm = behind.saturating_mul(100) > retention * alarm_after(name);
    Some(Headroom { covered_until, forgets_at, left: forgets_at.saturating_sub(now), alarm })
}

impl Headroom {
    /// Since when nothing was read, how long is left, and what to do.
    #[must_use]
    pub fn describe(&self) -> String {
        let (since, at) = (rfc3339(self.covered_until), rfc3339(self.forgets_at));
        if self.left > 0 {
            let left = span(self.left);
            return format!(
                "read completely only until {since}; AWS forgets what came after from {at} on, in {left}: let a collection \
                 succeed before then"
            );
        }
        let past = span(self.left.saturating_neg());
        format!(
            "read completely only until {since}; AWS has been forgetting what came after since {at}, for {past}: let a \
             collection succeed now, what is lost becomes a recorded gap"
        )
    }
}

/// A span of time in the two units that matter.
fn span(micros: i64) -> String {
    let (days, hours, minutes) = (micros / DAY, micros % DAY / HOUR, micros % HOUR / MINUTE);
    if days > 0 { format!("{days} d {hours} h") } else { format!("{hours} h {minutes} min") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 20_000 * DAY;

    fn alarms(name: &str, behind: i64) -> Option<bool> {
        headroom(name, NOW - behind, NOW).map(|headroom| headroom.alarm)
    }

    #[test]
    fn there_is_an_alarm_while_there_is_time_to_act() {
        assert_eq!(alarms(collector::REDSHIFT_EVENTS, 9 * DAY + 22 * HOUR), Some(false));
        assert_eq!(alarms(collector::REDSHIFT_EVENTS, 10 * DAY), Some(true));
        assert_eq!(alarms(collector::CLOUDTRAIL, 80 * DAY), Some(false));
        assert_eq!(alarms(collector::CLOUDTRAIL, 80 * DAY + 3 * HOUR), Some(true));
        for name in [collector::CLUSTERS, collector::TRAIL_FILES, collector::CONFIG_HISTORY] {
            assert_eq!(alarms(name, 1_000 * DAY), None, "{name} has no source that forgets after a known time");
        }
    }

    #[test]
    fn what_is_said_has_the_time_that_is_left() {
        let of = |behind| headroom(collector::REDSHIFT_EVENTS, NOW - behind, NOW).map(|one| one.describe());
        assert_eq!(
            of(11 * DAY + 5 * HOUR).as_deref(),
            Some(
                "read completely only until 2024-09-22T19:00:00.000000Z; AWS forgets what came after from \
                 2024-10-06T19:00:00.000000Z on, in 2 d 19 h: let a collection succeed before then"
            )
        );
        assert_eq!(
            of(14 * DAY + 90 * MINUTE).as_deref(),
            Some(
                "read completely only until 2024-09-19T22:30:00.000000Z; AWS has been forgetting what came after since \
                 2024-10-03T22:30:00.000000Z, for 1 h 30 min: let a collection succeed now, what is lost becomes a \
                 recorded gap"
            )
        );
    }

    proptest! {
        /// Whoever has lost something was warned, and whoever reads every hour is never.
        #[test]
        fn nothing_is_lost_without_an_alarm(behind in 0i64..400 * DAY) {
            for name in [collector::REDSHIFT_EVENTS, collector::CLOUDTRAIL] {
                let Some(one) = headroom(name, NOW - behind, NOW) else {
                    return Err(TestCaseError::fail("a source without a retention"));
                };
                prop_assert!(one.left > 0 || one.alarm, "{name}");
                prop_assert!(behind > HOUR || !one.alarm, "{name}");
                prop_assert_eq!(one.left, one.forgets_at - NOW);
            }
        }
    }
}
