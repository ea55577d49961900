//! What statements leave for those after them in the same session: views and temporary tables. Nothing of it is written.
//!
//! A view is its query, expanded when the view is made: a view that is replaced later does not change those that use it, and
//! the version of a table is that of the statement that asks. A temporary table is its rows.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, MutexGuard, PoisonError};

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::Statement as Parsed;
use lookback_schemas::names::{CLUSTERS_TABLE, LEDGER_TABLE};
use lookback_schemas::registry;
use sqlparser::ast::{
    CreateView, Expr, Ident, ObjectName, ObjectNamePart, ObjectType, Query, SetExpr, Statement as Sql, TableAlias,
    TableAliasColumnDef, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};
use tokio::time::Instant;

use super::{Answer, Session};
use crate::dialect::policy::is_temporary;
use crate::error::{ErrorKind, QueryError};

/// Bytes that the text of a view may have once the views in it are written out.
const MAX_VIEW_BYTES: usize = 1 << 20;
/// Levels that a statement may have once the views in it are written out: each needs a piece of a thread's stack, and the parser
/// counts those of one text only.
const MAX_DEPTH: usize = 1_000;
/// Levels that a query counts for, with its clauses.
const QUERY_DEPTH: usize = 20;

#[derive(Debug, Clone)]
struct View {
    columns: Vec<Ident>,
    query: Box<Query>,
    depth: usize,
}

/// The views and temporary tables of a session.
#[derive(Debug, Default)]
pub(super) struct Locals {
    views: HashMap<String, View>,
    tables: HashMap<String, (Arc<MemTable>, usize)>,
}

/// What a statement does to the session.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// Nothing: it is a line of a script that needs no answer here.
    Nothing,
    /// Keeps the query as a view.
    View(Box<CreateView>),
    /// Keeps the rows of the query under the name.
    Table { name: String, unless_exists: bool, query: Box<Parsed> },
    /// Forgets views or temporary tables.
    Drop { names: Vec<String>, views: bool, if_exists: bool },
}

/// The effect of a statement; `None` if it asks for rows.
pub(super) fn effect(statement: &Parsed) -> Result<Option<Effect>, QueryError> {
    let Parsed::Statement(inner) = statement else { return Ok(None) };
    Ok(match inner.as_ref() {
        Sql::Commit { .. } => Some(Effect::Nothing),
        Sql::CreateView(view) => {
            if view.materialized {
                return Err(QueryError::new(
                    ErrorKind::ReadOnly,
                    "CREATE MATERIALIZED VIEW is refused: lookback only reads",
                ));
            }
            free_name(&view.name)?;
            Some(Effect::View(Box::new(view.clone())))
        }
        Sql::CreateTable(table) => match &table.query {
            Some(query) => {
                let unless_exists = table.if_not_exists;
                Some(Effect::Table { name: table_name(&table.name)?, unless_exists, query: Box::new(query_of(query)) })
            }
            None => None,
        },
        Sql::Query(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match &select.into {
                Some(into) if is_temporary(into.temporary, &into.name) => {
                    let name = table_name(&into.name)?;
                    let mut query = query.clone();
                    if let SetExpr::Select(select) = query.body.as_mut() {
                        select.into = None;
                    }
                    Some(Effect::Table { name, unless_exists: false, query: Box::new(query_of(&query)) })
                }
                _ => None,
            },
            _ => None,
        },
        Sql::Drop { object_type, if_exists, names, .. } => Some(Effect::Drop {
            names: names.iter().map(key).collect(),
            views: *object_type == ObjectType::View,
            if_exists: *if_exists,
        }),
        _ => None,
    })
}

fn query_of(query: &Query) -> Parsed {
    Parsed::Statement(Box::new(Sql::Query(Box::new(query.clone()))))
}

/// The name under which something is kept: in lower case, with its schema if it has one.
fn key(name: &ObjectName) -> String {
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| part.as_ident().map_or_else(|| part.to_string(), |ident| ident.value.to_lowercase()))
        .collect();
    parts.join(".")
}

fn table_name(name: &ObjectName) -> Result<String, QueryError> {
    if name.0.len() > 1 {
        return Err(QueryError::sql(format!(
            "a temporary table has no schema; write '{}'",
            key(name).replace('.', "_")
        )));
    }
    free_name(name)?;
    Ok(key(name))
}

