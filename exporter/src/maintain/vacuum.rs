//! Vacuum: files that no version of a table needs any more, and files that were never committed, go after a grace period. A
//! query that started before it keeps what it reads; an export that is under way keeps what it has written.

use std::collections::HashSet;

use futures::TryStreamExt;
use lookback_schemas::time::{HOUR, SECOND};
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::{Result, lake};
use crate::run::Exporter;

/// Shortest grace period, whatever is configured: an export must be able to commit what it has written.
const MIN_GRACE: i64 = HOUR;

/// What vacuum did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct VacuumReport {
    /// Files removed.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Files that nothing needs, still within the grace period.
    pub waiting: u64,
}

/// Removes files of all tables of the lake that have been superfluous for `grace` microseconds, and what their logs need no more.
///
/// # Errors
/// [`crate::ErrorKind::Lake`] if a log cannot be read or a file cannot be deleted.
pub async fn vacuum(exporter: &Exporter, grace: i64) -> Result<VacuumReport> {
    let mut report = VacuumReport::default();
    let deadline = exporter.clock.now() - grace.max(MIN_GRACE);
    for name in exporter.lake.tables().await? {
        let Some(table) = exporter.lake.table(&name).await? else { continue };
        let what = || format!("cleaning up {name}");
        // Listed first: a file committed in between is then in the snapshot, and one written later is not in the list.
        let mut listed = Vec::new();
        let mut objects = table.store().list(Some(table.folder()));
        while let Some(object) = objects.try_next().await.map_err(lake(what()))? {
            listed.push(object);
        }
        let snapshot = table.refresh().await?;
        let mut needed = HashSet::new();
        for cluster in snapshot.clusters() {
            needed.extend(snapshot.files(cluster).iter().map(|f| table.object(&f.path)));
        }
        let tombstones = table.tombstones().await?;
        let removed_at = |path: &object_store::path::Path| {
            let below: String =
                path.prefix_match(table.folder())?.map(|p| p.as_ref().to_owned()).collect::<Vec<_>>().join("/");
            tombstones.get(&below).map(|ms| ms * 1_000)
        };
        for object in listed {
            let in_log = object
                .location
                .prefix_match(table.folder())
                .and_then(|mut p| p.next())
                .is_none_or(|p| p.as_ref() == "_delta_log");
            if in_log || needed.contains(&object.location) || object.location.extension() != Some("parquet") {
                continue;
            }
            let written = object.last_modified.timestamp() * SECOND;
            if removed_at(&object.location).unwrap_or(written).max(written) > deadline {
                report.waiting += 1;
                continue;
            }
            match table.store().delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(lake(what())(e)),
            }
            report.files += 1;
            report.bytes += object.size;
        }
        table.clean_log().await?;
    }
    Ok(report)
}
