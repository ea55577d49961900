//! A warning about scripts that were written for one cluster: ids of queries, transactions and processes repeat from cluster
//! to cluster, so a join on them, or a group by them, needs `cluster_id` beside them.
//!
//! Looked at are the tables of each FROM. Tables are of one cluster if a condition says so: `cluster_id` joined with
//! `cluster_id`, or both compared with the same text. A sub-query or a table of `WITH` counts like the log tables in it.

mod conditions;

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use lookback_schemas::names::CLUSTER_ID;
use lookback_schemas::registry;
use sqlparser::ast::{
    Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, Query, Select, SelectItem, SetExpr, TableFactor,
    TableWithJoins, Value, ValueWithSpan, Visit, Visitor,
};

use super::Notice;
use conditions::{Joins, Source, literal};

/// Columns whose values repeat from cluster to cluster.
const IDS: [&str; 6] = ["query", "xid", "pid", "query_id", "transaction_id", "session_id"];

/// The joins and groups of a statement that mix clusters.
pub(super) fn notices(statement: &Statement) -> Vec<Notice> {
    let mut search = Search::default();
    match statement {
        Statement::Statement(inner) => {
            let _: ControlFlow<()> = inner.visit(&mut search);
        }
        Statement::Explain(explain) => return notices(&explain.statement),
        _ => {}
    }
    search.found.sort_by_key(Notice::line);
    search.found.dedup();
    search.found
}

#[derive(Default)]
struct Search {
    // What the tables of WITH are, by name.
    frames: Vec<HashMap<String, Source>>,
    found: Vec<Notice>,
}

impl Visitor for Search {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.enter(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.frames.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let mut joins = Joins::default();
        self.select(select, &mut joins);
        for (line, column, left, right) in std::mem::take(&mut joins.ids) {
            let logs = |name: &str| joins.sources.iter().any(|source| source.logs && source.name == name);
            if logs(&left) && logs(&right) && joins.root(&left) != joins.root(&right) {
                let text = format!("joined on {column} but not on cluster_id: ids of different clusters are mixed");
                self.found.push(Notice::new(line, text));
            }
        }
        self.found.extend(grouped(select, &joins));
        ControlFlow::Continue(())
    }
}

/// A group by an id without the cluster that it is of.
fn grouped(select: &Select, joins: &Joins) -> Option<Notice> {
    let GroupByExpr::Expressions(by, _) = &select.group_by else { return None };
    if joins.sources.iter().all(|source| !source.logs || joins.cluster_of(&source.name).is_some()) {
        return None;
    }
    let item = |position: usize| match select.projection.get(position.checked_sub(1)?)? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    };
    let columns: Vec<&Ident> = by
        .iter()
        .filter_map(|expr| match expr {
            Expr::Value(ValueWithSpan { value: Value::Number(position, _), .. }) => item(position.parse().ok()?),
            other => Some(other),
        })
        .filter_map(|expr| match expr {
            Expr::Identifier(name) => Some(name),
            Expr::CompoundIdentifier(path) => path.last(),
            _ => None,
        })
        .collect();
    if columns.iter().any(|name| name.value.eq_ignore_ascii_case(CLUSTER_ID)) {
        return None;
    }
    let id = columns.iter().find(|name| IDS.contains(&name.value.to_lowercase().as_str()))?;
    let text = format!(
        "grouped by {} but not by cluster_id: rows of different clusters are put together",
        id.value.to_lowercase()
    );
    Some(Notice::new(id.span.start.line, text))
}

