//! The right to work on a cluster: so many clusters at once, over all runs together. Memory and processors are for those that
//! read; a cluster that only waits for the shared commit gives its place to another, so that all clusters of a tick can be in
//! one commit.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::workers::Place;

/// One cluster's place among those that work.
pub(super) struct Slot {
    slots: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
    /// The thread that is kept from others meanwhile.
    place: Mutex<Option<Place>>,
    cancel: CancellationToken,
}

impl Slot {
    pub(super) fn new(slots: &Arc<Semaphore>, cancel: &CancellationToken) -> Self {
        Self { slots: Arc::clone(slots), held: Mutex::default(), place: Mutex::default(), cancel: cancel.clone() }
    }

    /// Waits for a place, unless there is one already. A run that was stopped has nothing left to wait for.
    pub(super) async fn take(&self) {
        if self.held.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        let permit = tokio::select! {
            permit = Arc::clone(&self.slots).acquire_owned() => permit.ok(),
            () = self.cancel.cancelled() => None,
        };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }

    /// Keeps a thread until the place is given away.
    pub(super) fn at(&self, place: Place) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    /// Gives the place away, and the thread to those that start.
    pub(super) fn give(&self) {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
