//! The threads of a run: one for each cluster that may be at work at once, each with a runtime of its own.
//!
//! Rows pass from the connection to the decoder without changing threads, clusters use as many processors as there are, and a
//! panic is that cluster's failure, not everybody's. A cluster that waits for a shared commit stays on its thread and the next
//! one starts there: a thread for each waiting cluster would keep as many heaps as there are clusters.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

type Task = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The threads. They end when this is dropped and what was started on them has ended.
#[derive(Debug)]
pub(super) struct Workers {
    threads: Vec<mpsc::UnboundedSender<Task>>,
    free: Arc<Mutex<Vec<usize>>>,
}

/// The thread that a cluster's work goes to; free for the next cluster when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: usize,
    /// Where it goes back to, if nobody else has it.
    free: Option<Arc<Mutex<Vec<usize>>>>,
}

impl Place {
    pub(super) fn number(&self) -> usize {
        self.number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(free) = &self.free {
            free.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
        }
    }
}

impl Workers {
    /// Starts `count` threads, at least one.
    ///
    /// # Errors
    /// If the system refuses a thread or a runtime.
    pub(super) fn start(count: usize) -> std::io::Result<Self> {
        let count = count.max(1);
        let threads = (0..count).map(|_| thread()).collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self { threads, free: Arc::new(Mutex::new((0..count).rev().collect())) })
    }

    /// A thread that nobody works on, or any if there is none.
    pub(super) fn place(&self) -> Place {
        match self.free.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            Some(number) => Place { number, free: Some(Arc::clone(&self.free)) },
            None => Place { number: 0, free: None },
        }
    }

    /// Starts work on the thread of a place, and waits for its end.
    ///
    /// # Errors
    /// If the work panicked.
    pub(super) async fn run<T, F>(&self, number: usize, work: impl FnOnce() -> F + Send + 'static) -> std::io::Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let (reply, result) = oneshot::channel();
        let task: Task = Box::new(move || {
            let work = work();
            Box::pin(async move {
                // Nobody waits any longer if the receiver is gone.
                let _ = reply.send(work.await);
            })
        });
        let gone = || std::io::Error::other("its thread panicked");
        self.threads.get(number).ok_or_else(gone)?.send(task).map_err(|_| gone())?;
        result.await.map_err(|_| gone())
    }
}

fn thread() -> std::io::Result<mpsc::UnboundedSender<Task>> {
    let (sender, mut tasks) = mpsc::unbounded_channel::<Task>();
    // One more thread encodes and does file access: what several in turn would leave in their parts of the heap would double
    // the memory.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build()?;
    let logs = tracing::dispatcher::get_default(Clone::clone);
    let work = move || {
        let local = LocalSet::new();
        local.block_on(&runtime, async move {
            while let Some(task) = tasks.recv().await {
                spawn_local(task());
            }
        });
        // What was started and is still waited for.
        runtime.block_on(local);
    };
    std::thread::Builder::new()
        .name("clusters".to_owned())
        .spawn(move || tracing::dispatcher::with_default(&logs, work))?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

    use std::rc::Rc;

    use super::*;

    #[tokio::test]
    async fn work_that_is_bound_to_a_thread_is_done_and_a_panic_is_the_failure_of_that_work_alone() {
        let workers = Workers::start(2).unwrap();
        let (first, second) = (workers.place(), workers.place());
        assert_ne!(first.number, second.number);
        let (open, opened) = oneshot::channel::<()>();
        let waits = workers.run(first.number, || async move {
            let bound = Rc::new(7);
            opened.await.unwrap();
            *bound
        });
        let panics = async {
            let refused = workers.run(first.number, || async { if true { panic!("on purpose") } else { 1 } }).await;
            open.send(()).unwrap();
            refused
        };
        let (waited, refused) = tokio::join!(waits, panics);
        assert_eq!(waited.unwrap(), 7);
        assert!(refused.unwrap_err().to_string().contains("panicked"));
        drop(first);
        assert_ne!(workers.place().number, second.number);
    }
}
