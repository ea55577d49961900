//! Statements that another connection of the same client may stop, by a number and a secret that the client was given.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::error::ServerError;
use crate::people::random;

/// Everybody who is connected.
#[derive(Debug, Default)]
pub(super) struct Connections {
    last: AtomicU32,
    open: Mutex<HashMap<u32, Arc<Running>>>,
}

/// What a connection is at.
#[derive(Debug)]
struct Running {
    secret: u32,
    statement: Mutex<Option<CancellationToken>>,
}

impl Connections {
    /// A new connection, until the place is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Place, ServerError> {
        let secret = u32::from_be_bytes(random()?);
        let running = Arc::new(Running { secret, statement: Mutex::default() });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Numbers are those of processes to clients: positive, and short.
        let next = || self.last.fetch_add(1, Ordering::Relaxed) % 0x3fff_ffff + 1;
        let mut pid = next();
        while open.contains_key(&pid) {
            pid = next();
        }
        open.insert(pid, Arc::clone(&running));
        Ok(Place { connections: Arc::clone(self), pid, running })
    }

    /// Stops what a connection asks, if the secret is right; whether it is, nobody is told.
    pub(super) fn cancel(&self, pid: u32, secret: u32) {
        let running = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&pid).cloned();
        let Some(running) = running.filter(|running| running.secret == secret) else { return };
        if let Some(statement) = running.statement.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            statement.cancel();
        }
    }
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    pid: u32,
    running: Arc<Running>,
}

impl Place {
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn secret(&self) -> u32 {
        self.running.secret
    }

    /// What is asked from now on, until the next call, stops when the token says so.
    pub(super) fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        *self.running.statement.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        token
    }

    /// Nothing is asked any more: what comes late stops nothing.
    pub(super) fn end(&self) {
        *self.running.statement.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_stops_and_only_what_is_running() {
        let connections = Arc::new(Connections::default());
        let (one, other) = (connections.enter().unwrap(), connections.enter().unwrap());
        let (token, untouched) = (one.begin(), other.begin());
        connections.cancel(one.pid(), one.secret().wrapping_add(1));
        connections.cancel(other.pid(), one.secret());
        assert!(!token.is_cancelled());
        connections.cancel(one.pid(), one.secret());
        assert!(token.is_cancelled() && !untouched.is_cancelled());
        one.end();
        connections.cancel(one.pid(), one.secret());
        assert!(!one.begin().is_cancelled());
        let pid = one.pid();
        drop(one);
        assert!(!connections.open.lock().unwrap().contains_key(&pid));
    }
}
