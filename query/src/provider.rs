//! A table of the lake for DataFusion.
//!
//! The Delta log has already said which files there are, what their partition values are, and between which bounds their
//! columns lie. So a scan first drops every file that cannot hold a matching row, without opening one, and then is a plain
//! Parquet scan of the rest:
//!
//! - a filter over nothing but partition columns is evaluated per file and is exact: no row is looked at again;
//! - any other filter drops files by their bounds, and stays above the scan (and inside it, by row group and page).
//!
//! A column that a file lacks, because AWS added it later, reads as NULL.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, DataFusionError, Result, Statistics, ToDFSchema};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, FileSource, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::path::Path;

use crate::columns::{Columns, Remembered};
use crate::footers::{Footers, Reach};
use crate::lake::FileList;
use crate::session::casts::{NoBounds, has_cast};

/// Where the lake's object store is registered in a session; the paths of a plan are relative to the lake.
pub const STORE_URL: &str = "lookback://lake/";

/// Longest `IN` list that is compared with the bounds of files: a list of queries or clusters is a common filter.
const MAX_IN_LIST: usize = 200;

/// Files per part of a scan from which on files are the parts: fewer are cut, so that all threads have work.
const FILES_PER_PART: usize = 2;

/// One version of one table.
pub struct LakeTable {
    files: Arc<FileList>,
}

impl fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeTable")
            .field("table", &self.files.table())
            .field("version", &self.files.version())
            .finish_non_exhaustive()
    }
}

impl LakeTable {
    /// The table of a list of files.
    #[must_use]
    pub fn new(files: Arc<FileList>) -> Self {
        Self { files }
    }

