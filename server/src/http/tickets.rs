//! Sessions of browsers: random ids in a cookie, each of which stands for somebody who has logged in.
//!
//! - An id has 256 random bits. What is kept of it is its SHA-256, so that nothing in memory lets anybody in.
//! - A session ends [`LIFE`] after the log-in, at the log-out, and when the server ends. Nothing makes it longer.
//! - There are at most [`MOST`]; the one that would end first makes room.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use sha2::{Digest, Sha256};

use crate::error::ServerError;
use crate::people::{Asker, hex, random};

/// How long a session lasts.
pub(crate) const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// Sessions that are kept.
const MOST: usize = 10_000;

type Hash = [u8; 32];

#[derive(Debug)]
struct Held {
    asker: Asker,
    ends: Instant,
}

/// The sessions that are open.
#[derive(Debug, Default)]
pub(crate) struct Tickets(Mutex<HashMap<Hash, Held>>);

impl Tickets {
    /// Opens a session and gives its id, which is a secret.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub(crate) fn open(&self, asker: Asker, now: Instant) -> Result<String, ServerError> {
        let id = hex(&random::<32>()?);
        let mut held = self.held();
        if held.len() >= MOST {
            held.retain(|_, one| now < one.ends);
        }
        if held.len() >= MOST {
            let first = held.iter().min_by_key(|(_, one)| one.ends).map(|(hash, _)| *hash);
            first.and_then(|hash| held.remove(&hash));
        }
        held.insert(hash(&id), Held { asker, ends: now + LIFE });
        Ok(id)
    }

    /// Who has that id.
    pub(crate) fn find(&self, id: &str, now: Instant) -> Option<Asker> {
        self.held().get(&hash(id)).filter(|one| now < one.ends).map(|one| one.asker.clone())
    }

    /// Ends a session.
    pub(crate) fn close(&self, id: &str) {
        self.held().remove(&hash(id));
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Hash, Held>> {
        // Nothing that holds the lock can leave it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(id: &str) -> Hash {
    Sha256::digest(id.as_bytes()).into()
}

/// The cookie's name. With TLS a browser takes it from this host only, and sends it nowhere else.
fn name(tls: bool) -> &'static str {
    if tls { "__Host-lookback" } else { "lookback" }
}

/// The id that a request has in its cookie.
pub(crate) fn sent(headers: &HeaderMap, tls: bool) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name(tls)).map(|(_, id)| id)
}

/// The cookie that sets an id, or takes it away.
pub(crate) fn cookie(id: Option<&str>, tls: bool) -> String {
    let age = id.map_or(0, |_| LIFE.as_secs());
    let secure = if tls { "; Secure" } else { "" };
    format!("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}", name(tls), id.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{Door, Role};

    fn asker(user: &str) -> Asker {
        Asker { user: user.into(), role: Role::Viewer, door: Door::Page, from: None }
    }

    #[test]
    fn a_session_ends_by_itself_and_at_the_log_out() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let (ana, bo) = (tickets.open(asker("ana"), now).unwrap(), tickets.open(asker("bo"), now).unwrap());
        assert_eq!(ana.len(), 64);
        assert_eq!(tickets.find(&ana, now).unwrap().user.as_ref(), "ana");
        assert_eq!(tickets.find(&ana[..63], now), None);
        tickets.close(&bo);
        assert_eq!(tickets.find(&bo, now), None);
        let last = now + LIFE - Duration::from_nanos(1);
        assert!(tickets.find(&ana, last).is_some());
        assert_eq!(tickets.find(&ana, now + LIFE), None);
    }

    #[test]
    fn the_oldest_makes_room() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let later = |n: usize| now + Duration::from_millis(n as u64);
        let ids: Vec<String> = (0..=MOST).map(|n| tickets.open(asker("ana"), later(n)).unwrap()).collect();
        assert_eq!(tickets.held().len(), MOST);
        assert_eq!(tickets.find(&ids[0], later(MOST)), None);
        assert!(tickets.find(&ids[1], later(MOST)).is_some());
    }

    #[test]
    fn cookies_are_found_among_others() {
        let headers = |value: &str| HeaderMap::from_iter([(COOKIE, value.parse().unwrap())]);
        assert_eq!(sent(&headers("theme=dark; lookback=ab12 ;x"), false), Some("ab12"));
        assert_eq!(sent(&headers("__Host-lookback=cd; lookback=ab"), true), Some("cd"));
        assert_eq!(sent(&headers("lookback2=ab"), false), None);
        let set = cookie(Some("ab"), true);
        assert_eq!(set, "__Host-lookback=ab; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure");
        assert_eq!(cookie(None, false), "lookback=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }
}
