//! An answer on its way to whoever asked: how far it is, Ctrl-C, and a file that is whole or not there.

mod events;
mod file;
mod progress;

pub(crate) use file::NewFile;
pub(crate) use progress::{ProgressLine, of_lake};

use std::io::Write;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lookback_query::QueryError;
use lookback_query::output::{Format, Written, write};
use lookback_query::session::{Answer, Progress, Read, Statement};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;
use events::{Event, watch};

/// How often the progress line is drawn anew.
const REDRAWN: Duration = Duration::from_millis(200);

/// What it took to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// `None` for a statement that has no answer.
    pub(crate) written: Option<Written>,
    pub(crate) read: Read,
    pub(crate) took: Duration,
}

/// Starts a statement and writes its rows as they come. Ctrl-C stops the statement, and nothing else.
pub(crate) async fn deliver<W: Write + Send>(
    start: impl Future<Output = Result<Answer, QueryError>>,
    format: Format,
    line: &ProgressLine,
    to: W,
) -> Result<Delivered, Failure> {
    let began = Instant::now();
    let progress: OnceLock<Progress> = OnceLock::new();
    let read = || progress.get().map(Progress::read).unwrap_or_default();
    let mut work = Box::pin(async {
        let answer = start.await?;
        let _ = progress.set(answer.progress());
        // A statement that asks for nothing: there is not even a header to write.
        if answer.schema().fields().is_empty() {
            answer.collect().await?;
            return Ok(None);
        }
        write(answer.into_stream(), format, to).await.map(Some)
    });
    let mut events = watch(REDRAWN);
    let outcome = loop {
        tokio::select! {
            // First, so that a stream whose rows are always ready cannot keep it from being heard.
            biased;
            Some(event) = events.recv() => match event {
                Event::Interrupt => break Err(Failure::cancelled(began.elapsed())),
                Event::Tick => line.draw(began.elapsed(), read()),
            },
            written = &mut work => break written.map_err(Failure::from),
        }
    };
    line.clear();
    Ok(Delivered { written: outcome?, read: read(), took: began.elapsed() })
}

/// Says what a person should know about a statement beside its answer.
pub(crate) fn notices(statement: &Statement) {
    for notice in statement.notices() {
        // Who closed the standard error does not want to know.
        let _ = writeln!(std::io::stderr(), "{notice}");
    }
}

/// Every Ctrl-C from now on.
pub(crate) fn interrupts() -> Result<Signal, Failure> {
    signal(SignalKind::interrupt()).map_err(|e| Failure::failed(format!("listening for Ctrl-C: {e}")))
}
