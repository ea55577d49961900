//! Planning and running of questions: DataFusion over the tables that a session's user sees.

use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::execution::context::SessionConfig;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::execution::{FunctionRegistry, SendableRecordBatchStream};
use datafusion::logical_expr::{ColumnarValue, Expr, LogicalPlan, ScalarUDF, Volatility, create_udf};
use datafusion::optimizer::OptimizerRule;
use datafusion::optimizer::decorrelate_lateral_join::DecorrelateLateralJoin;
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::replace_distinct_aggregate::ReplaceDistinctWithAggregate;
use datafusion::optimizer::rewrite_set_comparison::RewriteSetComparison;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::combine_partial_final_agg::CombinePartialFinalAggregate;
use datafusion::physical_optimizer::ensure_coop::EnsureCooperative;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::limit_pushdown::LimitPushdown;
use datafusion::physical_optimizer::output_requirements::OutputRequirements;
use datafusion::physical_plan::execute_stream;
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement as PlannerStatement;
use datafusion::sql::sqlparser::ast::Statement;

use crate::BATCH_ROWS;
use crate::access::{Access, User};
use crate::catalog::{DATABASE, SCHEMA, SessionTables, exists, is_log};
use crate::cluster::Shared;
use crate::encode::ResultColumn;
use crate::error::SqlError;
use crate::types::{SourceType, TYPE_KEY};

/// What `SELECT version()` answers.
pub const VERSION: &str = "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat \
                           3.4.2-6.fc3), Redshift 1.0.77467";

/// What is the same for every session, made once: rules and several hundred functions.
fn base() -> SessionState {
    static BASE: OnceLock<SessionState> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut config = SessionConfig::new()
            .with_target_partitions(1)
            .with_batch_size(BATCH_ROWS)
            .with_default_catalog_and_schema(DATABASE, SCHEMA)
            .with_create_default_catalog_and_schema(false);
        let options = config.options_mut();
        options.sql_parser.map_string_types_to_utf8view = false;
        options.optimizer.max_passes = 1;
        SessionStateBuilder::new()
            .with_config(config)
            .with_default_features()
            .with_optimizer_rules(logical_rules())
            .with_physical_optimizer_rules(physical_rules())
            .build()
    })
    .clone()
}

/// The rules that a plan needs to run at all, and those that keep rows and columns out of joins. Tests ask thousands of small
/// questions: there, each rule costs more than it saves.
fn logical_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    vec![
        Arc::new(RewriteSetComparison::new()),
        Arc::new(SimplifyExpressions::new()),
        Arc::new(ReplaceDistinctWithAggregate::new()),
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ScalarSubqueryToJoin::new()),
        Arc::new(DecorrelateLateralJoin::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateCrossJoin::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(OptimizeProjections::new()),
    ]
}

fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    vec![
        Arc::new(OutputRequirements::new_add_mode()),
        Arc::new(EnsureRequirements::new()),
        Arc::new(CombinePartialFinalAggregate::new()),
        Arc::new(OutputRequirements::new_remove_mode()),
        Arc::new(LimitPushdown::new()),
        // Lets a statement that takes long be cancelled.
        Arc::new(EnsureCooperative::new()),
    ]
}

/// One session's planner.
pub(crate) struct Engine {
    cluster: Arc<Shared>,
    access: Access,
    state: SessionState,
}

/// A planned question.
#[derive(Clone)]
pub(crate) struct Plan {
    plan: LogicalPlan,
    pub(crate) columns: Arc<Vec<ResultColumn>>,
    /// The tables it names include a system log.
    pub(crate) reads_logs: bool,
}

impl Engine {
    pub(crate) fn new(
        cluster: &Arc<Shared>,
        name: &str,
        user: &User,
        incarnation: u32,
        pid: i32,
    ) -> Result<Self, SqlError> {
        let mut state = base();
        let tables = SessionTables { cluster: Arc::clone(cluster), access: user.access };
        state.register_catalog_list(Arc::new(tables));
        let namespace = cluster.namespace(incarnation);
        let clock = Arc::clone(cluster);
        let sysdate = Arc::clone(cluster);
        let functions = [
            text_function("version", VERSION),
            text_function("current_namespace", &namespace),
            text_function("current_user", name),
            text_function("session_user", name),
            text_function("user", name),
            text_function("current_database", DATABASE),
            text_function("current_schema", SCHEMA),
            integer_function("current_user_id", user.id),
            integer_function("pg_backend_pid", pid),
            clock_function("getdate", move || clock.now()),
            clock_function("sysdate", move || sysdate.now()),
        ];
        for function in functions {
            state.register_udf(Arc::new(function))?;
        }
        Ok(Self { cluster: Arc::clone(cluster), access: user.access, state })
    }

