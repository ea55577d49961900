//! How often `LookupEvents` may be asked: AWS answers two requests a second per account and region, and others ask as well.

use lookback_schemas::time::SECOND;

/// Requests that may come at once, after a pause.
const BURST: i64 = 2;
/// Time between two requests otherwise: one and a half a second.
const INTERVAL: i64 = SECOND * 2 / 3;

/// A token bucket. Pure: it is told the time.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// When the tokens that were taken will have come back, microseconds.
    full_at: Option<i64>,
}

impl Bucket {
    /// Takes a token, and says how long to wait for it, microseconds.
    pub(crate) fn take(&mut self, now: i64) -> i64 {
        let full_at = self.full_at.map_or(now, |full| full.max(now)).saturating_add(INTERVAL);
        self.full_at = Some(full_at);
        (full_at - now - BURST * INTERVAL).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_at_once_then_one_and_a_half_a_second() {
        let mut bucket = Bucket::default();
        assert_eq!((bucket.take(0), bucket.take(0)), (0, 0));
        assert_eq!(bucket.take(0), INTERVAL);
        assert_eq!(bucket.take(0), 2 * INTERVAL);
        assert_eq!((bucket.take(100 * SECOND), bucket.take(100 * SECOND)), (0, 0));
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_two(pauses in prop::collection::vec(0i64..2 * SECOND, 1..60)) {
            let (mut bucket, mut now, mut sent) = (Bucket::default(), 0, Vec::new());
            for pause in pauses {
                now += pause;
                now += bucket.take(now);
                sent.push(now);
            }
            // A burst of two, and what comes back within the second.
            for (index, at) in sent.iter().enumerate() {
                let within = sent[index..].iter().filter(|t| **t - at < SECOND).count();
                prop_assert!(within <= 3, "{sent:?}");
            }
        }
    }
}
