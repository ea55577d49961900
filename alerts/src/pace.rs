//! Time and waiting, injected: tests never sleep.

use std::time::Duration;

use async_trait::async_trait;

/// A clock, and how to wait.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Now, microseconds since 1970-01-01, UTC.
    fn now(&self) -> i64;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The operating system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPace;

#[async_trait]
impl Pace for SystemPace {
    fn now(&self) -> i64 {
        chrono::Utc::now().timestamp_micros()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Microseconds of a duration.
#[must_use]
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
