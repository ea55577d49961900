//! The table that says which days of the rollups are up to date.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE};
use lookback_schemas::rollups::{Day, Key};

use crate::error::QueryError;

/// | column | meaning |
/// |---|---|
/// | `rollup` | the rollup's table |
/// | `state` | `current`: the stored rows are those of the logs; `stale`: they were; `missing`: there are none; `superfluous`: the logs have none any more |
/// | `log_files` | files of the logs that the day is computed from |
/// | `cluster_id`, `log_date` | which day of which cluster |
fn schema() -> SchemaRef {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![
        field("rollup", DataType::Utf8),
        field("state", DataType::Utf8),
        field("log_files", DataType::Int64),
        field(CLUSTER_ID, DataType::Utf8),
        field(LOG_DATE, DataType::Date32),
    ]))
}

/// A row for each rollup, cluster and day.
pub(super) fn table(rollups: &[(&str, Arc<BTreeMap<Key, Day>>)]) -> Result<Arc<dyn TableProvider>, QueryError> {
    let rows = || rollups.iter().flat_map(|(name, days)| days.iter().map(move |(key, day)| (*name, key, day)));
    let files = |day: &Day| i64::try_from(day.files).unwrap_or(i64::MAX);
    let batch = RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(rows().map(|(name, _, _)| Some(name)).collect::<StringArray>()),
            Arc::new(rows().map(|(_, _, day)| Some(day.state.to_string())).collect::<StringArray>()),
            Arc::new(rows().map(|(_, _, day)| Some(files(day))).collect::<Int64Array>()),
            Arc::new(rows().map(|(_, (cluster, _), _)| Some(cluster)).collect::<StringArray>()),
            Arc::new(rows().map(|(_, (_, day), _)| Some(*day)).collect::<Date32Array>()),
        ],
    );
    let batch = batch.map_err(datafusion::common::DataFusionError::from)?;
    Ok(Arc::new(MemTable::try_new(schema(), vec![vec![batch]])?))
}
