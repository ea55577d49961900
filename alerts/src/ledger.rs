//! Changes as rows of the lake's table `alert_changes`, and where they are kept, as a seam: the lake, or a list in tests.

use async_trait::async_trait;
use lookback_schemas::encryption::{ACCOUNT_ID, ALERT_CHANGES, Row, Value as Stored};
use tokio::sync::Mutex;

use crate::changes::{Change, State, Status};
use crate::error::{AlertError, ErrorKind};
use crate::message::{Event, Kind};
use crate::observe::{Entity, Severity, Source, SourceKind};

/// How often a plan is made again because somebody else was faster.
const ATTEMPTS: u32 = 10;
/// What stands for an account that is none.
const NOBODY: &str = "-";

/// Rows of one version.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The rows that say where every alert stands.
    pub rows: Vec<Row>,
    /// The version that they are of.
    pub version: u64,
}

/// Where changes are kept.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The rows of the newest version.
    ///
    /// # Errors
    /// [`ErrorKind::Ledger`] if they cannot be read.
    async fn read(&self) -> Result<Page, AlertError>;

    /// Appends rows, if nobody has appended any since a version; says whether.
    ///
    /// # Errors
    /// [`ErrorKind::Ledger`] if they cannot be written.
    async fn append(&self, rows: &[Row], based_on: u64) -> Result<bool, AlertError>;
}

/// Reads the state.
///
/// # Errors
/// What [`Ledger::read`] gives.
pub async fn state(ledger: &dyn Ledger) -> Result<State, AlertError> {
    Ok(State::of(ledger.read().await?.rows.iter().filter_map(read)))
}

/// Appends what a plan makes of the newest state; the plan is made again if somebody else was faster. Of the tasks of one
/// process, one is at it at a time.
///
/// # Errors
/// [`ErrorKind::Ledger`] if rows cannot be read or written, or others kept being faster.
pub async fn commit<T>(
    ledger: &dyn Ledger,
    turn: &Mutex<()>,
    plan: impl Fn(&State) -> (Vec<Change>, T) + Send + Sync,
) -> Result<T, AlertError>
where
    T: Send,
{
    let _turn = turn.lock().await;
    for _ in 0..ATTEMPTS {
        let page = ledger.read().await?;
        let (changes, made) = plan(&State::of(page.rows.iter().filter_map(read)));
        if changes.is_empty() || ledger.append(&changes.iter().map(row).collect::<Vec<_>>(), page.version).await? {
            return Ok(made);
        }
    }
    let message = format!("other runs of alerts were faster {ATTEMPTS} times");
    Err(AlertError::new(ErrorKind::Ledger, message)
        .advise("run it again; a schedule needs one alerter, two are for safety"))
}

/// The row of a change.
#[must_use]
pub fn row(change: &Change) -> Row {
    let is_account =
        change.entity.account_id.len() == 12 && change.entity.account_id.bytes().all(|b| b.is_ascii_digit());
    let mut row = Row::new(&ALERT_CHANGES);
    row.time("recorded_at", Some(change.recorded_at))
        .text("alert_id", Some(change.alert_id.as_str()))
        .text("destination", Some(change.destination.as_str()))
        .long("number", Some(change.number))
        .long("step", Some(change.step))
        .text("change_id", Some(change.change_id.as_str()))
        .text("change", Some(change.kind.name()))
        .text("status", Some(change.status.name()))
        .text("rule", Some(change.rule.as_str()))
        .text("source", Some(change.source.kind.name()))
        .text("source_name", Some(change.source.name.as_str()))
        .text("source_title", Some(change.source.title.as_str()))
        .text("severity", Some(change.severity.name()))
        .text(ACCOUNT_ID, Some(if is_account { change.entity.account_id.as_str() } else { NOBODY }))
        .text("region", Some(change.entity.region.as_str()))
        .text("entity_type", Some(change.entity.kind.as_str()))
        .text("entity", Some(or_nobody(&change.entity.id)))
        .text("entity_name", Some(change.entity.name.as_str()))
        .text("entity_cluster", Some(change.entity.cluster.as_str()))
        .text("verdict", Some(or_nobody(&change.verdict)))
        .text("reason", Some(change.reason.as_str()))
        .time("evaluated_at", Some(change.evaluated_at))
        .time("opened_at", Some(change.opened_at))
        .long("streak", Some(change.streak))
        .long("attempts", Some(change.attempts))
        .text("error", change.error.as_deref())
        .text("run_id", Some(change.run_id.as_str()))
        .text("event", change.event.as_ref().map(Event::body));
    row
}

