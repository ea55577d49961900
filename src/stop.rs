//! The end of a process that somebody asked for.

use tokio_util::sync::CancellationToken;

/// What becomes of the work of a command that writes the lake: what is committed stays.
pub(crate) const UNCOMMITTED: &str = "work that is not committed will be read again next time";

/// Cancelled by Ctrl-C or SIGTERM, which is logged with what becomes of the work under way.
pub(crate) fn asked_to_stop(then: &'static str) -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(signal) => signal,
            Err(error) => {
                tracing::warn!(%error, "SIGTERM will end the process at once");
                return;
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        tracing::warn!("stopping: {then}");
        stop.cancel();
    });
    token
}