impl Search {
    fn enter(&mut self, query: &Query) {
        self.frames.push(HashMap::new());
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let source = self.of_query(&cte.query, cte.alias.name.value.to_lowercase());
            if let Some(frame) = self.frames.last_mut() {
                frame.insert(source.name.clone(), source);
            }
        }
    }

    fn of_query(&mut self, query: &Query, name: String) -> Source {
        self.enter(query);
        let (logs, cluster) = self.of_body(&query.body);
        self.frames.pop();
        Source { name, logs, cluster, shows_cluster: shows_cluster(&query.body) }
    }

    fn of_body(&mut self, body: &SetExpr) -> (bool, Option<String>) {
        match body {
            SetExpr::Query(query) => {
                let source = self.of_query(query, String::new());
                (source.logs, source.cluster)
            }
            SetExpr::SetOperation { left, right, .. } => {
                let (left, right) = (self.of_body(left), self.of_body(right));
                (left.0 || right.0, left.1.filter(|cluster| right.1.as_ref() == Some(cluster)))
            }
            SetExpr::Select(select) => {
                let mut joins = Joins::default();
                self.select(select, &mut joins);
                let logs: Vec<Source> = joins.sources.iter().filter(|source| source.logs).cloned().collect();
                let mut clusters = logs.iter().map(|source| joins.cluster_of(&source.name));
                let first = clusters.next().flatten();
                (!logs.is_empty(), first.filter(|one| clusters.all(|cluster| cluster.as_ref() == Some(one))))
            }
            _ => (false, None),
        }
    }

    /// The tables of a SELECT and how they are joined.
    fn select(&mut self, select: &Select, joins: &mut Joins) {
        for from in &select.from {
            self.from(from, joins);
        }
        for filter in [&select.selection, &select.qualify].into_iter().flatten() {
            joins.condition(filter);
        }
    }

    fn from(&mut self, from: &TableWithJoins, joins: &mut Joins) {
        self.factor(&from.relation, joins);
        for Join { relation, join_operator, .. } in &from.joins {
            let left: Vec<String> = joins.sources.iter().map(|source| source.name.clone()).collect();
            self.factor(relation, joins);
            let right: Vec<String> = joins.sources[left.len()..].iter().map(|source| source.name.clone()).collect();
            match constraint(join_operator) {
                Some(JoinConstraint::On(on)) => joins.condition(on),
                Some(JoinConstraint::Using(columns)) => {
                    for column in columns.iter().filter_map(|name| name.0.last()?.as_ident()) {
                        joins.using(column, &left, &right);
                    }
                }
                // All columns of the same name, cluster_id among them.
                Some(JoinConstraint::Natural) => {
                    for (left, right) in left.iter().zip(&right) {
                        joins.unite(left, right);
                    }
                }
                _ => {}
            }
        }
    }

    fn factor(&mut self, factor: &TableFactor, joins: &mut Joins) {
        let named =
            |alias: &Option<sqlparser::ast::TableAlias>| alias.as_ref().map(|alias| alias.name.value.to_lowercase());
        let source = match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let Some(table) = name.0.last().and_then(|part| part.as_ident()) else { return };
                let table = table.value.to_lowercase();
                let found = self.frames.iter().rev().find_map(|frame| frame.get(&table)).filter(|_| name.0.len() == 1);
                let logs = registry()
                    .table(&table)
                    .is_some_and(|spec| spec.columns.iter().any(|c| IDS.contains(&c.name.as_str())));
                let source = found.cloned().unwrap_or(Source { name: table, logs, cluster: None, shows_cluster: true });
                Source { name: named(alias).unwrap_or_else(|| source.name.clone()), ..source }
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let name = named(alias).unwrap_or_else(|| format!("({})", joins.sources.len()));
                self.of_query(subquery, name)
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.from(table_with_joins, joins);
                return;
            }
            _ => return,
        };
        if let Some(cluster) = &source.cluster {
            joins.unite(&source.name, &literal(cluster));
        }
        joins.sources.push(source);
    }
}

fn constraint(join: &JoinOperator) -> Option<&JoinConstraint> {
    match join {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

fn shows_cluster(body: &SetExpr) -> bool {
    let is_cluster = |name: &Ident| name.value.eq_ignore_ascii_case(CLUSTER_ID);
    match body {
        SetExpr::Select(select) => select.projection.iter().any(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => is_cluster(alias),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => is_cluster(name),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(path)) => path.last().is_some_and(is_cluster),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => true,
            _ => false,
        }),
        SetExpr::Query(query) => shows_cluster(&query.body),
        SetExpr::SetOperation { left, .. } => shows_cluster(left),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
