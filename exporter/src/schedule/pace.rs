//! Waiting for a moment of the clock on the wall, through a seam, so that tests do not wait.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{Clock, SystemClock};

/// Longest sleep in one piece: while a machine is suspended its timers stand still, and the clock on the wall goes on.
const NAP: Duration = Duration::from_secs(10);

/// A clock that can be waited for.
#[async_trait]
pub trait Pace: Clock {
    /// Returns once it is `at` or later (microseconds since the Unix epoch, UTC), or once the clock was set back: who waits has
    /// to look anew then.
    async fn until(&self, at: i64);
}

/// The operating system's clock and timers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPace;

impl Clock for SystemPace {
    fn now(&self) -> i64 {
        SystemClock.now()
    }
}

#[async_trait]
impl Pace for SystemPace {
    async fn until(&self, at: i64) {
        let mut seen = self.now();
        while seen < at {
            let left = Duration::from_micros(seen.abs_diff(at));
            tokio::time::sleep(left.min(NAP)).await;
            let now = self.now();
            if now < seen {
                return;
            }
            seen = now;
        }
    }
}
