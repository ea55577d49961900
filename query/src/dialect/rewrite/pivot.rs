//! `PIVOT` and `UNPIVOT` as plain queries.
//!
//! Both need the columns of their table: those that are not named in them stay as they are, and `PIVOT` groups by them.
//!
//! Source: Amazon Redshift Database Developer Guide, "FROM clause" and "PIVOT and UNPIVOT examples": a column of a pivot is
//! named after its value or the value's alias, followed by `_` and the aggregate's alias if it has one; `UNPIVOT` leaves NULLs
//! out unless it says `INCLUDE NULLS`.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, ExprWithAlias, Ident, NullInclusion, PivotValueSource, TableAlias, TableFactor, Visit, Visitor,
};

use super::build::{is_null, literal_text};
use super::scope::{Scope, folded};
use super::{parse_query, text_literal};
use crate::error::QueryError;

const SOURCE: &str = "lookback_source";
const NAMES: &str = "lookback_names";

/// Replaces a PIVOT or UNPIVOT by a sub-query.
pub(super) fn rewrite(factor: &mut TableFactor, scope: &mut Scope) -> Result<(), QueryError> {
    let (sql, alias) = match factor {
        TableFactor::Pivot {
            table,
            aggregate_functions,
            value_column,
            value_source: PivotValueSource::List(values),
            default_on_null: None,
            alias,
        } => {
            let source = source(scope, table, "PIVOT")?;
            let pivot = Pivot::new(&source, aggregate_functions, value_column, values)?;
            (pivot.sql(table), alias.take())
        }
        TableFactor::Pivot { .. } => {
            return Err(QueryError::sql("PIVOT takes a list of values: PIVOT (count(*) FOR column IN ('a', 'b'))"));
        }
        TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } => {
            let source = source(scope, table, "UNPIVOT")?;
            let keep_nulls = matches!(null_inclusion, Some(NullInclusion::IncludeNulls));
            (unpivot_sql(&source, table, (value, name), columns, keep_nulls)?, alias.take())
        }
        _ => return Ok(()),
    };
    let alias = alias.unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new("lookback_turned"),
        columns: Vec::new(),
        at: None,
    });
    let subquery = Box::new(parse_query(&sql)?);
    *factor = TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None };
    Ok(())
}

fn source(scope: &mut Scope, table: &TableFactor, what: &str) -> Result<Vec<String>, QueryError> {
    scope.of_one(table).ok_or_else(|| {
        QueryError::sql(format!(
            "the columns under {what} cannot be found out; name them: (SELECT a, b FROM ...) {what} ..."
        ))
    })
}

/// A PIVOT: the columns that it groups by, and one aggregate for each value and function.
pub(super) struct Pivot {
    groups: Vec<String>,
    // Name and expression.
    turned: Vec<(String, String)>,
}

impl Pivot {
    pub(super) fn new(
        source: &[String],
        functions: &[ExprWithAlias],
        column: &[Expr],
        values: &[ExprWithAlias],
    ) -> Result<Self, QueryError> {
        let [Expr::Identifier(column)] = column else {
            return Err(QueryError::sql("PIVOT ... FOR takes one column"));
        };
        let mut used = HashSet::from([folded(column)]);
        for function in functions {
            let _: ControlFlow<()> = function.expr.visit(&mut Used(&mut used));
        }
        if functions.len() > 1 && functions.iter().any(|function| function.alias.is_none()) {
            return Err(QueryError::sql("each aggregate of a PIVOT needs an alias if there are several"));
        }
        let mut turned = Vec::new();
        for value in values {
            let name = match (&value.alias, literal_text(&value.expr)) {
                (Some(alias), _) => folded(alias),
                (None, Some(text)) => text.to_lowercase(),
                (None, None) => value.expr.to_string().to_lowercase(),
            };
            let matches = match is_null(&value.expr) {
                true => format!("{} IS NULL", quoted(&folded(column))),
                false => format!("{} = {}", quoted(&folded(column)), value.expr),
            };
            for function in functions {
                let Expr::Function(call) = &function.expr else {
                    return Err(QueryError::sql(format!("PIVOT takes an aggregate function, not {}", function.expr)));
                };
                if call.over.is_some() || call.filter.is_some() {
                    return Err(QueryError::sql(format!("PIVOT takes a plain aggregate function, not {call}")));
                }
                let name = match &function.alias {
                    Some(alias) => format!("{name}_{}", folded(alias)),
                    None => name.clone(),
                };
                turned.push((name, format!("{call} FILTER (WHERE {matches})")));
            }
        }
        let groups = source.iter().filter(|column| !used.contains(*column)).cloned().collect();
        Ok(Self { groups, turned })
    }

