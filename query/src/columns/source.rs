//! A scan of data files that takes from memory what is kept there, and reads the rest.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, not_impl_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpener, FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter_pushdown::{FilterPushdownPropagation, PushedDown};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, SortOrderPushdownResult};
use datafusion_datasource::morsel::Morselizer;
use object_store::ObjectStore;

use super::Columns;
use super::morsels::Morsels;
use super::whole::{Scan, Shared};
use crate::ahead::Ahead;
use crate::footers::Footers;

/// A source of rows around one that reads files.
#[derive(Clone)]
pub(crate) struct Remembered {
    inner: Arc<dyn FileSource>,
    columns: Arc<Columns>,
    reader: Arc<Footers>,
    ahead: Arc<Ahead>,
    batch: usize,
    /// Bytes that the scan may still add to what is kept.
    room: Arc<AtomicU64>,
}

impl Remembered {
    /// Around `inner`, which reads with `reader` and leaves every filter to those above it.
    pub(crate) fn new(inner: Arc<dyn FileSource>, columns: Arc<Columns>, reader: Arc<Footers>) -> Self {
        let room = Arc::new(AtomicU64::new(columns.most_of_a_scan()));
        let ahead = Ahead::new(Arc::clone(&reader), Arc::clone(&columns));
        Self { inner, columns, reader, ahead, batch: 0, room }
    }

    /// The same for other files: what is ahead of one scan is not ahead of the other.
    pub(crate) fn afresh(&self) -> Arc<dyn FileSource> {
        let ahead = Ahead::new(Arc::clone(&self.reader), Arc::clone(&self.columns));
        Arc::new(Self { ahead, ..self.clone() })
    }

    /// The columns of whole files: those that `projection` takes, and `more` by their number in the file.
    ///
    /// # Errors
    /// If the projection is none of the table's columns.
    pub(crate) fn whole(&self, projection: &ProjectionExprs, more: &[usize], batch: usize) -> Result<Option<Shared>> {
        let scan = Scan::wanting(self.inner.as_ref(), projection, more, batch)?;
        Ok(scan.map(|scan| self.shared(scan)))
    }

    fn shared(&self, scan: Scan) -> Shared {
        Shared {
            scan,
            columns: Arc::clone(&self.columns),
            reader: Arc::clone(&self.reader),
            ahead: Arc::clone(&self.ahead),
            bytes: self.reader.counted(self.metrics()),
            room: Arc::clone(&self.room),
        }
    }

    fn around(&self, inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(Self { inner, ..self.clone() })
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl FileSource for Remembered {
    fn create_file_opener(&self, _: Arc<dyn ObjectStore>, _: &FileScanConfig, _: usize) -> Result<Arc<dyn FileOpener>> {
        not_impl_err!("files are read in morsels")
    }

    fn create_morselizer(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let inner = self.inner.create_morselizer(store, config, partition)?;
        // Whoever reads, the scan says how many bytes it read.
        self.reader.counted(self.metrics());
        let scan = self.projection().map(|wanted| Scan::wanting(self.inner.as_ref(), wanted, &[], self.batch));
        let Some(scan) = scan.transpose()?.flatten() else { return Ok(inner) };
        Ok(Box::new(Morsels::new(inner, self.shared(scan))))
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { inner: self.inner.with_batch_size(batch_size), batch: batch_size, ..self.clone() })
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_extra(t, f)
    }

    /// Files are the parts: there are enough of them wherever this stands, and a kept column is one of a whole file.
    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let mut result = self.inner.try_pushdown_filters(filters, config)?;
        // Rows from memory are given unfiltered: whoever evaluates filters itself has to read.
        if !result.filters.iter().any(|answer| matches!(answer, PushedDown::Yes)) {
            result.updated_node = result.updated_node.map(|inner| self.around(inner));
        }
        Ok(result)
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> Result<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        Ok(match self.inner.try_pushdown_sort(order, properties)? {
            SortOrderPushdownResult::Inexact { inner } => {
                SortOrderPushdownResult::Inexact { inner: self.around(inner) }
            }
            // Rows from memory come as the file has them.
            exact @ SortOrderPushdownResult::Exact { .. } => exact,
            SortOrderPushdownResult::Unsupported => SortOrderPushdownResult::Unsupported,
        })
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        let files = self.inner.reorder_files(files);
        self.ahead.order(files.iter().map(|file| file.object_meta.clone()));
        files
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_projection(projection)?.map(|inner| self.around(inner)))
    }

    fn repartitioned(
        &self,
        _: usize,
        _: usize,
        _: Option<LexOrdering>,
        _: &FileScanConfig,
    ) -> Result<Option<FileScanConfig>> {
        Ok(None)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(f)
    }
}
