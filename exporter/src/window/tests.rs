#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use lookback_schemas::time::{HOUR, MINUTE};
use proptest::prelude::*;

use super::*;

const NOW: i64 = 20_000 * DAY + 12 * HOUR;
const MARGINS: Margins =
    Margins { settle: 2 * MINUTE, overlap: 30 * MINUTE, slice: DAY, slice_rows: 1_000, retention: 2 * DAY };

fn oldest(time: i64, rows: u64) -> Option<Oldest> {
    Some(Oldest { time, rows })
}

fn known(watermark: i64, committed: i64) -> Known {
    Known { watermark: Some(watermark), committed: Some(committed) }
}

#[test]
fn the_first_read_starts_at_the_oldest_row() {
    let none = Known { watermark: None, committed: None };
    let windows = plan(NOW, &MARGINS, none, oldest(NOW - 3 * DAY, 10_000)).unwrap();
    assert_eq!(windows.first().unwrap().from, NOW - 3 * DAY);
    assert_eq!(windows.last().unwrap().to, NOW - 2 * MINUTE);
    assert_eq!(windows.len(), 4, "cut at midnight");
    let few = plan(NOW, &MARGINS, none, oldest(NOW - 3 * DAY, 1_000)).unwrap();
    assert_eq!(few, [Window { from: NOW - 3 * DAY, to: NOW - 2 * MINUTE }], "one scan of the table is enough");
    let some = plan(NOW, &MARGINS, none, oldest(NOW - 7 * DAY, 1_500)).unwrap();
    assert_eq!(some.len(), 2);
    assert_eq!(some[0].to % DAY, 0, "cut at midnight");
    let bogus = plan(NOW, &MARGINS, none, oldest(0, 20_000)).unwrap();
    assert!(bogus.len() > 4, "a row of 1970 must not make one piece of the last nine days: {bogus:?}");
    let empty = plan(NOW, &MARGINS, none, None).unwrap();
    assert_eq!(empty, [Window { from: NOW - 32 * MINUTE, to: NOW - 2 * MINUTE }]);
}

#[test]
fn a_later_read_starts_an_overlap_before_the_smaller_of_both_watermarks() {
    for (watermark, committed) in [(NOW - HOUR, NOW - 2 * HOUR), (NOW - 2 * HOUR, NOW - HOUR)] {
        let windows = plan(NOW, &MARGINS, known(watermark, committed), None).unwrap();
        assert_eq!(windows, [Window { from: NOW - 2 * HOUR - 30 * MINUTE, to: NOW - 2 * MINUTE }]);
    }
}

#[test]
fn a_lost_store_is_replaced_by_the_lakes_log_and_a_lost_lake_by_nothing() {
    assert_eq!(Known { watermark: None, committed: Some(5) }.covered_until(), Some(5));
    assert_eq!(Known { watermark: Some(5), committed: None }.covered_until(), None);
}

#[test]
fn a_clock_that_jumped_back_moves_nothing() {
    let refused = plan(NOW, &MARGINS, known(NOW + HOUR, NOW + HOUR), None);
    assert_eq!(refused, Err(Refusal::ClockBehindCoverage(HOUR)));
}

#[test]
fn no_gap_while_the_source_still_shows_what_the_lake_has() {
    let covered = NOW - 5 * DAY;
    let evidence = Evidence { oldest_read: Some(covered - MINUTE), youngest_held: Some(covered - MINUTE) };
    assert!(!gap_suspected(NOW, covered, &MARGINS, &evidence));
}

#[test]
fn a_quiet_table_is_not_a_gap_while_nothing_can_have_been_purged() {
    let covered = NOW - HOUR;
    let evidence = Evidence { oldest_read: Some(NOW - 10 * MINUTE), youngest_held: None };
    assert!(!gap_suspected(NOW, covered, &MARGINS, &evidence));
}