/// A name that no table of a lake or a cluster has: what a script reads shall be what it says.
fn free_name(name: &ObjectName) -> Result<(), QueryError> {
    let Some(table) = name.0.last().and_then(ObjectNamePart::as_ident).map(|ident| ident.value.to_lowercase()) else {
        return Err(QueryError::sql(format!("'{name}' is not a name")));
    };
    let taken = registry().table(&table).is_some() || [LEDGER_TABLE, CLUSTERS_TABLE].contains(&table.as_str());
    if taken || ["stv_", "svv_", "pg_"].iter().any(|prefix| table.starts_with(prefix)) {
        return Err(QueryError::sql(format!("'{table}' is the name of a system table; choose another")));
    }
    Ok(())
}

impl Session {
    /// Does what a statement does to the session. The answer has no columns.
    pub(super) async fn apply(&self, effect: Effect, deadline: Instant) -> Result<Answer, QueryError> {
        match effect {
            Effect::Nothing => {}
            Effect::View(mut view) => {
                let mut query = Parsed::Statement(Box::new(Sql::Query(view.query.clone())));
                let depth = self.locals().expand(&mut query)?;
                if !view.with_no_schema_binding {
                    self.ask(query.clone(), deadline).await?;
                }
                if let Parsed::Statement(inner) = query
                    && let Sql::Query(expanded) = *inner
                {
                    view.query = expanded;
                }
                self.locals().keep_view(&view, depth)?;
            }
            Effect::Table { name, unless_exists, query } => {
                if self.locals().may_keep(&name, unless_exists)? {
                    let answer = self.ask(*query, deadline).await?;
                    let none = RecordBatch::new_empty(answer.schema());
                    let mut rows = answer.collect().await?;
                    rows.push(none);
                    self.locals().keep_table(&name, rows, self.limits.memory_bytes / 4)?;
                }
            }
            Effect::Drop { names, views, if_exists } => self.locals().forget(&names, views, if_exists)?,
        }
        let plan: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(Arc::new(Schema::empty())));
        let stream = execute_stream(Arc::clone(&plan), Arc::new(TaskContext::default()))?;
        Ok(Answer { stream, plan, versions: Vec::new() })
    }

    pub(super) fn locals(&self) -> MutexGuard<'_, Locals> {
        // Nothing that holds the lock can leave it half done.
        self.locals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Locals {
    /// Keeps a view whose query names no other view any more, and has so many levels.
    pub(super) fn keep_view(&mut self, view: &CreateView, depth: usize) -> Result<(), QueryError> {
        let name = key(&view.name);
        if self.tables.contains_key(&name) || (self.views.contains_key(&name) && !view.or_replace) {
            return Err(QueryError::sql(format!(
                "'{name}' exists in this session; write CREATE OR REPLACE VIEW, or drop it"
            )));
        }
        if view.query.to_string().len() > MAX_VIEW_BYTES {
            return Err(QueryError::new(
                ErrorKind::Limit,
                format!("view '{name}' is longer than {MAX_VIEW_BYTES} bytes with the views in it written out"),
            ));
        }
        let columns = view.columns.iter().map(|column| column.name.clone()).collect();
        self.views.insert(name, View { columns, query: view.query.clone(), depth });
        Ok(())
    }

    /// Whether there is room for a temporary table of that name; `false` if it is there and may be.
    pub(super) fn may_keep(&self, name: &str, unless_exists: bool) -> Result<bool, QueryError> {
        match self.tables.contains_key(name) || self.views.contains_key(name) {
            false => Ok(true),
            true if unless_exists => Ok(false),
            true => Err(QueryError::sql(format!("'{name}' exists in this session; drop it first"))),
        }
    }

    /// Keeps the rows of a temporary table, as far as all of them together stay below `most` bytes.
    pub(super) fn keep_table(&mut self, name: &str, rows: Vec<RecordBatch>, most: usize) -> Result<(), QueryError> {
        let Some(first) = rows.first() else {
            return Err(QueryError::new(ErrorKind::Internal, format!("the rows of '{name}' have no columns")));
        };
        let bytes: usize = rows.iter().map(RecordBatch::get_array_memory_size).sum();
        if bytes + self.tables.values().map(|(_, bytes)| bytes).sum::<usize>() > most {
            let message =
                format!("temporary tables may have {most} bytes together, and '{name}' would be more; keep fewer rows");
            return Err(QueryError::new(ErrorKind::Limit, message));
        }
        let table = MemTable::try_new(first.schema(), vec![rows])?;
        self.tables.insert(name.to_owned(), (Arc::new(table), bytes));
        Ok(())
    }

    pub(super) fn forget(&mut self, names: &[String], views: bool, if_exists: bool) -> Result<(), QueryError> {
        let missing =
            |name: &&String| if views { !self.views.contains_key(*name) } else { !self.tables.contains_key(*name) };
        if let (Some(name), false) = (names.iter().find(missing), if_exists) {
            let what = if views { "view" } else { "temporary table" };
            let hint = if registry().table(name).is_some() { "; tables of a lake cannot be dropped" } else { "" };
            let message = format!("this session has no {what} '{name}'{hint}");
            return Err(QueryError::new(if hint.is_empty() { ErrorKind::Sql } else { ErrorKind::ReadOnly }, message));
        }
        for name in names {
            if views {
                self.views.remove(name);
            } else {
                self.tables.remove(name);
            }
        }
        Ok(())
    }

    /// The names of all, and whether each is a view.
    pub(super) fn names(&self) -> Vec<(String, bool)> {
        let views = self.views.keys().map(|name| (name.clone(), true));
        views.chain(self.tables.keys().map(|name| (name.clone(), false))).collect()
    }

    pub(super) fn tables(&self) -> HashMap<String, Arc<MemTable>> {
        self.tables.iter().map(|(name, (table, _))| (name.clone(), Arc::clone(table))).collect()
    }

    /// Puts the queries of views where their names are; how many levels there are then.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if there would be too many.
    pub(super) fn expand(&self, statement: &mut Parsed) -> Result<usize, QueryError> {
        match statement {
            Parsed::Statement(inner) => {
                let mut depth = Depth { views: &self.views, now: 0, most: 0 };
                let _: ControlFlow<()> = inner.as_ref().visit(&mut depth);
                if depth.most > MAX_DEPTH && !self.views.is_empty() {
                    let message =
                        "views stand on each other in too many levels; keep the rows of one in a temporary table";
                    return Err(QueryError::new(ErrorKind::Limit, message));
                }
                if !self.views.is_empty() {
                    let mut expand = Expand { views: &self.views, hidden: Vec::new() };
                    let _: ControlFlow<()> = inner.as_mut().visit(&mut expand);
                }
                Ok(depth.most)
            }
            Parsed::Explain(explain) => self.expand(&mut explain.statement),
            _ => Ok(0),
        }
    }
}

