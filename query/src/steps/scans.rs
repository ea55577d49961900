//! Scans of a lake within a plan.

use std::sync::Arc;

use datafusion::common::{Result, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use crate::columns::Remembered;

/// What a scan of files reads; none for another step.
pub(super) fn config(plan: &dyn ExecutionPlan) -> Option<&FileScanConfig> {
    plan.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()
}

/// The same scan of other files, in one part.
pub(super) fn over(scan: &dyn ExecutionPlan, files: Vec<PartitionedFile>) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(config) = config(scan) else { return internal_err!("a scan of a lake is one of files") };
    if files.is_empty() {
        return Ok(Arc::new(EmptyExec::new(scan.schema())));
    }
    let mut builder = FileScanConfigBuilder::from(config.clone()).with_file_groups(vec![FileGroup::new(files)]);
    if let Some(source) = config.file_source().downcast_ref::<Remembered>() {
        builder = builder.with_source(source.afresh());
    }
    Ok(DataSourceExec::from_data_source(builder.build()))
}
