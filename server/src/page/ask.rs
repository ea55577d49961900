//! How the page asks: always at the desk, in the name of whoever looks, and through the cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use lookback_query::audit::timeline::Timeline;
use lookback_query::audit::{Audit, Exceptions, Request};
use lookback_query::diagnostics::{Cell, Diagnostic, Outcome, bind};
use lookback_query::{ErrorKind, QueryError, Session, Statement, audit};
use lookback_schemas::time::MINUTE;

use super::cache::{Cache, Kept, Versions};
use super::format::visible;
use super::looks::Looks;
use super::view::Window;
use crate::desk::{AskError, Clock, Desk};
use crate::people::{Asker, Role};

/// Rows of an answer that a panel may have.
pub(super) const MOST_ROWS: usize = 20_000;
/// Answers that are kept, and their bytes.
const KEPT: (usize, usize) = (600, 96 << 20);
/// Audits that are kept, and their bytes.
const KEPT_AUDITS: (usize, usize) = (8, 64 << 20);

/// Why a panel shows nothing: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) what: String,
    pub(super) advice: String,
}

impl Trouble {
    pub(super) fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }
}

impl From<QueryError> for Trouble {
    fn from(error: QueryError) -> Self {
        let advice = match error.kind() {
            ErrorKind::Limit => {
                "Choose a shorter time range or fewer clusters, or raise the limits in [query] and [serve.limits]."
            }
            ErrorKind::Parameter => "Change the parameter, and ask again.",
            ErrorKind::Sql | ErrorKind::ReadOnly => "Open the statement in the console to see what is wrong with it.",
            ErrorKind::Read | ErrorKind::Lake => {
                "Try again. If it stays so, “lookback status” on the server says whether the lake can be read at all."
            }
            ErrorKind::Write | ErrorKind::Internal => "This is a defect: please report it with the server's log.",
        };
        Self::new(visible(error.message()), advice)
    }
}

impl From<AskError> for Trouble {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Query(error) => error.into(),
            other => {
                let text = visible(&other.to_string());
                let (what, advice) = text.split_once("; ").unwrap_or((&text, ""));
                Self::new(what, advice)
            }
        }
    }
}

/// An answer, with the versions that it came from.
#[derive(Debug, Default)]
pub(super) struct Answered {
    pub(super) outcome: Outcome,
    versions: Versions,
    bytes: usize,
}

impl std::ops::Deref for Answered {
    type Target = Outcome;

    fn deref(&self) -> &Outcome {
        &self.outcome
    }
}

impl Kept for Answered {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn versions(&self) -> &Versions {
        &self.versions
    }
}

impl Answered {
    fn new(outcome: Outcome, versions: Versions) -> Self {
        let of_cell = |cell: &Cell| cell.text.capacity() + size_of::<Cell>();
        let bytes =
            outcome.rows.iter().map(|row| row.iter().map(of_cell).sum::<usize>() + size_of::<Vec<Cell>>()).sum();
        Self { outcome, versions, bytes }
    }

    /// Where a column is.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The text of a row's column; empty for NULL.
    pub(super) fn text<'a>(&self, row: &'a [Cell], name: &str) -> &'a str {
        self.place(name).and_then(|place| row.get(place)).map_or("", |cell| &cell.text)
    }

    /// The number of a row's column; a time in microseconds.
    pub(super) fn number(&self, row: &[Cell], name: &str) -> Option<f64> {
        self.place(name).and_then(|place| row.get(place)).and_then(|cell| cell.number)
    }

    /// The time of a row's column.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "microseconds of the years that a lake knows are exact in a float's 53 bits"
    )]
    pub(super) fn time(&self, row: &[Cell], name: &str) -> Option<i64> {
        self.number(row, name).map(|micros| micros as i64)
    }
}

/// An audit that was run.
#[derive(Debug)]
pub(super) struct Audited(pub(super) Audit);

impl Kept for Audited {
    fn bytes(&self) -> usize {
        let of_finding = |finding: &audit::Finding| 600 + finding.reason.len() + 200 * finding.evidence.len();
        self.0.findings().map(of_finding).sum()
    }

    fn versions(&self) -> &Versions {
        &self.0.versions
    }

    fn holds(&self) -> Duration {
        Duration::from_secs(10)
    }

    // Few are kept, and what the present was is given until what it is is known.
    fn unused(&self) -> Duration {
        Duration::from_secs(3_600)
    }

    // It says of which moment it is, and takes seconds: nobody waits for the same verdicts again.
    fn grace(&self) -> Duration {
        Duration::from_secs(300)
    }
}

/// What an answer depends on of whoever asks: whether the desk lets them see the record of encryption.
fn sees(asker: &Asker) -> &'static str {
    if asker.role >= Role::Auditor { "all" } else { "logs" }
}

/// The desk and what is kept of its answers. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    desk: Desk,
    answers: Arc<Cache<Answered>>,
    audits: Arc<Cache<Audited>>,
    looks: Arc<Looks>,
    // Whether the lake is known to have tables: finding out lists all of it.
    filled: Arc<AtomicBool>,
}

