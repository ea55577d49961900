//! Tables of the clusters themselves in a session's statements: whether they may be named, and over which versions.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider};
use datafusion::common::TableReference;
use lookback_schemas::registry;

use super::Session;
use super::catalog::Snapshot;
use crate::error::QueryError;
use crate::lake::FileList;
use crate::live::{ALL, LIVE, Live, LiveSchema, Pinned, offered};
use crate::views;

/// The schemas of a session that reads clusters.
const SCHEMAS: [(&str, bool); 2] = [(LIVE, false), (ALL, true)];

impl Session {
    /// The same session, whose statements may read clusters: `live.<table>` and `all.<table>`.
    #[must_use]
    pub fn with_live(&self, live: Arc<dyn Live>) -> Self {
        Self { live: Some(live), ..self.clone() }
    }

    /// Whether a reference is to one of the schemas of clusters.
    pub(super) fn is_live(reference: &TableReference) -> bool {
        reference.schema().is_some_and(|schema| SCHEMAS.iter().any(|(name, _)| *name == schema))
    }

    /// Whether a statement may name a table of the clusters.
    pub(super) fn check_live(&self, reference: &TableReference) -> Result<(), QueryError> {
        let table = reference.table();
        if self.live.is_none() {
            return Err(QueryError::sql(format!(
                "there is no '{reference}': clusters are not read here. Start with --live, or set enabled = true in [live] of \
                 the configuration"
            )));
        }
        if self.as_of.is_some() {
            return Err(QueryError::sql(format!(
                "'{reference}' is what clusters hold now, and the question is about another moment: ask '{table}', or leave \
                 --as-of out"
            )));
        }
        if offered(table).is_some() {
            return Ok(());
        }
        let why = match registry().table(table) {
            _ if views::get(table).is_some() => "it is a view over history".to_owned(),
            Some(spec) => format!("it is not exported ({}, class {})", spec.family, spec.class),
            None => "no cluster has such a log".to_owned(),
        };
        Err(QueryError::sql(format!(
            "there is no '{reference}': {why}. The tables that are exported are in {LIVE} and {ALL}, see `lookback tables`"
        )))
    }

    /// Adds the schemas of clusters, if the session reads them.
    pub(super) fn add_live(&self, catalog: &MemoryCatalogProvider, pinned: &Arc<Snapshot>) -> Result<(), QueryError> {
        let Some(live) = &self.live else { return Ok(()) };
        for (name, with_history) in SCHEMAS {
            let (pinned, live) = (Arc::clone(pinned) as Arc<dyn Pinned>, Arc::clone(live));
            catalog.register_schema(name, Arc::new(LiveSchema { pinned, live, with_history }))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Pinned for Snapshot {
    async fn files(&self, table: &str) -> Result<Option<Arc<FileList>>, QueryError> {
        self.pinned(table).await
    }

    fn lists(&self) -> bool {
        self.lists_names()
    }
}