    pub(super) fn output_columns(&self) -> Vec<String> {
        self.groups.iter().chain(self.turned.iter().map(|(name, _)| name)).cloned().collect()
    }

    fn sql(&self, table: &TableFactor) -> String {
        let groups: Vec<String> = self.groups.iter().map(|column| quoted(column)).collect();
        let turned = self.turned.iter().map(|(name, expr)| format!("{expr} AS {}", quoted(name)));
        let items: Vec<String> = groups.iter().cloned().chain(turned).collect();
        let by = if groups.is_empty() { String::new() } else { format!(" GROUP BY {}", groups.join(", ")) };
        format!("SELECT {} FROM {table}{by}", items.join(", "))
    }
}

/// The columns that an UNPIVOT gives.
pub(super) fn unpivoted(
    source: &[String],
    value: &Expr,
    name: &Ident,
    columns: &[ExprWithAlias],
) -> Result<Vec<String>, QueryError> {
    let Expr::Identifier(value) = value else {
        return Err(QueryError::sql(format!("UNPIVOT gives one column of values, and {value} is not a name")));
    };
    let mut turned = HashSet::new();
    for column in columns {
        let Expr::Identifier(column) = &column.expr else {
            return Err(QueryError::sql(format!("UNPIVOT takes names of columns, not {}", column.expr)));
        };
        turned.insert(folded(column));
    }
    let kept = source.iter().filter(|column| !turned.contains(*column)).cloned();
    Ok(kept.chain([folded(name), folded(value)]).collect())
}

fn unpivot_sql(
    source: &[String],
    table: &TableFactor,
    (value, name): (&Expr, &Ident),
    columns: &[ExprWithAlias],
    keep_nulls: bool,
) -> Result<String, QueryError> {
    let mut output: Vec<String> =
        unpivoted(source, value, name, columns)?.iter().map(|column| quoted(column)).collect();
    let (Some(value), Some(name)) = (output.pop(), output.pop()) else {
        return Err(QueryError::sql("UNPIVOT takes a list of columns"));
    };
    let mut names = Vec::new();
    let mut choices = String::new();
    for (number, column) in columns.iter().enumerate() {
        let label = match &column.alias {
            Some(alias) => alias.value.clone(),
            None => column.expr.to_string().trim_matches('"').to_lowercase(),
        };
        names.push(format!("({number}, {})", text_literal(label)));
        choices.push_str(&format!(" WHEN {number} THEN {SOURCE}.{}", column.expr));
    }
    let kept: String = output.iter().map(|column| format!("{SOURCE}.{column}, ")).collect();
    let all = format!(
        "SELECT {kept}{NAMES}.name AS {name}, CASE {NAMES}.number{choices} END AS {value} \
         FROM (SELECT * FROM {table}) AS {SOURCE} CROSS JOIN (VALUES {}) AS {NAMES} (number, name)",
        names.join(", ")
    );
    Ok(if keep_nulls { all } else { format!("SELECT * FROM ({all}) AS {SOURCE} WHERE {value} IS NOT NULL") })
}

fn quoted(name: &str) -> String {
    Ident::with_quote('"', name).to_string()
}

/// Collects the names of columns.
struct Used<'a>(&'a mut HashSet<String>);

impl Visitor for Used<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => {
                self.0.insert(folded(name));
            }
            Expr::CompoundIdentifier(path) => self.0.extend(path.last().map(folded)),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
