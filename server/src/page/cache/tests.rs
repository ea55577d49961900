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

/// A lake of one table whose version is counted up, and how often it was asked and looked at; and a clock, in seconds. While `held`
/// is shut, no answer comes.
#[derive(Clone)]
struct Lake {
    seconds: Arc<AtomicU64>,
    version: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
    looked: Arc<AtomicU64>,
    held: Arc<Semaphore>,
}

impl Default for Lake {
    fn default() -> Self {
        let counter = Arc::<AtomicU64>::default;
        let held = Arc::new(Semaphore::new(1_000));
        Self { seconds: counter(), version: counter(), asked: counter(), looked: counter(), held }
    }
}

impl Lake {
    fn cache(&self, most: usize, most_bytes: usize) -> Arc<Cache<Number>> {
        let seconds = Arc::clone(&self.seconds);
        Cache::new(most, most_bytes, Clock::told(move || Duration::from_secs(seconds.load(Ordering::SeqCst))))
    }

    fn advance(&self, by: Duration) {
        self.seconds.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    fn set(&self, version: u64) {
        self.version.store(version, Ordering::SeqCst);
    }

    fn versions(&self) -> Versions {
        vec![("t".to_owned(), self.version.load(Ordering::SeqCst))]
    }

    async fn answer(self) -> Result<Number, &'static str> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let version = self.version.load(Ordering::SeqCst);
        self.held.acquire().await.unwrap().forget();
        if version == BROKEN { Err("no") } else { Ok(Number(version, vec![("t".to_owned(), version)])) }
    }

    async fn try_get(&self, cache: &Arc<Cache<Number>>, key: &str) -> Result<u64, &'static str> {
        let look = |_| async {
            self.looked.fetch_add(1, Ordering::SeqCst);
            Some(self.versions())
        };
        let lake = self.clone();
        cache.get(key, None, || lake.answer(), look).await.map(|answer| answer.0)
    }

    async fn get(&self, cache: &Arc<Cache<Number>>, key: &str) -> u64 {
        self.try_get(cache, key).await.unwrap()
    }

    fn counts(&self) -> (u64, u64) {
        (self.asked.load(Ordering::SeqCst), self.looked.load(Ordering::SeqCst))
    }
}

/// A version that cannot be read.
const BROKEN: u64 = 13;
/// As long as an answer may be given while the next is asked.
const GRACE: Duration = Duration::from_secs(20);
/// Longer than an answer holds without a look.
const LATER: Duration = Duration::from_secs(3);

/// Lets what was asked meanwhile come to its end.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
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
    lake.set(1);
    assert_eq!((lake.get(&cache, "a").await, lake.counts()), (0, (1, 0)), "for two seconds, nobody looks");
    lake.advance(GRACE);
    assert_eq!((lake.get(&cache, "a").await, lake.counts()), (1, (2, 1)));
    lake.advance(GRACE);
    assert_eq!((lake.get(&cache, "a").await, lake.counts()), (1, (2, 2)));
    lake.advance(OLDEST);
    assert_eq!((lake.get(&cache, "a").await, lake.counts()), (1, (3, 2)), "a table that is not there has no version");
}

#[tokio::test]
async fn an_answer_that_was_right_just_now_is_given_while_the_next_is_asked() {
    let lake = Lake::default();
    let cache = lake.cache(10, 1_000);
    assert_eq!(lake.get(&cache, "a").await, 0);
    lake.set(1);
    lake.advance(LATER);
    lake.held.forget_permits(1_000);
    for _ in 0..5 {
        assert_eq!(lake.get(&cache, "a").await, 0);
        settle().await;
    }
    assert_eq!(lake.counts(), (2, 1), "once for all");
    lake.held.add_permits(1_000);
    settle().await;
    assert_eq!((lake.get(&cache, "a").await, lake.counts()), (1, (2, 1)));
    // Nobody is given what was right long ago: they wait, all for one.
    lake.set(2);
    lake.advance(GRACE);
    let all = futures::future::join_all((0..20).map(|_| lake.get(&cache, "a"))).await;
    assert_eq!((all, lake.counts().0), (vec![2; 20], 3));
    // Nor if the next one takes longer than that.
    lake.set(3);
    lake.advance(LATER);
    lake.held.forget_permits(1_000);
    assert_eq!(lake.get(&cache, "a").await, 2);
    settle().await;
    lake.advance(GRACE);
    let (waiting, ()) = tokio::join!(lake.get(&cache, "a"), async {
        settle().await;
        lake.held.add_permits(1_000);
    });
    assert_eq!((waiting, lake.counts().0), (3, 4));
}

