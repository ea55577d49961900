//! Alerts beside a scheduled export: after each collection of the record.

use std::path::PathBuf;
use std::sync::Arc;

use lookback_alerts::run::Outcome;
use lookback_exporter::Settings;
use lookback_exporter::schedule::LOG_TARGET;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Options, configured, tell};
use crate::cli::Global;
use crate::failure::Failure;

/// Tells what changed whenever it is told that the record was collected.
pub(crate) struct Follower {
    settings: Settings,
    rules: PathBuf,
}

impl Follower {
    /// `None` if the configuration names no rules.
    ///
    /// # Errors
    /// If the record is not collected, or the section is wrong. The rules themselves are read at each run, so that they can be
    /// changed without a restart.
    pub(crate) fn new(global: &Global, settings: &Settings) -> Result<Option<Self>, Failure> {
        let Some(rules) = configured(global)? else { return Ok(None) };
        if !settings.record.enabled {
            return Err(Failure::usage("[alerts] follows the record of encryption, and that is not collected")
                .advise("set record.enabled = true, or run `lookback alert --rules FILE` with a timer of its own"));
        }
        Ok(Some(Self { settings: settings.clone(), rules }))
    }

    /// Runs after each collection until told to stop. What is under way then is finished.
    pub(crate) async fn follow(self, collected: Arc<Notify>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = collected.notified() => {}
            }
            // On a thread of its own: an audit is much work between two waits.
            let (settings, rules) = (self.settings.clone(), self.rules.clone());
            let runtime = Handle::current();
            let run = move || runtime.block_on(Box::pin(tell(&settings, &rules, Options::default())));
            match tokio::task::spawn_blocking(run).await {
                Ok(Ok((report, _))) => {
                    for problem in report.problems.iter().chain(&report.unasked) {
                        warn!(target: LOG_TARGET, "alerts: {problem}");
                    }
                    let count = |sent: bool| {
                        let is = |outcome: &Outcome| {
                            if sent { *outcome == Outcome::Sent } else { matches!(outcome, Outcome::Left(_)) }
                        };
                        report.changes.iter().filter(|(_, outcome)| is(outcome)).count()
                    };
                    let (sent, left) = (count(true), count(false));
                    if left > 0 {
                        warn!(target: LOG_TARGET, left, "alerts could not be sent; the next run tries again");
                    }
                    info!(target: LOG_TARGET, sent, left, orphaned = report.orphans.len(), "alerts were brought up to date");
                }
                Ok(Err(failure)) => {
                    let error = failure.into_error();
                    warn!(target: LOG_TARGET, "alerts: {error}");
                }
                Err(error) => warn!(target: LOG_TARGET, "alerts were abandoned: {error}"),
            }
        }
    }
}
