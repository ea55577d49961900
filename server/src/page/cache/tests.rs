#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

struct Number(u64, Versions);

impl Kept for Number {
    fn bytes(&self) -> usize {
        10
    }

    fn versions(&self) -> &Versions {
        &self.1
    }
}

/// A lake of one table whose version is counted up, and how often it was asked and looked at; and a clock, in seconds.
#[derive(Default)]
struct Lake {
    seconds: Arc<AtomicU64>,
    version: AtomicU64,
    asked: AtomicU64,
    looked: AtomicU64,
}

impl Lake {
    fn cache(&self, most: usize, most_bytes: usize) -> Cache<Number> {
        let seconds = Arc::clone(&self.seconds);
        Cache::new(most, most_bytes, Clock::told(move || Duration::from_secs(seconds.load(Ordering::SeqCst))))
    }

    fn advance(&self, by: Duration) {
        self.seconds.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    fn versions(&self) -> Versions {
        vec![("t".to_owned(), self.version.load(Ordering::SeqCst))]
    }

    async fn get(&self, cache: &Cache<Number>, key: &str) -> u64 {
        let ask = || async {
            tokio::task::yield_now().await;
            self.asked.fetch_add(1, Ordering::SeqCst);
            Ok::<_, ()>(Number(self.version.load(Ordering::SeqCst), self.versions()))
        };
        let look = |_| async {
            self.looked.fetch_add(1, Ordering::SeqCst);
            Some(self.versions())
        };
        cache.get(key, ask, look).await.unwrap().0
    }

    fn counts(&self) -> (u64, u64) {
        (self.asked.load(Ordering::SeqCst), self.looked.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn what_many_ask_at_once_is_asked_once() {
    let lake = Lake::default();
    let cache = lake.cache(10, 1_000);
    let all = futures::future::join_all((0..20).map(|_| lake.get(&cache, "a"))).await;
    assert_eq!((all, lake.counts()), (vec![0; 20], (1, 0)));
}

#[tokio::test]
async fn an_answer_holds_until_a_table_changes() {
    let lake = Lake::default();
    let cache = lake.cache(10, 1_000);
    assert_eq!(lake.get(&cache, "a").await, 0);
    lake.version.store(1, Ordering::SeqCst);
    assert_eq!(lake.get(&cache, "a").await, 0, "for two seconds, nobody looks");
    lake.advance(Duration::from_secs(3));
    assert_eq!(lake.get(&cache, "a").await, 1);
    lake.advance(Duration::from_secs(3));
    assert_eq!((lake.get(&cache, "a").await, lake.counts()), (1, (2, 2)));
    lake.advance(OLDEST);
    assert_eq!((lake.get(&cache, "a").await, lake.counts()), (1, (3, 2)));
}

#[tokio::test]
async fn what_fails_is_not_kept() {
    let lake = Lake::default();
    let cache = lake.cache(10, 1_000);
    let failed = cache.get("a", || async { Err::<Number, _>("no") }, |_| async { None }).await;
    assert_eq!(failed.err(), Some("no"));
    assert!(cache.state().entries.is_empty());
    assert_eq!((lake.get(&cache, "a").await, lake.counts().0), (0, 1));
}

#[tokio::test]
async fn what_was_not_used_for_longest_makes_room() {
    let lake = Lake::default();
    let cache = lake.cache(2, 1_000);
    for key in ["a", "b", "a", "c", "a"] {
        lake.get(&cache, key).await;
    }
    assert_eq!(lake.counts().0, 3);
    lake.get(&cache, "b").await;
    assert_eq!(lake.counts().0, 4);
    let tiny = lake.cache(10, 39);
    lake.get(&tiny, "a").await;
    assert!(tiny.state().entries.is_empty(), "too large a part of the whole");
}
