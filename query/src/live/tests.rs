//! Whatever the filters: no row that passes them lies outside of what is asked.

mod statements;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::common::{ScalarValue, ToDFSchema};
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, col, in_list, lit};
use lookback_schemas::time::{DAY, HOUR, Y2000, day_of, is_real};
use lookback_schemas::{TableSpec, registry};
use proptest::prelude::*;

use super::Asked;

/// The day around which everything happens.
const TODAY: i64 = 20_600;
const IDS: [&str; 4] = ["etl", "etl@2", "bi", "x"];

fn spec(name: &str) -> &'static TableSpec {
    registry().table(name).unwrap()
}

fn timestamp(micros: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(micros), None))
}

/// Moments that are near one another, near midnight, and those that say "never".
fn moments() -> impl Strategy<Value = i64> {
    let near = (-50..50_i64, prop_oneof![Just(0), Just(1), Just(-1), Just(1_500)])
        .prop_map(|(hours, off)| TODAY * DAY + hours * HOUR + off);
    prop_oneof![8 => near, 1 => Just(Y2000), 1 => Just(Y2000 + 1), 1 => Just(Y2000 - DAY), 1 => Just(0)]
}

fn operators() -> impl Strategy<Value = Operator> {
    prop_oneof![
        Just(Operator::Eq),
        Just(Operator::NotEq),
        Just(Operator::Lt),
        Just(Operator::LtEq),
        Just(Operator::Gt),
        Just(Operator::GtEq),
    ]
}

/// A time as any of the literals that there are.
fn literals() -> impl Strategy<Value = (Expr, DataType)> {
    moments().prop_flat_map(|m| {
        let day = ScalarValue::Date32(Some(day_of(m)));
        prop_oneof![
            3 => Just((timestamp(m), DataType::Timestamp(TimeUnit::Microsecond, None))),
            1 => Just((lit(day), DataType::Date32)),
            1 => (-3..3_i64).prop_map(move |off| {
                let value = ScalarValue::TimestampNanosecond(Some(m * 1_000 + off), None);
                (lit(value), DataType::Timestamp(TimeUnit::Nanosecond, None))
            }),
        ]
    })
}

fn comparisons(time: &'static str) -> impl Strategy<Value = Expr> {
    let column = |name: &str, own: &DataType, to: &DataType| match own == to {
        true => col(name),
        false => cast(col(name), to.clone()),
    };
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let of_time = (operators(), literals(), any::<bool>()).prop_map(move |(op, (value, to), swapped)| {
        let column = column(time, &micros, &to);
        if swapped { binary_expr(value, op, column) } else { binary_expr(column, op, value) }
    });
    let of_day = (operators(), literals())
        .prop_map(move |(op, (value, to))| binary_expr(column("log_date", &DataType::Date32, &to), op, value));
    let of_other = (operators(), moments()).prop_map(|(op, m)| binary_expr(col("starttime"), op, timestamp(m)));
    let of_id = (operators(), 0..IDS.len()).prop_map(|(op, id)| binary_expr(col("cluster_id"), op, lit(IDS[id])));
    let ids = (prop::collection::vec(0..IDS.len(), 1..3), any::<bool>())
        .prop_map(|(ids, negated)| in_list(col("cluster_id"), ids.iter().map(|id| lit(IDS[*id])).collect(), negated));
    let between = (moments(), moments(), any::<bool>()).prop_map(move |(a, b, negated)| {
        let (low, high) = (timestamp(a.min(b)), timestamp(a.max(b)));
        if negated { col(time).not_between(low, high) } else { col(time).between(low, high) }
    });
    let missing = Just(col(time).is_null());
    prop_oneof![6 => of_time, 4 => of_day, 1 => of_other, 2 => of_id, 2 => ids, 2 => between, 1 => missing]
}

fn filters(time: &'static str) -> impl Strategy<Value = Vec<Expr>> {
    let tree = comparisons(time).prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| a.or(b)),
            1 => inner.prop_map(|a| !a),
        ]
    });
    prop::collection::vec(tree, 0..4)
}

/// Rows: the time column, the one that stands in for it, and the cluster.
fn rows() -> impl Strategy<Value = Vec<(Option<i64>, i64, usize)>> {
    prop::collection::vec((prop::option::weighted(0.9, moments()), moments(), 0..IDS.len()), 60)
}

/// Where a row is placed, by the table's rule; none for one that no read gives.
fn placed(spec: &TableSpec, row: &(Option<i64>, i64, usize)) -> Option<i64> {
    let own = row.0.filter(|t| is_real(*t));
    own.or_else(|| Some(row.1).filter(|t| spec.fallback.is_some() && is_real(*t)))
}

