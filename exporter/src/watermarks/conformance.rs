//! What every watermark store must do. Called from each implementation's tests, in this crate and outside.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "assertions of a test suite")]

use std::sync::Arc;

use super::{Grant, Watermark, WatermarkStore};

/// How many ask at once in a race.
const RACERS: i64 = 8;

/// Runs the suite; `fresh` gives an empty store each time it is called.
pub async fn suite<S: WatermarkStore + 'static>(mut fresh: impl AsyncFnMut() -> S) {
    a_watermark_is_stored_only_over_the_one_that_was_read(&fresh().await).await;
    an_advance_can_be_asked_for_again(&fresh().await).await;
    a_lease_is_held_by_one(&fresh().await).await;
    a_grant_brings_the_watermark(&fresh().await).await;
    an_advance_gives_the_lease_back(&fresh().await).await;
    a_lost_advance_keeps_the_lease(&fresh().await).await;
    an_advance_leaves_a_lease_that_has_passed_on(&fresh().await).await;
    a_fence_grows_with_every_grant(&fresh().await).await;
    a_fence_goes_on_growing_in_a_new_store(&fresh().await, &fresh().await).await;
    keys_do_not_mix(&fresh().await).await;
    a_lease_alone_is_no_watermark(&fresh().await).await;
    of_many_advances_at_once_one_wins(Arc::new(fresh().await)).await;
    of_many_takers_at_once_one_gets_the_lease(Arc::new(fresh().await)).await;
}

fn mark(n: i64) -> Watermark {
    Watermark { covered_from: n, covered_until: n, swept_once: None, swept_twice: None }
}

async fn take(store: &dyn WatermarkStore, holder: &str, now: i64, expires_at: i64) -> Option<Grant> {
    store.acquire("c", "t", holder, now, expires_at).await.unwrap()
}

async fn a_watermark_is_stored_only_over_the_one_that_was_read(store: &dyn WatermarkStore) {
    assert_eq!(store.get("c", "t").await.unwrap(), None);
    let first = Watermark { covered_from: 5, covered_until: 10, swept_once: None, swept_twice: None };
    assert!(store.advance("c", "t", None, &first, None).await.unwrap());
    assert!(!store.advance("c", "t", None, &mark(1), None).await.unwrap(), "there is one already");
    let second = Watermark { covered_until: 20, swept_once: Some(3), ..first };
    assert!(store.advance("c", "t", Some(&first), &second, None).await.unwrap());
    let stale = Watermark { covered_until: 15, ..first };
    assert!(!store.advance("c", "t", Some(&first), &stale, None).await.unwrap(), "somebody else was faster");
    assert_eq!(store.get("c", "t").await.unwrap(), Some(second));
    for other in [
        Watermark { covered_from: 6, ..second },
        Watermark { covered_until: 21, ..second },
        Watermark { swept_once: None, ..second },
        Watermark { swept_once: Some(4), ..second },
        Watermark { swept_twice: Some(3), ..second },
    ] {
        assert!(!store.advance("c", "t", Some(&other), &first, None).await.unwrap(), "every field is compared");
    }
    assert!(!store.advance("c", "other", Some(&second), &first, None).await.unwrap(), "nothing to replace");
    assert_eq!(store.get("c", "other").await.unwrap(), None);
    // Times before 1970, and days that are taken back.
    let back = Watermark { covered_from: -7, covered_until: 30, swept_once: None, swept_twice: Some(-2) };
    assert!(store.advance("c", "t", Some(&second), &back, None).await.unwrap());
    assert_eq!(store.get("c", "t").await.unwrap(), Some(back));
}

async fn an_advance_can_be_asked_for_again(store: &dyn WatermarkStore) {
    assert!(store.advance("c", "t", None, &mark(1), None).await.unwrap());
    assert!(store.advance("c", "t", None, &mark(1), None).await.unwrap(), "the answer may have been lost");
    assert!(store.advance("c", "t", Some(&mark(1)), &mark(2), None).await.unwrap());
    assert!(store.advance("c", "t", Some(&mark(1)), &mark(2), None).await.unwrap());
    assert!(store.advance("c", "t", Some(&mark(2)), &mark(2), None).await.unwrap(), "nothing changes");
    assert_eq!(store.get("c", "t").await.unwrap(), Some(mark(2)));
    let lease = take(store, "a", 100, 200).await.unwrap().lease;
    for _ in 0..2 {
        assert!(store.advance("c", "t", Some(&mark(2)), &mark(3), Some(&lease)).await.unwrap());
    }
    // Stored by somebody else, with the lease still here.
    let lease = take(store, "a", 150, 250).await.unwrap().lease;
    assert!(store.advance("c", "t", Some(&mark(2)), &mark(3), Some(&lease)).await.unwrap());
    assert!(take(store, "b", 160, 260).await.is_some(), "given back all the same");
}

