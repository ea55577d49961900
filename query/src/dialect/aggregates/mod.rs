//! Aggregates with Redshift's meaning, also as window functions.
//!
//! - `totals.rs`: SUM and AVG of integers and decimals, exact, an error if they do not fit;
//! - `percentiles.rs`: MEDIAN, PERCENTILE_CONT, PERCENTILE_DISC.
//!
//! The others (COUNT, MIN, MAX, STDDEV_*, VAR_*, BOOL_*, BIT_*, string_agg and more) are DataFusion's.

mod percentile_values;
mod percentiles;
mod total_state;
mod totals;

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion::common::Result;
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::functions_aggregate::variance::var_samp_udaf;
use datafusion::logical_expr::AggregateUDF;

/// The aggregates that stand in for DataFusion's of the same name, or that it does not have.
#[must_use]
pub fn all() -> Vec<Arc<AggregateUDF>> {
    vec![
        Arc::new(totals::Total::new(totals::Kind::Sum, sum_udaf()).into()),
        Arc::new(totals::Total::new(totals::Kind::Average, avg_udaf()).into()),
        Arc::new(percentiles::Percentile::new(percentiles::Kind::Median).into()),
        Arc::new(percentiles::Percentile::new(percentiles::Kind::Continuous).into()),
        Arc::new(percentiles::Percentile::new(percentiles::Kind::Discrete).into()),
        Arc::new(var_samp_udaf().as_ref().clone().with_aliases(["variance"])),
    ]
}

/// The digits of integers or decimals, row by row.
fn each(array: &dyn Array, mut row: impl FnMut(usize, Option<i128>) -> Result<()>) -> Result<()> {
    match array.data_type() {
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            values.iter().enumerate().try_for_each(|(at, value)| row(at, value.map(i128::from)))
        }
        _ => {
            let values = array.as_primitive::<Decimal128Type>();
            values.iter().enumerate().try_for_each(|(at, value)| row(at, value))
        }
    }
}
