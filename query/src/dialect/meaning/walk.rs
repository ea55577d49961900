//! Changes the expressions of a plan, those of its subqueries too, and keeps the names of columns.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Applies a change to every expression, from the inside out. The change is told the columns that it can refer to.
pub(super) fn expressions(
    plan: LogicalPlan,
    change: &dyn Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|plan| in_node(plan, change)).map(|transformed| transformed.data)
}

/// Applies a change to the expressions of one node.
pub(super) fn in_node(
    plan: LogicalPlan,
    change: &dyn Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    let schema = columns(&plan)?;
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        Ok(expr.transform_up(|expr| change(expr, &schema))?.update_data(|expr| name.restore(expr)))
    })?
    // Types inside may have changed, those of the node follow from them.
    .map_data(LogicalPlan::recompute_schema)
}

/// The columns that the expressions of a node refer to.
pub(super) fn columns(plan: &LogicalPlan) -> Result<DFSchema> {
    let mut schema = merge_schema(&plan.inputs());
    if let LogicalPlan::TableScan(scan) = plan {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    Ok(schema)
}
