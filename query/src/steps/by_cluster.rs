//! Joins of logs, cluster by cluster.
//!
//! `stl_query.query` is counted by each cluster for itself, so tables are joined by `cluster_id` and a number. The engine would send
//! all rows of both sides through a hash of both columns. But a data file has rows of one cluster: the files of one cluster joined
//! with each other, one cluster after the other, give the same rows. Nothing is sent around, no text is compared, the numbers of one
//! cluster lie close together, and no more of a side is in memory at a time than clusters that are being joined.
//!
//! [`JoinByCluster`] finds the largest part of a plan that can be made so, and [`ByCluster`] makes it: it keeps that part as a
//! template, and runs it for each cluster over that cluster's files.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{JoinType, Result, ScalarValue, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileGroup;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::union::InterleaveExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::{TryStreamExt, stream};
use lookback_schemas::names::CLUSTER_ID;

use super::scans;

/// Puts [`ByCluster`] where joins can be made cluster by cluster.
#[derive(Debug)]
pub(super) struct JoinByCluster;

impl PhysicalOptimizerRule for JoinByCluster {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        placed(plan, false)
    }

    fn name(&self) -> &'static str {
        "join_by_cluster"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan with its joins by cluster. `relied`: something above counts on which part of the plan's output a row is in.
fn placed(plan: Arc<dyn ExecutionPlan>, relied: bool) -> Result<Arc<dyn ExecutionPlan>> {
    if !relied
        && has_join(plan.as_ref())
        && let Some(step) = ByCluster::of(&plan)
    {
        return Ok(Arc::new(step));
    }
    let sends_anew = plan.downcast_ref::<RepartitionExec>().is_some()
        || plan.downcast_ref::<CoalescePartitionsExec>().is_some()
        || plan.downcast_ref::<SortPreservingMergeExec>().is_some();
    let interleaves = plan.downcast_ref::<InterleaveExec>().is_some();
    let wanted = plan.input_distribution_requirements();
    let mut changed = false;
    let mut children = Vec::new();
    for (number, child) in plan.children().into_iter().enumerate() {
        let any = matches!(wanted.child_distribution(number), Some(Distribution::UnspecifiedDistribution));
        let new = placed(Arc::clone(child), !sends_anew && (relied || interleaves || !any))?;
        changed |= !Arc::ptr_eq(child, &new);
        children.push(new);
    }
    if changed { replace_children_if_necessary(plan, children) } else { Ok(plan) }
}

/// Whether the topmost step of two inputs is a join.
fn has_join(plan: &dyn ExecutionPlan) -> bool {
    match plan.children().as_slice() {
        [one] => has_join(one.as_ref()),
        _ => plan.downcast_ref::<HashJoinExec>().is_some(),
    }
}

/// A part of a plan that is run for one cluster after the other.
pub(super) struct ByCluster {
    template: Arc<dyn ExecutionPlan>,
    clusters: Arc<[Cluster]>,
    /// The next cluster: whichever part of the step is free takes it.
    next: Arc<AtomicUsize>,
    properties: Arc<PlanProperties>,
}

/// The files of one cluster, for each scan of the template from left to right.
struct Cluster {
    name: ScalarValue,
    scans: Vec<Vec<PartitionedFile>>,
}

impl Cluster {
    fn bytes(&self) -> u64 {
        self.scans.iter().flatten().map(|file| file.object_meta.size).fold(0, u64::saturating_add)
    }
}

impl fmt::Debug for ByCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByCluster").field("clusters", &self.clusters.len()).finish_non_exhaustive()
    }
}

impl ByCluster {
    /// The step that makes `plan`, if its rows can be made cluster by cluster, and if that keeps all threads busy.
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let parts = plan.output_partitioning().partition_count();
        cluster_columns(plan.as_ref())?;
        if plan.output_ordering().is_some() {
            return None;
        }
        let clusters = clusters_of(plan)?;
        let total = clusters.iter().map(Cluster::bytes).fold(0, u64::saturating_add);
        let largest = clusters.first().map_or(0, Cluster::bytes);
        // One large cluster would be joined by one thread while the others have nothing to do.
        let parts_bytes = largest.saturating_mul(parts as u64);
        if clusters.len() < 2 || parts < 2 || parts_bytes.saturating_mul(2) > total.saturating_mul(3) {
            return None;
        }
        Some(Self::over(Arc::clone(plan), clusters.into(), parts))
    }

    fn over(template: Arc<dyn ExecutionPlan>, clusters: Arc<[Cluster]>, parts: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(template.schema()),
            Partitioning::UnknownPartitioning(parts),
            template.pipeline_behavior(),
            template.boundedness(),
        );
        Self { template, clusters, next: Arc::default(), properties: Arc::new(properties) }
    }
}

