//! What an expression means in Redshift where DataFusion's planner understands something else.
//!
//! Arithmetic runs before types are settled, because the type of a quotient decides those of everything around it. Casts,
//! overflow and blanks run after, when every conversion and every comparison is in the plan, and change no type any more.
//! Names of columns stay as they were.

mod arithmetic;
mod blanks;
mod casts;
mod divide;
mod epoch;
mod fit;
mod overflow;
mod texts;
mod times;
mod types;
mod walk;

pub(crate) use epoch::EpochTimes;
pub use times::parse_time;
pub use types::RedshiftTypes;

use std::sync::Arc;

use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;

use super::time_patterns::TimePatterns;

/// Metadata of a column: the type that Redshift's documentation gives it, such as `character(50)`.
pub const REDSHIFT_TYPE: &str = "lookback.redshift_type";
/// Metadata of a column: its texts are stored without trailing blanks.
pub const TRIMMED: &str = "lookback.trimmed";

/// The rules of one statement that believes that it is `now` (microseconds since 1970-01-01, UTC), in their order.
#[must_use]
pub fn rules(now: i64) -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    vec![
        Arc::new(ResolveGroupingFunction::new()),
        Arc::new(TimePatterns),
        Arc::new(arithmetic::Arithmetic),
        Arc::new(TypeCoercion::new()),
        Arc::new(casts::Casts::new(now)),
        Arc::new(overflow::Overflow),
        Arc::new(blanks::Blanks),
    ]
}

#[cfg(test)]
mod tests;