fn or_nobody(text: &str) -> &str {
    if text.trim().is_empty() { NOBODY } else { text }
}

/// The change of a row; `None` if it is none, as one of a newer lookback may be.
#[must_use]
pub fn read(row: &Row) -> Option<Change> {
    let text = |column: &str| row.get_text(column).unwrap_or_default().to_owned();
    let long = |column: &str| match row.get(column) {
        Some(Stored::Long(number)) => Some(*number),
        _ => None,
    };
    let account = Some(text(ACCOUNT_ID)).filter(|account| account != NOBODY).unwrap_or_default();
    Some(Change {
        alert_id: row.get_text("alert_id")?.to_owned(),
        destination: row.get_text("destination")?.to_owned(),
        number: long("number")?,
        step: long("step")?,
        change_id: text("change_id"),
        kind: Kind::of(row.get_text("change")?)?,
        status: Status::of(row.get_text("status")?)?,
        rule: text("rule"),
        source: Source {
            kind: SourceKind::of(row.get_text("source")?)?,
            name: text("source_name"),
            title: text("source_title"),
        },
        severity: Severity::of(row.get_text("severity")?)?,
        entity: Entity {
            kind: text("entity_type"),
            id: text("entity"),
            name: text("entity_name"),
            account_id: account,
            region: text("region"),
            cluster: text("entity_cluster"),
        },
        verdict: text("verdict"),
        reason: text("reason"),
        recorded_at: row.get_time("recorded_at")?,
        evaluated_at: row.get_time("evaluated_at")?,
        opened_at: row.get_time("opened_at")?,
        streak: long("streak").unwrap_or(0),
        attempts: long("attempts").unwrap_or(0),
        error: row.get_text("error").map(str::to_owned),
        run_id: text("run_id"),
        event: row.get_text("event").and_then(Event::read),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex as Plain;

    use super::*;

    /// A list in memory, which refuses as the lake does.
    #[derive(Debug, Default)]
    pub(crate) struct List {
        pub(crate) pages: Plain<Vec<Vec<Row>>>,
        /// Appends that fail from now on.
        pub(crate) broken: Plain<u32>,
    }

    impl List {
        /// Everything that was appended.
        pub(crate) fn changes(&self) -> Vec<Change> {
            self.pages.lock().unwrap().iter().flatten().filter_map(read).collect()
        }
    }

    #[async_trait]
    impl Ledger for List {
        async fn read(&self) -> Result<Page, AlertError> {
            let page = {
                let pages = self.pages.lock().unwrap();
                Page { rows: pages.iter().flatten().cloned().collect(), version: pages.len() as u64 }
            };
            // Whoever else is at it comes in between.
            tokio::task::yield_now().await;
            Ok(page)
        }

        async fn append(&self, rows: &[Row], based_on: u64) -> Result<bool, AlertError> {
            let mut broken = self.broken.lock().unwrap();
            if *broken > 0 {
                *broken -= 1;
                return Err(AlertError::new(ErrorKind::Ledger, "the lake is away"));
            }
            let mut pages = self.pages.lock().unwrap();
            for row in rows {
                row.check().unwrap();
            }
            let first = pages.len() as u64 == based_on;
            if first {
                pages.push(rows.to_vec());
            }
            Ok(first)
        }
    }

    #[tokio::test]
    async fn of_two_that_plan_from_one_version_one_plans_again() {
        let list = List::default();
        assert!(list.append(&[], 0).await.unwrap());
        assert!(!list.append(&[], 0).await.unwrap());
        let turn = Mutex::new(());
        assert_eq!(commit(&list, &turn, |_| (Vec::new(), 7)).await.unwrap(), 7);
    }
}
