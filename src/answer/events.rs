//! What happens around a statement: time passes, and Ctrl-C is pressed.
//!
//! Watched by a thread and a runtime of its own: while every thread of the common runtime computes, nobody there looks at clocks
//! and signals.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Something to react to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Tick,
    Interrupt,
}

/// Ticks and interrupts, until the receiver is dropped. If they cannot be watched there are none, and the statement runs all the
/// same.
pub(super) fn watch(every: Duration) -> UnboundedReceiver<Event> {
    let (to, events) = unbounded_channel();
    let thread = std::thread::Builder::new().name("events".to_owned());
    let started = thread.spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async move {
            let Ok(mut interrupts) = signal(SignalKind::interrupt()) else { return };
            let mut ticks = tokio::time::interval(every);
            loop {
                let event = tokio::select! {
                    () = to.closed() => return,
                    _ = interrupts.recv() => Event::Interrupt,
                    _ = ticks.tick() => Event::Tick,
                };
                if to.send(event).is_err() {
                    return;
                }
            }
        });
    });
    if let Err(error) = started {
        tracing::debug!(%error, "no thread for clocks and signals");
    }
    events
}
