//! Times that are compared with patterns: `starttime LIKE '2026-01-31%'`. Redshift makes a text of the time, DataFusion
//! refuses.
//!
//! Only the planner knows what is a time, so this is a rule on the plan. It runs before types are settled, because that is
//! where it would be refused.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF};
use datafusion::optimizer::AnalyzerRule;

use super::functions::TimeText;

/// Makes texts of times that are compared with patterns.
#[derive(Debug, Default)]
pub(crate) struct TimePatterns;

impl AnalyzerRule for TimePatterns {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let in_plan = |plan: LogicalPlan| {
            let mut schema = merge_schema(&plan.inputs());
            if let LogicalPlan::TableScan(scan) = &plan {
                schema.merge(&scan.projected_schema);
            }
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(expr.transform(|expr| Ok(as_text(expr, &schema)))?.update_data(|expr| name.restore(expr)))
            })
        };
        plan.transform_up_with_subqueries(in_plan).map(|transformed| transformed.data)
    }

    fn name(&self) -> &str {
        "lookback_time_patterns"
    }
}

fn as_text(mut expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let compared = match &mut expr {
        Expr::Like(like) | Expr::SimilarTo(like) => &mut like.expr,
        Expr::BinaryExpr(binary)
            if matches!(
                binary.op,
                Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
            ) =>
        {
            &mut binary.left
        }
        _ => return Transformed::no(expr),
    };
    let is_time =
        matches!(compared.get_type(schema), Ok(DataType::Timestamp(..) | DataType::Date32 | DataType::Date64));
    if !is_time {
        return Transformed::no(expr);
    }
    let time = std::mem::take(compared.as_mut());
    let function = Arc::new(ScalarUDF::from(TimeText::new()));
    **compared = Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![time]));
    Transformed::yes(expr)
}
