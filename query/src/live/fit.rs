//! Rows of a cluster in the columns of a statement's table.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit, TimestampMicrosecondType};

use super::Read;
use crate::error::{ErrorKind, QueryError};

/// The rows with these columns: those that the cluster lacks are NULL, those that nobody asked for are left out.
pub(super) fn fit(read: &Read, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, QueryError> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => converted(read, field, column),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows).map_err(|e| {
        let (cluster, table) = (&read.cluster, &read.table.name);
        QueryError::with_source(ErrorKind::Read, format!("cluster '{cluster}': rows of {table} do not fit: {e}"), e)
    })
}

fn converted(read: &Read, field: &Field, column: &ArrayRef) -> Result<ArrayRef, QueryError> {
    match (column.data_type(), field.data_type()) {
        (is, wanted) if is == wanted => Ok(Arc::clone(column)),
        // The lake's times are UTC; a statement's are without zone, as in Redshift.
        (DataType::Timestamp(TimeUnit::Microsecond, Some(_)), DataType::Timestamp(TimeUnit::Microsecond, None)) => {
            Ok(Arc::new(column.as_primitive::<TimestampMicrosecondType>().clone().with_timezone_opt(None::<&str>)))
        }
        (is, wanted) => Err(QueryError::new(
            ErrorKind::Read,
            format!(
                "cluster '{}': column {}.{} is {is} there and {wanted} in the lake: its type changed. Leave the column or the \
                 cluster out",
                read.cluster,
                read.table.name,
                field.name()
            ),
        )),
    }
}
