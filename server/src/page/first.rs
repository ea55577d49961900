//! What whoever comes first would wait for, asked before anybody comes.
//!
//! The page that everybody opens stands on the audit of the present and on today's sums: seconds of work the first time, and next to
//! nothing once it is done. A server that starts does it before it says that it is ready, and again every few minutes, since the
//! present moves on. It asks in a name of its own, which the log of questions shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use futures::future::join_all;
use lookback_query::diagnostics::parse_time;
use lookback_schemas::time::{DAY, rfc3339};
use tokio_util::sync::CancellationToken;

use super::ask::Asking;
use super::overview::{PAGE, PANELS};
use super::panel::Def;
use super::request::Asked;
use crate::people::{Asker, Door, Role, SERVER};

/// How long a server that starts is not ready for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks again: an audit of the present is another one every so often.
const AGAIN: Duration = Duration::from_secs(300);
/// The panels that are slow when nobody has asked for a while.
const SLOW: [&str; 2] = ["now", "verdicts"];

/// The server's own look at the page. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct FirstView {
    asking: Asking,
    under_way: Arc<AtomicBool>,
}

impl FirstView {
    pub(super) fn new(asking: Asking) -> Self {
        Self { asking, under_way: Arc::default() }
    }

    /// Whether the server has only just started: whoever came now would wait.
    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Looks now, and from time to time until `stop`.
    pub(crate) async fn keep(&self, stop: &CancellationToken) {
        self.under_way.store(true, Ordering::Relaxed);
        let first = tokio::time::timeout(PATIENCE, self.look(now(), |_| true));
        let first = stop.run_until_cancelled(first).await;
        self.under_way.store(false, Ordering::Relaxed);
        if matches!(first, Some(Err(_))) {
            tracing::warn!(
                seconds = PATIENCE.as_secs(),
                "the first look at the overview takes longer than a server waits for it"
            );
        }
        while stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_some() {
            stop.run_until_cancelled(self.look(now(), |def| SLOW.contains(&def.id))).await;
        }
    }

    /// Asks what the overview asks for by itself, when it is `clock`. What fails is for whoever looks.
    pub(super) async fn look(&self, clock: i64, wanted: impl Fn(&Def) -> bool) {
        if self.asking.is_empty().await {
            return;
        }
        let present = Arc::new(self.asked(clock, &[]));
        // Tasks of their own: what was begun goes on, and is kept.
        let draw = |asked: &Arc<Asked>| {
            let drawn = PANELS.iter().filter(|def| wanted(def)).map(|def| tokio::spawn((def.draw)(Arc::clone(asked))));
            join_all(drawn.collect::<Vec<_>>())
        };
        let (newest, ..) = tokio::join!(self.newest(&present), present.shell(PAGE), draw(&present));
        // Where exports have stopped, people look at the last day that there is.
        if let Some(end) = newest.map(|day| day + DAY).filter(|&end| end <= present.window.from) {
            draw(&Arc::new(self.asked(clock, &[("to".to_owned(), rfc3339(end))]))).await;
        }
    }

    fn asked(&self, clock: i64, pairs: &[(String, String)]) -> Asked {
        let asker = Asker { user: SERVER.into(), role: Role::Auditor, door: Door::Page, from: None };
        Asked::new(self.asking.clone(), asker, PAGE.place, pairs, clock)
    }

    /// The newest day of queries: its midnight.
    async fn newest(&self, asked: &Asked) -> Option<i64> {
        let newest = asked.rows("SELECT max(log_date) AS day FROM stl_query").await.ok()?;
        newest.rows.first().and_then(|row| parse_time(newest.text(row, "day")).ok())
    }
}

fn now() -> i64 {
    Utc::now().timestamp_micros()
}
