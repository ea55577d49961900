//! `live.<table>` and `all.<table>` for DataFusion.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::union::UnionExec;
use lookback_schemas::TableSpec;
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE, cluster_name};

use super::scan::Scan;
use super::{Asked, Live, Read};
use crate::lake::FileList;
use crate::provider::LakeTable;

/// A table of the clusters, alone or beside its history.
pub(super) struct LiveTable {
    pub(super) spec: &'static TableSpec,
    /// History at the statement's version: its columns are the table's.
    pub(super) files: Arc<FileList>,
    pub(super) live: Arc<dyn Live>,
    pub(super) with_history: bool,
}

impl fmt::Debug for LiveTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTable")
            .field("table", &self.spec.name)
            .field("with_history", &self.with_history)
            .finish_non_exhaustive()
    }
}

impl LiveTable {
    /// What is read of the clusters, each of which may have rows that pass the filters.
    async fn reads(&self, columns: &SchemaRef, filters: &[Expr]) -> Result<Vec<Read>> {
        let asked = Asked::of(self.spec, filters);
        if asked.from >= asked.to {
            return Ok(Vec::new());
        }
        let clusters = self.live.clusters().await?;
        let names = columns.fields().iter().map(|field| field.name().clone());
        let columns: Vec<String> = names.filter(|name| *name != CLUSTER_ID && *name != LOG_DATE).collect();
        let chosen = clusters.into_iter().filter(|name| match &asked.cluster_ids {
            Some(ids) => ids.iter().any(|id| cluster_name(id) == *name),
            None => true,
        });
        // Without files there is nothing to compare with, nor perhaps a version.
        let beside = (self.with_history && !self.files.files().is_empty()).then(|| self.files.version());
        let read = |cluster| Read {
            cluster,
            table: self.spec,
            columns: columns.clone(),
            from: asked.from,
            to: asked.to,
            cluster_ids: asked.cluster_ids.clone(),
            beside,
        };
        Ok(chosen.map(read).collect())
    }
}

#[async_trait]
impl TableProvider for LiveTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.files.schema().table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(columns) => Arc::new(self.schema().project(columns)?),
            None => self.schema(),
        };
        let reads = self.reads(&schema, filters).await?;
        let scan = Scan { live: Arc::clone(&self.live), reads, schema: Arc::clone(&schema) };
        let live = StreamingTableExec::try_new(schema, vec![Arc::new(scan)], None, [], false, limit)?;
        if !self.with_history {
            return Ok(Arc::new(live));
        }
        let history = LakeTable::new(Arc::clone(&self.files)).scan(state, projection, filters, limit).await?;
        UnionExec::try_new(vec![history, Arc::new(live)])
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // They say where to look; what passes is decided once for both sides.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
