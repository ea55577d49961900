//! Memory of the statements of a session, shared so that none can take what the others need.
//!
//! With `n` statements at work, each may hold the `n + 1`th part of the whole: the free part is for the one that comes next.
//! What can neither spill nor merge what was spilled (the smaller side of a join) takes what is left of the part, and is an error
//! beyond it. Of what it leaves, what can spill shares three eighths evenly, and spills when its share is used up; merges share half:
//! to spill, a sort merges all that it holds and needs as much room again, and a merge of files reads as many at once as it is given
//! room for.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// What each that can spill may have at least, as long as the statement's part has it: a few batches of wide rows.
const LEAST_SHARE: usize = 16 << 20;

/// The memory of a session.
#[derive(Debug)]
pub(super) struct Shares {
    total: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    statements: usize,
    bytes: usize,
}

impl Shares {
    pub(super) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { total, held: Mutex::default() })
    }

    /// The part of a statement that begins; it ends when the part is dropped.
    pub(super) fn part(self: &Arc<Self>) -> Arc<Part> {
        lock(&self.held).statements += 1;
        Arc::new(Part { shares: Arc::clone(self), own: Mutex::default() })
    }
}

/// The memory of one statement.
#[derive(Debug)]
pub(super) struct Part {
    shares: Arc<Shares>,
    own: Mutex<Own>,
}

#[derive(Debug, Default)]
struct Own {
    spillers: usize,
    spillable: usize,
    merging: usize,
    fixed: usize,
}

impl Own {
    fn of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Spiller => &mut self.spillable,
            Kind::Merge => &mut self.merging,
            Kind::Fixed => &mut self.fixed,
        }
    }

    fn bytes(&self) -> usize {
        self.spillable + self.merging + self.fixed
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        lock(&self.shares.held).statements -= 1;
    }
}

/// A panic elsewhere leaves counts behind that are right: nothing here can fail half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who holds memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Spiller,
    Merge,
    Fixed,
}

impl Kind {
    fn of(reservation: &MemoryReservation) -> Self {
        let consumer = reservation.consumer();
        if consumer.can_spill() {
            Self::Spiller
        } else if consumer.name().starts_with("ExternalSorterMerge") {
            Self::Merge
        } else {
            Self::Fixed
        }
    }
}

/// What is free to one of `sharers` that may have `all` together and have `held` of it.
fn shared(all: usize, sharers: usize, reservation: &MemoryReservation, held: usize) -> usize {
    let share = (all / sharers.max(1)).max(LEAST_SHARE);
    share.saturating_sub(reservation.size()).min(all.saturating_sub(held))
}

impl Part {
    fn add(own: &mut Own, held: &mut Held, kind: Kind, bytes: usize) {
        *own.of(kind) += bytes;
        held.bytes += bytes;
    }
}

impl MemoryPool for Part {
    fn name(&self) -> &'static str {
        "statement"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            lock(&self.own).spillers += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            lock(&self.own).spillers -= 1;
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        Self::add(&mut lock(&self.own), &mut lock(&self.shares.held), Kind::of(reservation), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut own = lock(&self.own);
        *own.of(Kind::of(reservation)) -= shrink;
        lock(&self.shares.held).bytes -= shrink;
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut own = lock(&self.own);
        let mut held = lock(&self.shares.held);
        let part = self.shares.total / (held.statements + 1);
        let kind = Kind::of(reservation);
        let left = part.saturating_sub(own.bytes());
        let free = match kind {
            Kind::Spiller => shared(part.saturating_sub(own.fixed) / 8 * 3, own.spillers, reservation, own.spillable),
            Kind::Merge => shared(part.saturating_sub(own.fixed) / 2, own.spillers, reservation, own.merging),
            Kind::Fixed => left,
        };
        let free = free.min(left);
        let free = free.min(self.shares.total.saturating_sub(held.bytes));
        if additional > free {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{} needs {} MB more than the {} MB it has, and {} MB of the statement's {} MB are left to it",
                reservation.consumer().name(),
                additional.div_ceil(1 << 20),
                reservation.size() >> 20,
                free >> 20,
                part >> 20
            )));
        }
        Self::add(&mut own, &mut held, kind, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        lock(&self.own).bytes()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.shares.total / 2)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} MB", self.name(), self.shares.total >> 20)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

    use super::*;

    const MB: usize = 1 << 20;

    fn reservation(part: &Arc<Part>, spills: bool) -> MemoryReservation {
        let pool: Arc<dyn MemoryPool> = Arc::clone(part) as _;
        MemoryConsumer::new("test").with_can_spill(spills).register(&pool)
    }

    #[test]
    fn a_statement_alone_has_half_and_a_second_finds_a_third() {
        let shares = Shares::new(1_200);
        let first = shares.part();
        let hold = reservation(&first, false);
        assert!(hold.try_grow(601).is_err());
        hold.try_grow(600).unwrap();
        let second = shares.part();
        let other = reservation(&second, false);
        assert!(other.try_grow(401).is_err());
        other.try_grow(400).unwrap();
        assert!(hold.try_grow(1).is_err());
        drop((hold, first));
        other.try_grow(200).unwrap();
        assert_eq!(second.reserved(), 600);
    }

    #[test]
    fn what_spills_shares_evenly_what_the_rest_leaves() {
        let shares = Shares::new(1_200 * MB);
        let part = shares.part();
        let (a, b, fixed) = (reservation(&part, true), reservation(&part, true), reservation(&part, false));
        fixed.try_grow(200 * MB).unwrap();
        // Three eighths of the 400 MB that are left, in two shares.
        assert!(a.try_grow(75 * MB + 1).is_err());
        a.try_grow(75 * MB).unwrap();
        b.try_grow(75 * MB).unwrap();
        assert!(b.try_grow(1).is_err());
        drop(b);
        a.try_grow(75 * MB).unwrap();
        assert!(a.try_grow(1).is_err());
        assert!(fixed.try_grow(250 * MB + 1).is_err());
        a.shrink(150 * MB);
        fixed.try_grow(400 * MB).unwrap();
        assert_eq!(part.reserved(), 600 * MB);
    }

    #[test]
    fn each_that_spills_can_merge_what_it_holds() {
        let shares = Shares::new(1_200 * MB);
        let part = shares.part();
        let pool: Arc<dyn MemoryPool> = Arc::clone(&part) as _;
        let sorters: Vec<_> = (0..4).map(|_| reservation(&part, true)).collect();
        for sorter in &sorters {
            while sorter.try_grow(MB).is_ok() {}
        }
        let merges: Vec<_> =
            sorters.iter().map(|_| MemoryConsumer::new("ExternalSorterMerge[0]").register(&pool)).collect();
        for (sorter, merge) in sorters.iter().zip(&merges) {
            merge.try_grow(sorter.size()).unwrap();
        }
    }

    #[test]
    fn however_many_spill_each_has_room_for_a_few_batches() {
        let shares = Shares::new(128 * MB);
        let part = shares.part();
        let all: Vec<_> = (0..12).map(|_| reservation(&part, true)).collect();
        all[0].try_grow(16 * MB).unwrap();
        assert!(all[0].try_grow(1).is_err());
        all[1].try_grow(8 * MB).unwrap();
        assert!(all[2].try_grow(1).is_err());
        let pool: Arc<dyn MemoryPool> = Arc::clone(&part) as _;
        let merge = MemoryConsumer::new("ExternalSorterMerge[0]").register(&pool);
        merge.try_grow(16 * MB).unwrap();
        assert!(merge.try_grow(1).is_err());
        reservation(&part, false).try_grow(24 * MB).unwrap();
    }
}
