//! The tables of a lake as a catalog describes them: columns, and what they are partitioned by.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use futures::{StreamExt, TryStreamExt, stream};
use lookback_schemas::names::{
    CLUSTER_ID, CLUSTERS_TABLE, FINGERPRINTS_TABLE, HOURLY_TABLE, LEDGER_TABLE, LOG_DATE, LOG_TIME,
};
use lookback_schemas::rollups::ROLLUPS;
use lookback_schemas::{Class, TableSpec, encryption, ledger, registry};

use super::place::is_name;
use crate::error::{ErrorKind, QueryError};
use crate::lake::Lake;
use crate::names;

/// Delta logs read at once.
const AT_ONCE: usize = 16;

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// Its name, which is also that of its folder in the lake.
    pub name: String,
    /// What one row says; empty if nobody knows.
    pub comment: String,
    /// The columns of its data files.
    pub columns: Arc<Schema>,
    /// The columns that its folders are named after, in their order.
    pub partition: Vec<Field>,
}

/// Every table that a lake of this build can have, sorted by name.
#[must_use]
pub fn declared() -> Vec<TableShape> {
    let by_day = || vec![Field::new(LOG_DATE, DataType::Date32, true)];
    let and_day = |name: &str| [vec![Field::new(name, DataType::Utf8, true)], by_day()].concat();
    let shape = |name: &str, columns, partition| TableShape {
        name: name.to_owned(),
        comment: comment(name),
        columns,
        partition,
    };
    let logs = registry().tables().iter().filter(|table| table.exportable());
    let mut all: Vec<TableShape> =
        logs.map(|table| shape(&table.name, Arc::new(columns_of(table)), and_day(CLUSTER_ID))).collect();
    all.push(shape(LEDGER_TABLE, ledger::schema(), by_day()));
    all.push(shape(CLUSTERS_TABLE, ledger::clusters_schema(), by_day()));
    all.extend(ROLLUPS.iter().map(|rollup| shape(rollup.name, rollup.schema(), and_day(CLUSTER_ID))));
    all.extend(encryption::TABLES.iter().map(|t| shape(t.name, t.schema(), and_day(encryption::ACCOUNT_ID))));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The tables that a lake has, sorted by name, with the columns that their Delta logs say.
///
/// # Errors
/// [`ErrorKind::Read`] if the lake or a log cannot be read.
pub async fn of_lake(lake: &Lake) -> Result<Vec<TableShape>, QueryError> {
    let shapes = stream::iter(lake.tables().await?).map(|name| async move {
        let Some(files) = lake.newest(&name).await? else { return Ok::<_, QueryError>(None) };
        let schema = files.schema();
        let partition = schema.table_partition_cols().iter().map(|field| field.as_ref().clone()).collect();
        Ok(Some(TableShape { comment: comment(&name), name, columns: Arc::clone(schema.file_schema()), partition }))
    });
    // The lake lists its tables in the order of their names.
    let shapes: Vec<Option<TableShape>> = shapes.buffered(AT_ONCE).try_collect().await?;
    Ok(shapes.into_iter().flatten().collect())
}

/// Those tables that are named; all of them if none is.
///
/// # Errors
/// [`ErrorKind::Parameter`] with the nearest names for one that is not there, or for a table whose name no catalog takes.
pub fn select(all: Vec<TableShape>, wanted: &[String]) -> Result<Vec<TableShape>, QueryError> {
    let wrong = |what: String| Err(QueryError::new(ErrorKind::Parameter, what));
    for name in wanted {
        if all.iter().all(|shape| shape.name != *name) {
            let near = names::nearest(name, all.iter().map(|shape| shape.name.as_str()), 3);
            let hint = if near.is_empty() {
                "`lookback sql 'SHOW TABLES'` lists those that do".to_owned()
            } else {
                format!("did you mean {}?", names::quoted(&near))
            };
            return wrong(format!("table '{name}' does not exist here; {hint}"));
        }
    }
    let chosen: Vec<TableShape> =
        all.into_iter().filter(|shape| wanted.is_empty() || wanted.contains(&shape.name)).collect();
    match chosen.iter().find(|shape| !is_name(&shape.name)) {
        Some(odd) => {
            wrong(format!("Glue and Athena take no table named '{}'; name the tables that you want", odd.name))
        }
        None => Ok(chosen),
    }
}

/// What one row of a table says.
fn comment(name: &str) -> String {
    let own = match name {
        LEDGER_TABLE => "one run of one cluster and table: what was read, and until when it is covered",
        CLUSTERS_TABLE => "one incarnation of a cluster",
        HOURLY_TABLE => "sums by cluster, hour, database, user and queue, as of the last lookback maintain",
        FINGERPRINTS_TABLE => "sums by cluster, day and query without its constants, as of the last lookback maintain",
        _ if encryption::table(name).is_some() => "record of encryption, see lookback audit",
        _ => registry().table(name).map_or("", |table| table.purpose.as_str()),
    };
    own.to_owned()
}

fn columns_of(table: &TableSpec) -> Schema {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let own = table.columns.iter().filter_map(|column| Some(field(&column.name, column.lake_type()?.arrow())));
    let time =
        (table.class == Class::Driven).then(|| field(LOG_TIME, DataType::Timestamp(TimeUnit::Microsecond, None)));
    Schema::new(own.chain(time).collect::<Vec<_>>())
}
