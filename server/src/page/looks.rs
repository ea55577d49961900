//! Which versions tables have now. A page stands on a dozen answers, and most of them on the same few tables: each table is looked
//! up once for all of them, and all tables at once. A look is a listing, which takes its time in a bucket.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::desk::Clock;

/// How long a look counts as now.
const NOW: Duration = Duration::from_secs(1);
/// Tables that are remembered; with more, looks that are over are forgotten.
const MOST: usize = 1_000;

/// What was seen lately.
#[derive(Debug)]
pub(super) struct Looks {
    clock: Clock,
    seen: Mutex<HashMap<String, Look>>,
}

#[derive(Debug, Clone)]
struct Look {
    at: Duration,
    version: Arc<OnceCell<Option<u64>>>,
}

impl Looks {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, seen: Mutex::default() }
    }

    /// The version of a table, by `look` if nobody has looked just now; `None` if it cannot be told, which nobody remembers.
    pub(super) async fn version<F: Future<Output = Option<u64>>>(
        &self,
        table: &str,
        look: impl FnOnce() -> F,
    ) -> Option<u64> {
        let cell = self.cell(table);
        let version = *cell.get_or_init(look).await;
        if version.is_none() {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.get(table).is_some_and(|own| Arc::ptr_eq(&own.version, &cell)) {
                seen.remove(table);
            }
        }
        version
    }

    fn cell(&self, table: &str) -> Arc<OnceCell<Option<u64>>> {
        let now = self.clock.now();
        let is_now = |look: &Look| now.saturating_sub(look.at) < NOW;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = seen.get(table).filter(|look| is_now(look)) {
            return Arc::clone(&look.version);
        }
        if seen.len() >= MOST {
            seen.retain(|_, look| is_now(look));
        }
        let look = Look { at: now, version: Arc::default() };
        seen.insert(table.to_owned(), look.clone());
        look.version
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_table_is_looked_up_once_for_all_and_again_when_that_is_past() {
        let (seconds, looked) = (Arc::new(AtomicU64::new(0)), AtomicU64::new(0));
        let told = Arc::clone(&seconds);
        let looks = Looks::new(Clock::told(move || Duration::from_secs(told.load(Ordering::SeqCst))));
        let look = || async {
            tokio::task::yield_now().await;
            Some(looked.fetch_add(1, Ordering::SeqCst))
        };
        let all = futures::future::join_all((0..10).map(|_| looks.version("a", look))).await;
        assert_eq!(all, [Some(0); 10]);
        assert_eq!(looks.version("b", look).await, Some(1));
        seconds.store(1, Ordering::SeqCst);
        assert_eq!(looks.version("a", look).await, Some(2));
        // What could not be told is asked again at once.
        assert_eq!(looks.version("c", || async { None }).await, None);
        assert_eq!(looks.version("c", look).await, Some(3));
    }
}
