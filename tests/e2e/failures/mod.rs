//! One test or more for each failure that the usual exporters of system tables have; `f07` is the seventh. Each test says
//! what such an exporter does, sets the situation up, and shows that the lake equals what the cluster has shown.

mod children;
mod watermarks;

use lookback_exporter::Report;

/// Everything was done, nothing failed.
fn assert_done(report: &Report) {
    let failures: Vec<String> = report.failures().map(|(t, e)| format!("{}/{}: {e}", t.cluster, t.table)).collect();
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(report.exit_code(), 0);
}