impl Asking {
    pub(super) fn new(desk: Desk) -> Self {
        let answers = Cache::new(KEPT.0, KEPT.1, Clock::system());
        let audits = Cache::new(KEPT_AUDITS.0, KEPT_AUDITS.1, Clock::system());
        let looks = Arc::new(Looks::new(Clock::system()));
        Self { desk, answers, audits, looks, filled: Arc::default() }
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The answer to a statement of the page.
    pub(super) async fn rows(&self, asker: &Asker, as_of: Option<i64>, sql: &str) -> Result<Arc<Answered>, Trouble> {
        let session = self.desk.session().with_as_of(as_of);
        let statement = sql.to_owned();
        let prepare = move |session: &Session| match session.prepare(&statement) {
            Ok(statements) => statements.into_iter().next().ok_or_else(|| Trouble::new("There is no statement.", "")),
            Err(error) => Err(error.into()),
        };
        self.asked(asker, session, as_of, sql, prepare).await
    }

    /// The answer to a diagnostic.
    pub(super) async fn diagnose(
        &self,
        asker: &Asker,
        as_of: Option<i64>,
        diagnostic: &'static Diagnostic,
        given: &std::collections::BTreeMap<String, String>,
    ) -> Result<Arc<Answered>, Trouble> {
        let session = self.desk.session().with_as_of(as_of);
        let key = format!("diagnostic {} {given:?}", diagnostic.name);
        let given = given.clone();
        self.asked(asker, session, as_of, &key, move |session| Ok(bind(session, diagnostic, &given)?)).await
    }

    async fn asked(
        &self,
        asker: &Asker,
        session: Session,
        as_of: Option<i64>,
        what: &str,
        prepare: impl FnOnce(&Session) -> Result<Statement, Trouble> + Send + 'static,
    ) -> Result<Arc<Answered>, Trouble> {
        let key = format!("{} {as_of:?} {what}", sees(asker));
        let (desk, asker) = (self.desk.clone(), asker.clone());
        let ask = || async move {
            let statement = prepare(&session)?;
            let asked = desk.ask(&asker, &session, &statement).await?;
            let versions = asked.versions().to_vec();
            let outcome = Outcome::of_stream(asked.into_stream(), MOST_ROWS).await?;
            Ok::<_, Trouble>(Answered::new(outcome, versions))
        };
        self.answers.get(&key, None, ask, |kept| self.now_at(kept)).await
    }

    /// The versions that the tables of an answer have now.
    async fn now_at<V: Kept>(&self, kept: Arc<V>) -> Option<Versions> {
        let looks = kept.versions().iter().map(|(table, _)| self.looks.version(table, || self.look(table)));
        let versions = join_all(looks).await;
        kept.versions().iter().zip(versions).map(|((table, _), version)| Some((table.clone(), version?))).collect()
    }

    async fn look(&self, table: &str) -> Option<u64> {
        let pinned = self.desk.session().pinned(&[table]).await.ok()?;
        pinned.versions().await.pop().map(|(_, version)| version)
    }

    /// Whether nothing was ever exported into the lake. One that cannot be read is not empty, nor does one become so again.
    pub(super) async fn is_empty(&self) -> bool {
        if self.filled.load(Ordering::Relaxed) {
            return false;
        }
        let empty = self.desk.session().lake().tables().await.is_ok_and(|tables| tables.is_empty());
        self.filled.store(!empty, Ordering::Relaxed);
        empty
    }

    /// The story of a cluster's encryption.
    pub(super) async fn story(
        &self,
        asker: &Asker,
        cluster: &str,
        as_of: i64,
        window: Window,
    ) -> Result<Timeline, Trouble> {
        let told = self.desk.story(asker, cluster, as_of, (window.from, window.to)).await?;
        told.ok_or_else(|| {
            Trouble::new("Nothing was ever collected about clusters.", "Let the collectors run, and ask again.")
        })
    }

    /// An audit of the present, or of a moment, over a window that is given in whole minutes.
    pub(super) async fn audit(&self, asker: &Asker, as_of: i64, window: Window) -> Result<Arc<Audited>, Trouble> {
        // What the present is changes every minute; the answer does not.
        let step = 5 * MINUTE;
        let floor = |time: i64| time - time.rem_euclid(step);
        let (as_of, window) = (floor(as_of), Window { from: floor(window.from), to: floor(window.to) });
        let window = Window { to: window.to.min(as_of), ..window };
        let at = |back: i64| format!("{} {} {} {}", sees(asker), as_of - back, window.from - back, window.to - back);
        let (desk, asker) = (self.desk.clone(), asker.clone());
        let ask = || async move {
            let request = Request {
                as_of,
                from: window.from,
                to: window.to,
                checks: audit::list().iter().collect(),
                params: std::collections::BTreeMap::new(),
                exceptions: Exceptions::default(),
            };
            Ok::<_, Trouble>(Audited(desk.audit(&asker, request).await?))
        };
        self.audits.get(&at(0), Some(&at(step)), ask, |kept| self.now_at(kept)).await
    }
}