#[tokio::test]
async fn what_nobody_waits_for_is_asked_a_few_at_a_time() {
    let lake = Lake::default();
    let cache = lake.cache(100, 10_000);
    let places = cache.places.available_permits() as u64;
    let keys: Vec<String> = (0..places + 5).map(|n| n.to_string()).collect();
    for key in &keys {
        lake.get(&cache, key).await;
    }
    let before = lake.counts().0;
    lake.set(1);
    lake.advance(LATER);
    lake.held.forget_permits(1_000);
    for key in &keys {
        assert_eq!(lake.get(&cache, key).await, 0);
    }
    settle().await;
    assert_eq!(lake.counts().0 - before, places);
    // Whoever has to wait does not wait for a place.
    let other = lake.clone();
    let (asked, ()) = tokio::join!(other.get(&cache, "another"), async {
        settle().await;
        assert_eq!(lake.counts().0 - before, places + 1);
        lake.held.add_permits(1_000);
    });
    assert_eq!(asked, 1);
    for _ in &keys {
        settle().await;
    }
    assert_eq!(lake.counts().0 - before, 1 + keys.len() as u64);
}

#[tokio::test]
async fn a_next_answer_that_fails_is_asked_again_and_told_once_the_last_is_old() {
    let lake = Lake::default();
    let cache = lake.cache(10, 1_000);
    lake.get(&cache, "a").await;
    lake.set(BROKEN);
    for asked in 2..5 {
        lake.advance(LATER);
        assert_eq!(lake.get(&cache, "a").await, 0);
        settle().await;
        assert_eq!(lake.counts().0, asked);
    }
    lake.advance(GRACE);
    assert_eq!(lake.try_get(&cache, "a").await, Err("no"));
    lake.set(14);
    assert_eq!(lake.get(&cache, "a").await, 14);
}

#[tokio::test]
async fn an_answer_about_the_moment_before_is_given_while_the_next_is_asked() {
    let lake = Lake::default();
    let cache = lake.cache(10, 1_000);
    let at = |key: &'static str, before: &'static str| {
        let (lake, cache) = (lake.clone(), Arc::clone(&cache));
        async move {
            let (asking, looking) = (lake.clone(), lake.clone());
            let look = |_| async move { Some(looking.versions()) };
            cache.get(key, Some(before), || asking.answer(), look).await.unwrap().0
        }
    };
    assert_eq!(at("5", "0").await, 0, "there is none before");
    lake.set(1);
    lake.held.forget_permits(1_000);
    for _ in 0..3 {
        assert_eq!(at("10", "5").await, 0);
        settle().await;
    }
    assert_eq!(lake.counts().0, 2);
    lake.held.add_permits(1_000);
    settle().await;
    assert_eq!((at("10", "5").await, lake.counts().0), (1, 2));
}

#[tokio::test]
async fn what_fails_is_not_kept() {
    let lake = Lake::default();
    let cache = lake.cache(10, 1_000);
    lake.set(BROKEN);
    assert_eq!(lake.try_get(&cache, "a").await, Err("no"));
    assert!(cache.state().entries.is_empty());
    lake.set(0);
    assert_eq!((lake.get(&cache, "a").await, lake.counts().0), (0, 2));
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

#[tokio::test]
async fn what_nobody_uses_for_two_minutes_is_not_kept() {
    let lake = Lake::default();
    let cache = lake.cache(10, 1_000);
    for (key, until_next) in [("a", 60), ("b", 70), ("c", 0)] {
        lake.get(&cache, key).await;
        lake.advance(Duration::from_secs(until_next));
    }
    let mut kept: Vec<String> = cache.state().entries.keys().cloned().collect();
    kept.sort();
    assert_eq!(kept, ["b", "c"]);
    // To use one is to want it.
    lake.get(&cache, "b").await;
    lake.advance(Duration::from_secs(100));
    lake.get(&cache, "d").await;
    assert!(cache.state().entries.contains_key("b"));
}