async fn a_lease_is_held_by_one(store: &dyn WatermarkStore) {
    let a = take(store, "a", 100, 200).await.unwrap().lease;
    assert_eq!((a.holder.as_str(), a.expires_at), ("a", 200));
    assert!(take(store, "b", 150, 250).await.is_none(), "held");
    let again = take(store, "a", 150, 250).await.unwrap().lease;
    assert!(again.fence > a.fence, "its holder may renew");
    assert!(take(store, "b", 200, 300).await.is_none(), "renewed");
    store.release("c", "t", &a).await.unwrap();
    assert!(take(store, "b", 150, 250).await.is_none(), "an old lease releases nothing");
    let b = take(store, "b", 250, 350).await.unwrap().lease;
    store.release("c", "t", &b).await.unwrap();
    store.release("c", "t", &b).await.unwrap();
    assert!(take(store, "a", 260, 360).await.is_some(), "given back");
    store.release("c", "other", &b).await.unwrap();
    assert!(store.acquire("c", "other", "a", 260, 360).await.unwrap().is_some(), "nothing was there to give back");
}

async fn a_grant_brings_the_watermark(store: &dyn WatermarkStore) {
    let first = take(store, "a", 100, 200).await.unwrap();
    assert_eq!(first.watermark, None);
    let next = Watermark { covered_from: 5, covered_until: 10, swept_once: Some(7), swept_twice: None };
    assert!(store.advance("c", "t", first.watermark.as_ref(), &next, None).await.unwrap());
    let renewed = take(store, "a", 150, 250).await.unwrap();
    assert_eq!(renewed.watermark, Some(next));
    store.release("c", "t", &renewed.lease).await.unwrap();
    assert_eq!(take(store, "b", 160, 260).await.unwrap().watermark, Some(next));
    assert_eq!(store.get("c", "t").await.unwrap(), Some(next), "a lease leaves the watermark alone");
}

async fn an_advance_gives_the_lease_back(store: &dyn WatermarkStore) {
    let a = take(store, "a", 100, 200).await.unwrap().lease;
    assert!(store.advance("c", "t", None, &mark(1), None).await.unwrap());
    assert!(take(store, "b", 150, 250).await.is_none(), "without being asked, nothing is given back");
    assert!(store.advance("c", "t", Some(&mark(1)), &mark(2), Some(&a)).await.unwrap());
    let b = take(store, "b", 150, 250).await.unwrap();
    assert_eq!(b.watermark, Some(mark(2)));
    assert!(b.lease.fence > a.fence);
    // Also with the first watermark of all.
    let other = store.acquire("c", "other", "a", 100, 200).await.unwrap().unwrap().lease;
    assert!(store.advance("c", "other", None, &mark(1), Some(&other)).await.unwrap());
    assert!(store.acquire("c", "other", "b", 150, 250).await.unwrap().is_some());
}

async fn a_lost_advance_keeps_the_lease(store: &dyn WatermarkStore) {
    let a = take(store, "a", 100, 200).await.unwrap().lease;
    assert!(store.advance("c", "t", None, &mark(1), None).await.unwrap());
    assert!(!store.advance("c", "t", None, &mark(2), Some(&a)).await.unwrap());
    assert!(!store.advance("c", "t", Some(&mark(3)), &mark(4), Some(&a)).await.unwrap());
    assert!(take(store, "b", 150, 250).await.is_none(), "still held");
    assert_eq!(store.get("c", "t").await.unwrap(), Some(mark(1)));
}

