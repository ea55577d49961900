//! Syntax of Redshift as syntax of DataFusion, on the parsed statement. Rewriting twice changes nothing more.

mod dates;
mod duplicates;
mod intervals;
mod names;
mod nulls;
mod quotes;
mod top;

pub(crate) use quotes::text_literal;

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, Query, Select, Value, VisitMut, VisitorMut,
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

impl VisitorMut for Rewriter {
    type Break = Box<QueryError>;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        names::bare_function(expr);
        quotes::printable(expr);
        if let Err(error) = intervals::literal(expr) {
            return ControlFlow::Break(Box::new(error));
        }
        if let Expr::Function(function) = expr {
            names::function(function);
            nulls::nvl(function);
            if let Err(error) = dates::part_argument(function) {
                return ControlFlow::Break(Box::new(error));
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        match top::top_to_limit(query) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Box::new(error)),
        }
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        duplicates::number(select);
        ControlFlow::Continue(())
    }

    fn post_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Self::Break> {
        names::relation(relation);
        ControlFlow::Continue(())
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