#[test]
fn an_outage_longer_than_retention_is_a_gap_up_to_the_oldest_row() {
    let covered = NOW - 10 * DAY;
    let evidence = Evidence { oldest_read: Some(NOW - 7 * DAY), youngest_held: None };
    assert!(gap_suspected(NOW, covered, &MARGINS, &evidence));
    let to = NOW - 2 * MINUTE;
    let found = gap(NOW, covered, to, &MARGINS, &evidence, Some(NOW - 7 * DAY));
    assert_eq!(found, Some(Window { from: covered, to: NOW - 7 * DAY }));
    // A source that is empty now was empty or purged: the guarantee ends the gap.
    let found = gap(NOW, covered, to, &MARGINS, &Evidence::default(), None);
    assert_eq!(found, Some(Window { from: covered, to: NOW - 2 * DAY }));
    // It still holds an older row: purging goes by age, so nothing is missing.
    assert_eq!(gap(NOW, covered, to, &MARGINS, &evidence, Some(covered - 1)), None);
}

#[test]
fn rows_that_vanish_early_are_a_gap_within_the_guaranteed_retention() {
    let covered = NOW - HOUR;
    let evidence = Evidence { oldest_read: Some(NOW - 10 * MINUTE), youngest_held: Some(covered - MINUTE) };
    assert!(gap_suspected(NOW, covered, &MARGINS, &evidence));
    let to = NOW - 2 * MINUTE;
    let found = gap(NOW, covered, to, &MARGINS, &evidence, Some(NOW - 10 * MINUTE));
    assert_eq!(found, Some(Window { from: covered, to: NOW - 10 * MINUTE }));
}

#[test]
fn sweeps_fall_due_an_hour_into_the_next_days() {
    let day = day_of(NOW);
    let end = day_start(day) + DAY;
    assert!(!sweep_due(end, day, 1));
    assert!(sweep_due(end + HOUR, day, 1));
    assert!(!sweep_due(end + HOUR, day, 2));
    assert!(sweep_due(end + DAY + HOUR, day, 2));
    for now in [end, end + HOUR, end + DAY + HOUR, NOW] {
        for number in [1, 2] {
            let last = last_due(now, number);
            assert!(sweep_due(now, last, number) && !sweep_due(now, last + 1, number));
        }
    }
}

proptest! {
    #[test]
    fn slices_tile_the_window(from in -3 * DAY..3 * DAY, length in 0_i64..9 * DAY, slice in HOUR..3 * DAY) {
        let window = Window { from, to: from + length };
        let pieces = slices(window, slice);
        prop_assert_eq!(pieces.first().unwrap().from, window.from);
        prop_assert_eq!(pieces.last().unwrap().to, window.to);
        for pair in pieces.windows(2) {
            prop_assert_eq!(pair[0].to, pair[1].from);
            prop_assert!(pair[0].from < pair[0].to);
        }
        prop_assert!(pieces.iter().all(|p| p.to - p.from <= slice));
    }

    #[test]
    fn a_plan_reaches_back_to_all_that_may_be_missing(
        watermark in prop::option::of(NOW - 9 * DAY..NOW), committed in prop::option::of(NOW - 9 * DAY..NOW),
        oldest in prop::option::of((NOW - 9 * DAY..NOW, 0_u64..20_000)),
    ) {
        let known = Known { watermark, committed };
        let oldest = oldest.map(|(time, rows)| Oldest { time, rows });
        let windows = plan(NOW, &MARGINS, known, oldest).unwrap();
        let (from, to) = (windows.first().unwrap().from, windows.last().unwrap().to);
        prop_assert_eq!(to, NOW - MARGINS.settle);
        if let Some(covered) = known.covered_until() {
            prop_assert!(from <= covered.min(to));
        } else if let Some(oldest) = oldest {
            prop_assert!(from <= oldest.time);
            prop_assert!(windows.len() <= 2 + usize::try_from(oldest.rows.div_ceil(MARGINS.slice_rows)).unwrap());
        }
    }
}
