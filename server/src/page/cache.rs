//! Answers that are kept: twenty people who look at one dashboard are one question, not twenty.
//!
//! - Whoever asks for what is being asked already waits for that answer.
//! - An answer holds for [`Kept::holds`] without a look at the lake. After that it holds on if no table that it came from has a new
//!   version, and is asked anew if one has, or it is older than [`OLDEST`].
//! - While it is asked anew, the old one is given, if it was right no longer than [`Kept::grace`] ago: exports commit all the time, and
//!   nobody should wait for every one of them. So is an answer about a moment that has just passed. What is asked for that reason
//!   is asked a few at a time, so that whoever waits for an answer has processors left.
//! - Bounded by bytes and by number; what was not used for longest goes first. What failed is not kept, nor what nobody has used for
//!   [`Kept::unused`]: most answers are about a time range that moves on, and are never asked for again.
//! - What is looked for is known by a text that has everything in it that the answer depends on: also what the asker
//!   may see.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore};

use crate::desk::Clock;

/// Processors to each answer that is asked anew while nobody waits for it.
const PROCESSORS_PER_RENEWAL: usize = 2;

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
    /// How long ago it may have been right to be given while it is asked anew: two refreshes of a dashboard.
    fn grace(&self) -> Duration {
        Duration::from_secs(20)
    }
    /// How long it is kept while nobody uses it.
    fn unused(&self) -> Duration {
        Duration::from_secs(120)
    }
}

/// Answers by what was asked.
#[derive(Debug)]
pub(super) struct Cache<V> {
    most_bytes: usize,
    most: usize,
    clock: Clock,
    state: Mutex<State<V>>,
    // For those that are asked anew while nobody waits.
    places: Semaphore,
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
    // When that was.
    wanted: Duration,
    // Set once the answer is there.
    bytes: usize,
    since: Duration,
    looked: Duration,
    // When it was known to be right.
    right: Duration,
    // The next answer, once it is asked for, and since when.
    next: Option<(Cell<V>, Duration)>,
}

type Cell<V> = Arc<OnceCell<Arc<V>>>;

/// What is known before anything is asked.
enum Found<V> {
    /// It holds.
    Holds(Arc<V>),
    /// It holds if the lake has not changed; whoever is told so looks, the others take it meanwhile.
    Look(Arc<V>),
    /// It holds no more.
    Over(Arc<V>),
    /// It is to be asked, or is being asked.
    Ask(Cell<V>),
}

/// What to do about an answer that holds no more.
enum Renewal<V> {
    /// It may be given while this one is asked.
    Meanwhile(Cell<V>),
    /// It may be given: another one is being asked.
    UnderWay,
    /// This one is to be waited for.
    Wait(Cell<V>),
}

impl<V: Kept> Cache<V> {
    /// An empty one with its limits: answers, and their bytes.
    pub(super) fn new(most: usize, most_bytes: usize, clock: Clock) -> Arc<Self> {
        let state = Mutex::new(State { entries: HashMap::new(), uses: 0 });
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let places = Semaphore::new(processors.div_ceil(PROCESSORS_PER_RENEWAL));
        Arc::new(Self { most_bytes, most, clock, state, places })
    }

    /// The answer to what `key` stands for: the one that is kept, or a new one. `now_at` says which versions tables have now. Of an
    /// answer about a moment, `before` is the key of the one about the moment before: given while there is no other.
    ///
    /// # Errors
    /// What `ask` gives. Others who wait ask themselves then.
    pub(super) async fn get<E, A, F, L, G>(
        self: &Arc<Self>,
        key: &str,
        before: Option<&str>,
        ask: A,
        now_at: L,
    ) -> Result<Arc<V>, E>
    where
        A: FnOnce() -> F,
        F: Future<Output = Result<V, E>> + Send + 'static,
        E: Send + 'static,
        L: FnOnce(Arc<V>) -> G,
        G: Future<Output = Option<Versions>>,
    {
        if let Some((value, cell)) = before.and_then(|before| self.begun(key, before)) {
            if let Some(cell) = cell {
                self.ask_meanwhile(key, cell, ask());
            }
            return Ok(value);
        }
        let old = match self.find(key) {
            Found::Holds(value) => return Ok(value),
            Found::Ask(cell) => return self.asked(key, &cell, ask).await,
            Found::Over(value) => value,
            Found::Look(value) => {
                let began = self.clock.now();
                if now_at(Arc::clone(&value)).await.is_some_and(|now| now == *value.versions()) {
                    self.confirm(key, &value, began);
                    return Ok(value);
                }
                value
            }
        };
        match self.renew(key, &old) {
            Renewal::Wait(cell) => self.asked(key, &cell, ask).await,
            Renewal::UnderWay => Ok(old),
            Renewal::Meanwhile(cell) => {
                self.ask_meanwhile(key, cell, ask());
                Ok(old)
            }
        }
    }

