//! How far a running statement is, from the metrics that its plan keeps.

use std::sync::Arc;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;

/// What a statement has read from the lake so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    /// Rows that left the scans of the lake; those that a file's statistics, or a filter within the scan, ruled out are not among
    /// them.
    pub rows: u64,
    /// Bytes asked of the lake.
    pub bytes: u64,
    /// Files opened.
    pub files: u64,
    /// Files that the plan may open: those that the Delta log could not rule out.
    pub planned: u64,
}

/// A view of a running statement. Cheap to clone, and safe to look at from anywhere while the statement runs.
#[derive(Debug, Clone)]
pub struct Progress {
    plan: Arc<dyn ExecutionPlan>,
    planned: u64,
}

impl Progress {
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>) -> Self {
        Self { plan: Arc::clone(plan), planned: planned(plan.as_ref()) }
    }

    /// What was read until now.
    #[must_use]
    pub fn read(&self) -> Read {
        let mut read = Read { planned: self.planned, ..Read::default() };
        add(self.plan.as_ref(), &mut read);
        read
    }
}

fn planned(plan: &dyn ExecutionPlan) -> u64 {
    let source = (plan as &dyn std::any::Any).downcast_ref::<DataSourceExec>();
    let config = source.and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
    let own = config.map_or(0, |config| config.file_groups.iter().map(|group| group.len() as u64).sum());
    own + plan.children().into_iter().map(|child| planned(child.as_ref())).sum::<u64>()
}

fn add(plan: &dyn ExecutionPlan, read: &mut Read) {
    // Only scans count bytes; a generated series has rows, and reads nothing.
    if let Some(metrics) = plan.metrics()
        && let Some(bytes) = metrics.sum_by_name("bytes_scanned")
    {
        read.bytes += bytes.as_usize() as u64;
        read.rows += metrics.output_rows().unwrap_or(0) as u64;
        read.files += metrics.sum_by_name("files_opened").map_or(0, |files| files.as_usize() as u64);
    }
    for child in plan.children() {
        add(child.as_ref(), read);
    }
}
