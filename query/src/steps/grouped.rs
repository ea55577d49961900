//! Groups of rows of whole files, by columns of few values.
//!
//! "Bytes by table", "queueing by queue and day": what such questions group by has few values in a file, and is in memory, or in the
//! file, as a list of them and a small number for each row. The engine would write the texts out, and hash and compare them, row by
//! row. Here a row's group is looked up by its numbers; of the values only those are looked at that have not been seen in the file.
//!
//! [`GroupInScan`] finds the first half of such an aggregate over a scan, and [`GroupedScan`] makes it. Files that this does not fit
//! are given to the engine's own step, and if values turn out to be many, so is all that is left. The second half of the aggregate
//! puts together what both made.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::types::UInt32Type;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter, filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileSource};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{GroupsAccumulatorAdapter, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, aggregate_expressions, evaluate_many};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, replace_children_if_necessary};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, InputOrderMode, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};

use super::by_cluster::ByCluster;
use super::codes::{Codes, MOST};
use super::scans;
use crate::columns::{Kept, Remembered, Shared};

/// Puts [`GroupedScan`] where an aggregate is one over whole files.
#[derive(Debug)]
pub(super) struct GroupInScan;

impl PhysicalOptimizerRule for GroupInScan {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let batch = config.execution.batch_size.get();
        plan.transform_down(|step| {
            if step.downcast_ref::<ByCluster>().is_some() {
                // Its template is not run as it stands.
                return Ok(Transformed::new(step, false, TreeNodeRecursion::Jump));
            }
            match GroupedScan::of(&step, batch)? {
                Some(grouped) => {
                    let grouped = Arc::new(grouped) as Arc<dyn ExecutionPlan>;
                    Ok(Transformed::new(grouped, true, TreeNodeRecursion::Jump))
                }
                None => Ok(Transformed::no(step)),
            }
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "group_in_scan"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The first half of an aggregate, over the files of a scan.
pub(super) struct GroupedScan {
    /// The engine's own step, for what this does not fit.
    engine: Arc<dyn ExecutionPlan>,
    asked: Arc<Asked>,
    batch: usize,
    queue: Arc<Mutex<Queue>>,
    metrics: ExecutionPlanMetricsSet,
}

/// What is asked of every file.
struct Asked {
    files: Shared,
    groups: Vec<Group>,
    group_schema: SchemaRef,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    aggregates: Vec<Arc<AggregateFunctionExpr>>,
    arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    schema: SchemaRef,
}

/// One of the expressions that rows are grouped by, over one column.
struct Group {
    column: Source,
    /// That column alone.
    schema: SchemaRef,
    expr: Arc<dyn PhysicalExpr>,
}

enum Source {
    /// A column of files, by its place among those that are read.
    File(usize),
    /// A partition column, by its number.
    Partition(usize),
}

impl fmt::Debug for GroupedScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupedScan").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl GroupedScan {
    /// The step in the place of `plan`, if that is the first half of an aggregate over files that are read whole.
    fn of(plan: &Arc<dyn ExecutionPlan>, batch: usize) -> Result<Option<Self>> {
        let Some(aggregate) = plan.downcast_ref::<AggregateExec>() else { return Ok(None) };
        let Some(asked) = Asked::of(aggregate, batch)? else { return Ok(None) };
        let files = scan_of(aggregate.input()).and_then(|scan| scans::config(scan.as_ref()));
        let files: VecDeque<_> =
            files.iter().flat_map(|config| &config.file_groups).flat_map(FileGroup::iter).cloned().collect();
        asked.files.order(files.iter());
        let queue = Queue::new(files, plan.output_partitioning().partition_count());
        Ok(Some(Self {
            engine: Arc::clone(plan),
            asked: Arc::new(asked),
            batch,
            queue: Arc::new(Mutex::new(queue)),
            metrics: ExecutionPlanMetricsSet::new(),
        }))
    }
}

/// The scan under a filter, or right here.
fn scan_of(plan: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    match plan.downcast_ref::<FilterExec>() {
        Some(filter) => scan_of(filter.input()),
        None => scans::config(plan.as_ref()).map(|_| plan),
    }
}

impl Asked {
    fn of(aggregate: &AggregateExec, batch: usize) -> Result<Option<Self>> {
        let by = aggregate.group_expr();
        let fits = *aggregate.mode() == AggregateMode::Partial
            && by.is_single()
            && !by.is_empty()
            && aggregate.limit_options().is_none()
            && *aggregate.input_order_mode() == InputOrderMode::Linear
            && aggregate.aggr_expr().iter().all(|function| function.order_bys().is_empty());
        let filter = aggregate.input().downcast_ref::<FilterExec>();
        let scan = filter.map_or(aggregate.input(), FilterExec::input);
        let Some(config) = scans::config(scan.as_ref()).filter(|config| fits && config.limit.is_none()) else {
            return Ok(None);
        };
        let source = config.file_source();
        let (Some(remembered), Some(projection)) = (source.downcast_ref::<Remembered>(), source.projection()) else {
            return Ok(None);
        };
        if filter.is_some_and(|filter| filter.fetch().is_some()) {
            return Ok(None);
        }

        let Some(groups) = groups_of(aggregate, remembered, projection)? else { return Ok(None) };
        let arguments = aggregate_expressions(aggregate.aggr_expr(), aggregate.mode(), by.expr().len())?;
        let filters = aggregate.filter_expr().to_vec();
        // Of what the scan gives out, only what is computed with.
        let used = arguments.iter().flatten().chain(filters.iter().flatten()).chain(filter.map(FilterExec::predicate));
        let used: Vec<String> = used.flat_map(collect_columns).map(|column| column.name().to_owned()).collect();
        let used: Vec<ProjectionExpr> =
            projection.as_ref().iter().filter(|expr| used.contains(&expr.alias)).cloned().collect();
        // Texts that are computed with are long, and no text is read whole that is not kept by its values.
        let files = source.table_schema().file_schema();
        let is_text = |column: Column| {
            files.fields().get(column.index()).is_some_and(|field| *field.data_type() == DataType::Utf8)
        };
        if used.iter().flat_map(|used| collect_columns(&used.expr)).any(is_text) {
            return Ok(None);
        }
        let more: Vec<usize> = groups.iter().filter_map(|group| group.number).collect();
        let Some(files) = remembered.whole(&ProjectionExprs::from(used), &more, batch)? else { return Ok(None) };
        let columns = Arc::clone(files.scan.gives());
        let over = |expr: &Arc<dyn PhysicalExpr>| reassign_expr_columns(Arc::clone(expr), &columns);
        let groups = groups.into_iter().map(|group| {
            let column = match group.number {
                Some(_) => files.scan.place(&group.name).map(Source::File),
                None => group.partition.map(Source::Partition),
            };
            column.map(|column| Group { column, schema: group.schema, expr: group.expr })
        });
        let Some(groups) = groups.collect::<Option<Vec<_>>>() else { return Ok(None) };
        Ok(Some(Self {
            groups,
            group_schema: by.group_schema(&aggregate.input().schema())?,
            predicate: filter.map(|filter| over(filter.predicate())).transpose()?,
            aggregates: aggregate.aggr_expr().to_vec(),
            arguments: arguments.iter().map(|of_one| of_one.iter().map(over).collect()).collect::<Result<_>>()?,
            filters: filters.iter().map(|one| one.as_ref().map(over).transpose()).collect::<Result<_>>()?,
            schema: aggregate.schema(),
            files,
        }))
    }

    /// Adds the rows of a file to the groups; false, and nothing is added, if its values are too many.
    fn add(&self, table: &mut Table, file: &PartitionedFile, kept: &[Arc<Kept>]) -> Result<Option<usize>> {
        let Some(columns) = self.numbered(file, kept)? else { return Ok(None) };
        let numbers = columns.iter().try_fold(1_u32, |all, column| all.checked_mul(column.len()));
        let Some(numbers) = numbers.filter(|&numbers| numbers <= MOST) else { return Ok(None) };
        let mut known = vec![UNKNOWN; numbers as usize];
        let constants = self.files.scan.constants(file)?;
        let rows = kept.iter().map(|column| column.rows()).min().unwrap_or(0);
        let batch = self.files.scan.batch();
        for from in (0..rows).step_by(batch) {
            let some = from..rows.min(from + batch);
            let mut codes = vec![0; some.len()];
            let mut step = 1;
            for column in &columns {
                column.add(some.clone(), step, &mut codes);
                step *= column.len();
            }
            let mut batch = self.files.scan.rows(kept, &constants, some)?;
            if let Some(predicate) = &self.predicate {
                let matching = truth(predicate, &batch)?;
                if matching.true_count() < matching.len() {
                    batch = filter_record_batch(&batch, &matching)?;
                    codes =
                        filter(&UInt32Array::from(codes), &matching)?.as_primitive::<UInt32Type>().values().to_vec();
                }
            }
            if !codes.is_empty() {
                self.find_groups(table, &columns, &codes, &mut known)?;
                table.groups.clear();
                table.groups.extend(codes.iter().map(|&code| known[code as usize] as usize));
                self.update(table, &batch)?;
            }
        }
        Ok(Some(rows))
    }

    /// The columns to group by, as numbers; none if one of them has too many values.
    fn numbered(&self, file: &PartitionedFile, kept: &[Arc<Kept>]) -> Result<Option<Vec<Codes>>> {
        let mut columns = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let codes = match group.column {
                Source::File(place) => kept.get(place).map(|kept| Codes::of(kept)).transpose()?.flatten(),
                Source::Partition(number) => file.partition_values.get(number).map(Codes::constant).transpose()?,
            };
            match codes {
                Some(codes) => columns.push(codes),
                None => return Ok(None),
            }
        }
        Ok(Some(columns))
    }

    /// Looks at values that the file's rows have for the first time: which groups they are.
    fn find_groups(&self, table: &mut Table, columns: &[Codes], codes: &[u32], known: &mut [u32]) -> Result<()> {
        let mut new = Vec::new();
        for &code in codes {
            let group = &mut known[code as usize];
            if *group == UNKNOWN {
                *group = 0;
                new.push(code);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let mut step = 1;
        let mut values = Vec::with_capacity(columns.len());
        for (group, column) in self.groups.iter().zip(columns) {
            let of_column = column.values(new.iter().map(|code| code / step % column.len()))?;
            step *= column.len();
            let rows = RecordBatch::try_new(Arc::clone(&group.schema), vec![of_column])?;
            values.push(group.expr.evaluate(&rows)?.into_array(new.len())?);
        }
        table.values.intern(&values, &mut table.groups)?;
        for (&code, &group) in new.iter().zip(&table.groups) {
            known[code as usize] = u32::try_from(group).map_err(|e| DataFusionError::External(Box::new(e)))?;
        }
        Ok(())
    }

    fn update(&self, table: &mut Table, batch: &RecordBatch) -> Result<()> {
        let arguments = evaluate_many(&self.arguments, batch)?;
        let all = table.values.len();
        for ((accumulator, arguments), only) in table.accumulators.iter_mut().zip(&arguments).zip(&self.filters) {
            let only = only.as_ref().map(|only| truth(only, batch)).transpose()?;
            accumulator.update_batch(arguments, &table.groups, only.as_ref(), all)?;
        }
        Ok(())
    }
}

/// Most bytes that the groups of a part take: what comes after it needs memory too.
const MOST_BYTES: usize = 16 << 20;
/// There are at least as many rows to each group as this, once there are enough rows to tell.
const ROWS_PER_GROUP: usize = 4;
const ENOUGH_ROWS: usize = 20_000;
/// Files that a part may give to the engine before it looks whether they are the most.
const LEFT: usize = 4;
/// No group yet. There are never so many.
const UNKNOWN: u32 = u32::MAX;

/// Where a predicate is true. NULL is not.
fn truth(predicate: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let matching = predicate.evaluate(batch)?.into_array(batch.num_rows())?;
    match matching.as_boolean_opt() {
        Some(matching) if matching.null_count() > 0 => Ok(prep_null_mask_filter(matching)),
        Some(matching) => Ok(matching.clone()),
        None => internal_err!("a filter must be true or false"),
    }
}

/// A group while it is not known yet where its column is read.
struct Wanted {
    name: String,
    /// Among the columns of files.
    number: Option<usize>,
    /// Among the partition columns.
    partition: Option<usize>,
    schema: SchemaRef,
    expr: Arc<dyn PhysicalExpr>,
}

/// What rows are grouped by, if each of the expressions is one over a column as it is in files.
fn groups_of(
    aggregate: &AggregateExec,
    source: &Remembered,
    projection: &ProjectionExprs,
) -> Result<Option<Vec<Wanted>>> {
    let input = aggregate.input().schema();
    let scan_columns = source.table_schema().file_schema().fields().len();
    let mut groups = Vec::new();
    for (expr, _) in aggregate.group_expr().expr() {
        let columns = collect_columns(expr);
        let Some(column) = columns.iter().next().filter(|_| columns.len() == 1 && !is_volatile(expr)) else {
            return Ok(None);
        };
        // A filter gives out columns under the names that the scan gave them.
        let mut named = projection.as_ref().iter().filter(|expr| expr.alias == column.name());
        let (Some(taken), None) = (named.next(), named.next()) else { return Ok(None) };
        let Some(raw) = taken.expr.downcast_ref::<Column>() else { return Ok(None) };
        let schema = Arc::new(Schema::new(vec![input.field(column.index()).clone()]));
        groups.push(Wanted {
            name: raw.name().to_owned(),
            number: (raw.index() < scan_columns).then_some(raw.index()),
            partition: raw.index().checked_sub(scan_columns),
            expr: reassign_expr_columns(Arc::clone(expr), &schema)?,
            schema,
        });
    }
    Ok(Some(groups))
}

fn is_volatile(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.exists(|node| Ok(node.is_volatile_node())).unwrap_or(true)
}

/// Groups, and what was computed of each of them until now.
struct Table {
    values: Box<dyn GroupValues>,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    /// The group of each row of a batch.
    groups: Vec<usize>,
}

impl Table {
    fn new(asked: &Asked) -> Result<Self> {
        let accumulator = |function: &Arc<AggregateFunctionExpr>| -> Result<Box<dyn GroupsAccumulator>> {
            if function.groups_accumulator_supported() {
                return function.create_groups_accumulator();
            }
            let function = Arc::clone(function);
            Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
        };
        Ok(Self {
            values: new_group_values(Arc::clone(&asked.group_schema), &GroupOrdering::None)?,
            accumulators: asked.aggregates.iter().map(accumulator).collect::<Result<_>>()?,
            groups: Vec::new(),
        })
    }

    fn bytes(&self) -> usize {
        self.values.size() + self.accumulators.iter().map(|one| one.size()).sum::<usize>()
    }

    /// The groups with the states of what was computed of them.
    fn into_batch(mut self, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        if self.values.is_empty() {
            return Ok(None);
        }
        let mut columns: Vec<ArrayRef> = self.values.emit(EmitTo::All)?;
        for accumulator in &mut self.accumulators {
            columns.extend(accumulator.state(EmitTo::All)?);
        }
        Ok(Some(RecordBatch::try_new(Arc::clone(schema), columns)?))
    }
}

/// The files that nobody has taken yet, for all parts of the step.
struct Queue {
    files: VecDeque<PartitionedFile>,
    parts: usize,
    /// Once values turned out to be many: what each part gives to the engine.
    left: Option<Vec<Vec<PartitionedFile>>>,
}

impl Queue {
    fn new(files: VecDeque<PartitionedFile>, parts: usize) -> Self {
        Self { files, parts, left: None }
    }

    fn next(&mut self) -> Option<PartitionedFile> {
        self.files.pop_front()
    }

    /// All that is left is the engine's, in equal shares.
    fn give_up(&mut self) {
        if self.left.is_none() {
            let mut shares = vec![Vec::new(); self.parts.max(1)];
            let parts = shares.len();
            for (number, file) in self.files.drain(..).enumerate() {
                shares[number % parts].push(file);
            }
            self.left = Some(shares);
        }
    }

    fn share(&mut self, part: usize) -> Vec<PartitionedFile> {
        self.left.as_mut().and_then(|shares| shares.get_mut(part)).map(std::mem::take).unwrap_or_default()
    }
}

/// One part of the step, while it runs.
struct Part {
    number: usize,
    engine: Arc<dyn ExecutionPlan>,
    asked: Arc<Asked>,
    queue: Arc<Mutex<Queue>>,
    context: Arc<TaskContext>,
    reservation: MemoryReservation,
    of_scan: ExecutionPlanMetricsSet,
}

impl Part {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All files, and then the groups; after them, what the engine makes of files that do not fit.
    async fn run(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let opened = MetricBuilder::new(&self.of_scan).counter("files_opened", self.number);
        let scanned = BaselineMetrics::new(&self.of_scan, self.number);
        let mut table = Table::new(&self.asked)?;
        let (mut left, mut done, mut all) = (Vec::new(), 0, 0);
        // A filter can choose a few rows, which the engine finds without reading whole files.
        let any = self.asked.predicate.is_none();
        loop {
            let Some(file) = self.queue().next() else { break };
            // Files in memory never wait: others have a turn, and a statement that nobody waits for ends here.
            tokio::task::yield_now().await;
            if self.asked.files.scan.is_ruled_out(&file)? {
                continue;
            }
            // A part of a file is none of its columns.
            let kept = match file.range {
                None => self.asked.files.columns(&file, any).await?,
                Some(_) => None,
            };
            let Some(kept) = kept else {
                left.push(file);
                // Where more are not in memory than are, the rest is shared out to all parts.
                if left.len() > LEFT.max(done) {
                    self.queue().give_up();
                    break;
                }
                continue;
            };
            let Some(rows) = self.asked.add(&mut table, &file, &kept)? else {
                left.push(file);
                self.queue().give_up();
                break;
            };
            opened.add(1);
            done += 1;
            scanned.record_output(rows);
            all += rows;
            let bytes = table.bytes();
            // Groups that are about as many as rows are better handed on as they come, as the engine does.
            let many = bytes > MOST_BYTES || (all > ENOUGH_ROWS && table.values.len() > all / ROWS_PER_GROUP);
            if many || self.reservation.try_resize(bytes).is_err() {
                self.queue().give_up();
                break;
            }
        }
        left.extend(self.queue().share(self.number));
        let groups = table.into_batch(&self.asked.schema)?.into_iter().map(Ok::<_, DataFusionError>);
        let of_engine = match left.is_empty() {
            true => stream::empty().boxed(),
            false => over(&self.engine, left)?.execute(0, Arc::clone(&self.context))?.boxed(),
        };
        let batch = self.context.session_config().batch_size().max(1);
        let held = self.reservation;
        let sliced = stream::iter(groups).map_ok(move |all: RecordBatch| {
            let _ = &held;
            let rows = all.num_rows();
            stream::iter((0..rows).step_by(batch).map(move |from| Ok(all.slice(from, batch.min(rows - from)))))
        });
        Ok(sliced.try_flatten().chain(of_engine).boxed())
    }
}

/// The engine's step over these files.
fn over(plan: &Arc<dyn ExecutionPlan>, files: Vec<PartitionedFile>) -> Result<Arc<dyn ExecutionPlan>> {
    if scans::config(plan.as_ref()).is_some() {
        return scans::over(plan.as_ref(), files);
    }
    match plan.children().as_slice() {
        [one] => {
            let input = over(one, files)?;
            replace_children_if_necessary(Arc::clone(plan), vec![input])
        }
        _ => internal_err!("an aggregate over a scan has one input"),
    }
}

impl DisplayAs for GroupedScan {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(t, DisplayFormatType::TreeRender) {
            return writeln!(f, "groups={}", self.asked.groups.len());
        }
        let by: Vec<String> = self.asked.groups.iter().map(|group| group.expr.to_string()).collect();
        let functions: Vec<&str> = self.asked.aggregates.iter().map(|function| function.name()).collect();
        write!(f, "GroupedScan: gby=[{}], aggr=[{}]", by.join(", "), functions.join(", "))
    }
}

impl ExecutionPlan for GroupedScan {
    fn name(&self) -> &'static str {
        "GroupedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.engine.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.engine.children()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let engine = Arc::clone(&self.engine).replace_children(children, options)?;
        Ok(match Self::of(&engine, self.batch)? {
            Some(grouped) => Arc::new(grouped),
            None => engine,
        })
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let engine = Arc::clone(&self.engine).reset_state()?;
        Ok(match Self::of(&engine, self.batch)? {
            Some(grouped) => Arc::new(grouped),
            None => engine,
        })
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let of_scan =
            self.children().first().and_then(|input| scan_of(input)).and_then(|scan| scans::config(scan.as_ref()));
        let Some(of_scan) = of_scan.map(|config| config.file_source().metrics().clone()) else {
            return internal_err!("a grouped scan has a scan");
        };
        let part = Part {
            number: partition,
            engine: Arc::clone(&self.engine),
            asked: Arc::clone(&self.asked),
            queue: Arc::clone(&self.queue),
            reservation: MemoryConsumer::new(format!("GroupedScan[{partition}]")).register(context.memory_pool()),
            context,
            of_scan,
        };
        let made = BaselineMetrics::new(&self.metrics, partition);
        let rows = stream::once(part.run()).try_flatten().inspect_ok(move |batch| {
            made.record_output(batch.num_rows());
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