fn nothing_is_missed(
    spec: &TableSpec,
    filters: &[Expr],
    rows: &[(Option<i64>, i64, usize)],
) -> Result<(), TestCaseError> {
    let rows: Vec<_> = rows.iter().filter_map(|row| Some((*row, placed(spec, row)?))).collect();
    let time = DataType::Timestamp(TimeUnit::Microsecond, None);
    let schema = Arc::new(Schema::new(vec![
        Field::new(spec.time_column(), time.clone(), true),
        Field::new("starttime", time, true),
        Field::new("cluster_id", DataType::Utf8, false),
        Field::new("log_date", DataType::Date32, false),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|((t, ..), _)| *t).collect::<TimestampMicrosecondArray>()),
        Arc::new(rows.iter().map(|((_, t, _), _)| Some(*t)).collect::<TimestampMicrosecondArray>()),
        Arc::new(rows.iter().map(|((.., id), _)| Some(IDS[*id])).collect::<StringArray>()),
        Arc::new(rows.iter().map(|(_, t)| Some(day_of(*t))).collect::<Date32Array>()),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let schema = schema.to_dfschema().unwrap();
    let state = SessionStateBuilder::new().build();
    let mut passes = vec![true; rows.len()];
    for filter in filters {
        let filter = state.create_physical_expr(filter.clone(), &schema).unwrap();
        let kept = filter.evaluate(&batch).unwrap().into_array(rows.len()).unwrap();
        for (passes, kept) in passes.iter_mut().zip(kept.as_boolean()) {
            *passes &= kept == Some(true);
        }
    }
    let asked = Asked::of(spec, filters);
    for ((row, placed), _) in rows.iter().zip(&passes).filter(|(_, passes)| **passes) {
        prop_assert!(asked.from <= *placed && *placed < asked.to, "{row:?} at {placed} is not in {asked:?}");
        let id = IDS[row.2];
        prop_assert!(asked.cluster_ids.as_ref().is_none_or(|ids| ids.contains(id)), "{id} is not in {asked:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_row_that_passes_lies_in_the_window(filters in filters("endtime"), rows in rows()) {
        nothing_is_missed(spec("stl_query"), &filters, &rows)?;
    }

    #[test]
    fn also_where_the_time_column_never_says_never(filters in filters("event_time"), rows in rows()) {
        nothing_is_missed(spec("stl_alert_event_log"), &filters, &rows)?;
    }
}

fn asked(table: &str, filters: &[Expr]) -> (i64, i64) {
    let asked = Asked::of(spec(table), filters);
    (asked.from, asked.to)
}

const EVER: (i64, i64) = (i64::MIN, i64::MAX);

#[test]
fn what_is_certain_narrows_the_window() {
    let noon = TODAY * DAY + 12 * HOUR;
    let since = col("endtime").gt_eq(timestamp(noon));
    let until = col("endtime").lt(timestamp(noon + HOUR));
    assert_eq!(asked("stl_query", std::slice::from_ref(&since)), (noon, i64::MAX));
    assert_eq!(asked("stl_query", &[since.clone(), until.clone()]), (noon, noon + HOUR));
    // Rows that have not ended are placed by their start, whenever that is.
    assert_eq!(asked("stl_query", std::slice::from_ref(&until)), EVER);
    let event = col("event_time").lt(timestamp(noon));
    assert_eq!(asked("stl_alert_event_log", &[event]), (i64::MIN, noon));
    let start = col("starttime").gt_eq(timestamp(noon));
    assert_eq!(asked("stl_query", &[start]), EVER);
    let today = ScalarValue::Date32(Some(day_of(noon)));
    let day = (TODAY * DAY, (TODAY + 1) * DAY);
    assert_eq!(asked("stl_query", &[col("log_date").eq(lit(today.clone()))]), day);
    assert_eq!(asked("stl_query", &[cast(col("endtime"), DataType::Date32).eq(lit(today))]), day);
    // A child has its parent's time.
    assert_eq!(asked("stl_querytext", &[col("log_time").gt(timestamp(noon))]), (noon + 1, i64::MAX));
    let number = col("currenttime").gt_eq(lit(noon - Y2000));
    assert_eq!(asked("stl_disk_full_diag", &[number]), (noon, i64::MAX));
}

#[test]
fn what_is_not_certain_does_not() {
    let noon = timestamp(TODAY * DAY + 12 * HOUR);
    let since = col("endtime").gt_eq(noon.clone());
    assert_eq!(asked("stl_query", &[!since.clone()]), EVER);
    assert_eq!(asked("stl_query", &[since.clone().or(col("userid").eq(lit(1_i64)))]), EVER);
    assert_eq!(asked("stl_query", &[since.or(col("endtime").is_null())]), EVER);
    assert_eq!(asked("stl_query", &[col("endtime").not_eq(noon)]), EVER);
    let ids = Asked::of(spec("stl_query"), &[col("cluster_id").not_eq(lit("etl"))]).cluster_ids;
    assert_eq!(ids, None);
}

#[test]
fn a_number_that_is_computed_says_nothing() {
    assert_eq!(asked("stl_disk_full_diag", &[cast(col("currenttime"), DataType::Float64).gt(lit(1.5))]), EVER);
}