/// How many levels a statement will have, without writing it out.
struct Depth<'a> {
    views: &'a HashMap<String, View>,
    now: usize,
    most: usize,
}

impl Depth<'_> {
    fn begin(&mut self, levels: usize) -> ControlFlow<()> {
        self.now += levels;
        self.most = self.most.max(self.now);
        ControlFlow::Continue(())
    }

    fn end(&mut self, levels: usize) -> ControlFlow<()> {
        self.now = self.now.saturating_sub(levels);
        ControlFlow::Continue(())
    }
}

impl Visitor for Depth<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.begin(QUERY_DEPTH)
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.end(QUERY_DEPTH)
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.begin(1)
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.end(1)
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if let Some(view) = self.views.get(&key(relation)) {
            self.most = self.most.max(self.now + view.depth);
        }
        ControlFlow::Continue(())
    }
}

struct Expand<'a> {
    views: &'a HashMap<String, View>,
    // Names of WITH, which hide views.
    hidden: Vec<Vec<String>>,
}

impl VisitorMut for Expand<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let names =
            query.with.iter().flat_map(|with| with.cte_tables.iter().map(|cte| cte.alias.name.value.to_lowercase()));
        self.hidden.push(names.collect());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.hidden.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, args: None, .. } = factor
            && let Some(view) = self.views.get(&key(name))
            && !self.hidden.iter().flatten().any(|hidden| *hidden == key(name))
            && let Some(last) = name.0.last().and_then(ObjectNamePart::as_ident)
        {
            let mut alias = alias.take().unwrap_or_else(|| TableAlias {
                explicit: true,
                name: last.clone(),
                columns: Vec::new(),
                at: None,
            });
            if alias.columns.is_empty() {
                let column = |name: &Ident| TableAliasColumnDef { name: name.clone(), data_type: None };
                alias.columns = view.columns.iter().map(column).collect();
            }
            *factor =
                TableFactor::Derived { lateral: false, subquery: view.query.clone(), alias: Some(alias), sample: None };
        }
        ControlFlow::Continue(())
    }
}
