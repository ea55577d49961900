//! Which window to read, and whether something is missing in front of it. Pure: every decision about coverage is made here.
//!
//! Invariants:
//! - coverage never passes the server's clock minus the settle margin (I4);
//! - a window starts at or before everything that may still be uncovered: the smaller of the watermark and what the lake's
//!   own log says was committed, less the overlap;
//! - coverage passes rows that the source no longer holds only together with a recorded gap (I5).

use std::time::Duration;

use lookback_schemas::time::{DAY, day_of, day_start};

use crate::source::{Oldest, Window};

/// The margins of an export.
#[derive(Debug, Clone, Copy)]
pub struct Margins {
    /// Rows younger than this may not all be visible yet, microseconds.
    pub settle: i64,
    /// How far behind coverage each read starts again, microseconds.
    pub overlap: i64,
    /// Longest window read in one piece, microseconds, unless it is known to have few rows.
    pub slice: i64,
    /// Rows that are few.
    pub slice_rows: u64,
    /// What the source is guaranteed to keep, microseconds.
    pub retention: i64,
}

/// A duration in microseconds, saturating.
#[must_use]
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// What is known before a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Coverage according to the watermark store.
    pub watermark: Option<i64>,
    /// Coverage according to the lake's log (the last `txn`).
    pub committed: Option<i64>,
}

impl Known {
    /// Coverage that a reader can rely on. A watermark without a commit in the lake belongs to another lake, or to one that was
    /// deleted: it covers nothing here. A lake whose watermark store was lost covers what its log says.
    #[must_use]
    pub fn covered_until(self) -> Option<i64> {
        let committed = self.committed?;
        Some(self.watermark.unwrap_or(committed).max(committed))
    }

    /// From where rows must be read again: the smaller of the two, because a watermark can be wrong (restored from a backup,
    /// edited) and so can an exporter that crashed between commit and watermark.
    #[must_use]
    fn read_from(self) -> Option<i64> {
        let committed = self.committed?;
        Some(self.watermark.unwrap_or(committed).min(committed))
    }
}

/// Why nothing can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The server's clock is behind what is already covered, by this many microseconds.
    ClockBehindCoverage(i64),
}

/// The windows to read, one after the other; each is complete in itself. Cut at midnight UTC where longer than a slice, so that
/// a backlog is caught up piece by piece and an interruption loses one slice. Each slice may cost the source a scan of the whole
/// table, so where the rows are known to be few there are fewer slices.
///
/// `oldest` is how far back the source reaches, needed when nothing is covered yet.
///
/// # Errors
/// [`Refusal`] if the server's clock contradicts the coverage.
pub fn plan(now: i64, margins: &Margins, known: Known, oldest: Option<Oldest>) -> Result<Vec<Window>, Refusal> {
    let to = now.saturating_sub(margins.settle);
    if let Some(covered) = known.covered_until()
        && covered > now
    {
        return Err(Refusal::ClockBehindCoverage(covered - now));
    }
    let from = match known.read_from() {
        Some(covered) => covered.saturating_sub(margins.overlap),
        None => oldest.map_or(to, |o| o.time).min(to.saturating_sub(margins.overlap)),
    };
    // Coverage may already be a little ahead after a change of the settle margin.
    let window = Window { from: from.min(to), to };
    let slice = match oldest {
        Some(oldest) if known.read_from().is_none() => {
            let pieces = oldest.rows.div_ceil(margins.slice_rows.max(1)).max(1);
            // Rows with bogus old dates are read apart, and must not make the other pieces longer.
            let recent = (window.to - window.from.max(old(now))).max(0);
            // One more day, because pieces end at midnight.
            margins.slice.max((recent / i64::try_from(pieces).unwrap_or(i64::MAX)).saturating_add(DAY))
        }
        _ => margins.slice,
    };
    Ok(day_by_day(now, window, slice))
}

/// Days that a system table can reach back, and then some.
const OLD_DAYS: i32 = 9;