    /// Waits for an answer, and asks for it unless somebody does.
    async fn asked<E, F>(&self, key: &str, cell: &Cell<V>, ask: impl FnOnce() -> F) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        match cell.get_or_try_init(|| async { ask().await.map(Arc::new) }).await {
            Ok(value) => {
                self.keep(key, cell, value);
                Ok(Arc::clone(value))
            }
            Err(error) => {
                self.failed(key, cell);
                Err(error)
            }
        }
    }

    /// Asks while nobody waits.
    fn ask_meanwhile<E, F>(self: &Arc<Self>, key: &str, cell: Cell<V>, ask: F)
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
        E: Send + 'static,
    {
        let (cache, key) = (Arc::clone(self), key.to_owned());
        tokio::spawn(async move {
            // Never closed.
            let _place = cache.places.acquire().await;
            // Whoever looks at it next is told what went wrong.
            cache.asked(&key, &cell, || ask).await.map(drop).unwrap_or_default();
        });
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
        (entry.used, entry.wanted) = (uses, now);
        let Some(value) = entry.cell.get().cloned() else { return Found::Ask(Arc::clone(&entry.cell)) };
        if let Some((next, _)) = &entry.next {
            return if now.saturating_sub(entry.right) < value.grace() {
                Found::Holds(value)
            } else {
                Found::Ask(Arc::clone(next))
            };
        }
        let oldest = if value.versions().is_empty() { OLDEST_OF_NOTHING } else { OLDEST };
        if now.saturating_sub(entry.since) >= oldest {
            return Found::Over(value);
        }
        // What was looked at and could not be renewed holds no longer than it may be given.
        if now.saturating_sub(entry.looked) < value.holds() && now.saturating_sub(entry.right) < value.grace() {
            return Found::Holds(value);
        }
        entry.looked = now;
        Found::Look(value)
    }

    /// An answer was found to be right by a look that began at a moment.
    fn confirm(&self, key: &str, value: &Arc<V>, began: Duration) {
        if let Some(entry) = self.state().entries.get_mut(key)
            && entry.cell.get().is_some_and(|own| Arc::ptr_eq(own, value))
        {
            entry.right = entry.right.max(began);
        }
    }

    /// A new place for an answer that holds no more, unless somebody has made one.
    fn renew(&self, key: &str, old: &Arc<V>) -> Renewal<V> {
        let mut state = self.state();
        let now = self.clock.now();
        let entry = state.entries.entry(key.to_owned()).or_insert_with(|| Entry::new(now));
        if entry.cell.get().is_none_or(|value| !Arc::ptr_eq(value, old)) {
            return Renewal::Wait(Arc::clone(&entry.cell));
        }
        let may_be_given = now.saturating_sub(entry.right) < old.grace();
        match &entry.next {
            Some(_) if may_be_given => Renewal::UnderWay,
            Some((next, _)) => Renewal::Wait(Arc::clone(next)),
            None => {
                let next = Cell::default();
                entry.next = Some((Arc::clone(&next), now));
                if may_be_given { Renewal::Meanwhile(next) } else { Renewal::Wait(next) }
            }
        }
    }

    /// The answer about the moment before, if there is none about this one; with the place of this one, if nobody asks for it yet.
    fn begun(&self, key: &str, before: &str) -> Option<(Arc<V>, Option<Cell<V>>)> {
        let mut state = self.state();
        let there = state.entries.get(key);
        if there.is_some_and(|entry| entry.cell.initialized()) {
            return None;
        }
        let is_asked = there.is_some();
        state.uses += 1;
        let (uses, now) = (state.uses, self.clock.now());
        let entry = state.entries.get_mut(before)?;
        let value = entry.cell.get().cloned()?;
        (entry.used, entry.wanted) = (uses, now);
        let cell = (!is_asked).then(|| {
            let new = Entry { used: uses, ..Entry::new(now) };
            let cell = Arc::clone(&new.cell);
            state.entries.insert(key.to_owned(), new);
            cell
        });
        Some((value, cell))
    }

    /// An answer failed: the next to look asks again.
    fn failed(&self, key: &str, cell: &Cell<V>) {
        let mut state = self.state();
        match state.entries.get_mut(key) {
            Some(entry) if entry.next.as_ref().is_some_and(|(next, _)| Arc::ptr_eq(next, cell)) => entry.next = None,
            // What others wait for they ask themselves.
            Some(entry) if Arc::ptr_eq(&entry.cell, cell) && Arc::strong_count(cell) <= 2 => {
                state.entries.remove(key);
            }
            _ => {}
        }
    }

    /// Counts an answer, and makes room.
    fn keep(&self, key: &str, cell: &Cell<V>, value: &Arc<V>) {
        let mut state = self.state();
        let bytes = value.bytes() + key.len();
        let now = self.clock.now();
        let Some(entry) = state.entries.get_mut(key) else { return };
        match entry.next.take_if(|(next, _)| Arc::ptr_eq(next, cell)) {
            Some((next, began)) => {
                let (used, wanted) = (entry.used, entry.wanted);
                *entry = Entry { cell: next, used, wanted, looked: now, ..Entry::new(began) };
            }
            None if Arc::ptr_eq(&entry.cell, cell) => {}
            None => return,
        }
        entry.bytes = bytes;
        // An answer that would drive out all others is given, and not kept.
        if bytes > self.most_bytes / 4 {
            state.entries.remove(key);
        }
        state.entries.retain(|_, entry| entry.is_wanted(now));
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

impl<V: Kept> Entry<V> {
    /// Whether somebody used it lately, or waits for it.
    fn is_wanted(&self, now: Duration) -> bool {
        self.cell.get().is_none_or(|value| now.saturating_sub(self.wanted) < value.unused())
    }
}

impl<V> Entry<V> {
    fn new(now: Duration) -> Self {
        Self { cell: Cell::default(), used: 0, wanted: now, bytes: 0, since: now, looked: now, right: now, next: None }
    }
}

#[cfg(test)]
mod tests;