    /// Plans a statement with the tables as they are now.
    pub(crate) async fn plan(&self, statement: &Statement) -> Result<Plan, SqlError> {
        let statement = PlannerStatement::Statement(Box::new(statement.clone()));
        let mut reads_logs = false;
        for table in self.state.resolve_table_references(&statement)? {
            let name = table.table();
            let known = table.schema().is_none_or(|s| s == SCHEMA || s == "public");
            if !known || !exists(&self.cluster, name) {
                return Err(SqlError::no_relation(name));
            }
            reads_logs |= is_log(name);
            if is_log(name) && self.access == Access::NoSelect {
                return Err(SqlError::new("42501", format!("permission denied for relation {name}")));
            }
        }
        let plan = self.state.statement_to_plan(statement).await?;
        if !plan.get_parameter_names()?.is_empty() {
            return Err(SqlError::unsupported("a statement with parameters"));
        }
        let columns = Arc::new(result_columns(&plan));
        Ok(Plan { plan, columns, reads_logs })
    }

    /// Runs a planned question over the rows that are visible now.
    pub(crate) async fn run(&self, plan: &Plan) -> Result<SendableRecordBatchStream, SqlError> {
        let physical = self.state.create_physical_plan(&plan.plan).await?;
        Ok(execute_stream(physical, self.state.task_ctx())?)
    }
}

fn scalar_function(
    name: &str,
    data_type: DataType,
    volatility: Volatility,
    value: impl Fn() -> ArrayRef + Send + Sync + 'static,
) -> ScalarUDF {
    let call = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&value(), 0)?));
    create_udf(name, Vec::new(), data_type, volatility, Arc::new(call))
}

fn text_function(name: &str, value: &str) -> ScalarUDF {
    let value: ArrayRef = Arc::new(StringArray::from(vec![value]));
    scalar_function(name, DataType::Utf8, Volatility::Stable, move || Arc::clone(&value))
}

fn integer_function(name: &str, value: i32) -> ScalarUDF {
    let value: ArrayRef = Arc::new(arrow::array::Int32Array::from(vec![value]));
    scalar_function(name, DataType::Int32, Volatility::Stable, move || Arc::clone(&value))
}

fn clock_function(name: &str, now: impl Fn() -> i64 + Send + Sync + 'static) -> ScalarUDF {
    // Volatile, or a prepared statement would answer with the time of its planning.
    let value = move || Arc::new(TimestampMicrosecondArray::from(vec![now()])) as ArrayRef;
    scalar_function(name, DataType::Timestamp(TimeUnit::Microsecond, None), Volatility::Volatile, value)
}

/// Names and types of a plan's columns as Redshift would report them.
fn result_columns(plan: &LogicalPlan) -> Vec<ResultColumn> {
    let plain = plain_columns(plan);
    let fields = plan.schema().fields();
    fields
        .iter()
        .enumerate()
        .map(|(i, field)| {
            // A cast keeps the metadata of what it casts, so only a column that is passed on as it is has its own type.
            let own = plain.as_ref().is_none_or(|plain| plain.get(i) == Some(&true));
            let declared = field.metadata().get(TYPE_KEY).filter(|_| own).and_then(|name| SourceType::parse(name));
            let source_type = declared.or_else(|| SourceType::of_arrow(field.data_type()));
            ResultColumn {
                name: label(field.name()),
                source_type: source_type.unwrap_or(SourceType::Text),
                as_text: source_type.is_none(),
            }
        })
        .collect()
}

/// For each column of the outermost projection, whether it only passes a column on; `None` without a projection.
fn plain_columns(plan: &LogicalPlan) -> Option<Vec<bool>> {
    match plan {
        LogicalPlan::Projection(projection) => {
            Some(projection.expr.iter().map(|e| matches!(e.clone().unalias(), Expr::Column(_))).collect())
        }
        LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Distinct(_) | LogicalPlan::Filter(_) => {
            plan.inputs().first().and_then(|input| plain_columns(input))
        }
        _ => None,
    }
}

/// PostgreSQL names an unnamed function call after the function and other expressions `?column?`; the planner names both
/// after their text.
fn label(name: &str) -> String {
    match name.split_once('(') {
        None => name.to_owned(),
        Some((function, _)) if function.starts_with(|c: char| c.is_ascii_lowercase()) && !function.contains(' ') => {
            function.to_owned()
        }
        Some(_) => "?column?".to_owned(),
    }
}
