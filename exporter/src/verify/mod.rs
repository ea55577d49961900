//! Proof: what the source still shows, recounted against the lake row by row, by identity and multiplicity; and
//! ([`objects`]) that everything in a bucket is encrypted as configured.

mod objects;

use std::sync::Arc;

use futures::StreamExt;
use lookback_schemas::TableSpec;
use lookback_schemas::time::{DAY, day_of, day_start};

use crate::error::{Error, ErrorKind, Result};
use crate::lake::present::{Present, bounded_slices};
use crate::run::{ClusterJob, Exporter};
use crate::source::{Read, Unplaced, Window};
use crate::window::{day_by_day, slices};
pub use objects::{Objects, Unsealed, objects};

/// Rows of the lake compared at once.
const MAX_PRESENT_ROWS: u64 = 1_000_000;

/// What a recount of one table on one cluster found. `missing` must be 0.
#[derive(Debug, Clone, Default)]
pub struct VerifyReport {
    /// The cluster, by incarnation.
    pub cluster_id: String,
    /// The table.
    pub table: String,
    /// What was compared: from the source's oldest row to the coverage.
    pub window: Option<Window>,
    /// Rows that the source shows.
    pub source_rows: u64,
    /// Of those, rows that the lake lacks.
    pub missing: u64,
    /// Of the missing rows, those on days whose last sweep is still to come: they surfaced late and will be found.
    pub sweep_pending: u64,
    /// Rows of the lake that the source no longer shows; more than 0 only where the source has purged.
    pub only_in_lake: u64,
    /// Days with missing rows, and how many.
    pub missing_by_day: Vec<(i32, u64)>,
    /// Rows that no window contains.
    pub unplaced: Unplaced,
}

/// Recounts tables of one cluster.
///
/// # Errors
/// If the cluster cannot be reached, shows only part of its rows, or the lake cannot be read.
pub async fn verify(exporter: &Exporter, job: &ClusterJob) -> Result<Vec<VerifyReport>> {
    let mut session = job.source.connect().await?;
    let facts = session.facts().await?;
    crate::run::check_access(&job.name, &facts.access)?;
    let cluster_id = exporter.cluster_id(&job.name, facts.incarnation.as_deref()).await?;
    let mut reports = Vec::new();
    for &spec in &job.tables {
        reports.push(one(exporter, session.as_mut(), &cluster_id, spec).await?);
    }
    Ok(reports)
}

/// The window by UTC days, what is older than any system table keeps in one piece.
fn days(now: i64, window: Window) -> Vec<Window> {
    let cut = |piece: Window| {
        let midnight = day_start(day_of(piece.from)) + DAY;
        if piece.to <= midnight || piece.to - piece.from > DAY {
            return vec![piece];
        }
        slices(piece, midnight - piece.from)
    };
    day_by_day(now, window, DAY).into_iter().flat_map(cut).collect()
}

async fn one(
    exporter: &Exporter,
    session: &mut dyn crate::source::Session,
    cluster_id: &str,
    spec: &'static TableSpec,
) -> Result<VerifyReport> {
    let mut report =
        VerifyReport { cluster_id: cluster_id.to_owned(), table: spec.name.clone(), ..VerifyReport::default() };
    let columns = session.columns(spec).await?;
    let now = session.clock().await?;
    report.unplaced = session.unplaced(spec, &columns, now).await?;
    let watermark = exporter.watermark(cluster_id, &spec.name).await?;
    let oldest = session.oldest(spec, &columns).await?;
    let (Some(watermark), Some(oldest)) = (watermark, oldest) else { return Ok(report) };
    let whole = Window { from: oldest.time.min(watermark.covered_until), to: watermark.covered_until };
    report.window = Some(whole);
    let Some(table) = exporter.lake_table(&spec.name).await? else {
        return Err(Error::new(ErrorKind::Lake, format!("{} is covered, but the lake has no such table", spec.name)));
    };
    let names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
    let snapshot = table.refresh().await?;
    for part in days(now, whole) {
        let day = day_of(part.from);
        let mut missing = 0;
        for window in bounded_slices(&snapshot, cluster_id, part, MAX_PRESENT_ROWS) {
            let mut present =
                Present::load(Arc::clone(&table), Arc::clone(&snapshot), spec, cluster_id, window, &names, None)
                    .await?;
            let mut rows = session.read(Read { spec, columns: &columns, window }).await?;
            while let Some(batch) = rows.next().await {
                let batch = batch?;
                report.source_rows += batch.num_rows() as u64;
                missing += present.new_rows(&batch).await?.iter().filter(|n| **n).count() as u64;
            }
            missing += present.finish()?.iter().map(|b| b.num_rows() as u64).sum::<u64>();
            // Of a driven table, whole files are compared, which reach beyond the window.
            if spec.parent.is_none() {
                report.only_in_lake += present.rows();
            }
        }
        report.missing += missing;
        if watermark.swept_twice.is_none_or(|swept| swept < day) {
            report.sweep_pending += missing;
        }
        if missing > 0 {
            report.missing_by_day.push((day, missing));
        }
    }
    Ok(report)
}
