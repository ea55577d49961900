//! Times written as text. Redshift reads `'2026-01-31 23:59'` as a timestamp, DataFusion wants the seconds.
//!
//! Only the planner knows that a text is meant as a time, so this is a rule on the plan: it runs when types are settled, and
//! looks at texts that are about to become timestamps.

use arrow::datatypes::DataType;
use chrono::NaiveDateTime;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

/// Completes times without seconds.
#[derive(Debug, Default)]
pub struct ShortTimes;

impl AnalyzerRule for ShortTimes {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let in_plan = |plan: LogicalPlan| {
            // The name of a column must not change with the text in it.
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(expr.transform(|expr| Ok(complete(expr)))?.update_data(|expr| name.restore(expr)))
            })
        };
        plan.transform_up_with_subqueries(in_plan).map(|transformed| transformed.data)
    }

    fn name(&self) -> &str {
        "lookback_short_times"
    }
}

const FORMS: [&str; 2] = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];

fn complete(mut expr: Expr) -> Transformed<Expr> {
    if let Expr::Cast(cast) = &mut expr
        && matches!(cast.field.data_type(), DataType::Timestamp(..))
        && let Expr::Literal(
            ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) = cast.expr.as_mut()
        && FORMS.iter().any(|form| NaiveDateTime::parse_from_str(text, form).is_ok())
    {
        text.push_str(":00");
        return Transformed::yes(expr);
    }
    Transformed::no(expr)
}
