//! Syntax of Redshift as syntax of DataFusion, on the parsed statement. Rewriting twice changes nothing more.
//!
//! [`rewrite`] needs nothing but the statement. What depends on the columns of tables is left to `resolve`, which is given
//! them when the statement starts.

mod aggregates;
mod aliases;
mod build;
mod calls;
mod conditional;
mod dates;
mod duplicates;
mod interval_times;
mod intervals;
mod names;
mod nulls;
mod operators;
mod patterns;
mod pivot;
mod quotes;
mod resolve;
mod rows;
mod scope;
mod series;
mod single;
mod spelling;
mod top;
mod types;
mod using;

pub(crate) use names::is_bare_function;
pub(crate) use quotes::text_literal;
pub(crate) use resolve::resolve;
pub(crate) use scope::Columns;

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, Query, Select, SetExpr, SetOperator, Statement as Sql, Value, VisitMut, VisitorMut,
};

use crate::error::QueryError;

/// Rewrites a statement in place.
///
/// # Errors
/// [`ErrorKind::Sql`](crate::ErrorKind::Sql) if a construct is known, but not in this form.
pub fn rewrite(statement: &mut Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(inner) => match inner.as_mut().visit(&mut Rewriter) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(*error),
        },
        Statement::Explain(explain) => rewrite(&mut explain.statement),
        _ => Ok(()),
    }
}

struct Rewriter;

fn step(result: Result<(), QueryError>) -> ControlFlow<Box<QueryError>> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Box::new(error)),
    }
}

impl Rewriter {
    fn expr(expr: &mut Expr) -> Result<(), QueryError> {
        names::bare_function(expr);
        quotes::printable(expr);
        intervals::literal(expr)?;
        calls::plain_call(expr)?;
        if let Expr::Function(function) = expr {
            names::function(function);
            nulls::nvl(function);
            dates::part_argument(function)?;
        }
        rows::refuse_others(expr)?;
        rows::written_out(expr)?;
        interval_times::times(expr);
        operators::rewrite(expr);
        patterns::rewrite(expr)?;
        aggregates::rewrite(expr)?;
        conditional::rewrite(expr)?;
        types::rewrite(expr)
    }
}

impl VisitorMut for Rewriter {
    type Break = Box<QueryError>;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        step(rows::in_filters(select))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        step(Self::expr(expr))
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        minus(&mut query.body);
        duplicates::tell_apart(query);
        step(top::top_to_limit(query))?;
        step(top::fetch_to_limit(query))
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        series::rows(select);
        duplicates::number(select);
        ControlFlow::Continue(())
    }

    fn post_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Self::Break> {
        names::relation(relation);
        spelling::table(relation);
        ControlFlow::Continue(())
    }
}

/// `MINUS` is `EXCEPT`.
fn minus(body: &mut SetExpr) {
    if let SetExpr::SetOperation { op, left, right, .. } = body {
        if *op == SetOperator::Minus {
            *op = SetOperator::Except;
        }
        minus(left);
        minus(right);
    }
}

/// A query from its text.
fn parse_query(sql: &str) -> Result<Query, QueryError> {
    match super::parse(sql)?.pop_front() {
        Some(Statement::Statement(statement)) => match *statement {
            Sql::Query(query) => Ok(*query),
            other => Err(QueryError::sql(format!("{other} is not a query"))),
        },
        _ => Err(QueryError::sql(format!("{sql} is not a query"))),
    }
}

/// The lower-case name of a function without schema or quotes.
fn simple_name(function: &Function) -> Option<String> {
    match function.name.0.as_slice() {
        [ObjectNamePart::Identifier(Ident { value, quote_style: None, .. })] => Some(value.to_lowercase()),
        _ => None,
    }
}

fn rename(function: &mut Function, name: &str) {
    function.name = ObjectName::from(Ident::new(name));
}

/// The arguments, if they are an ordinary list.
fn arguments(function: &mut Function) -> Option<&mut Vec<FunctionArg>> {
    match &mut function.args {
        FunctionArguments::List(list) => Some(&mut list.args),
        _ => None,
    }
}

fn call(name: &str) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(Ident::new(name)),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: Vec::new(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn text(value: &str) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::value(Value::SingleQuotedString(value.to_owned()))))
}

#[cfg(test)]
mod tests;