/// Where what no system table still holds ends.
fn old(now: i64) -> i64 {
    day_start(day_of(now) - OLD_DAYS)
}

/// [`slices`] of a window, but what is older than any system table keeps is one piece: a row with a bogus old date must not
/// cost a read for each day since.
#[must_use]
pub fn day_by_day(now: i64, window: Window, slice: i64) -> Vec<Window> {
    let old = old(now);
    if window.from >= old || window.to <= old {
        return if window.to <= old { vec![window] } else { slices(window, slice) };
    }
    let mut pieces = vec![Window { from: window.from, to: old }];
    pieces.extend(slices(Window { from: old, to: window.to }, slice));
    pieces
}

/// Cuts a window into pieces of at most `slice` microseconds, at midnight UTC where a piece reaches it.
#[must_use]
pub fn slices(window: Window, slice: i64) -> Vec<Window> {
    let mut pieces = Vec::new();
    if window.to - window.from <= slice {
        pieces.push(window);
        return pieces;
    }
    let mut from = window.from;
    while from < window.to {
        let end = from.saturating_add(slice.max(1));
        let midnight = day_start(day_of(end));
        let to = window.to.min(if midnight > from { midnight } else { end });
        pieces.push(Window { from, to });
        from = to;
    }
    pieces
}

/// What a read shows about the time before its rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence {
    /// Time of the oldest row that the read gave.
    pub oldest_read: Option<i64>,
    /// Time of the youngest row that the lake has between the window's start and the old coverage.
    pub youngest_held: Option<i64>,
}

/// Whether the read leaves room for lost rows, so that the source has to be asked for its oldest row: nothing in it reaches
/// back to the old coverage, and either the source may purge what is that old, or rows that the lake got from there are gone.
#[must_use]
pub fn gap_suspected(now: i64, covered: i64, margins: &Margins, evidence: &Evidence) -> bool {
    if evidence.oldest_read.is_some_and(|oldest| oldest <= covered) {
        // A row from before the coverage is still there: purging goes by age, so everything after it is there too, unless
        // what the lake holds contradicts it.
        return vanished(evidence);
    }
    now.saturating_sub(covered) > margins.retention || vanished(evidence)
}

/// Rows of the lake that the source must still show, but does not.
fn vanished(evidence: &Evidence) -> bool {
    match (evidence.youngest_held, evidence.oldest_read) {
        (Some(held), Some(oldest)) => held < oldest,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// The gap to record, given the source's oldest row (asked after [`gap_suspected`]). It ends where the source certainly holds
/// everything again: at its oldest row, or where the guaranteed retention begins; rows that vanished earlier than guaranteed
/// void the guarantee.
#[must_use]
pub fn gap(
    now: i64,
    covered: i64,
    to: i64,
    margins: &Margins,
    evidence: &Evidence,
    oldest: Option<i64>,
) -> Option<Window> {
    if oldest.is_some_and(|oldest| oldest <= covered) {
        return None;
    }
    let held_from = if vanished(evidence) { to } else { now.saturating_sub(margins.retention).min(to) };
    let end = oldest.map_or(held_from, |oldest| oldest.min(held_from));
    (end > covered).then_some(Window { from: covered, to: end })
}

/// Sweeps of a day: the n-th (1 or 2) may run once the day has been over for `(n - 1)` days and an hour.
#[must_use]
pub fn sweep_due(now: i64, day: i32, number: u8) -> bool {
    let wait = i64::from(number.saturating_sub(1)) * DAY + lookback_schemas::time::HOUR;
    now >= day_start(day) + DAY + wait
}

/// The last day whose n-th sweep is due.
#[must_use]
pub fn last_due(now: i64, number: u8) -> i32 {
    day_of(now - lookback_schemas::time::HOUR - i64::from(number.saturating_sub(1)) * DAY) - 1
}

#[cfg(test)]
mod tests;
