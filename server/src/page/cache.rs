//! Answers that are kept: twenty people who look at one dashboard are one question, not twenty.
//!
//! - Whoever asks for what is being asked already waits for that answer.
//! - An answer holds for [`Kept::holds`] without a look at the lake. After that it holds on if no table that it came from has a new
//!   version, and is asked anew if one has, or it is older than [`OLDEST`].
//! - Bounded by bytes and by number; what was not used for longest goes first. What failed is not kept.
//! - What is looked for is known by a text that has everything in it that the answer depends on: also the asker's role.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::desk::Clock;

/// Versions of tables.
pub(super) type Versions = Vec<(String, u64)>;

/// How old an answer can become, whatever the versions say: of a table that is not there yet, nobody knows a version.
const OLDEST: Duration = Duration::from_secs(300);
/// The same for an answer that came from no table at all.
const OLDEST_OF_NOTHING: Duration = Duration::from_secs(10);

/// What can be kept.
pub(super) trait Kept: Send + Sync + 'static {
    /// Bytes that it takes in memory, roughly.
    fn bytes(&self) -> usize;
    /// The tables that it came from.
    fn versions(&self) -> &Versions;
    /// How long it holds without a look at the lake.
    fn holds(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// Answers by what was asked.
#[derive(Debug)]
pub(super) struct Cache<V> {
    most_bytes: usize,
    most: usize,
    clock: Clock,
    state: Mutex<State<V>>,
}

#[derive(Debug)]
struct State<V> {
    entries: HashMap<String, Entry<V>>,
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    cell: Cell<V>,
    used: u64,
    // Set once the answer is there.
    bytes: usize,
    since: Duration,
    looked: Duration,
}

type Cell<V> = Arc<OnceCell<Arc<V>>>;

/// What is known before anything is asked.
enum Found<V> {
    /// It holds.
    Holds(Arc<V>),
    /// It holds if the lake has not changed; whoever is told so looks, the others take it meanwhile.
    Look(Arc<V>),
    /// It is to be asked, or is being asked.
    Ask(Cell<V>),
}

impl<V: Kept> Cache<V> {
    /// An empty one with its limits: answers, and their bytes.
    pub(super) fn new(most: usize, most_bytes: usize, clock: Clock) -> Self {
        let state = State { entries: HashMap::new(), uses: 0 };
        Self { most_bytes, most, clock, state: Mutex::new(state) }
    }

    /// The answer to what `key` stands for: the one that is kept, or a new one. `now_at` says which versions tables have now.
    ///
    /// # Errors
    /// What `ask` gives. Others who wait ask themselves then.
    pub(super) async fn get<E, A, F, L, G>(&self, key: &str, ask: A, now_at: L) -> Result<Arc<V>, E>
    where
        A: FnOnce() -> F,
        F: Future<Output = Result<V, E>>,
        L: FnOnce(Arc<V>) -> G,
        G: Future<Output = Option<Versions>>,
    {
        let cell = match self.find(key) {
            Found::Holds(value) => return Ok(value),
            Found::Look(value) => {
                if now_at(Arc::clone(&value)).await.is_some_and(|now| now == *value.versions()) {
                    return Ok(value);
                }
                self.renew(key, &value)
            }
            Found::Ask(cell) => cell,
        };
        match cell.get_or_try_init(|| async { ask().await.map(Arc::new) }).await {
            Ok(value) => {
                self.keep(key, &cell, value);
                Ok(Arc::clone(value))
            }
            Err(error) => {
                drop(cell);
                self.state().forget();
                Err(error)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &str) -> Found<V> {
        let mut state = self.state();
        state.uses += 1;
        if state.entries.len() > 2 * self.most {
            state.forget();
        }
        let (uses, now) = (state.uses, self.clock.now());
        let entry = state.entries.entry(key.to_owned()).or_insert_with(|| Entry::new(now));
        entry.used = uses;
        let Some(value) = entry.cell.get().cloned() else { return Found::Ask(Arc::clone(&entry.cell)) };
        let oldest = if value.versions().is_empty() { OLDEST_OF_NOTHING } else { OLDEST };
        if now.saturating_sub(entry.since) >= oldest {
            *entry = Entry { used: uses, ..Entry::new(now) };
            return Found::Ask(Arc::clone(&entry.cell));
        }
        if now.saturating_sub(entry.looked) < value.holds() {
            return Found::Holds(value);
        }
        entry.looked = now;
        Found::Look(value)
    }

    /// A new place for an answer that holds no more, unless somebody has made one.
    fn renew(&self, key: &str, old: &Arc<V>) -> Cell<V> {
        let mut state = self.state();
        let now = self.clock.now();
        let entry = state.entries.entry(key.to_owned()).or_insert_with(|| Entry::new(now));
        if entry.cell.get().is_some_and(|value| Arc::ptr_eq(value, old)) {
            *entry = Entry { used: entry.used, ..Entry::new(now) };
        }
        Arc::clone(&entry.cell)
    }

    /// Counts an answer, and makes room.
    fn keep(&self, key: &str, cell: &Cell<V>, value: &Arc<V>) {
        let mut state = self.state();
        let bytes = value.bytes() + key.len();
        match state.entries.get_mut(key) {
            Some(entry) if Arc::ptr_eq(&entry.cell, cell) => entry.bytes = bytes,
            _ => return,
        }
        // An answer that would drive out all others is given, and not kept.
        if bytes > self.most_bytes / 4 {
            state.entries.remove(key);
        }
        let mut total: usize = state.entries.values().map(|entry| entry.bytes).sum();
        while total > self.most_bytes || state.entries.len() > self.most {
            let there = state.entries.iter().filter(|(_, entry)| entry.cell.get().is_some());
            let Some(oldest) = there.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone()) else { break };
            total -= state.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
        }
    }
}

impl<V> State<V> {
    /// Drops the places of answers that nobody waits for any more: what failed, or was given up.
    fn forget(&mut self) {
        self.entries.retain(|_, entry| entry.cell.initialized() || Arc::strong_count(&entry.cell) > 1);
    }
}

impl<V> Entry<V> {
    fn new(now: Duration) -> Self {
        Self { cell: Cell::default(), used: 0, bytes: 0, since: now, looked: now }
    }
}

#[cfg(test)]
mod tests;
