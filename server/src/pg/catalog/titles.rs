//! Names of columns that a statement gives none, as PostgreSQL gives them: clients look for `version`, and not for `version()`.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use sqlparser::ast::{Expr, Ident, Select, SelectItem, SetExpr, Statement};

/// The names of the columns of a query, those of its first SELECT; `None` if it has none.
pub(super) fn of(body: &SetExpr) -> Option<Vec<String>> {
    match body {
        SetExpr::Select(select) => Some(select.projection.iter().map(of_item).collect()),
        SetExpr::Query(query) => of(&query.body),
        SetExpr::SetOperation { left, .. } => of(left),
        _ => None,
    }
}

/// What sets a name apart from one that is there already, until the answer is sent: PostgreSQL may give a name twice, the planner not.
const APART: char = '\u{1}';
/// The same, of the engine's compatibility rules.
const ALIAS: &str = "__alias_";

/// The columns of an answer with the names that they have in PostgreSQL.
pub(super) fn shown(schema: &SchemaRef) -> SchemaRef {
    let own = |name: &str| {
        let name = name.split(APART).next().unwrap_or_default();
        name.strip_prefix(ALIAS).unwrap_or(name).to_owned()
    };
    if schema.fields().iter().all(|field| own(field.name()) == *field.name()) {
        return Arc::clone(schema);
    }
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_name(own(field.name())));
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// Gives names to the columns of a statement that have none.
pub(super) fn give(statement: &mut Statement) {
    if let Statement::Query(query) = statement
        && let Some(select) = first(&mut query.body)
    {
        let mut taken: HashSet<String> = select.projection.iter().filter(|item| !is_bare(item)).map(of_item).collect();
        for item in select.projection.iter_mut().filter(|item| is_bare(item)) {
            let name = of_item(item);
            let unique = (1..)
                .map(|n| if n == 1 { name.clone() } else { format!("{name}{APART}{n}") })
                .find(|name| !taken.contains(name));
            let Some(unique) = unique else { continue };
            if let SelectItem::UnnamedExpr(expr) = item {
                let alias = Ident::with_quote('"', unique.replace('"', "\"\""));
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
            taken.insert(unique);
        }
    }
}

fn first(body: &mut SetExpr) -> Option<&mut Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => first(&mut query.body),
        SetExpr::SetOperation { left, .. } => first(left),
        _ => None,
    }
}

/// Whether the planner would make up a name.
fn is_bare(item: &SelectItem) -> bool {
    matches!(item, SelectItem::UnnamedExpr(expr) if !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)))
}

fn of_item(item: &SelectItem) -> String {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
        SelectItem::UnnamedExpr(expr) => of_expr(expr),
        other => other.to_string(),
    }
}

fn of_expr(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()).unwrap_or_default(),
        Expr::Function(function) => function
            .name
            .0
            .last()
            .and_then(|part| part.as_ident())
            .map(|name| name.value.to_lowercase())
            .unwrap_or_default(),
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::Collate { expr, .. } => of_expr(expr),
        Expr::Case { .. } => "case".to_owned(),
        Expr::Exists { .. } => "exists".to_owned(),
        _ => "?column?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn columns_are_called_as_in_postgresql() {
        let sql = "SELECT pg_catalog.version(), current_user, c.oid, 1, 2, current_setting('x')::int, CASE WHEN true THEN 1 END, \
                   version() AS v FROM t";
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        give(&mut statement);
        let Statement::Query(query) = &statement else { panic!("not a query") };
        let names = ["version", "current_user", "oid", "?column?", "?column?\u{1}2", "current_setting", "case", "v"];
        assert_eq!(of(&query.body).unwrap(), names);
        let before = statement.to_string();
        give(&mut statement);
        assert_eq!(statement.to_string(), before);
        let field = |name: &str| arrow::datatypes::Field::new(name, arrow::datatypes::DataType::Utf8, true);
        let schema =
            Schema::new(names.iter().chain(&["__alias_oid", "oid"]).map(|name| field(name)).collect::<Vec<_>>());
        let schema = shown(&schema.into());
        let shown: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(shown[3..5], ["?column?", "?column?"]);
        assert_eq!(shown[8..], ["oid", "oid"]);
    }
}
