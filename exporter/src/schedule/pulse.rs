//! Whether the service lives and is of use, for whoever asks from outside.

use std::sync::{Mutex, PoisonError};

use lookback_schemas::time::SECOND;

/// How many ticks may be missing before the service counts as stuck.
const TICKS_MISSED: i64 = 2;

/// What the loop said last.
#[derive(Debug, Default)]
struct Said {
    opened: bool,
    listed: bool,
    stopping: bool,
    ended: bool,
    /// When the next tick starts at the latest, and how far ticks are apart; microseconds.
    expected: Option<(i64, i64)>,
}

/// The state of the service. The loop writes it, probes read it.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<Said>);

impl Pulse {
    fn say<T>(&self, what: impl FnOnce(&mut Said) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The lake and the watermark store were opened.
    pub fn opened(&self) {
        self.say(|said| said.opened = true);
    }

    /// The list of clusters was read.
    pub(super) fn listed(&self) {
        self.say(|said| said.listed = true);
    }

    /// The next tick starts no later than `at`; the one after it `period` later.
    pub(super) fn expect(&self, at: i64, period: i64) {
        self.say(|said| said.expected = Some((at, period)));
    }

    /// No new work begins.
    pub(super) fn stopping(&self) {
        self.say(|said| said.stopping = true);
    }

    /// The loop has ended, however it did.
    pub(super) fn ended(&self) {
        self.say(|said| said.ended = true);
    }

    /// Whether ticks come as they should.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub fn alive(&self, now: i64) -> Result<(), String> {
        self.say(|said| match said.expected {
            _ if said.stopping => Ok(()),
            _ if said.ended => Err("the scheduler has ended".to_owned()),
            Some((at, period)) if now > at.saturating_add(TICKS_MISSED * period) => {
                Err(format!("the tick expected {} s ago has not started", (now - at) / SECOND))
            }
            _ => Ok(()),
        })
    }

    /// Whether the next tick can be expected to work.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub fn ready(&self) -> Result<(), String> {
        self.say(|said| match said {
            Said { ended: true, .. } => Err("the scheduler has ended".to_owned()),
            Said { stopping: true, .. } => Err("stopping".to_owned()),
            Said { opened: false, .. } => Err("the lake and the watermark store are being opened".to_owned()),
            Said { listed: false, .. } => Err("the list of clusters has not been read yet".to_owned()),
            _ => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use lookback_schemas::time::MINUTE;

    use super::*;

    #[test]
    fn a_service_is_ready_once_everything_is_there() {
        let pulse = Pulse::default();
        assert!(pulse.alive(0).is_ok());
        assert!(pulse.ready().is_err_and(|why| why.contains("lake")));
        pulse.opened();
        assert!(pulse.ready().is_err_and(|why| why.contains("clusters")));
        pulse.listed();
        assert!(pulse.ready().is_ok());
        pulse.stopping();
        assert!(pulse.ready().is_err() && pulse.alive(0).is_ok());
    }

    #[test]
    fn two_ticks_may_be_late_and_no_more() {
        let pulse = Pulse::default();
        pulse.expect(10 * MINUTE, 5 * MINUTE);
        assert!(pulse.alive(20 * MINUTE).is_ok());
        assert_eq!(pulse.alive(20 * MINUTE + 1), Err("the tick expected 600 s ago has not started".to_owned()));
        pulse.expect(25 * MINUTE, 5 * MINUTE);
        assert!(pulse.alive(20 * MINUTE + 1).is_ok());
        pulse.ended();
        assert!(pulse.alive(0).is_err() && pulse.ready().is_err());
    }
}
