//! What clients ask about tables, types and the server itself: PostgreSQL's catalog and `information_schema`, over the names of the lake.
//!
//! Such questions go to a session of their own, in which every table has its columns and no row, so they can show what there is and
//! nothing that is in it. Most of the catalog, and the rewriting of what only PostgreSQL would understand, is `datafusion-pg-catalog`'s;
//! `empty` knows what there is nothing to say about, `built` has the tables that differ, `numbers` what they are numbered by, `settings`
//! those of the connection, `functions` the functions that are missing, `about` which statements are meant, `titles` what columns are called.

mod about;
mod built;
mod empty;
mod functions;
mod numbers;
mod patterns;
mod settings;
mod subqueries;
mod tables;
mod titles;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::{DFSchema, DataFusionError, TableReference};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use futures::{StreamExt, stream};
use lookback_query::{ErrorKind, QueryError, Session};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use tokio::sync::Mutex;

use super::failure::{Failure, code};
use super::parameters::Parameters;
pub(super) use about::{is_about, parameters, with_values};

/// How long the names of the lake are believed.
const FRESH: Duration = Duration::from_secs(60);

/// Who asks.
pub(super) struct Context<'a> {
    pub(super) user: &'a str,
    pub(super) pid: u32,
    pub(super) parameters: &'a Parameters,
}

fn parser_message(message: &str) -> String {
    format!("syntax error: {}", message.strip_prefix("sql parser error: ").unwrap_or(message))
}

/// The plan of an answer without rows.
fn nothing(names: &[String], state: SessionState) -> Result<(SessionState, LogicalPlan), Failure> {
    // Names may be there twice, which fields that belong to no table may not.
    let fields = names.iter().enumerate().map(|(at, name)| {
        let field = Arc::new(Field::new(name, DataType::Utf8, true));
        (Some(TableReference::bare(format!("c{at}"))), field)
    });
    let schema = DFSchema::new_with_metadata(fields.collect(), HashMap::new()).map_err(QueryError::from)?;
    let plan = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::new(schema) });
    Ok((state, plan))
}

/// The catalog of the lake, made when it is first asked for.
pub(super) struct Catalog {
    users: Vec<String>,
    parser: PostgresCompatibilityParser,
    built: Mutex<Option<(Instant, SessionState)>>,
}

impl Catalog {
    /// A catalog that knows the users.
    pub(super) fn new(users: Vec<String>) -> Self {
        Self { users, parser: PostgresCompatibilityParser::new(), built: Mutex::default() }
    }

    /// Answers one statement, within the time.
    pub(super) async fn run(
        &self,
        session: &Session,
        text: &str,
        context: &Context<'_>,
        timeout: Duration,
    ) -> Result<SendableRecordBatchStream, Failure> {
        let deadline = tokio::time::Instant::now() + timeout;
        let rows = async {
            let (state, plan) = self.plan(session, text, context).await?;
            let frame =
                SessionContext::new_with_state(state).execute_logical_plan(plan).await.map_err(QueryError::from)?;
            Ok::<_, Failure>(frame.execute_stream().await.map_err(QueryError::from)?)
        };
        let rows = tokio::time::timeout_at(deadline, rows).await.map_err(|_| Failure::timed_out(timeout))??;
        let schema = titles::shown(&rows.schema());
        let named = Arc::clone(&schema);
        let rows = rows.map(move |batch| Ok(RecordBatch::try_new(Arc::clone(&named), batch?.columns().to_vec())?));
        let timed = stream::unfold(Some(rows), move |rows| async move {
            let mut rows = rows?;
            match tokio::time::timeout_at(deadline, rows.next()).await {
                Ok(next) => next.map(|batch| (batch, Some(rows))),
                Err(_) => {
                    let message = format!("the statement was stopped after {} s", timeout.as_secs_f64());
                    Some((Err(QueryError::new(ErrorKind::Limit, message).into()), None))
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, timed)))
    }

    /// The columns of the answer to one statement.
    pub(super) async fn describe(
        &self,
        session: &Session,
        text: &str,
        context: &Context<'_>,
    ) -> Result<SchemaRef, Failure> {
        let (state, plan) = self.plan(session, text, context).await?;
        let plan =
            state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {}).map_err(QueryError::from)?;
        Ok(titles::shown(&plan.schema().as_arrow().clone().into()))
    }

    async fn plan(
        &self,
        session: &Session,
        text: &str,
        context: &Context<'_>,
    ) -> Result<(SessionState, LogicalPlan), Failure> {
        let mut text = about::mended(text);
        let mut empty = None;
        let mut asked = Parser::parse_sql(&PostgreSqlDialect {}, &text)
            .map_err(|e| Failure::new(code::SYNTAX, parser_message(&e.to_string())))?;
        if let [statement] = asked.as_mut_slice() {
            let before = statement.to_string();
            empty = empty::without_rows(statement);
            if let Some(names) = empty.as_ref().filter(|names| !names.iter().any(|name| name.ends_with('*'))) {
                return nothing(names, self.state(session).await?);
            }
            titles::give(statement);
            patterns::mend(statement);
            subqueries::mend(statement);
            settings::mend(statement);
            let after = statement.to_string();
            if before != after {
                text = after;
            }
        }
        let planned = self.planned(session, &text, context).await;
        match (empty, planned) {
            (None, planned) => planned,
            // Which columns `*` has, only the plan says.
            (Some(_), Ok((state, plan))) => {
                let schema = Arc::clone(plan.schema());
                Ok((state, LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema })))
            }
            (Some(names), Err(_)) => nothing(&names, self.state(session).await?),
        }
    }

    async fn planned(
        &self,
        session: &Session,
        text: &str,
        context: &Context<'_>,
    ) -> Result<(SessionState, LogicalPlan), Failure> {
        let statements =
            self.parser.parse(text).map_err(|e| Failure::new(code::SYNTAX, format!("syntax error: {e}")))?;
        let Ok([statement]) = <[_; 1]>::try_from(statements) else {
            return Err(Failure::new(code::SYNTAX, "one statement is expected here"));
        };
        let own = SessionContext::new_with_state(self.state(session).await?);
        for function in functions::of_connection(context) {
            own.register_udf(function);
        }
        let settings =
            settings::Settings::new(context.parameters).map_err(|e| QueryError::from(DataFusionError::from(e)))?;
        own.register_udtf(settings::FUNCTION, Arc::new(settings));
        let state = own.state();
        let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
        let plan = Box::pin(state.statement_to_plan(statement)).await.map_err(QueryError::from)?;
        let only_reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        only_reading.verify_plan(&plan).map_err(QueryError::from)?;
        Ok((state, plan))
    }

    /// The state that knows the names of the lake.
    async fn state(&self, session: &Session) -> Result<SessionState, Failure> {
        // Held while it is made: who comes meanwhile waits for it rather than making another.
        let mut built = self.built.lock().await;
        if let Some((_, state)) = built.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(state.clone());
        }
        let state = Box::pin(built::build(session, &self.users)).await?;
        *built = Some((Instant::now(), state.clone()));
        Ok(state)
    }
}
