//! The second part of the rewrite, which needs to know the columns of tables.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use sqlparser::ast::{Expr, Query, Select, TableFactor, VisitMut, VisitorMut};

use super::scope::{Columns, Scope};
use super::{aliases, pivot, single, spelling, step, using};
use crate::error::QueryError;

/// Rewrites what depends on the columns of the tables that a statement names.
///
/// # Errors
/// [`ErrorKind::Sql`](crate::ErrorKind::Sql) if a construct is known, but not in this form.
pub(crate) fn resolve(statement: &mut Statement, columns: &Columns) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(inner) => {
            spelling::columns(inner, columns);
            if let ControlFlow::Break(error) = inner.as_mut().visit(&mut Resolve(Scope::new(columns))) {
                return Err(*error);
            }
            // What was put in names tables in lower case.
            spelling::columns(inner, columns);
            Ok(())
        }
        Statement::Explain(explain) => resolve(&mut explain.statement, columns),
        _ => Ok(()),
    }
}

struct Resolve<'a>(Scope<'a>);

impl VisitorMut for Resolve<'_> {
    type Break = Box<QueryError>;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        self.0.enter(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        using::qualify_order(query, &mut self.0);
        aliases::order(query);
        self.0.leave();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        single::value(expr, &mut self.0);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        step(pivot::rewrite(factor, &mut self.0))
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        step(using::qualify(select, &mut self.0))?;
        single::exists(select);
        let relations = self.0.of_from(&select.from);
        step(aliases::substitute(select, &relations))
    }
}