/// The files of every cluster, the largest first; none if a scan is not one of a lake, or if a file's cluster is not known.
fn clusters_of(plan: &Arc<dyn ExecutionPlan>) -> Option<Vec<Cluster>> {
    let mut all = Vec::new();
    scans_of(plan, &mut all);
    let mut clusters: HashMap<ScalarValue, Cluster> = HashMap::new();
    for (number, scan) in all.iter().enumerate() {
        for file in scans::config(scan.as_ref())?.file_groups.iter().flat_map(FileGroup::iter) {
            let name = file.partition_values.first().filter(|value| !value.is_null())?;
            let cluster = clusters
                .entry(name.clone())
                .or_insert_with(|| Cluster { name: name.clone(), scans: vec![Vec::new(); all.len()] });
            cluster.scans[number].push(file.clone());
        }
    }
    let mut clusters: Vec<Cluster> = clusters.into_values().collect();
    // Of the same size, in the order of their names: a plan does not depend on chance.
    clusters.sort_by_cached_key(|cluster| (std::cmp::Reverse(cluster.bytes()), cluster.name.to_string()));
    Some(clusters)
}

fn scans_of(plan: &Arc<dyn ExecutionPlan>, scans: &mut Vec<Arc<dyn ExecutionPlan>>) {
    if plan.downcast_ref::<DataSourceExec>().is_some() {
        scans.push(Arc::clone(plan));
    }
    for child in plan.children() {
        scans_of(child, scans);
    }
}

/// The columns of a plan's output that hold the cluster of each row; none if its rows cannot be made cluster by cluster. There can
/// be no such column although they can.
fn cluster_columns(plan: &dyn ExecutionPlan) -> Option<Vec<usize>> {
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        return of_scan(scan);
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return of_join(join);
    }
    let [input] = plan.children().try_into().ok()?;
    let clusters = cluster_columns(input.as_ref())?;
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        // Rows in any number of parts: a limit would hold for each of them.
        return filter.fetch().is_none().then(|| match filter.projection() {
            Some(columns) => positions(columns, |column| clusters.contains(column)),
            None => clusters,
        });
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return Some(positions(projection.expr(), |expr| is_column(&expr.expr, &clusters)));
    }
    if let Some(groups) = plan.downcast_ref::<AggregateExec>() {
        let by = groups.group_expr();
        let clusters = positions(by.expr(), |(expr, _)| is_column(expr, &clusters));
        return (by.is_single() && groups.limit_options().is_none() && !clusters.is_empty()).then_some(clusters);
    }
    let passes = plan.downcast_ref::<RepartitionExec>().is_some_and(|step| !step.preserve_order())
        || plan.downcast_ref::<CoalescePartitionsExec>().is_some_and(|step| step.fetch().is_none())
        || plan.downcast_ref::<CooperativeExec>().is_some();
    passes.then_some(clusters)
}

fn of_scan(scan: &DataSourceExec) -> Option<Vec<usize>> {
    let config = scans::config(scan)?;
    let table = config.file_source().table_schema();
    let first = table.table_partition_cols().first()?;
    if first.name() != CLUSTER_ID || config.limit.is_some() {
        return None;
    }
    let column = table.file_schema().fields().len();
    let projection = config.file_source().projection()?;
    Some(positions(projection.as_ref(), |expr| is_column(&expr.expr, &[column])))
}

