//! The record of a run: one commit of the ledger when all clusters have ended, unless one of them hangs.

use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::time::Instant;

use super::report::TableReport;
use crate::error::{Error, Result};
use crate::ledger::LedgerRow;

/// Longest wait of a cluster's rows for those of the others. A cluster that hangs delays nobody's record by more than this.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Collects the reports of clusters as they end, and appends their rows to the ledger. Gives all reports, and the first error of
/// the ledger.
pub(super) async fn gather<F: Future<Output = Result<()>>>(
    mut ending: impl Stream<Item = Vec<TableReport>> + Unpin,
    run_id: &str,
    longest_wait: Duration,
    append: impl Fn(Vec<LedgerRow>) -> F,
) -> (Vec<TableReport>, Option<Error>) {
    let (mut reports, mut rows, mut error) = (Vec::new(), Vec::new(), None);
    let mut deadline = Instant::now();
    loop {
        let ended = tokio::select! {
            biased;
            ended = ending.next() => ended,
            () = tokio::time::sleep_until(deadline), if !rows.is_empty() => {
                error = error.or(append(std::mem::take(&mut rows)).await.err());
                continue;
            }
        };
        let Some(ended) = ended else { break };
        if rows.is_empty() {
            deadline = Instant::now() + longest_wait;
        }
        rows.extend(ended.iter().filter_map(|report| report.ledger_row(run_id)));
        reports.extend(ended);
    }
    error = error.or(append(rows).await.err());
    (reports, error)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::stream;
    use lookback_schemas::ledger::RunKind;

    use super::*;

    /// Clusters that end after so many milliseconds each; gives how many rows each append had.
    async fn appended(ends: &[(&'static str, u64)], longest_wait: u64) -> (Vec<usize>, usize) {
        let clusters = ends.iter().map(|(name, wait)| async move {
            tokio::time::sleep(Duration::from_millis(*wait)).await;
            vec![TableReport::new(name, name, "stl_query", RunKind::Export, 0)]
        });
        let ending = stream::iter(clusters.collect::<Vec<_>>()).buffer_unordered(8);
        let appends = Mutex::new(Vec::new());
        let append = |rows: Vec<LedgerRow>| {
            let poisoned = |_| Error::new(crate::ErrorKind::Lake, "poisoned");
            std::future::ready(appends.lock().map(|mut all| all.push(rows.len())).map_err(poisoned))
        };
        let (reports, error) = gather(ending, "run", Duration::from_millis(longest_wait), append).await;
        assert!(error.is_none());
        (appends.into_inner().unwrap_or_default(), reports.len())
    }

    #[tokio::test]
    async fn clusters_that_end_share_one_commit() {
        assert_eq!(appended(&[("a", 0), ("b", 20), ("c", 40)], 30_000).await, (vec![3], 3));
    }

    #[tokio::test]
    async fn a_cluster_that_hangs_delays_nobodys_record() {
        assert_eq!(appended(&[("a", 0), ("hangs", 900), ("b", 10)], 300).await, (vec![2, 1], 3));
    }

    #[tokio::test]
    async fn an_error_of_the_ledger_is_kept() {
        let ending = stream::iter([vec![TableReport::new("a", "a", "stl_query", RunKind::Export, 0)]]);
        let append = |_| std::future::ready(Err(Error::new(crate::ErrorKind::Lake, "full")));
        let (reports, error) = gather(ending, "run", LONGEST_WAIT, append).await;
        assert_eq!((reports.len(), error.map(|e| e.to_string())), (1, Some("full".to_owned())));
    }
}
