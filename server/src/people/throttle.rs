//! Log-ins that fail too often. Guessing a password has to be slow, and must not cost memory; whoever has the right one shall not be
//! locked out by what somebody else does.
//!
//! Failures are counted in windows of a minute:
//!
//! | of | most | so that |
//! |---|---|---|
//! | a name from an address | 10 | a password is not guessed, and a script with an old one keeps only its own name out |
//! | an address, whatever the names | 30 | names are not tried one after the other |
//! | a name, from anywhere | 100 | a password is not guessed from many addresses |
//! | wrong tokens of an address | 10 | the log stays readable |
//!
//! An address of IPv6 counts with its network, since whoever has one address has all of it. Behind one address can be a whole office:
//! a session that is open goes on, and a token that is right is let in whatever was counted ([`super::People::authenticate_token`]).
//! That is safe because a token is 256 random bits and is looked up by its hash, so that nobody comes closer to one by trying: ten
//! billion tries a second would not find one. A password can be guessed, so that one that is right is refused as well while its name
//! or address has to wait: an answer would tell a guesser that the guess was right.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);
/// Failures of one name from one address in a window.
const PER_BOTH: u32 = 10;
/// Failures of one address in a window, with any names.
const PER_ADDRESS: u32 = 30;
/// Failures of one name in a window, from anywhere.
const PER_NAME: u32 = 100;
/// Wrong tokens of one address in a window that are counted and logged.
const TOKENS: u32 = 10;
/// Keys that are remembered; with more, windows that are over are forgotten, or else all.
const MOST: usize = 10_000;
/// Bytes of a name that count.
const NAME_BYTES: usize = 63;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Both(IpAddr, String),
    Address(IpAddr),
    Name(String),
    Tokens(IpAddr),
}

impl Key {
    /// How often it may fail.
    fn most(&self) -> u32 {
        match self {
            Self::Both(..) => PER_BOTH,
            Self::Address(_) => PER_ADDRESS,
            Self::Name(_) => PER_NAME,
            Self::Tokens(_) => TOKENS,
        }
    }

    /// What counts for a log-in: with a name, by password; without one, by token.
    fn of(from: IpAddr, name: Option<&str>) -> Vec<Self> {
        let from = network(from);
        match name {
            None => vec![Self::Tokens(from)],
            Some(name) => {
                let name: String = name.chars().take(NAME_BYTES).collect();
                vec![Self::Both(from, name.clone()), Self::Address(from), Self::Name(name)]
            }
        }
    }
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
    /// How long to wait before another attempt, by password if there is a name; `None` if it may be made now.
    pub(super) fn wait(&self, from: IpAddr, name: Option<&str>, now: Duration) -> Option<Duration> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = Key::of(from, name).into_iter().filter_map(|key| {
            let failed = failures.get(&key)?;
            let over = failed.since + WINDOW;
            (failed.count >= key.most() && now < over).then(|| over - now)
        });
        waits.max()
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
        for key in Key::of(from, name) {
            let failed = failures.entry(key).or_insert(Failures { since: now, count: 0 });
            if now >= failed.since + WINDOW {
                *failed = Failures { since: now, count: 0 };
            }
            failed.count = failed.count.saturating_add(1);
        }
    }
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
    fn a_name_that_fails_too_often_from_an_address_waits_for_the_minute_to_end_and_others_do_not() {
        let (throttle, here, there) = (Throttle::default(), "10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        for second in 0..10 {
            assert_eq!(throttle.wait(here, Some("ana"), at(second)), None);
            throttle.failed(here, Some("ana"), at(second));
        }
        assert_eq!(throttle.wait(here, Some("ana"), at(20)), Some(at(40)));
        assert_eq!(throttle.wait(here, Some("bo"), at(20)), None, "who sits next to a broken script");
        assert_eq!(throttle.wait(there, Some("ana"), at(20)), None);
        assert_eq!(throttle.wait(here, Some("ana"), at(60)), None);
        throttle.failed(here, Some("ana"), at(61));
        assert_eq!(throttle.wait(here, Some("ana"), at(61)), None);
    }

    #[test]
    fn names_cannot_be_tried_one_after_the_other() {
        let (throttle, here) = (Throttle::default(), "10.0.0.1".parse().unwrap());
        for n in 0..30 {
            assert_eq!(throttle.wait(here, Some(&format!("user{n}")), at(0)), None);
            throttle.failed(here, Some(&format!("user{n}")), at(0));
        }
        assert_eq!(throttle.wait(here, Some("ana"), at(1)), Some(at(59)));
    }

    #[test]
    fn wrong_tokens_keep_no_password_out_and_the_other_way_round() {
        let (throttle, here) = (Throttle::default(), "10.0.0.1".parse().unwrap());
        (0..40).for_each(|_| throttle.failed(here, None, at(0)));
        assert_eq!((throttle.wait(here, None, at(0)), throttle.wait(here, Some("ana"), at(0))), (Some(at(60)), None));
        let throttle = Throttle::default();
        (0..40).for_each(|_| throttle.failed(here, Some("ana"), at(0)));
        assert_eq!(throttle.wait(here, None, at(0)), None);
    }

    #[test]
    fn a_name_is_guarded_from_many_addresses_and_a_network_counts_as_one() {
        let throttle = Throttle::default();
        for n in 0..100u8 {
            throttle.failed(IpAddr::from([10, 0, 0, n]), Some("ana"), at(0));
        }
        assert_eq!(throttle.wait(IpAddr::from([10, 0, 1, 1]), Some("ana"), at(1)), Some(at(59)));
        for n in 0..10u16 {
            throttle.failed(IpAddr::from([1, 2, 3, 4, 5, 6, 7, n]), Some("bo"), at(0));
        }
        assert_eq!(throttle.wait("1:2:3:4::9".parse().unwrap(), Some("bo"), at(1)), Some(at(59)));
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
