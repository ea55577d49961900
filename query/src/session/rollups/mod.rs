//! Rollups as questions see them, and as they are computed: never wrong, however old the stored rows are.
//!
//! What is stored of a rollup ([`lookback_schemas::rollups`]) lags behind the logs: today's rows keep coming, and late ones
//! change days that were summed up long ago. So there are three names to ask:
//!
//! | table | what it is |
//! |---|---|
//! | `lookback_hourly` | the stored rows, as old as the last `lookback maintain` |
//! | `lookback_hourly_current` | the stored rows of the days that are up to date, and the others computed from the logs, now |
//! | `lookback_rollup_state` | which days those are: rollup, cluster, day, and `current`, `stale`, `missing` or `superfluous` |
//!
//! One statement computes a rollup, `query/rollups/<name>.sql`: over a cluster's day to store it, and over the days that are not
//! up to date to answer at once. Filters on `cluster_id` and `log_date` reach the logs through it.

mod computed;
mod days;
mod plan;
mod state;

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use lookback_schemas::names::{CURRENT_SUFFIX, FINGERPRINTS_TABLE, ROLLUP_STATE_TABLE};
use lookback_schemas::rollups::{Day, DayState, Key, ROLLUPS, Rollup, days};
use tokio::time::Instant;

use super::bounded::{self, Stop};
use super::catalog::Snapshot;
use super::task;
use super::{Limits, Session};
use crate::error::{ErrorKind, QueryError};
use crate::lake::FileList;
pub(super) use computed::Computed;
use plan::{Part, keys};

/// As many days of clusters at most are computed as a whole and kept. Of a lake whose rollups were never stored there are more;
/// of those only the columns and hours are computed that a statement asks for.
const MOST_DAYS: usize = 400;

/// The statement that computes a rollup.
fn definition(rollup: &Rollup) -> &'static str {
    match rollup.name {
        FINGERPRINTS_TABLE => include_str!("../../../rollups/fingerprints.sql"),
        _ => include_str!("../../../rollups/hourly.sql"),
    }
}

/// A rollup and the logs that it is computed from, at one version each.
#[derive(Debug)]
pub struct PinnedRollup {
    session: Session,
    rollup: &'static Rollup,
    stored: Arc<FileList>,
    logs: Vec<Arc<FileList>>,
    days: Arc<BTreeMap<Key, Day>>,
}

impl Session {
    /// A rollup as it is now.
    ///
    /// # Errors
    /// [`ErrorKind::Read`] if a Delta log cannot be read.
    pub async fn rollup(&self, rollup: &'static Rollup) -> Result<PinnedRollup, QueryError> {
        PinnedRollup::of(&Snapshot::new(Arc::clone(&self.lake), None, HashMap::new()).with_session(self), self, rollup)
            .await
    }
}

impl PinnedRollup {
    async fn of(snapshot: &Snapshot, session: &Session, rollup: &'static Rollup) -> Result<Self, QueryError> {
        let stored = pin(snapshot, rollup.name).await?;
        let mut logs = Vec::with_capacity(rollup.sources.len());
        for table in rollup.sources {
            logs.push(pin(snapshot, table).await?);
        }
        let tables = logs.iter().chain([&stored]).cloned().collect();
        let days = session.computed.compared(rollup, tables, || compare(rollup, &stored, &logs))?;
        Ok(Self { session: session.clone(), rollup, stored, logs, days })
    }

    /// Every cluster and day that the rollup or its logs have.
    #[must_use]
    pub fn days(&self) -> &BTreeMap<Key, Day> {
        &self.days
    }

    /// Whether the stored rows are those of the logs, for every day of a range and a cluster, or all clusters. A day without rows
    /// in the logs needs none.
    #[must_use]
    pub fn covers(&self, cluster_id: Option<&str>, days: &RangeInclusive<i32>) -> bool {
        let asked = |(cluster, day): &Key| days.contains(day) && cluster_id.is_none_or(|wanted| wanted == cluster);
        self.days.iter().filter(|(key, _)| asked(key)).all(|(_, day)| day.state == DayState::Current)
    }

    /// The rows of a cluster's day, computed from the logs: the rollup's columns, `cluster_id` and `log_date`, sorted as they are
    /// stored.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] or [`ErrorKind::Read`], also later from the stream.
    pub async fn compute(&self, cluster_id: &str, day: i32) -> Result<SendableRecordBatchStream, QueryError> {
        Box::pin(self.run(&Part::Only(vec![(cluster_id, day)]), true)).await
    }