    /// The numbers of the files that can hold rows matching all filters.
    fn surviving(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<usize>> {
        let (exact, bounded): (Vec<_>, Vec<_>) =
            filters.iter().cloned().partition(|filter| self.is_partition_filter(filter));
        let mut numbers: Vec<usize> = (0..self.files.files().len()).collect();
        if let Some(filter) = conjunction(exact) {
            let matches = self.evaluate(state, filter)?;
            numbers.retain(|&file| matches.is_valid(file) && matches.value(file));
        }
        if let Some(filter) = conjunction(bounded).filter(|_| !numbers.is_empty()) {
            let schema = Arc::clone(self.files.schema().table_schema());
            let filter = physical(state, filter, &schema)?;
            // A filter that bounds cannot decide drops nothing.
            let predicate = PruningPredicateBuilder::new()
                .with_file_schema(schema)
                .with_max_in_list_size(MAX_IN_LIST)
                .build(filter);
            if let Some(predicate) = predicate {
                let mut possible = predicate.prune(&self.files.select(&numbers))?.into_iter();
                numbers.retain(|_| possible.next().unwrap_or(true));
            }
        }
        Ok(numbers)
    }

    /// A filter over partition columns, evaluated for every file at once.
    fn evaluate(&self, state: &dyn Session, filter: Expr) -> Result<BooleanArray> {
        let schema = Arc::new(Schema::new(self.files.schema().table_partition_cols().clone()));
        truths(state, filter, &RecordBatch::try_new(schema, self.files.partition_arrays().to_vec())?)
    }

    /// Whether a filter needs nothing but partition columns, so that it is true or false for a file as a whole.
    fn is_partition_filter(&self, filter: &Expr) -> bool {
        is_over(filter, self.files.schema().table_partition_cols())
    }

    /// Whether a statement takes text of rows that its filters choose by other columns: such text is long, and only that of the
    /// chosen rows need be decoded. Without it, filters that are evaluated while rows are read cost more than they save.
    fn reads_text_late(&self, projection: Option<&Vec<usize>>, filters: &[Expr]) -> bool {
        let schema = self.files.schema().table_schema();
        let by_rows = filters.iter().filter(|filter| !self.is_partition_filter(filter));
        let chosen_by: Vec<&str> =
            by_rows.flat_map(|filter| filter.column_refs()).map(|column| column.name.as_str()).collect();
        let partition = self.files.schema().table_partition_cols();
        let late = |number: usize| {
            let field = schema.field(number);
            *field.data_type() == DataType::Utf8
                && !chosen_by.contains(&field.name().as_str())
                && !partition.iter().any(|column| column.name() == field.name())
        };
        let all = 0..schema.fields().len();
        !chosen_by.is_empty()
            && projection.map_or_else(|| all.into_iter().any(late), |some| some.iter().copied().any(late))
    }

    /// For each column, whether a statement takes or filters by it: of the others, nobody needs to know the bounds.
    fn wanted(&self, projection: Option<&Vec<usize>>, filters: &[Expr]) -> Vec<bool> {
        let fields = self.files.schema().table_schema().fields();
        let Some(projection) = projection else { return vec![true; fields.len()] };
        let mut wanted = vec![false; fields.len()];
        projection.iter().for_each(|&column| wanted[column] = true);
        for column in filters.iter().flat_map(Expr::column_refs) {
            if let Some((number, _)) = fields.find(&column.name) {
                wanted[number] = true;
            }
        }
        wanted
    }

    fn partitioned_file(&self, number: usize, wanted: &[bool]) -> Result<PartitionedFile> {
        let file = &self.files.files()[number];
        let mut read = PartitionedFile::new("", file.size);
        let path = format!("{}/{}", self.files.table(), file.path);
        read.object_meta.location = Path::parse(path).map_err(|e| DataFusionError::External(Box::new(e)))?;
        Ok(read
            .with_partition_values(self.files.partition_values(number)?)
            .with_statistics(Arc::new(self.files.statistics(number, wanted))))
    }
}

/// Whether a filter's value follows from these columns, of which it names one at least.
pub(crate) fn is_over(filter: &Expr, fields: &[FieldRef]) -> bool {
    let columns = filter.column_refs();
    !columns.is_empty()
        && columns.iter().all(|column| fields.iter().any(|field| *field.name() == column.name))
        && is_decided_by_columns(filter)
}

/// Whether a filter holds, row by row.
pub(crate) fn truths(state: &dyn Session, filter: Expr, rows: &RecordBatch) -> Result<BooleanArray> {
    let filter = physical(state, filter, &rows.schema())?;
    let array = filter.evaluate(rows)?.into_array(rows.num_rows())?;
    let matches = array.as_any().downcast_ref::<BooleanArray>().cloned();
    matches.ok_or_else(|| DataFusionError::Plan("a filter must be true or false".to_owned()))
}

/// Whether an expression's value follows from its columns alone.
fn is_decided_by_columns(expr: &Expr) -> bool {
    let open = |node: &Expr| {
        node.is_volatile_node()
            || matches!(
                node,
                Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
                    | Expr::OuterReferenceColumn(..)
                    | Expr::Placeholder(_)
            )
    };
    !expr.exists(|node| Ok(open(node))).unwrap_or(true)
}

fn physical(state: &dyn Session, filter: Expr, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>> {
    let schema: DFSchema = Arc::clone(schema).to_dfschema()?;
    state.create_physical_expr(filter, &schema)
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.files.schema().table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let numbers = self.surviving(state, filters)?;
        if numbers.is_empty() {
            let schema = self.schema();
            let projected = match projection {
                Some(columns) => Arc::new(schema.project(columns)?),
                None => schema,
            };
            return Ok(Arc::new(EmptyExec::new(projected)));
        }
        let wanted = self.wanted(projection, filters);
        let files = numbers.into_iter().map(|number| self.partitioned_file(number, &wanted));
        let files = files.collect::<Result<Vec<_>>>()?;
        let parts = state.config().target_partitions().max(1);
        let size = files.len().div_ceil(parts);
        let schema = self.schema();
        // The files were chosen by their bounds already.
        let casts = state.config().get_extension::<NoBounds>().is_some() || filters.iter().any(has_cast);
        let merge = |files: &[PartitionedFile]| -> Result<Statistics> {
            let statistics = files.iter().filter_map(|file| file.statistics.as_deref());
            let mut all = Statistics::try_merge_iter(statistics, &schema)?;
            if casts {
                all.column_statistics = Statistics::unknown_column(&schema);
            }
            Ok(all)
        };
        let statistics = merge(&files)?;
        let groups = files
            .chunks(size)
            .map(|chunk| Ok(FileGroup::new(chunk.to_vec()).with_statistics(Arc::new(merge(chunk)?))))
            .collect::<Result<Vec<_>>>()?;

        let url = ObjectStoreUrl::parse(STORE_URL)?;
        let runtime = state.runtime_env();
        let known = runtime.cache_manager.get_file_metadata_cache();
        let reach = state.config().get_extension::<Reach>();
        let reader = Arc::new(Footers::new(runtime.object_store(&url)?, known, reach));
        let late = self.reads_text_late(projection, filters);
        let source = ParquetSource::new(self.files.schema().clone())
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_pushdown_filters(late)
            .with_parquet_file_reader_factory(Arc::clone(&reader) as Arc<dyn ParquetFileReaderFactory>);
        let mut source: Arc<dyn FileSource> = Arc::new(source);
        // Where a few rows are wanted, they are read: of few files, or by their text, or the first ones.
        if let Some(columns) = state.config().get_extension::<Columns>()
            && !late
            && limit.is_none()
            && parts * FILES_PER_PART <= groups.iter().map(FileGroup::len).sum()
        {
            source = Arc::new(Remembered::new(source, columns, reader));
        }
        let config = FileScanConfigBuilder::new(url, source)
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_limit(limit)
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let kind = |filter: &&Expr| match self.is_partition_filter(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(kind).collect())
    }
}
