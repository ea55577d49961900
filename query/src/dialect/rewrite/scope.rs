//! Which columns the tables of a FROM have: those of the lake, of `WITH` and of sub-queries.

use std::collections::HashMap;

use sqlparser::ast::{
    Expr, Ident, Join, ObjectName, PivotValueSource, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, TableAlias, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

use super::pivot;

/// The columns of the tables that a statement names, by the table's name in lower case.
pub(crate) type Columns = HashMap<String, Vec<String>>;

/// A name as Redshift compares it: in lower case, quoted or not.
pub(super) fn folded(ident: &Ident) -> String {
    ident.value.to_lowercase()
}

/// A table of a FROM.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub name: Option<String>,
    /// `None` if nobody can say, as for a function.
    pub columns: Option<Vec<String>>,
}

/// The tables of `WITH` that can be seen, innermost last.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    tables: &'a Columns,
    frames: Vec<HashMap<String, Option<Vec<String>>>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(tables: &'a Columns) -> Self {
        Self { tables, frames: Vec::new() }
    }

    /// Begins a query: the tables of its `WITH` can be seen until [`Scope::leave`].
    pub(super) fn enter(&mut self, query: &Query) {
        self.frames.push(HashMap::new());
        let Some(with) = &query.with else { return };
        for cte in &with.cte_tables {
            let columns = match renamed(&cte.alias) {
                Some(columns) => Some(columns),
                None => self.of_query(&cte.query),
            };
            if let Some(frame) = self.frames.last_mut() {
                frame.insert(folded(&cte.alias.name), columns);
            }
        }
    }

    pub(super) fn leave(&mut self) {
        self.frames.pop();
    }

    /// The columns of a query's answer.
    pub(super) fn of_query(&mut self, query: &Query) -> Option<Vec<String>> {
        self.enter(query);
        let columns = self.of_body(&query.body);
        self.leave();
        columns
    }

    fn of_body(&mut self, body: &SetExpr) -> Option<Vec<String>> {
        match body {
            SetExpr::Select(select) => self.of_select(select),
            SetExpr::Query(query) => self.of_query(query),
            SetExpr::SetOperation { left, .. } => self.of_body(left),
            SetExpr::Values(values) => {
                values.rows.first().map(|row| (1..=row.content.len()).map(|n| format!("column{n}")).collect())
            }
            _ => None,
        }
    }

    fn of_select(&mut self, select: &Select) -> Option<Vec<String>> {
        let relations = self.of_from(&select.from);
        let mut columns = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => columns.push(folded(alias)),
                SelectItem::UnnamedExpr(expr) => columns.push(name_of(expr)),
                SelectItem::Wildcard(options) => {
                    for relation in &relations {
                        columns.extend(kept(relation.columns.as_ref()?, options)?);
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    let wanted = last(name)?;
                    let relation = relations.iter().find(|r| r.name.as_deref() == Some(wanted.as_str()))?;
                    columns.extend(kept(relation.columns.as_ref()?, options)?);
                }
                _ => return None,
            }
        }
        Some(columns)
    }

    /// The tables of a FROM, in order.
    pub(super) fn of_from(&mut self, from: &[TableWithJoins]) -> Vec<Relation> {
        let mut relations = Vec::new();
        for TableWithJoins { relation, joins } in from {
            self.of_factor(relation, &mut relations);
            for Join { relation, .. } in joins {
                self.of_factor(relation, &mut relations);
            }
        }
        relations
    }

    fn of_factor(&mut self, factor: &TableFactor, relations: &mut Vec<Relation>) {
        let (own, columns, alias) = match factor {
            TableFactor::Table { name, alias, args: None, .. } => (last(name), self.of_table(name), alias.as_ref()),
            TableFactor::Derived { subquery, alias, .. } => (None, self.of_query(subquery), alias.as_ref()),
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                relations.extend(self.of_from(std::slice::from_ref(table_with_joins.as_ref())));
                return;
            }
            TableFactor::Pivot { table, aggregate_functions, value_column, value_source, alias, .. } => {
                let columns = match value_source {
                    PivotValueSource::List(values) => self.of_one(table).and_then(|source| {
                        let plan = pivot::Pivot::new(&source, aggregate_functions, value_column, values).ok()?;
                        Some(plan.output_columns())
                    }),
                    _ => None,
                };
                (None, columns, alias.as_ref())
            }
            TableFactor::Unpivot { table, value, name, columns, alias, .. } => {
                let output = self.of_one(table).and_then(|source| pivot::unpivoted(&source, value, name, columns).ok());
                (None, output, alias.as_ref())
            }
            TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Table { alias, .. } => (None, None, alias.as_ref()),
            _ => (None, None, None),
        };
        let columns = alias.and_then(renamed).or(columns);
        relations.push(Relation { name: alias.map(|alias| folded(&alias.name)).or(own), columns });
    }

    /// The columns of one table of a FROM.
    pub(super) fn of_one(&mut self, factor: &TableFactor) -> Option<Vec<String>> {
        let mut relations = Vec::new();
        self.of_factor(factor, &mut relations);
        relations.into_iter().next()?.columns
    }

    fn of_table(&self, name: &ObjectName) -> Option<Vec<String>> {
        let table = last(name)?;
        if name.0.len() == 1
            && let Some(found) = self.frames.iter().rev().find_map(|frame| frame.get(&table))
        {
            return found.clone();
        }
        self.tables.get(&table).cloned()
    }
}

fn renamed(alias: &TableAlias) -> Option<Vec<String>> {
    (!alias.columns.is_empty()).then(|| alias.columns.iter().map(|column| folded(&column.name)).collect())
}

fn last(name: &ObjectName) -> Option<String> {
    name.0.last()?.as_ident().map(folded)
}

/// The name of a column without alias; an expression has a name that no one can write.
fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => folded(name),
        Expr::CompoundIdentifier(path) => path.last().map(folded).unwrap_or_default(),
        Expr::Nested(inner) => name_of(inner),
        other => other.to_string(),
    }
}

/// What `*` with its options gives of these columns.
fn kept(columns: &[String], options: &WildcardAdditionalOptions) -> Option<Vec<String>> {
    use sqlparser::ast::ExcludeSelectItem as Exclude;
    if options.opt_rename.is_some() || options.opt_ilike.is_some() || options.opt_except.is_some() {
        return None;
    }
    let without: Vec<String> = match &options.opt_exclude {
        None => Vec::new(),
        Some(Exclude::Single(name)) => last(name).into_iter().collect(),
        Some(Exclude::Multiple(names)) => names.iter().filter_map(last).collect(),
    };
    Some(columns.iter().filter(|column| !without.contains(column)).cloned().collect())
}
