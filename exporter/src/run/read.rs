//! One window of one table: from the source's rows to files that wait for their commit.

use std::sync::Arc;

use futures::StreamExt;
use lookback_schemas::TableSpec;
use tokio_util::sync::CancellationToken;

use super::report::Progress;
use crate::error::{Error, ErrorKind, Result};
use crate::lake::present::Present;
use crate::lake::writer::{Origin, Writer, WrittenFile};
use crate::lake::{LakeTable, Snapshot};
use crate::placement::times;
use crate::source::{Read, Session, SourceColumn, Window};
use crate::window::Evidence;

/// Where a read's rows go, and what they are compared with.
pub(super) struct Target<'a> {
    pub(super) table: &'a Arc<LakeTable>,
    pub(super) snapshot: &'a Arc<Snapshot>,
    pub(super) spec: &'static TableSpec,
    pub(super) cluster: &'a str,
    pub(super) cluster_id: &'a str,
    pub(super) run_id: &'a str,
    pub(super) columns: &'a [SourceColumn],
    /// This machine's time.
    pub(super) now: i64,
    pub(super) progress: &'a dyn Progress,
    pub(super) cancel: &'a CancellationToken,
}

/// What a complete read gave.
pub(super) struct ReadResult {
    pub(super) files: Vec<WrittenFile>,
    pub(super) rows_read: u64,
    pub(super) rows_new: u64,
    pub(super) evidence: Evidence,
}

/// Reads a window completely, and writes the rows that the lake does not have. On an error nothing remains that counts.
pub(super) async fn read_window(
    session: &mut dyn Session,
    target: &Target<'_>,
    window: Window,
    covered: Option<i64>,
) -> Result<ReadResult> {
    let names: Vec<String> = target.columns.iter().map(|c| c.name.clone()).collect();
    let mut present = Present::load(
        Arc::clone(target.table),
        Arc::clone(target.snapshot),
        target.spec,
        target.cluster_id,
        window,
        &names,
        covered,
    )
    .await?;
    let origin = Origin {
        cluster_id: target.cluster_id.to_owned(),
        run_id: target.run_id.to_owned(),
        source_columns: names,
        time_column: target.spec.time_column().to_owned(),
    };
    let mut writer = Writer::new(Arc::clone(target.table), origin, target.now);
    let mut result = ReadResult { files: Vec::new(), rows_read: 0, rows_new: 0, evidence: Evidence::default() };
    let read = async {
        stream(session, target, window, &mut present, &mut writer, &mut result).await?;
        writer.finish().await
    };
    match read.await {
        Ok(files) => {
            result.evidence.youngest_held = present.youngest_before_coverage();
            result.files = files;
            Ok(result)
        }
        Err(e) => {
            writer.discard().await;
            Err(e)
        }
    }
}

async fn stream(
    session: &mut dyn Session,
    target: &Target<'_>,
    window: Window,
    present: &mut Present,
    writer: &mut Writer,
    result: &mut ReadResult,
) -> Result<()> {
    let mut rows = session.read(Read { spec: target.spec, columns: target.columns, window }).await?;
    loop {
        let next = tokio::select! {
            next = rows.next() => next,
            () = target.cancel.cancelled() => return Err(Error::new(ErrorKind::Cancelled, "stopped on request")),
        };
        let Some(batch) = next.transpose()? else { break };
        let times: Vec<i64> = times(target.spec, &batch).into_iter().map(|t| t.unwrap_or(i64::MIN)).collect();
        // The server cuts windows, so this only ever fails where the two of us read a time differently.
        if let Some(stray) = times.iter().find(|t| !window.contains(**t)) {
            return Err(Error::new(
                ErrorKind::Query,
                format!(
                    "cluster '{}': {} gave a row of {} for the window {window}",
                    target.cluster,
                    target.spec.name,
                    lookback_schemas::time::rfc3339(*stray)
                ),
            ));
        }
        let new = present.new_rows(&batch).await?;
        let oldest = times.iter().copied().min();
        result.evidence.oldest_read = match (result.evidence.oldest_read, oldest) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        result.rows_read += batch.num_rows() as u64;
        result.rows_new += new.iter().filter(|n| **n).count() as u64;
        target.progress.rows(target.cluster, &target.spec.name, batch.num_rows() as u64);
        writer.push(batch, &times, &new).await?;
    }
    for batch in present.finish()? {
        let times: Vec<i64> = times(target.spec, &batch).into_iter().map(|t| t.unwrap_or(i64::MIN)).collect();
        result.rows_new += batch.num_rows() as u64;
        let all = vec![true; batch.num_rows()];
        writer.push(batch, &times, &all).await?;
    }
    Ok(())
}
