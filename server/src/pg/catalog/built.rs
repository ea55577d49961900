//! The state that answers questions about the catalog: all tables of the lake without rows, PostgreSQL's catalog over them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::config::Dialect;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{MemTable, TableType, ViewTable};
use datafusion::execution::SessionState;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_pg_catalog::pg_catalog::context::{PgCatalogContextProvider, Role};
use datafusion_pg_catalog::setup_pg_catalog;
use lookback_query::{ErrorKind, QueryError, Session};
use tokio::task::JoinSet;

use super::super::failure::Failure;
use super::{functions, numbers, tables};

/// The name of the database.
pub(super) const DATABASE: &str = "lookback";
const PUBLIC: &str = "public";
/// Bytes of memory for one question.
const MEMORY: usize = 256 << 20;
/// Tables that are described at once.
const AT_ONCE: usize = 8;

/// A table or view of the lake, and its columns.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) name: String,
    pub(super) view: bool,
    pub(super) schema: SchemaRef,
}

/// The users, as roles.
#[derive(Debug, Clone)]
struct Roles(Arc<[String]>);

#[async_trait]
impl PgCatalogContextProvider for Roles {
    async fn roles(&self) -> Vec<String> {
        self.0.to_vec()
    }

    async fn role(&self, name: &str) -> Option<Role> {
        Some(Role {
            name: name.to_owned(),
            is_superuser: false,
            can_login: true,
            can_create_db: false,
            can_create_role: false,
            can_create_user: false,
            can_replication: false,
            grants: Vec::new(),
            inherited_roles: Vec::new(),
        })
    }
}

/// Makes the state from the names that the lake has now.
pub(super) async fn build(session: &Session, users: &[String]) -> std::result::Result<SessionState, Failure> {
    let relations = relations(session).await?;
    Ok(state_of(&relations, users).await.map_err(QueryError::from)?)
}

async fn relations(session: &Session) -> std::result::Result<Vec<Relation>, QueryError> {
    let mut names = session.apart().names().await?.into_iter();
    let mut relations = Vec::new();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(relation) = names.next()
        {
            let session = session.clone();
            under_way.spawn(async move { described(&session, relation.name, relation.view).await });
        }
        match under_way.join_next().await {
            None => break,
            Some(Ok(described)) => relations.push(described?),
            Some(Err(e)) => {
                return Err(QueryError::with_source(ErrorKind::Internal, "the catalog could not be made", e));
            }
        }
    }
    relations.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(relations)
}

async fn described(session: &Session, name: String, view: bool) -> std::result::Result<Relation, QueryError> {
    let text = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
    let Some(statement) = session.prepare(&text)?.pop() else {
        return Err(QueryError::new(ErrorKind::Internal, format!("'{name}' cannot be described")));
    };
    let schema = session.describe(&statement, &[]).await?.schema;
    Ok(Relation { name, view, schema })
}

async fn state_of(relations: &[Relation], users: &[String]) -> Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(DATABASE, PUBLIC)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false)
        .with_target_partitions(1);
    config.options_mut().sql_parser.dialect = Dialect::PostgreSQL;
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(MEMORY, 1.0).build_arc()?;
    let context = SessionContext::new_with_config_rt(config, runtime);
    let database = MemoryCatalogProvider::new();
    let public = MemorySchemaProvider::new();
    for relation in relations {
        public.register_table(relation.name.clone(), without_rows(relation)?)?;
    }
    database.register_schema(PUBLIC, Arc::new(public))?;
    let about = MemorySchemaProvider::new();
    for (name, batch) in tables::information_schema(relations)? {
        about.register_table(name.to_owned(), in_memory(batch)?)?;
    }
    database.register_schema("information_schema", Arc::new(about))?;
    context.register_catalog(DATABASE, Arc::new(database));
    setup_pg_catalog(&context, DATABASE, Roles(users.into())).map_err(|e| *e)?;
    for function in functions::of_everybody() {
        context.register_udf(function);
    }
    let database = context.catalog(DATABASE).ok_or_else(|| DataFusionError::Internal("no database".to_owned()))?;
    let base = database.schema("pg_catalog").ok_or_else(|| DataFusionError::Internal("no pg_catalog".to_owned()))?;
    let mut own = HashMap::new();
    for (name, batch) in numbers::tables(&context).await?.into_iter().chain(tables::pg_catalog(users)?) {
        own.insert(name.to_owned(), in_memory(batch)?);
    }
    database.register_schema("pg_catalog", Arc::new(Overlay { base, own }))?;
    Ok(context.state())
}

fn without_rows(relation: &Relation) -> Result<Arc<dyn TableProvider>> {
    if !relation.view {
        return Ok(Arc::new(EmptyTable::new(Arc::clone(&relation.schema))));
    }
    let schema = datafusion::common::DFSchema::try_from(relation.schema.as_ref().clone())?;
    let plan = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::new(schema) });
    Ok(Arc::new(ViewTable::new(plan, None)))
}

pub(super) fn in_memory(batch: RecordBatch) -> Result<Arc<dyn TableProvider>> {
    Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
}

/// PostgreSQL's catalog with some tables of ours.
#[derive(Debug)]
struct Overlay {
    base: Arc<dyn SchemaProvider>,
    own: HashMap<String, Arc<dyn TableProvider>>,
}

#[async_trait]
impl SchemaProvider for Overlay {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.base.table_names();
        names.extend(self.own.keys().cloned());
        names.sort_unstable();
        names.dedup();
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.own.get(name) {
            Some(own) => Ok(Some(Arc::clone(own))),
            None => self.base.table(name).await,
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        if self.own.contains_key(name) { Ok(Some(TableType::Base)) } else { self.base.table_type(name).await }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.own.contains_key(name) || self.base.table_exist(name)
    }
}
