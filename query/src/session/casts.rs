//! Statements whose filters cast columns, and what their scans may not say because of that.
//!
//! The engine estimates how many rows a filter leaves by narrowing the bounds of its columns, through casts as well and as if none
//! lost anything. That `log_date` is the day of a time then makes the time's bounds whole days: a range that grows, which it
//! takes for a defect and fails. So scans of such statements give no bounds of columns. Files are chosen by their bounds all the same.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// In the configuration of a statement whose scans give no bounds.
#[derive(Debug)]
pub(crate) struct NoBounds;

/// Whether the expression casts anything.
pub(crate) fn has_cast(expr: &Expr) -> bool {
    expr.exists(|node| Ok(matches!(node, Expr::Cast(_) | Expr::TryCast(_)))).unwrap_or(true)
}

/// The plan as it will run, and the state to plan its scans with.
pub(super) fn optimized(mut state: SessionState, plan: &LogicalPlan) -> Result<(SessionState, LogicalPlan)> {
    let plan = state.optimize(plan)?;
    if filters_cast(&plan)? {
        state.config_mut().set_extension(Arc::new(NoBounds));
    }
    Ok((state, plan))
}

/// Whether a filter casts a column: one that compares tables stands above their join, where no scan sees it.
fn filters_cast(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found = found || matches!(node, LogicalPlan::Filter(filter) if has_cast(&filter.predicate));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}
