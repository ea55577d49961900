//! The tables that one statement sees, each pinned to the version that it was first seen at.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::datasource::{MemTable, TableType};
use lookback_schemas::names::{CLUSTERS_TABLE, LEDGER_TABLE, LOG_DATE, LOG_TIME, PARTITION_COLUMNS};
use lookback_schemas::rollups::{ROLLUPS, rollup};
use lookback_schemas::{Class, TableSpec, encryption, ledger, registry};
use tokio::sync::Mutex;

use super::{Session, rollups};
use crate::error::QueryError;
use crate::lake::{FileList, Lake};
use crate::names;
use crate::provider::LakeTable;
use crate::views;

/// The version of each table that was asked for; none for a table that there is not.
pub(super) type Pins = Mutex<HashMap<String, Option<Arc<FileList>>>>;

/// The lake at one moment, filled in as tables are asked for.
#[derive(Debug)]
pub(super) struct Snapshot {
    lake: Arc<Lake>,
    // All names, sorted; none unless the statement asks which there are.
    names: Vec<String>,
    // Temporary tables of the session.
    locals: HashMap<String, Arc<MemTable>>,
    pinned: Arc<Pins>,
    // Plans what is derived from tables.
    session: Option<Session>,
}

impl Snapshot {
    /// `present` are the names of the lake's tables, if the statement asks which there are.
    pub(super) fn new(lake: Arc<Lake>, present: Option<Vec<String>>, locals: HashMap<String, Arc<MemTable>>) -> Self {
        let mut names = Vec::new();
        if let Some(present) = present {
            names.extend(present.into_iter().chain(declared_names()));
            names.sort_unstable();
            names.dedup();
        }
        Self { lake, names, locals, pinned: Arc::default(), session: None }
    }

    /// The same, with names that are derived from tables, and the versions that the session holds on to.
    pub(super) fn with_session(self, session: &Session) -> Self {
        let pinned = session.pins.as_ref().map_or_else(|| Arc::clone(&self.pinned), Arc::clone);
        Self { session: Some(session.clone()), pinned, ..self }
    }

    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The table at the statement's version; `None` if there is no such table, here or in Redshift.
    pub(super) async fn pinned(&self, table: &str) -> Result<Option<Arc<FileList>>, QueryError> {
        // Held while the log is read, so that two readers of one table cannot see two versions.
        let mut pinned = self.pinned.lock().await;
        if let Some(known) = pinned.get(table) {
            return Ok(known.clone());
        }
        let files = match self.lake.newest(table).await? {
            Some(files) => Some(files),
            None => declared(table),
        };
        pinned.insert(table.to_owned(), files.clone());
        Ok(files)
    }

    /// Whether the statement asks which tables there are.
    pub(super) fn lists_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether the name is that of a temporary table.
    pub(super) fn is_local(&self, table: &str) -> bool {
        self.locals.contains_key(table)
    }

    /// The names of a table's columns, if there is such a table.
    pub(super) async fn columns(&self, table: &str) -> Result<Option<Vec<String>>, QueryError> {
        let schema = match self.locals.get(table) {
            Some(local) => Some(local.schema()),
            None => self.pinned(table).await?.map(|files| Arc::clone(files.schema().table_schema())),
        };
        Ok(schema.map(|schema| schema.fields().iter().map(|field| field.name().to_lowercase()).collect()))
    }

    pub(super) async fn versions(&self) -> Vec<(String, u64)> {
        let pinned = self.pinned.lock().await;
        let mut versions: Vec<(String, u64)> =
            pinned.values().flatten().map(|files| (files.table().to_owned(), files.version())).collect();
        versions.sort_unstable();
        versions
    }
}

#[async_trait]
impl SchemaProvider for Snapshot {
    fn table_names(&self) -> Vec<String> {
        self.names.clone()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        if let Some(local) = self.locals.get(name) {
            return Ok(Some(Arc::clone(local) as Arc<dyn TableProvider>));
        }
        if let Some(derived) = self.derived(name).await? {
            return Ok(Some(derived));
        }
        let files = self.pinned(name).await?;
        Ok(files.map(|files| Arc::new(LakeTable::new(files)) as Arc<dyn TableProvider>))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>, DataFusionError> {
        Ok(Some(if rollups::is_derived(name) { TableType::View } else { TableType::Base }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }
}

/// The table as it is before its first export: without rows; `None` if no lake can have it.
pub(super) fn declared(table: &str) -> Option<Arc<FileList>> {
    let partition = if encryption::table(table).is_some() { RECORD_PARTITION } else { PARTITION_COLUMNS };
    declared_columns(table).map(|columns| Arc::new(FileList::empty(table, &columns, &partition)))
}

/// What the tables of the encryption record are partitioned by.
const RECORD_PARTITION: [&str; 2] = [encryption::ACCOUNT_ID, LOG_DATE];

/// The tables that a lake can have.
fn declared_names() -> impl Iterator<Item = String> {
    let logs = registry().tables().iter().filter(|table| table.exportable()).map(|table| table.name.clone());
    let own = [LEDGER_TABLE, CLUSTERS_TABLE].into_iter().chain(ROLLUPS.iter().map(|rollup| rollup.name));
    let own = own.chain(encryption::TABLES.iter().map(|table| table.name));
    logs.chain(own.map(str::to_owned)).chain(rollups::derived_names())
}

/// The columns that a table will have once it is exported.
fn declared_columns(table: &str) -> Option<Arc<Schema>> {
    match table {
        LEDGER_TABLE => Some(ledger::schema()),
        CLUSTERS_TABLE => Some(ledger::clusters_schema()),
        _ => match (rollup(table), encryption::table(table)) {
            (Some(rollup), _) => Some(rollup.schema()),
            (None, Some(of_record)) => Some(of_record.schema()),
            (None, None) => {
                registry().table(table).filter(|spec| spec.exportable()).map(|spec| Arc::new(columns_of(spec)))
            }
        },
    }
}

fn columns_of(spec: &TableSpec) -> Schema {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let own = spec.columns.iter().filter_map(|column| Some(field(&column.name, column.lake_type()?.arrow())));
    let time = (spec.class == Class::Driven)
        .then(|| field(LOG_TIME, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))));
    Schema::new(own.chain(time).collect::<Vec<_>>())
}

/// Why there is no such table, and which one may be meant.
pub(super) fn unknown_table(table: &str, present: &[String]) -> QueryError {
    if registry().table(table).is_some() {
        return QueryError::sql(format!(
            "Redshift has a table '{table}', but it is not exported to lakes and does not follow from the STL tables, \
             which are: see `lookback tables`"
        ));
    }
    let views = views::all().map(|view| view.name.to_owned());
    let known: Vec<String> = present.iter().cloned().chain(declared_names()).chain(views).collect();
    let near = names::nearest(table, known.iter().map(String::as_str), 3);
    let hint = if near.is_empty() {
        "see SHOW TABLES for those that do".to_owned()
    } else {
        format!("did you mean {}?", names::quoted(&near))
    };
    QueryError::sql(format!("table '{table}' does not exist; {hint}"))
}
