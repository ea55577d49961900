//! What every watermark store must do. Called from each implementation's tests, in this crate and outside.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "assertions of a test suite")]

use super::{Watermark, WatermarkStore};

/// Runs the suite; `fresh` gives an empty store each time it is called.
pub async fn suite<S: WatermarkStore, F: FnMut() -> S>(mut fresh: F) {
    a_watermark_is_stored_only_over_the_one_that_was_read(&fresh()).await;
    a_lease_is_held_by_one(&fresh()).await;
    a_fence_never_starts_again(&fresh()).await;
    keys_do_not_mix(&fresh()).await;
}

async fn a_watermark_is_stored_only_over_the_one_that_was_read(store: &dyn WatermarkStore) {
    assert_eq!(store.get("c", "t").await.unwrap(), None);
    let first = Watermark { covered_from: 5, covered_until: 10, swept_once: None, swept_twice: None };
    assert!(store.advance("c", "t", None, &first).await.unwrap());
    assert!(!store.advance("c", "t", None, &first).await.unwrap(), "there is one already");
    let second = Watermark { covered_until: 20, swept_once: Some(3), ..first };
    assert!(store.advance("c", "t", Some(&first), &second).await.unwrap());
    let stale = Watermark { covered_until: 15, ..first };
    assert!(!store.advance("c", "t", Some(&first), &stale).await.unwrap(), "somebody else was faster");
    assert_eq!(store.get("c", "t").await.unwrap(), Some(second));
    let swept = Watermark { swept_twice: Some(3), ..second };
    assert!(!store.advance("c", "t", Some(&swept), &first).await.unwrap(), "every field is compared");
    assert!(!store.advance("c", "other", Some(&second), &swept).await.unwrap(), "nothing to replace");
}

async fn a_lease_is_held_by_one(store: &dyn WatermarkStore) {
    let a = store.acquire("c", "t", "a", 100, 200).await.unwrap().unwrap();
    assert!(store.acquire("c", "t", "b", 150, 250).await.unwrap().is_none(), "held");
    assert!(store.acquire("c", "t", "a", 150, 250).await.unwrap().is_some(), "its holder may renew");
    store.release("c", "t", &a).await.unwrap();
    assert!(store.acquire("c", "t", "b", 150, 250).await.unwrap().is_none(), "an old lease releases nothing");
    let b = store.acquire("c", "t", "b", 250, 350).await.unwrap().unwrap();
    store.release("c", "t", &b).await.unwrap();
    assert!(store.acquire("c", "t", "a", 260, 360).await.unwrap().is_some(), "given back");
}

async fn a_fence_never_starts_again(store: &dyn WatermarkStore) {
    let mut last = 0;
    for round in 0..4 {
        let lease = store.acquire("c", "t", &format!("h{round}"), 100, 200).await.unwrap().unwrap();
        assert!(lease.fence > last);
        last = lease.fence;
        store.release("c", "t", &lease).await.unwrap();
    }
}

async fn keys_do_not_mix(store: &dyn WatermarkStore) {
    let mark = |n| Watermark { covered_from: n, covered_until: n, swept_once: None, swept_twice: None };
    for (n, (cluster, table)) in [("b", "t"), ("a", "u"), ("a", "t")].into_iter().enumerate() {
        assert!(store.advance(cluster, table, None, &mark(n as i64)).await.unwrap());
        assert!(store.acquire(cluster, table, "h", 0, 100).await.unwrap().is_some());
    }
    let listed = store.list().await.unwrap();
    let keys: Vec<(&str, &str)> = listed.iter().map(|(c, t, _)| (c.as_str(), t.as_str())).collect();
    assert_eq!(keys, [("a", "t"), ("a", "u"), ("b", "t")]);
    assert_eq!(listed[2].2, mark(0));
}
