//! Of a cluster's rows those that a version of the lake's table does not have.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use futures::StreamExt;
use lookback_schemas::time::{DAY, day_of, day_start};

use super::{Given, Stopped};
use crate::error::{Result, lake};
use crate::lake::present::{Present, bounded_slices};
use crate::lake::{LakeTable, Snapshot};
use crate::placement::times;
use crate::source::{Read, Session, Window};

/// Rows of the lake that a slice is compared with, about.
pub(super) const SLICE_ROWS: u64 = 250_000;
/// Rows of the lake that a read of a driven table may be compared with.
pub(super) const DRIVEN_ROWS: u64 = 1_000_000;
/// Rows with bogus dates that are kept until they are compared.
const APART_ROWS: usize = 50_000;
/// Days that a system table can reach back, and then some.
const OLD_DAYS: i32 = 9;

/// Gives the rows of a window that the snapshot lacks.
pub(super) async fn unseen(
    session: &mut dyn Session,
    rows: &mut Given<'_>,
    window: Window,
    table: &Arc<LakeTable>,
    snapshot: &Arc<Snapshot>,
) -> Result<(), Stopped> {
    let names: Vec<String> = rows.columns.iter().map(|c| c.name.clone()).collect();
    let lake = Compared { table, snapshot, names };
    if rows.ask.spec.parent.is_some() {
        let Some(oldest) = session.oldest(rows.ask.spec, rows.columns).await? else { return Ok(()) };
        let window = Window { from: window.from.max(oldest.time), to: window.to };
        if window.from >= window.to {
            return Ok(());
        }
        lake.fits(rows, window)?;
        return lake.slice(session, rows, window).await;
    }
    let pieces = Pieces::of(window, session.clock().await?);
    for bogus in pieces.bogus {
        lake.apart(session, rows, bogus).await?;
    }
    if let Some(piece) = pieces.usual {
        for slice in bounded_slices(snapshot, rows.cluster_id, piece, SLICE_ROWS) {
            lake.slice(session, rows, slice).await?;
        }
    }
    Ok(())
}

/// A window in the part that has rows, and the parts that should have none.
#[derive(Debug, PartialEq, Eq)]
struct Pieces {
    bogus: Vec<Window>,
    usual: Option<Window>,
}

impl Pieces {
    fn of(window: Window, now: i64) -> Self {
        let old = day_start(day_of(now) - OLD_DAYS);
        let ahead = now.saturating_add(DAY);
        let part = |from: i64, to: i64| {
            let part = Window { from: window.from.max(from), to: window.to.min(to) };
            (part.from < part.to).then_some(part)
        };
        let bogus = [part(i64::MIN, old), part(ahead, i64::MAX)];
        Self { bogus: bogus.into_iter().flatten().collect(), usual: part(old, ahead) }
    }
}

/// The lake's side.
struct Compared<'a> {
    table: &'a Arc<LakeTable>,
    snapshot: &'a Arc<Snapshot>,
    /// The cluster's columns.
    names: Vec<String>,
}

