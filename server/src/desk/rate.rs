//! How often a user may ask: a bucket of tokens for each, that fills with time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Users that are remembered; those whose bucket is full are forgotten first.
const MOST: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    // What is left, in parts of a statement.
    left: f64,
    at: Duration,
}

/// The buckets of all users.
#[derive(Debug)]
pub(super) struct Rates {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<Arc<str>, Bucket>>,
}

impl Rates {
    /// `per_second` 0 is no limit.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: f64::from(per_second), burst: f64::from(burst.max(1)), buckets: Mutex::default() }
    }

    /// Takes one from the user's bucket; if it is empty, how long until there is one.
    pub(super) fn take(&self, user: &Arc<str>, now: Duration) -> Result<(), Duration> {
        if self.per_second <= 0.0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST && !buckets.contains_key(user) {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.burst);
            if buckets.len() >= MOST {
                return Err(Duration::from_secs(1));
            }
        }
        let bucket = buckets.entry(Arc::clone(user)).or_insert(Bucket { left: self.burst, at: now });
        *bucket = Bucket { left: self.filled(*bucket, now), at: bucket.at.max(now) };
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.left) / self.per_second))
    }

    fn filled(&self, bucket: Bucket, now: Duration) -> f64 {
        let passed = now.saturating_sub(bucket.at).as_secs_f64();
        (bucket.left + passed * self.per_second).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_user_may_ask_at_once_what_the_bucket_holds_and_then_as_it_fills() {
        let (rates, ana, bo) = (Rates::new(2, 3), Arc::from("ana"), Arc::from("bo"));
        for _ in 0..3 {
            assert_eq!(rates.take(&ana, at(0)), Ok(()));
        }
        assert_eq!(rates.take(&ana, at(0)), Err(at(500)));
        assert_eq!(rates.take(&bo, at(0)), Ok(()));
        assert_eq!(rates.take(&ana, at(250)), Err(at(250)));
        assert_eq!(rates.take(&ana, at(500)), Ok(()));
        // A long pause fills it, and no more than that.
        let taken = (0..10).filter(|_| rates.take(&ana, at(3_600_000)).is_ok()).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn no_limit_is_none() {
        let (rates, ana) = (Rates::new(0, 1), Arc::from("ana"));
        assert!((0..1000).all(|_| rates.take(&ana, at(0)).is_ok()));
    }
}
