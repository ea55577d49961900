//! A writer that remembers whether its reader went away: the encoders between wrap that error in many ways.

use std::io::{ErrorKind, Result, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) struct Pipe<W> {
    inner: W,
    broken: Broken,
}

/// Whether the reader went away.
#[derive(Clone, Default)]
pub(super) struct Broken(Arc<AtomicBool>);

impl Broken {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<W> Pipe<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, broken: Broken::default() }
    }

    pub(super) fn broken(&self) -> Broken {
        self.broken.clone()
    }

    fn watch<T>(&self, result: Result<T>) -> Result<T> {
        if result.as_ref().is_err_and(|e| e.kind() == ErrorKind::BrokenPipe) {
            self.broken.0.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let result = self.inner.write(bytes);
        self.watch(result)
    }

    fn flush(&mut self) -> Result<()> {
        let result = self.inner.flush();
        self.watch(result)
    }
}