impl Compared<'_> {
    async fn present(&self, rows: &Given<'_>, window: Window) -> Result<Present> {
        let (table, snapshot) = (Arc::clone(self.table), Arc::clone(self.snapshot));
        Present::load(table, snapshot, rows.ask.spec, rows.cluster_id, window, &self.names, None).await
    }

    /// Whether the lake's rows of the window may be compared with in one piece.
    fn fits(&self, rows: &Given<'_>, window: Window) -> Result<(), Stopped> {
        let days = day_of(window.from)..=day_of(window.to - 1);
        let files = self.snapshot.files(rows.cluster_id).iter().filter(|file| days.contains(&file.day));
        let held: u64 = files.filter_map(|file| file.rows()).sum();
        if held <= DRIVEN_ROWS {
            return Ok(());
        }
        Err(Stopped::TooMuch(format!(
            "cluster '{}': all.{} would be compared with {held} rows of history, and {DRIVEN_ROWS} are the most; narrow the \
             question by {} or log_date",
            rows.cluster,
            rows.ask.spec.name,
            rows.ask.spec.time_column()
        )))
    }

    /// The lake's rows first, then the cluster's as they come.
    async fn slice(&self, session: &mut dyn Session, rows: &mut Given<'_>, window: Window) -> Result<(), Stopped> {
        let mut present = self.present(rows, window).await?;
        let mut read = session.read(Read { spec: rows.ask.spec, columns: rows.columns, window }).await?;
        while let Some(batch) = read.next().await {
            let batch = batch?;
            let times = rows.came(&batch, window)?;
            let new = present.new_rows(&batch).await?;
            rows.send_some(&batch, &times, &new).await?;
        }
        late(&mut present, rows).await
    }

    /// The cluster's rows first, then those of the lake that lie between them.
    async fn apart(&self, session: &mut dyn Session, rows: &mut Given<'_>, window: Window) -> Result<(), Stopped> {
        let mut days: BTreeMap<i32, Vec<(RecordBatch, Vec<i64>)>> = BTreeMap::new();
        let mut kept = 0;
        {
            let mut read = session.read(Read { spec: rows.ask.spec, columns: rows.columns, window }).await?;
            while let Some(batch) = read.next().await {
                let batch = batch?;
                let times = rows.came(&batch, window)?;
                kept += batch.num_rows();
                if kept > APART_ROWS {
                    return Err(Stopped::TooMuch(format!(
                        "cluster '{}' has more than {APART_ROWS} rows of {} that are older than {OLD_DAYS} days or dated in \
                         the future; narrow the question by {} or log_date",
                        rows.cluster,
                        rows.ask.spec.name,
                        rows.ask.spec.time_column()
                    )));
                }
                for (day, part) in by_day(&batch, &times, &rows.what())? {
                    days.entry(day).or_default().push(part);
                }
            }
        }
        for batches in days.into_values() {
            let all = || batches.iter().flat_map(|(_, times)| times.iter().copied());
            let Some((from, last)) = all().min().zip(all().max()) else { continue };
            let mut present = self.present(rows, Window { from, to: last + 1 }).await?;
            for (batch, times) in &batches {
                let new = present.new_rows(batch).await?;
                rows.send_some(batch, times, &new).await?;
            }
            late(&mut present, rows).await?;
        }
        Ok(())
    }
}

/// Gives the rows that only the end of a read could tell.
async fn late(present: &mut Present, rows: &Given<'_>) -> Result<(), Stopped> {
    for batch in present.finish()? {
        let times: Vec<i64> = times(rows.ask.spec, &batch).into_iter().map(|t| t.unwrap_or(i64::MIN)).collect();
        rows.send(&batch, &times).await?;
    }
    Ok(())
}

type Part = (RecordBatch, Vec<i64>);

/// A batch by the days of its rows.
fn by_day(batch: &RecordBatch, times: &[i64], what: &str) -> Result<BTreeMap<i32, Part>> {
    let mut days: BTreeMap<i32, Vec<bool>> = BTreeMap::new();
    for (row, time) in times.iter().enumerate() {
        let chosen = days.entry(day_of(*time)).or_insert_with(|| vec![false; times.len()]);
        if let Some(chosen) = chosen.get_mut(row) {
            *chosen = true;
        }
    }
    let part = |(day, chosen): (i32, Vec<bool>)| {
        let of_day = times.iter().zip(&chosen).filter(|(_, c)| **c).map(|(t, _)| *t).collect();
        let rows = filter_record_batch(batch, &BooleanArray::from(chosen)).map_err(lake(what.to_owned()))?;
        Ok((day, (rows, of_day)))
    };
    days.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_cut_where_dates_are_bogus() {
        let now = 1_000 * DAY + 5;
        let (old, ahead) = (991 * DAY, now + DAY);
        let window = |from, to| Window { from, to };
        assert_eq!(
            Pieces::of(window(1, i64::MAX), now),
            Pieces { bogus: vec![window(1, old), window(ahead, i64::MAX)], usual: Some(window(old, ahead)) }
        );
        let recent = window(now - 10, now);
        assert_eq!(Pieces::of(recent, now), Pieces { bogus: vec![], usual: Some(recent) });
        assert_eq!(Pieces::of(window(1, 9), now), Pieces { bogus: vec![window(1, 9)], usual: None });
    }
}
