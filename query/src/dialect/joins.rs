//! A warning about scripts that were written for one cluster: ids of queries, transactions and processes repeat from cluster
//! to cluster, so a join on them, or a group by them, needs `cluster_id` beside them.
//!
//! Looked at are the tables of each FROM. Tables are of one cluster if a condition says so: `cluster_id` joined with
//! `cluster_id`, or both compared with the same text. A sub-query or a table of `WITH` counts like the log tables in it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use lookback_schemas::names::CLUSTER_ID;
use lookback_schemas::registry;
use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, Query, Select, SelectItem, SetExpr,
    TableFactor, TableWithJoins, Value, ValueWithSpan, Visit, Visitor,
};

use super::Notice;

/// Columns whose values repeat from cluster to cluster.
const IDS: [&str; 3] = ["query", "xid", "pid"];

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

/// A table of a FROM with rows of log tables.
#[derive(Debug, Clone)]
struct Source {
    name: String,
    logs: bool,
    /// The one cluster that its rows are of.
    cluster: Option<String>,
    /// Whether it has the column `cluster_id`.
    shows_cluster: bool,
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

/// The node of a cluster's name among those of tables; no table's name begins like that.
fn literal(cluster: &str) -> String {
    format!("'{cluster}")
}

/// The tables of one FROM, which of them are of one cluster, and which are joined on ids.
#[derive(Default)]
struct Joins {
    sources: Vec<Source>,
    // Each name points at one that it is of the same cluster with; a root points nowhere.
    same: HashMap<String, String>,
    ids: Vec<(u64, String, String, String)>,
}

impl Joins {
    fn root(&self, name: &str) -> String {
        let mut name = name;
        while let Some(next) = self.same.get(name) {
            name = next;
        }
        name.to_owned()
    }

    fn unite(&mut self, left: &str, right: &str) {
        let (left, right) = (self.root(left), self.root(right));
        if left != right {
            self.same.insert(left, right);
        }
    }

    fn cluster_of(&self, name: &str) -> Option<String> {
        let root = self.root(name);
        let mut names = self.same.iter().flat_map(|(from, to)| [from, to]);
        names.find_map(|name| name.strip_prefix('\'').filter(|_| self.root(name) == root).map(str::to_owned))
    }

    fn using(&mut self, column: &Ident, left: &[String], right: &[String]) {
        let name = column.value.to_lowercase();
        for right in right {
            if name == CLUSTER_ID {
                for left in left {
                    self.unite(left, right);
                }
            } else if IDS.contains(&name.as_str())
                && let Some(left) = left.iter().find(|left| self.sources.iter().any(|s| s.logs && s.name == **left))
            {
                self.ids.push((column.span.start.line, name.clone(), left.clone(), right.clone()));
            }
        }
    }

    /// Takes in a condition that every row fulfils.
    fn condition(&mut self, expr: &Expr) {
        match expr {
            Expr::Nested(inner) => self.condition(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.condition(left);
                self.condition(right);
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => match (left.as_ref(), right.as_ref()) {
                (Expr::Tuple(left), Expr::Tuple(right)) => {
                    for (left, right) in left.iter().zip(right) {
                        self.equal(left, right);
                    }
                }
                (left, right) => self.equal(left, right),
            },
            Expr::InList { expr, list, negated: false } => {
                if let [one] = list.as_slice() {
                    self.equal(expr, one);
                }
            }
            _ => {}
        }
    }

    fn equal(&mut self, left: &Expr, right: &Expr) {
        match (self.column(left), self.column(right), text(left), text(right)) {
            (Some((left_table, left)), Some((right_table, right)), ..) => {
                let (Some(left_table), Some(right_table)) = (left_table, right_table) else { return };
                let (l, r) = (left.value.to_lowercase(), right.value.to_lowercase());
                if l == CLUSTER_ID && r == CLUSTER_ID {
                    self.unite(&left_table, &right_table);
                } else if l == r && IDS.contains(&l.as_str()) && left_table != right_table {
                    self.ids.push((left.span.start.line, l, left_table, right_table));
                }
            }
            (Some((table, column)), None, _, Some(cluster)) | (None, Some((table, column)), Some(cluster), _)
                if column.value.eq_ignore_ascii_case(CLUSTER_ID) =>
            {
                let tables = match table {
                    Some(table) => vec![table],
                    // Without a table's name it is the column of all that were joined with USING, or of the only one.
                    None => self.sources.iter().filter(|s| s.shows_cluster).map(|s| s.name.clone()).collect(),
                };
                for table in tables {
                    self.unite(&table, &literal(cluster));
                }
            }
            _ => {}
        }
    }

    /// A column and the table that it is said to be of.
    fn column<'a>(&self, expr: &'a Expr) -> Option<(Option<String>, &'a Ident)> {
        match expr {
            Expr::Nested(inner) => self.column(inner),
            Expr::Identifier(name) => Some((None, name)),
            Expr::CompoundIdentifier(path) => match path.as_slice() {
                [.., table, name] => Some((Some(table.value.to_lowercase()), name)),
                _ => None,
            },
            _ => None,
        }
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
