//! The present, injected: one clock that only goes forward, for limits, and the wall's, for what is written down.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// Where the time comes from. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    passed: Arc<dyn Fn() -> Duration + Send + Sync>,
    wall: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    /// The operating system's.
    #[must_use]
    pub fn system() -> Self {
        let start = Instant::now();
        Self { passed: Arc::new(move || start.elapsed()), wall: Arc::new(Utc::now) }
    }

    /// One that tells what the function says, as time that has passed since 1970.
    #[must_use]
    pub fn told(passed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        let passed: Arc<dyn Fn() -> Duration + Send + Sync> = Arc::new(passed);
        let wall = Arc::clone(&passed);
        Self { passed, wall: Arc::new(move || DateTime::UNIX_EPOCH + wall()) }
    }

    /// Time since some moment, that never goes back.
    #[must_use]
    pub fn now(&self) -> Duration {
        (self.passed)()
    }

    /// Date and time.
    #[must_use]
    pub fn wall(&self) -> DateTime<Utc> {
        (self.wall)()
    }
}