async fn an_advance_leaves_a_lease_that_has_passed_on(store: &dyn WatermarkStore) {
    let a = take(store, "a", 100, 200).await.unwrap().lease;
    let b = take(store, "b", 200, 300).await.unwrap().lease;
    assert!(store.advance("c", "t", None, &mark(1), Some(&a)).await.unwrap(), "leases decide nothing");
    assert!(store.advance("c", "t", Some(&mark(1)), &mark(2), Some(&a)).await.unwrap());
    assert!(!store.advance("c", "t", Some(&mark(1)), &mark(3), Some(&a)).await.unwrap());
    assert!(take(store, "a", 250, 350).await.is_none(), "still the other's");
    assert_eq!(store.get("c", "t").await.unwrap(), Some(mark(2)));
    store.release("c", "t", &b).await.unwrap();
    assert!(take(store, "a", 250, 350).await.is_some());
}

async fn a_fence_grows_with_every_grant(store: &dyn WatermarkStore) {
    let mut last = 0;
    // Clocks of several machines: standing still, going on, and behind.
    for (round, now) in [100, 100, 100, 1_000, 500, 500, 2_000].into_iter().enumerate() {
        let lease = take(store, &format!("h{round}"), now, now + 100).await.unwrap().lease;
        assert!(lease.fence > last && lease.fence >= now, "{lease:?} after {last}");
        last = lease.fence;
        store.release("c", "t", &lease).await.unwrap();
    }
}

async fn a_fence_goes_on_growing_in_a_new_store(lost: &dyn WatermarkStore, new: &dyn WatermarkStore) {
    let mut last = 0;
    for round in 0..5 {
        last = take(lost, &format!("h{round}"), 1_000 + round, 1_000 + round).await.unwrap().lease.fence;
    }
    let lease = take(new, "a", 2_000, 3_000).await.unwrap().lease;
    assert!(lease.fence > last, "{lease:?} after {last}");
}

async fn keys_do_not_mix(store: &dyn WatermarkStore) {
    for (n, (cluster, table)) in [("b", "t"), ("a", "u"), ("a", "t")].into_iter().enumerate() {
        assert!(store.advance(cluster, table, None, &mark(n as i64), None).await.unwrap());
        assert!(store.acquire(cluster, table, "h", 0, 100).await.unwrap().is_some());
    }
    let listed = store.list().await.unwrap();
    let keys: Vec<(&str, &str)> = listed.iter().map(|(c, t, _)| (c.as_str(), t.as_str())).collect();
    assert_eq!(keys, [("a", "t"), ("a", "u"), ("b", "t")]);
    assert_eq!(listed[2].2, mark(0));
}

async fn a_lease_alone_is_no_watermark(store: &dyn WatermarkStore) {
    assert!(take(store, "a", 100, 200).await.is_some());
    assert_eq!(store.get("c", "t").await.unwrap(), None);
    assert_eq!(store.list().await.unwrap(), []);
}

async fn of_many_advances_at_once_one_wins<S: WatermarkStore + 'static>(store: Arc<S>) {
    let mut before = None;
    for round in 1..=5 {
        let race = (0..RACERS).map(|racer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let next = mark(round * RACERS + racer);
                let won = store.advance("c", "t", before.as_ref(), &next, None).await.unwrap();
                won.then_some(next)
            })
        });
        let ended = futures::future::join_all(race).await;
        let won: Vec<Watermark> = ended.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        before = won.first().copied();
        assert_eq!(store.get("c", "t").await.unwrap(), before);
    }
}

async fn of_many_takers_at_once_one_gets_the_lease<S: WatermarkStore + 'static>(store: Arc<S>) {
    let mut last = 0;
    for round in 1..=5 {
        let race = (0..RACERS).map(|racer| {
            let store = Arc::clone(&store);
            // The clock stands still in some rounds, so that fences are counted on.
            let now = 100 + round / 3;
            tokio::spawn(async move { take(store.as_ref(), &format!("h{racer}"), now, now + 100).await })
        });
        let ended = futures::future::join_all(race).await;
        let mut granted: Vec<Grant> = ended.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(granted.len(), 1, "{granted:?}");
        let lease = granted.remove(0).lease;
        assert!(lease.fence > last, "{lease:?} after {last}");
        last = lease.fence;
        store.release("c", "t", &lease).await.unwrap();
    }
}
