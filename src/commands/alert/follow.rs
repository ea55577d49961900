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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

    use std::time::Duration;

    use lookback_exporter::lake::Lake;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_collection_is_followed_by_a_run_and_a_stop_by_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let location = folder.path().join("lake");
        let rules = folder.path().join("alerts.toml");
        // The destination cannot be told anything, which stops nobody.
        let text = "[destinations.x]\ntype = \"webhook\"\nurl = { file = \"none\" }\nsecret = { file = \"none\" }\n\
                    [[rule]]\nname = \"r\"\nchecks = [\"LB-ENC-01\"]\nunknown = true\nto = [\"x\"]\n";
        std::fs::write(&rules, text).unwrap();
        let mut settings = Settings::default();
        settings.lake.location = location.to_str().unwrap().to_owned();
        Lake::open_or_create(&settings.lake.location).await.unwrap();
        let (collected, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let following = tokio::spawn(Follower { settings, rules }.follow(Arc::clone(&collected), stop.clone()));
        assert!(!location.join("alert_changes").exists());
        collected.notify_one();
        // What nobody knows anything about is UNKNOWN, and waits for the destination.
        let committed = location.join("alert_changes/account_id=-");
        let waited = tokio::time::timeout(LIMIT, async {
            while !committed.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.expect("it must run");
        stop.cancel();
        tokio::time::timeout(LIMIT, following).await.expect("it must end").unwrap();
    }
}
