//! The schemas `live` and `all`: the log tables that a lake can have, over the versions that the statement sees.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::DataFusionError;
use lookback_schemas::{TableSpec, registry};

use super::Live;
use super::table::LiveTable;
use crate::error::QueryError;
use crate::lake::FileList;

/// The schema of what clusters hold now.
pub(crate) const LIVE: &str = "live";
/// The schema of that and history.
pub(crate) const ALL: &str = "all";

/// The table, if it is one that is exported from clusters.
pub(crate) fn offered(table: &str) -> Option<&'static TableSpec> {
    registry().table(table).filter(|spec| spec.exportable())
}

/// The version of a table that a statement sees.
#[async_trait]
pub(crate) trait Pinned: fmt::Debug + Send + Sync {
    /// The files of the table.
    async fn files(&self, table: &str) -> Result<Option<Arc<FileList>>, QueryError>;
    /// Whether the statement asks which tables there are.
    fn lists(&self) -> bool;
}

/// One of the two schemas, for one statement.
#[derive(Debug)]
pub(crate) struct LiveSchema {
    pub(crate) pinned: Arc<dyn Pinned>,
    pub(crate) live: Arc<dyn Live>,
    pub(crate) with_history: bool,
}

#[async_trait]
impl SchemaProvider for LiveSchema {
    fn table_names(&self) -> Vec<String> {
        if !self.pinned.lists() {
            return Vec::new();
        }
        registry().tables().iter().filter(|table| table.exportable()).map(|table| table.name.clone()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some(spec) = offered(name) else { return Ok(None) };
        let Some(files) = self.pinned.files(name).await? else { return Ok(None) };
        let (live, with_history) = (Arc::clone(&self.live), self.with_history);
        Ok(Some(Arc::new(LiveTable { spec, files, live, with_history })))
    }

    fn table_exist(&self, name: &str) -> bool {
        offered(name).is_some()
    }
}
