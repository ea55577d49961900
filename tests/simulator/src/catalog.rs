//! What a session finds when it names a table: the system tables of the cluster as its user sees them, and the few catalog
//! views that clients ask about themselves.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, MemTable, SchemaProvider, Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::access::Access;
use crate::cluster::Shared;
use crate::types::SourceType;

/// The name under which a session's only database is known.
pub(crate) const DATABASE: &str = "dev";
/// The schema of the system tables.
pub(crate) const SCHEMA: &str = "pg_catalog";

/// Catalog views that exist besides the system tables.
const VIEWS: [&str; 4] = ["pg_user", "svv_user_info", "svv_user_grants", "pg_table_def"];

/// Whether a relation of that lower-case name exists.
pub(crate) fn exists(cluster: &Shared, name: &str) -> bool {
    VIEWS.contains(&name) || cluster.state().tables.contains_key(name)
}

/// Whether a relation is a system log, rather than a catalog view.
pub(crate) fn is_log(name: &str) -> bool {
    !VIEWS.contains(&name)
}

/// The tables as one user sees them. One provider stands for the list of catalogs, the catalog and the schema.
#[derive(Debug, Clone)]
pub(crate) struct SessionTables {
    pub(crate) cluster: Arc<Shared>,
    pub(crate) access: Access,
}

impl CatalogProviderList for SessionTables {
    fn register_catalog(&self, _name: String, _catalog: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![DATABASE.to_owned()]
    }

    fn catalog(&self, _name: &str) -> Option<Arc<dyn CatalogProvider>> {
        Some(Arc::new(self.clone()))
    }
}

impl CatalogProvider for SessionTables {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        (name == SCHEMA).then(|| Arc::new(self.clone()) as Arc<dyn SchemaProvider>)
    }
}

#[async_trait]
impl SchemaProvider for SessionTables {
    fn table_names(&self) -> Vec<String> {
        self.cluster.state().tables.keys().cloned().chain(VIEWS.map(str::to_owned)).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        if let Some(schema) = self.cluster.schema(name) {
            let (cluster, access) = (Arc::clone(&self.cluster), self.access);
            return Ok(Some(Arc::new(LogTable { cluster, access, name: name.to_owned(), schema })));
        }
        match self.view(name)? {
            Some(batch) => Ok(Some(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))),
            None => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        exists(&self.cluster, name)
    }
}

impl SessionTables {
    fn view(&self, name: &str) -> Result<Option<RecordBatch>> {
        let state = self.cluster.state();
        let users = state.users.sorted();
        let names = || texts("name", users.iter().map(|(name, _)| Some((*name).to_owned())));
        let ids = || ints(users.iter().map(|(_, user)| Some(user.id)));
        let superuser = || bools(users.iter().map(|(_, user)| Some(user.access == Access::Superuser)));
        let nothing = || texts("text", users.iter().map(|_| None));
        let columns: Vec<(&str, Part)> = match name {
            "pg_user" => vec![
                ("usename", names()),
                ("usesysid", ids()),
                ("usecreatedb", superuser()),
                ("usesuper", superuser()),
                ("usecatupd", superuser()),
                ("passwd", texts("text", users.iter().map(|_| Some("********".to_owned())))),
            ],
            "svv_user_info" => {
                let access = users.iter().map(|(_, user)| match user.access {
                    Access::Superuser | Access::Unrestricted => "UNRESTRICTED",
                    _ => "RESTRICTED",
                });
                vec![
                    ("user_name", names()),
                    ("user_id", ids()),
                    ("createdb", superuser()),
                    ("superuser", superuser()),
                    ("catalog_update", superuser()),
                    ("connection_limit", texts("text", users.iter().map(|_| Some("UNLIMITED".to_owned())))),
                    ("syslog_access", texts("text", access.map(|a| Some(a.to_owned())))),
                    ("external_user_id", nothing()),
                ]
            }
            "svv_user_grants" => {
                let granted: Vec<_> = users.iter().filter(|(_, user)| user.access == Access::SysMonitor).collect();
                vec![
                    ("user_id", ints(granted.iter().map(|(_, user)| Some(user.id)))),
                    ("user_name", texts("text", granted.iter().map(|(name, _)| Some((*name).to_owned())))),
                    ("role_id", ints(granted.iter().map(|_| Some(1)))),
                    ("role_name", texts("text", granted.iter().map(|_| Some("sys:monitor".to_owned())))),
                    ("admin_option", bools(granted.iter().map(|_| Some(false)))),
                ]
            }
            "pg_table_def" => {
                let all: Vec<_> =
                    state.tables.iter().flat_map(|(table, t)| t.columns().iter().map(move |c| (table, c))).collect();
                vec![
                    ("schemaname", texts("name", all.iter().map(|_| Some(SCHEMA.to_owned())))),
                    ("tablename", texts("name", all.iter().map(|(table, _)| Some((*table).clone())))),
                    ("column", texts("name", all.iter().map(|(_, c)| Some(c.name.clone())))),
                    ("type", texts("text", all.iter().map(|(_, c)| Some(c.redshift_type.clone())))),
                ]
            }
            _ => return Ok(None),
        };
        let fields: Vec<_> =
            columns.iter().map(|(name, part)| part.source_type.field(name, part.redshift_type)).collect();
        let arrays = columns.into_iter().map(|(_, part)| part.array).collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        Ok(Some(RecordBatch::try_new(schema, arrays)?))
    }
}

/// A column of a catalog view.
struct Part {
    source_type: SourceType,
    redshift_type: &'static str,
    array: ArrayRef,
}

/// Texts; `name` and `text` of PostgreSQL's catalogs arrive as varchar(128) and text.
fn texts(kind: &str, values: impl Iterator<Item = Option<String>>) -> Part {
    let (source_type, redshift_type) = match kind {
        "name" => (SourceType::Varchar(Some(128)), "character varying(128)"),
        _ => (SourceType::Text, "text"),
    };
    Part { source_type, redshift_type, array: Arc::new(values.collect::<StringArray>()) }
}

fn ints(values: impl Iterator<Item = Option<i32>>) -> Part {
    Part { source_type: SourceType::Int4, redshift_type: "integer", array: Arc::new(values.collect::<Int32Array>()) }
}

fn bools(values: impl Iterator<Item = Option<bool>>) -> Part {
    Part { source_type: SourceType::Bool, redshift_type: "boolean", array: Arc::new(values.collect::<BooleanArray>()) }
}

/// A system table as one user sees it. Planned with the columns of that moment; rows are those of the moment of execution.
#[derive(Debug)]
struct LogTable {
    cluster: Arc<Shared>,
    access: Access,
    name: String,
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for LogTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.cluster.read(&self.name, self.access)?;
        let Some((schema, batches)) = read.filter(|(schema, _)| *schema == self.schema) else {
            return Err(DataFusionError::NotImplemented("cached plan must not change result type".to_owned()));
        };
        Ok(MemorySourceConfig::try_new_exec(&[batches.to_vec()], schema, projection.cloned())?)
    }
}
