//! Calls that are counted, tried again, and end in time.
//!
//! What may pass is tried again, each kind a bounded number of times, with growing pauses of which half is chance. The calls of
//! a collector have one point in time after which none begins. `LookupEvents` shares one [`Bucket`] per account and region.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;

use super::bucket::Bucket;
use super::plane::{Answer, CallError, Page, Refusal};
use super::tally::Tally;
use crate::schedule::Pace;
use crate::window::micros;

/// Attempts of a call that is throttled, and of one that the service or the network fails.
const THROTTLED_ATTEMPTS: u32 = 8;
const FAILED_ATTEMPTS: u32 = 4;
/// The first pause; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How often a listing is begun anew because its page token was good no more.
const RESTARTS: u32 = 3;
/// Pages of a listing; more is taken for a service that goes round in circles.
const MOST_PAGES: usize = 20_000;

/// What a collector's calls have in common.
pub(crate) struct Calls {
    pace: Arc<dyn Pace>,
    chance: fn() -> f64,
    /// No call begins after this moment, microseconds.
    deadline: i64,
    lookups: Arc<tokio::sync::Mutex<Bucket>>,
    tally: Mutex<Tally>,
}

impl Calls {
    pub(crate) fn new(
        pace: Arc<dyn Pace>,
        chance: fn() -> f64,
        deadline: i64,
        lookups: Arc<tokio::sync::Mutex<Bucket>>,
    ) -> Self {
        Self { pace, chance, deadline, lookups, tally: Mutex::default() }
    }

    /// Now, microseconds UTC.
    pub(crate) fn now(&self) -> i64 {
        self.pace.now()
    }

    /// What was asked so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Tally)) {
        note(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Makes a call, again if that may help.
    pub(crate) async fn call<'a, T>(
        &self,
        name: &'static str,
        ask: impl Fn() -> BoxFuture<'a, Answer<T>>,
    ) -> Answer<T> {
        self.persist(name, None, false, ask).await
    }

    /// As [`Calls::call`], about one resource (its ARN): a refusal says nothing of others.
    pub(crate) async fn call_about<'a, T>(
        &self,
        name: &'static str,
        resource: &str,
        ask: impl Fn() -> BoxFuture<'a, Answer<T>>,
    ) -> Answer<T> {
        self.persist(name, Some(resource), false, ask).await
    }

    /// As [`Calls::call`], at the rate of `LookupEvents`.
    pub(crate) async fn lookup<'a, T>(
        &self,
        name: &'static str,
        ask: impl Fn() -> BoxFuture<'a, Answer<T>>,
    ) -> Answer<T> {
        self.persist(name, None, true, ask).await
    }

    async fn persist<'a, T>(
        &self,
        name: &'static str,
        about: Option<&str>,
        paced: bool,
        ask: impl Fn() -> BoxFuture<'a, Answer<T>>,
    ) -> Answer<T> {
        let (mut throttled, mut failed) = (0, 0);
        loop {
            if paced {
                // Held while waiting: whoever comes second waits for the next turn.
                let mut bucket = self.lookups.lock().await;
                let wait = bucket.take(self.now());
                if wait > 0 {
                    self.pace.until(self.now().saturating_add(wait)).await;
                }
            }
            self.in_time(name)?;
            self.note(|tally| *tally.calls.entry(name).or_default() += 1);
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let attempt = match error.refusal {
                Refusal::Throttled => {
                    self.note(|tally| tally.throttles += 1);
                    throttled += 1;
                    (throttled < THROTTLED_ATTEMPTS).then_some(throttled)
                }
                Refusal::Server | Refusal::Unreached => {
                    failed += 1;
                    (failed < FAILED_ATTEMPTS).then_some(failed)
                }
                Refusal::Denied => {
                    self.note(|tally| tally.refused(name, about, &error.code));
                    None
                }
                _ => None,
            };
            let Some(attempt) = attempt else { return Err(error) };
            self.pace.until(self.now().saturating_add(pause(attempt, (self.chance)()))).await;
        }
    }

    /// All items of a listing. A token that expires on the way means to begin anew.
    pub(crate) async fn all<'a, T>(
        &self,
        name: &'static str,
        ask: impl Fn(Option<String>) -> BoxFuture<'a, Answer<Page<T>>>,
    ) -> Answer<Vec<T>> {
        self.list(name, None, ask).await
    }

    /// As [`Calls::all`], about one resource (its ARN): a refusal says nothing of others.
    pub(crate) async fn all_about<'a, T>(
        &self,
        name: &'static str,
        resource: &str,
        ask: impl Fn(Option<String>) -> BoxFuture<'a, Answer<Page<T>>>,
    ) -> Answer<Vec<T>> {
        self.list(name, Some(resource), ask).await
    }

    async fn list<'a, T>(
        &self,
        name: &'static str,
        about: Option<&str>,
        ask: impl Fn(Option<String>) -> BoxFuture<'a, Answer<Page<T>>>,
    ) -> Answer<Vec<T>> {
        let mut restarts = 0;
        'anew: loop {
            let (mut items, mut token): (Vec<T>, Option<String>) = (Vec::new(), None);
            for _ in 0..MOST_PAGES {
                let page = match self.persist(name, about, false, || ask(token.clone())).await {
                    // Not every service has a word of its own for it.
                    Err(e) if is_stale(&e, token.is_some()) && restarts < RESTARTS => {
                        restarts += 1;
                        continue 'anew;
                    }
                    other => other?,
                };
                items.extend(page.items);
                if page.next.is_none() {
                    return Ok(items);
                }
                if page.next == token {
                    return Err(CallError::new(Refusal::Other, name, "the same page again", ""));
                }
                token = page.next;
            }
            return Err(CallError::new(Refusal::Other, name, "pages without end", ""));
        }
    }

    /// An error if the time is over.
    pub(crate) fn in_time(&self, name: &'static str) -> Answer<()> {
        if self.now() < self.deadline {
            return Ok(());
        }
        Err(CallError::new(Refusal::OutOfTime, name, "not asked", "the time for this collection is over"))
    }
}

/// Whether a page may have been refused because of its token.
fn is_stale(error: &CallError, has_token: bool) -> bool {
    error.refusal == Refusal::ExpiredToken || (has_token && error.refusal == Refusal::Other)
}

/// The pause before the next attempt, microseconds.
fn pause(attempt: u32, chance: f64) -> i64 {
    let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(LONGEST_PAUSE);
    micros(longest.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0)))
}