    /// The rows of some days, computed from the logs; if they shall be, sorted as they are stored.
    async fn run(&self, part: &Part<'_>, sorted: bool) -> Result<SendableRecordBatchStream, QueryError> {
        // Rows of a rollup are no answer.
        let limits = &Limits { max_rows: None, ..self.session.limits };
        let deadline = Instant::now() + limits.timeout;
        let (state, plan) = self.over_logs(part).await?;
        let plan = if sorted { plan::sorted(plan, self.rollup)? } else { plan };
        let frame = SessionContext::new_with_state(state).execute_logical_plan(plan).await?;
        let tasks = Arc::new(frame.task_ctx());
        let stop = Stop::at(deadline, limits.timeout);
        let plan = bounded::stoppable(frame.create_physical_plan().await?, &stop)?;
        let rows = task::driven(plan, tasks, self.session.threads.lend()?)?;
        Ok(bounded::bounded(rows, limits, stop))
    }

    /// The stored rows of the days that are up to date, and the rows of the others from the logs.
    async fn current(self) -> Result<ViewTable, QueryError> {
        let of_state = |wanted: fn(DayState) -> bool| {
            let found = self.days.iter().filter(move |(_, day)| wanted(day.state));
            found.map(|((cluster, day), _)| (cluster.as_str(), *day)).collect::<Vec<_>>()
        };
        let other = of_state(|state| state != DayState::Current);
        let nothing_stored = other.len() == self.days.len();
        let fresh = if nothing_stored { Part::Only(Vec::new()) } else { Part::Except(other.clone()) };
        let stored = plan::stored(self.rollup, &self.stored, &fresh)?;
        let computed = if other.len() > MOST_DAYS {
            let outdated = if nothing_stored { Part::All } else { Part::Only(other) };
            self.over_logs(&outdated).await?.1
        } else {
            // A day that the logs have no more is none.
            let days = of_state(|state| matches!(state, DayState::Stale | DayState::Missing));
            let days = days.into_iter().map(|(cluster, day)| (cluster.to_owned(), day)).collect();
            plan::computed(Arc::new(self), days)?
        };
        Ok(ViewTable::new(plan::union(stored, computed)?, None))
    }
}

/// Compares what is stored of a rollup with the logs.
fn compare(rollup: &Rollup, stored: &FileList, logs: &[Arc<FileList>]) -> Result<BTreeMap<Key, Day>, QueryError> {
    let mut files = Vec::new();
    for log in logs {
        files.extend(keys(log)?.into_iter().zip(log.files()).map(|(key, file)| (key, log.table(), file.path.as_ref())));
    }
    let own = keys(stored)?.into_iter().zip(stored.files()).map(|(key, file)| (key, file.path.as_ref()));
    Ok(days(definition(rollup), files, own))
}

async fn pin(snapshot: &Snapshot, table: &str) -> Result<Arc<FileList>, QueryError> {
    let files = snapshot.pinned(table).await?;
    files.ok_or_else(|| QueryError::new(ErrorKind::Internal, format!("a rollup needs {table}, which is unknown")))
}

/// The names that can be asked for and are no table of the lake.
pub(super) fn derived_names() -> impl Iterator<Item = String> {
    let current = ROLLUPS.iter().map(|rollup| format!("{}{CURRENT_SUFFIX}", rollup.name));
    current.chain([ROLLUP_STATE_TABLE.to_owned()])
}

/// The rollup whose rows, up to date, a name stands for.
fn current_of(name: &str) -> Option<&'static Rollup> {
    name.strip_suffix(CURRENT_SUFFIX).and_then(lookback_schemas::rollups::rollup)
}

/// Whether a name is one of [`derived_names`].
pub(super) fn is_derived(name: &str) -> bool {
    name == ROLLUP_STATE_TABLE || current_of(name).is_some()
}

impl Snapshot {
    /// What a derived name stands for, computed from the tables at the versions of this statement.
    pub(super) async fn derived(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, QueryError> {
        if !is_derived(name) {
            return Ok(None);
        }
        let session =
            self.session().ok_or_else(|| QueryError::new(ErrorKind::Internal, format!("no session for {name}")))?;
        if let Some(rollup) = current_of(name) {
            let pinned = PinnedRollup::of(self, session, rollup).await?;
            return Ok(Some(Arc::new(Box::pin(pinned.current()).await?)));
        }
        let mut pinned = Vec::with_capacity(ROLLUPS.len());
        for rollup in ROLLUPS {
            pinned.push((rollup.name, PinnedRollup::of(self, session, rollup).await?.days));
        }
        Ok(Some(state::table(&pinned)?))
    }
}
