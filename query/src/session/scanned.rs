//! What a plan has read so far.

use datafusion::physical_plan::ExecutionPlan;

/// What the scans of a running or finished plan have read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Data files that were opened.
    pub files: usize,
    /// Bytes that were asked of them, footers that are in memory not counted.
    pub bytes: usize,
}

/// The sum over all scans of a plan.
#[must_use]
pub fn scanned(plan: &dyn ExecutionPlan) -> Scanned {
    let metrics = plan.metrics();
    let own = |name: &str| metrics.as_ref().and_then(|m| m.sum_by_name(name)).map_or(0, |value| value.as_usize());
    let mut all = Scanned { files: own("files_opened"), bytes: own("bytes_scanned") };
    for child in plan.children() {
        let below = scanned(child.as_ref());
        all.files += below.files;
        all.bytes += below.bytes;
    }
    all
}