fn of_join(join: &HashJoinExec) -> Option<Vec<usize>> {
    let (left, right) = (cluster_columns(join.left().as_ref())?, cluster_columns(join.right().as_ref())?);
    let same = join.on().iter().any(|(l, r)| is_column(l, &left) && is_column(r, &right));
    if !same || join.null_aware || join.fetch().is_some() {
        return None;
    }
    let width = join.left().schema().fields().len();
    let right_of = |by: usize| right.iter().map(|column| column + by).collect::<Vec<_>>();
    // Of a side whose rows may be missing, the cluster may be NULL.
    let all = match join.join_type() {
        JoinType::Inner => [left, right_of(width)].concat(),
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left,
        JoinType::Right => right_of(width),
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right_of(0),
        JoinType::Full => Vec::new(),
    };
    Some(match join.projection.as_deref() {
        Some(columns) => positions(columns, |column| all.contains(column)),
        None => all,
    })
}

fn positions<T>(of: &[T], is: impl Fn(&T) -> bool) -> Vec<usize> {
    of.iter().enumerate().filter(|(_, one)| is(one)).map(|(number, _)| number).collect()
}

fn is_column(expr: &Arc<dyn PhysicalExpr>, columns: &[usize]) -> bool {
    expr.downcast_ref::<Column>().is_some_and(|column| columns.contains(&column.index()))
}

/// A template over the files of one cluster, in one part.
fn within(
    plan: &Arc<dyn ExecutionPlan>,
    files: &mut impl Iterator<Item = Vec<PartitionedFile>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    if plan.downcast_ref::<DataSourceExec>().is_some() {
        return scans::over(plan.as_ref(), files.next().unwrap_or_default());
    }
    if plan.downcast_ref::<RepartitionExec>().is_some() || plan.downcast_ref::<CoalescePartitionsExec>().is_some() {
        return match plan.children().as_slice() {
            [one] => within(one, files),
            _ => internal_err!("a step that passes rows on has one input"),
        };
    }
    let children: Vec<_> = plan.children().into_iter().map(|child| within(child, files)).collect::<Result<_>>()?;
    match plan.downcast_ref::<HashJoinExec>() {
        Some(join) => join_of(join, children),
        None => replace_children_if_necessary(Arc::clone(plan), children),
    }
}

/// The join, by what else it is joined by than the cluster.
fn join_of(join: &HashJoinExec, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    let left = cluster_columns(join.left().as_ref()).unwrap_or_default();
    let right = cluster_columns(join.right().as_ref()).unwrap_or_default();
    let mut on = join.on().to_vec();
    on.retain(|(l, r)| !(is_column(l, &left) && is_column(r, &right)));
    if on.is_empty() {
        on = join.on().to_vec();
    }
    // What was learnt of one cluster while it was joined holds for no other.
    join.builder().with_new_children(children)?.with_on(on).reset_state().recompute_properties().build_exec()
}

impl DisplayAs for ByCluster {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match t {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "ByCluster: clusters={}", self.clusters.len())
            }
            DisplayFormatType::TreeRender => writeln!(f, "clusters={}", self.clusters.len()),
        }
    }
}

impl ExecutionPlan for ByCluster {
    fn name(&self) -> &'static str {
        "ByCluster"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.template]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let parts = self.properties.output_partitioning().partition_count();
        match <[_; 1]>::try_from(children) {
            // Another plan may have other scans.
            Ok([template]) => match cluster_columns(template.as_ref()).and_then(|_| clusters_of(&template)) {
                Some(clusters) => Ok(Arc::new(Self::over(template, clusters.into(), parts))),
                None => internal_err!("a join by cluster was given a plan that is none"),
            },
            Err(_) => internal_err!("a join by cluster has one template"),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let parts = self.properties.output_partitioning().partition_count();
        Ok(Arc::new(Self::over(Arc::clone(&self.template), Arc::clone(&self.clusters), parts)))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (template, clusters) = (Arc::clone(&self.template), Arc::clone(&self.clusters));
        let next = Arc::clone(&self.next);
        let of_clusters = stream::try_unfold((), move |()| {
            let made = || -> Result<Option<(SendableRecordBatchStream, ())>> {
                let Some(cluster) = clusters.get(next.fetch_add(1, Ordering::Relaxed)) else { return Ok(None) };
                let plan = within(&template, &mut cluster.scans.iter().cloned())?;
                // Scans learn from the joins above them which values they have.
                let options = context.session_config().options();
                let plan = FilterPushdown::new_post_optimization().optimize(plan, options)?;
                Ok(Some((plan.execute(0, Arc::clone(&context))?, ())))
            };
            std::future::ready(made())
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.template.schema(), of_clusters.try_flatten())))
    }
}
