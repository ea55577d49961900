//! The threads that statements run on, which are not those of whoever asks.
//!
//! An operator can compute for minutes without giving way: a join whose condition no pair meets has nothing to give out. On threads
//! that are shared, that would hold up other statements, timers and whatever else a server does. So every statement has threads of
//! its own, which the operating system shares processors among; they are kept for the statement that comes next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Builder, EnterGuard, Runtime};

use crate::error::{ErrorKind, QueryError};

/// Bytes of stack of a thread; what is not used takes no memory. An expression is computed level by level of its tree.
const STACK: usize = 16 << 20;
/// Sets of threads that are kept while no statement uses them.
const KEPT: usize = 4;

/// The threads of a session's statements.
#[derive(Debug)]
pub(super) struct Threads {
    each: usize,
    idle: Mutex<Vec<Runtime>>,
}

impl Threads {
    /// `each` is how many a statement has.
    pub(super) fn new(each: usize) -> Arc<Self> {
        Arc::new(Self { each: each.max(1), idle: Mutex::default() })
    }

    /// Threads for a statement that begins, until the loan is dropped.
    pub(super) fn lend(self: &Arc<Self>) -> Result<Loan, QueryError> {
        let runtime = match self.take() {
            Some(runtime) => runtime,
            None => Builder::new_multi_thread()
                .worker_threads(self.each)
                .thread_name("statement")
                .thread_stack_size(STACK)
                .enable_all()
                .build()
                .map_err(|e| {
                    QueryError::with_source(ErrorKind::Internal, format!("no threads for a statement: {e}"), e)
                })?,
        };
        Ok(Loan { of: Arc::clone(self), runtime: Some(runtime) })
    }

    /// One that nothing runs on any more: what was stopped may have a little left to do.
    fn take(&self) -> Option<Runtime> {
        let mut idle = self.idle();
        let free = idle.iter().position(|runtime| runtime.metrics().num_alive_tasks() == 0)?;
        Some(idle.swap_remove(free))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Runtime>> {
        // Nothing that holds the lock can leave it half done.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Dropped where tasks run, a runtime that waits for its threads would panic.
        self.idle().drain(..).for_each(Runtime::shutdown_background);
    }
}

/// The threads of one statement.
#[derive(Debug)]
pub(super) struct Loan {
    of: Arc<Threads>,
    runtime: Option<Runtime>,
}

impl Loan {
    /// What is spawned while the guard lives runs on these threads.
    pub(super) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.runtime.as_ref().map(Runtime::enter)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let mut idle = self.of.idle();
        if idle.len() < KEPT {
            idle.push(runtime);
        } else {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use super::*;

    #[tokio::test]
    async fn threads_serve_one_statement_at_a_time_and_are_kept_for_the_next() {
        let threads = Threads::new(1);
        let (first, second) = (threads.lend().unwrap(), threads.lend().unwrap());
        let id = |loan: &Loan| loan.runtime.as_ref().unwrap().handle().id();
        let (a, b) = (id(&first), id(&second));
        assert_ne!(a, b);
        drop(first);
        assert_eq!(id(&threads.lend().unwrap()), a);
        drop(second);
        assert_eq!(threads.idle().len(), 2);
    }

    #[tokio::test]
    async fn threads_that_are_still_at_work_are_not_lent() {
        let threads = Threads::new(1);
        let busy = threads.lend().unwrap();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let left = {
            let _inside = busy.enter();
            tokio::spawn(ended)
        };
        drop(busy);
        let other = threads.lend().unwrap();
        assert_eq!(threads.idle().len(), 1);
        drop((end, other));
        assert!(left.await.unwrap().is_err());
    }

    #[tokio::test]
    async fn no_more_are_kept_than_are_worth_it() {
        let threads = Threads::new(1);
        let loans: Vec<_> = (0..KEPT + 2).map(|_| threads.lend().unwrap()).collect();
        drop(loans);
        assert_eq!(threads.idle().len(), KEPT);
    }
}
