//! The names of the lake for completion, asked for when Tab is first pressed, and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use lookback_query::session::Session;
use lookback_schemas::registry;
use tokio::runtime::Handle;

use super::complete::Names;

/// Longest time that a person waits for Tab.
const PATIENCE: Duration = Duration::from_secs(1);

/// The names of a lake that may still be opening.
pub(crate) struct LakeNames {
    session: Arc<OnceLock<Session>>,
    runtime: Handle,
    tables: Mutex<Option<Vec<String>>>,
    columns: Mutex<HashMap<String, Vec<String>>>,
}

impl LakeNames {
    pub(crate) fn new(session: Arc<OnceLock<Session>>, runtime: Handle) -> Self {
        Self { session, runtime, tables: Mutex::default(), columns: Mutex::default() }
    }

    /// A statement may have changed which views there are.
    pub(crate) fn forget(&self) {
        *self.tables.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.columns.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn wait<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Option<T> {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await.ok()?.ok() })
    }
}

impl Names for LakeNames {
    fn tables(&self) -> Vec<String> {
        let mut known = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref() {
            return known.clone();
        }
        match self.session.get().and_then(|session| self.wait(session.names())) {
            Some(found) => known.insert(found.into_iter().map(|relation| relation.name).collect()).clone(),
            // Better than nothing, until the lake answers.
            None => registry().tables().iter().filter(|t| t.exportable()).map(|t| t.name.clone()).collect(),
        }
    }

    fn columns(&self, table: &str) -> Vec<String> {
        let mut known = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(columns) = known.get(table) {
            return columns.clone();
        }
        let Some(session) = self.session.get() else { return Vec::new() };
        let Some(columns) = self.wait(session.columns(table)) else { return Vec::new() };
        let names: Vec<String> = columns.into_iter().map(|column| column.name).collect();
        known.insert(table.to_owned(), names.clone());
        names
    }
}
