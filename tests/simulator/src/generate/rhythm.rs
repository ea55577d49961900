//! When a cluster is busy: the shape of its day and of its week.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use lookback_schemas::time::{DAY, HOUR, MINUTE, day_of, day_start};

use super::Kind;

/// Relative number of queries in each hour of a day (UTC).
fn hours(kind: Kind) -> [u32; 24] {
    match kind {
        // Nightly loads, hourly increments by day.
        Kind::Etl => [20, 60, 100, 100, 80, 40, 14, 10, 10, 10, 10, 10, 12, 10, 10, 10, 10, 10, 10, 10, 10, 12, 14, 16],
        // Offices open, look at their numbers, and look again after lunch.
        Kind::Dashboards => [1, 1, 1, 1, 2, 6, 20, 60, 100, 90, 70, 60, 50, 80, 85, 70, 55, 35, 15, 8, 5, 3, 2, 1],
        // People come later and some stay long.
        Kind::AdHoc => [3, 2, 1, 1, 1, 1, 3, 12, 40, 60, 70, 65, 35, 60, 75, 80, 70, 50, 25, 18, 14, 12, 8, 5],
    }
}

/// Percent of a working day's queries that run on this day (days since 1970-01-01).
fn share_of_day(kind: Kind, day: i32) -> u32 {
    // 1970-01-01 was a Thursday; 0 is Monday.
    let weekday = (day + 3).rem_euclid(7);
    match (kind, weekday) {
        (Kind::Etl, 6) => 130,
        (Kind::Etl, _) => 100,
        (Kind::Dashboards, 0) => 125,
        (Kind::Dashboards, 5 | 6) => 25,
        (Kind::AdHoc, 4) => 75,
        (Kind::AdHoc, 5 | 6) => 12,
        _ => 100,
    }
}

/// The moments at which queries are submitted on the day that begins at `start`, in order, each with how crowded the cluster
/// is then: 0.0 to 1.0.
pub(super) fn moments(rng: &mut ChaCha8Rng, kind: Kind, start: i64, per_day: u32) -> Vec<(i64, f64)> {
    let count = per_day * share_of_day(kind, day_of(start)) / 100;
    let hours = hours(kind);
    let total: u32 = hours.iter().sum();
    // A history may begin at any moment: its days are cut there, the hours stay those of the clock.
    let offset = start - day_start(day_of(start));
    let mut moments: Vec<(i64, f64)> = (0..count)
        .map(|_| {
            let mut pick = rng.random_range(0..total);
            let mut hour = 0;
            while pick >= hours[hour] {
                pick -= hours[hour];
                hour += 1;
            }
            let hour_start = i64::try_from(hour).unwrap_or(0) * HOUR;
            let within = match kind {
                // Scheduled work starts on the quarter of an hour.
                Kind::Etl if rng.random_bool(0.5) => {
                    rng.random_range(0..4_i64) * 15 * MINUTE + rng.random_range(0..90_000_000_i64)
                }
                _ => rng.random_range(0..HOUR),
            };
            let time = (hour_start + within - offset).rem_euclid(DAY);
            (start + time, f64::from(hours[hour]) / 100.0)
        })
        .collect();
    moments.sort_unstable_by_key(|(time, _)| *time);
    moments
}
