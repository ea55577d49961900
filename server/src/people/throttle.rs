//! Log-ins that fail too often. Guessing a password or a token has to be slow, and must not cost memory.
//!
//! Failures are counted by address (of IPv6, by network, since whoever has one address has all of it) and by name, in windows of
//! a minute. A name may fail more often than an address, so that nobody can lock somebody out from one place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);
/// Failures of one address in a window.
const PER_ADDRESS: u32 = 10;
/// Failures of one name in a window.
const PER_NAME: u32 = 100;
/// Keys that are remembered; with more, windows that are over are forgotten, or else all.
const MOST: usize = 10_000;
/// Bytes of a name that count.
const NAME_BYTES: usize = 63;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Name(String),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Duration,
    count: u32,
}

/// The failures of the last minute. Times are those of a clock that only goes forward.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Key, Failures>>);

impl Throttle {
    /// How long to wait before another attempt; `None` if it may be made now.
    pub(super) fn wait(&self, from: IpAddr, name: Option<&str>, now: Duration) -> Option<Duration> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |key: Key, most: u32| {
            let failed = failures.get(&key)?;
            let over = failed.since + WINDOW;
            (failed.count >= most && now < over).then(|| over - now)
        };
        of(Key::Address(network(from)), PER_ADDRESS).max(name.and_then(|name| of(named(name), PER_NAME)))
    }

    /// Counts a failure.
    pub(super) fn failed(&self, from: IpAddr, name: Option<&str>, now: Duration) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST {
            failures.retain(|_, failed| now < failed.since + WINDOW);
            if failures.len() >= MOST {
                failures.clear();
            }
        }
        for key in [Some(Key::Address(network(from))), name.map(named)].into_iter().flatten() {
            let failed = failures.entry(key).or_insert(Failures { since: now, count: 0 });
            if now >= failed.since + WINDOW {
                *failed = Failures { since: now, count: 0 };
            }
            failed.count = failed.count.saturating_add(1);
        }
    }
}

fn named(name: &str) -> Key {
    Key::Name(name.chars().take(NAME_BYTES).collect())
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_address_that_fails_too_often_waits_for_the_minute_to_end() {
        let (throttle, here, there) = (Throttle::default(), "10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        for second in 0..10 {
            assert_eq!(throttle.wait(here, Some("ana"), at(second)), None);
            throttle.failed(here, Some("ana"), at(second));
        }
        assert_eq!(throttle.wait(here, Some("bo"), at(20)), Some(at(40)));
        assert_eq!(throttle.wait(there, Some("ana"), at(20)), None);
        assert_eq!(throttle.wait(here, None, at(60)), None);
        throttle.failed(here, None, at(61));
        assert_eq!(throttle.wait(here, None, at(61)), None);
    }

    #[test]
    fn a_name_is_guarded_from_many_addresses_and_a_network_counts_as_one() {
        let throttle = Throttle::default();
        for n in 0..100u8 {
            throttle.failed(IpAddr::from([10, 0, 0, n]), Some("ana"), at(0));
        }
        assert_eq!(throttle.wait(IpAddr::from([10, 0, 1, 1]), Some("ana"), at(1)), Some(at(59)));
        for n in 0..10u16 {
            throttle.failed(IpAddr::from([1, 2, 3, 4, 5, 6, 7, n]), None, at(0));
        }
        assert_eq!(throttle.wait("1:2:3:4::9".parse().unwrap(), None, at(1)), Some(at(59)));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..30_000u32 {
            throttle.failed(IpAddr::from(n.to_be_bytes()), None, at(1));
        }
        assert!(throttle.0.lock().unwrap().len() <= MOST);
    }
}
