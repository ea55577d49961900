//! A cluster's day of a rollup as a file that no commit knows yet.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use lookback_schemas::layout::rollup_file;
use lookback_schemas::rollups::{Day, DayState, Key};
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use uuid::Uuid;

use super::Work;
use crate::error::{Error, ErrorKind, Result, lake};
use crate::lake::properties::{ROW_GROUP_ROWS, properties};
use crate::lake::stats::FileStats;
use crate::lake::writer::{Origin, WrittenFile};

impl Work<'_> {
    /// Computes a day and writes it; `None` if the logs have it no more. A day without rows is a file, too: it says that there
    /// are none.
    pub(super) async fn write(&self, key: &Key, day: &Day) -> Result<Option<WrittenFile>> {
        if day.state == DayState::Superfluous {
            return Ok(None);
        }
        let (cluster_id, date) = (key.0.as_str(), key.1);
        let schema = self.rollup.schema();
        let mut rows = self.pinned.compute(cluster_id, date).await?;
        let path = rollup_file(cluster_id, date, &Uuid::now_v7().simple().to_string(), &day.source);
        let what = || format!("writing {}/{path}", self.table.name());
        let origin = Origin {
            cluster_id: cluster_id.to_owned(),
            run_id: self.run_id.clone(),
            source_columns: schema.fields().iter().map(|field| field.name().clone()).collect(),
            time_column: self.rollup.order.first().map_or_else(String::new, |column| (*column).to_owned()),
        };
        let mut next = rows.try_next().await?.map(|batch| fit(&batch, &schema)).transpose()?;
        let sample = next.clone().unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&schema)));
        let properties = properties(&sample, &origin, ROW_GROUP_ROWS)?;
        let object = BufWriter::new(Arc::clone(self.table.store()), self.table.object(&path));
        let mut writer =
            AsyncArrowWriter::try_new(object, Arc::clone(&schema), Some(properties)).map_err(lake(what()))?;
        let mut stats = FileStats::default();
        while let Some(batch) = next {
            stats.add(&batch);
            writer.write(&batch).await.map_err(lake(what()))?;
            next = rows.try_next().await?.map(|batch| fit(&batch, &schema)).transpose()?;
        }
        writer.finish().await.map_err(lake(what()))?;
        let size = u64::try_from(writer.bytes_written()).unwrap_or(0);
        Ok(Some(stats.add_action(path.clone(), size, &origin, date, self.exporter.now())))
    }
}

/// The columns of a rollup, as its table has them. A number that does not fit is an error, not a null.
fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let what = || "summing up a day".to_owned();
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = batch.column_by_name(field.name()).ok_or_else(|| {
            Error::new(ErrorKind::Lake, format!("{}: there is no column {}", what(), field.name()))
                .advise("please report this")
        })?;
        columns.push(cast_with_options(column, field.data_type(), &options).map_err(lake(what()))?);
    }
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(lake(what()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use arrow::array::{ArrayRef, Decimal128Array, Int64Array};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn a_wider_number_is_stored_as_the_same_number_or_not_at_all() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("runs", DataType::Int64, true)]));
        let wide = |value: i128| {
            let array = Decimal128Array::from(vec![value]).with_precision_and_scale(38, 0).unwrap();
            RecordBatch::try_from_iter([
                ("other", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
                ("runs", Arc::new(array) as ArrayRef),
            ])
            .unwrap()
        };
        let fitted = fit(&wide(7), &schema).unwrap();
        assert_eq!(fitted.column(0).as_ref(), &Int64Array::from(vec![7]));
        assert_eq!(fitted.num_columns(), 1);
        assert!(fit(&wide(1 << 70), &schema).is_err());
        let missing = RecordBatch::try_from_iter([("other", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
        assert!(fit(&missing, &schema).unwrap_err().to_string().contains("no column runs"));
    }
}
